import {
  type CallHandler,
  type ExecutionContext,
  Inject,
  Injectable,
  Logger,
  type NestInterceptor,
  type OnModuleInit,
} from '@nestjs/common';
import { ModuleRef, ModulesContainer } from '@nestjs/core';
import type { Observable } from 'rxjs';

import { processClock } from '../primitives/clock.js';
import { CacheConfigError } from '../primitives/errors.js';
import { completedReply } from '../rpc/completed-reply.js';
import { looksFirst, methodsOf } from './all-handlers.js';
import { cacheNamed, CachesIfAny } from './cache-named.js';
import { changesBeyondHttp, complainOf } from './changes.js';
import type { HttpRequest } from './exchange.js';
import { FollowedCall } from './followed-call.js';
import type { InvalidatesResponsesOptions } from './invalidates-responses.js';
import { invalidationOf, isRoute } from './metadata.js';

/** Comes with {@link InvalidatesResponses}. */
@Injectable()
export class InvalidatesResponsesInterceptor implements NestInterceptor, OnModuleInit {
  readonly #log = new Logger('ResponseCache');
  readonly #caches: CachesIfAny;
  /** Handlers whose `paths` have no effect, which was said. */
  readonly #pathless = new WeakSet<object>();

  constructor(
    @Inject(ModuleRef) private readonly modules: ModuleRef,
    @Inject(ModulesContainer) private readonly container: ModulesContainer,
  ) {
    this.#caches = new CachesIfAny(modules, this.#log);
  }

  /** Finds out that there is no cache of a name before the first request does. */
  onModuleInit(): void {
    if (!looksFirst(this.container, InvalidatesResponsesInterceptor)) return;
    for (const { controllers, providers } of this.container.values()) {
      for (const { metatype } of [...controllers.values(), ...providers.values()]) {
        if (typeof metatype !== 'function') continue;
        for (const method of methodsOf(metatype)) this.#check(metatype, method);
      }
    }
  }

  intercept(context: ExecutionContext, next: CallHandler): Observable<unknown> {
    const options = invalidationOf(context.getHandler());
    if (options === undefined) return next.handle();
    return context.getType() === 'http'
      ? this.#http(context, next, options)
      : this.#elsewhere(context, next, options);
  }

  #http(
    context: ExecutionContext,
    next: CallHandler,
    { cache: name }: InvalidatesResponsesOptions,
  ): Observable<unknown> {
    const call = FollowedCall.of(context);
    const noting: CallHandler = { handle: () => call.noting(next.handle()) };
    if (call.affects(name)) return noting.handle();
    // Where the responses are in another cache, it is done there, and an application need not have a default one.
    const cache = this.#caches.find(name, call.isNamed ? undefined : placeOf(context));
    return cache === undefined ? noting.handle() : call.follow(noting, name, cache, this.#log);
  }

  /** Replies of microservices, mutations, events: there is no status, so that whatever is no error is a success. */
  #elsewhere(
    context: ExecutionContext,
    next: CallHandler,
    options: InvalidatesResponsesOptions,
  ): Observable<unknown> {
    const handler = context.getHandler();
    const place = placeOf(context);
    const cache = this.#caches.find(options.cache, place);
    if (cache === undefined) return next.handle();
    if (options.paths !== undefined && !isRoute(handler) && !this.#pathless.has(handler)) {
      this.#pathless.add(handler);
      this.#log.warn(
        `${place}: paths have no effect, since only a request by HTTP says on which host they are. Name tags`,
      );
    }
    const request = context.getArgByIndex<HttpRequest>(isBesideContext(context) ? 1 : 0);
    return completedReply(next.handle(), processClock, async (result) => {
      const failures = await changesBeyondHttp(request, options, cache, result)();
      if (failures.length > 0) complainOf(failures, `${context.getClass().name}.${handler.name}`, this.#log);
    });
  }

  #check(type: Function, method: Function): void {
    const cache = invalidationOf(method)?.cache;
    if (cache === undefined) return;
    try {
      cacheNamed(this.modules, cache);
    } catch (cause) {
      const place = `${type.name}.${method.name}`;
      const { message } = cause as Error;
      throw new CacheConfigError(place, `@InvalidatesResponses on ${place}: ${message}`, { cause });
    }
  }
}

function placeOf(context: ExecutionContext): string {
  return `@InvalidatesResponses on ${context.getClass().name}.${context.getHandler().name}`;
}

/** Whether what was sent comes behind something else: the parent of a GraphQL field, the client of a WebSocket. */
function isBesideContext(context: ExecutionContext): boolean {
  return ['graphql', 'ws'].includes(context.getType<string>());
}
