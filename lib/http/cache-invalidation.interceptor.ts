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
import { concatMap, type Observable, tap } from 'rxjs';

import { CacheConfigError } from '../primitives/errors.js';
import { isSafe } from './addresses.js';
import { AfterInvalidation } from './after-invalidation.js';
import { looksFirst, methodsOf } from './all-handlers.js';
import { cacheNamed } from './cache-named.js';
import { changesOf } from './changes.js';
import { Exchange, type HttpRequest } from './exchange.js';
import type { Invalidated, InvalidatesResponsesOptions } from './invalidates-responses.js';
import { invalidationOf } from './metadata.js';
import { isReplayed } from './replay.js';

/**
 * Invalidates what successful responses have changed: what {@link InvalidatesResponses} names, and the addresses of requests with
 * unsafe methods (RFC 9111 4.4). It comes with the decorator; for all of an application it is an `APP_INTERCEPTOR`.
 */
@Injectable()
export class CacheInvalidationInterceptor implements NestInterceptor, OnModuleInit {
  readonly #log = new Logger('ResponseCache');

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
    if (options === undefined) return next.handle();
    const [payload] = context.getArgs<[HttpRequest]>();
    const invalidate = (result: unknown) => this.#invalidate(options, [], payload, result);
    return next.handle().pipe(concatMap((result: unknown) => invalidate(result).then(() => result)));
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
    const seen = tap((value: unknown) => {
      result = value;
      if (isReplayed(exchange.raw)) watched.off();
    });
    return watched.watch(next.handle().pipe(seen));
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

  async #invalidate(
    { tags, keys, patterns, cache }: InvalidatesResponsesOptions,
    addresses: readonly string[],
    request: HttpRequest,
    result: unknown,
  ): Promise<void> {
    const of = (names: Invalidated | undefined): readonly string[] => namesOf(names, request, result);
    await cacheNamed(this.modules, cache).invalidate(of(keys), [...addresses, ...of(tags)], of(patterns));
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

function namesOf(names: Invalidated | undefined, request: HttpRequest, result: unknown): readonly string[] {
  return typeof names === 'function' ? names(request, result) : (names ?? []);
}
