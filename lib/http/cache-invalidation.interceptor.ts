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
import { type Observable, tap } from 'rxjs';

import { processClock } from '../primitives/clock.js';
import { CacheConfigError } from '../primitives/errors.js';
import { completedReply } from '../rpc/completed-reply.js';
import { isSafe } from './addresses.js';
import { AfterInvalidation } from './after-invalidation.js';
import { looksFirst, methodsOf } from './all-handlers.js';
import { cacheNamed } from './cache-named.js';
import { changesBeyondHttp, changesOf, type Invalidation } from './changes.js';
import { Exchange, type HttpRequest } from './exchange.js';
import type { InvalidatesResponsesOptions } from './invalidates-responses.js';
import { invalidationOf, isRoute } from './metadata.js';

/**
 * Invalidates what successful responses have changed: what {@link InvalidatesResponses} names, and the addresses of requests with
 * unsafe methods (RFC 9111 4.4). It comes with the decorator; for all of an application it is an `APP_INTERCEPTOR`.
 *
 * What fails while it invalidates is logged, and the response is sent: the handler has done what was asked of it.
 */
@Injectable()
export class CacheInvalidationInterceptor implements NestInterceptor, OnModuleInit {
  readonly #log = new Logger('ResponseCache');
  /** Handlers whose `paths` have no effect, which was said. */
  readonly #pathless = new WeakSet<object>();

  constructor(
    @Inject(ModuleRef) private readonly modules: ModuleRef,
    @Inject(ModulesContainer) private readonly container: ModulesContainer,
  ) {}

  /** Finds out that there is no cache of a name before the first request does. */
  onModuleInit(): void {
    if (!looksFirst(this.container, CacheInvalidationInterceptor)) return;
    for (const { controllers, providers } of this.container.values()) {
      for (const { metatype } of [...controllers.values(), ...providers.values()]) {
        if (typeof metatype !== 'function') continue;
        for (const method of methodsOf(metatype)) this.#check(metatype, method);
      }
    }
  }

  intercept(context: ExecutionContext, next: CallHandler): Observable<unknown> {
    return this.follow(context, next, undefined);
  }

  /**
   * As `intercept`, for whoever has the responses in another cache than the default one.
   * @internal
   */
  follow(context: ExecutionContext, next: CallHandler, cache: string | undefined): Observable<unknown> {
    const named = invalidationOf(context.getHandler());
    const options = named && { cache, ...named };
    if (!follows(context, options?.cache ?? cache)) return next.handle();
    if (context.getType() === 'http') return this.#http(context, next, options ?? { cache });
    return options === undefined ? next.handle() : this.#elsewhere(context, next, options);
  }

  /** Replies of microservices, mutations, events: there is no status, so that whatever is no error is a success. */
  #elsewhere(
    context: ExecutionContext,
    next: CallHandler,
    options: InvalidatesResponsesOptions,
  ): Observable<unknown> {
    const handler = context.getHandler();
    const place = `${context.getClass().name}.${handler.name}`;
    if (options.paths !== undefined && !isRoute(handler) && !this.#pathless.has(handler)) {
      this.#pathless.add(handler);
      this.#log.warn(
        `@InvalidatesResponses on ${place}: paths have no effect, since only a request by HTTP says on which host they are. Name tags`,
      );
    }
    const request = context.getArgByIndex<HttpRequest>(isBesideContext(context) ? 1 : 0);
    return completedReply(next.handle(), processClock, (result) =>
      this.#settle(place, () =>
        changesBeyondHttp(request, options, cacheNamed(this.modules, options.cache), result),
      ),
    );
  }

  #http(
    context: ExecutionContext,
    next: CallHandler,
    options: InvalidatesResponsesOptions,
  ): Observable<unknown> {
    const http = context.switchToHttp();
    const request = http.getRequest<HttpRequest>();
    if (isSafe(request.method) && invalidationOf(context.getHandler()) === undefined) return next.handle();
    const exchange = new Exchange(request, http.getResponse());
    let result: unknown;
    const changes = () => changesOf(exchange, options, cacheNamed(this.modules, options.cache), result);
    const watched = AfterInvalidation.on(exchange, changes, this.#log);
    return watched.watch(next.handle().pipe(tap((value: unknown) => (result = value))));
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

  /** What the handler did is done: whoever has asked for it is told so, whatever becomes of the cache. */
  async #settle(place: string, changes: () => Invalidation): Promise<void> {
    const failures: unknown[] = [];
    try {
      const { failures: own, run } = changes();
      failures.push(...own);
      await run();
    } catch (error) {
      failures.push(error);
    }
    if (failures.length > 0)
      this.#log.error(`${place} has succeeded, but not what it was to invalidate`, ...failures);
  }
}

/** Calls of handlers, and the caches for which an interceptor further out follows them. */
const FOLLOWED = new WeakMap<ExecutionContext, Set<string | undefined>>();

/** Whether this is the first to follow a call for this cache. */
function follows(context: ExecutionContext, cache: string | undefined): boolean {
  const caches = FOLLOWED.get(context) ?? new Set();
  FOLLOWED.set(context, caches);
  if (caches.has(cache)) return false;
  caches.add(cache);
  return true;
}

/** Whether what was sent comes behind something else: the parent of a GraphQL field, the client of a WebSocket. */
function isBesideContext(context: ExecutionContext): boolean {
  return ['graphql', 'ws'].includes(context.getType<string>());
}
