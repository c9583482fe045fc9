import {
  type CallHandler,
  type ExecutionContext,
  Inject,
  Injectable,
  Logger,
  type NestInterceptor,
} from '@nestjs/common';
import { ModuleRef } from '@nestjs/core';
import { type Observable, tap } from 'rxjs';

import { processClock } from '../primitives/clock.js';
import { completedReply } from '../rpc/completed-reply.js';
import { changedAddresses, hasSucceeded, isSafe } from './addresses.js';
import { cacheNamed } from './cache-named.js';
import { Exchange, type HttpRequest } from './exchange.js';
import type { Invalidated, InvalidatesResponsesOptions } from './invalidates-responses.js';
import { invalidationOf, isRoute } from './metadata.js';
import { ResponseTap, type TapTarget } from './response-tap.js';
import { addressTag } from './route.js';

/**
 * Invalidates what successful responses have changed: what {@link InvalidatesResponses} names, and the addresses of requests with
 * unsafe methods (RFC 9111 4.4). It comes with the decorator; for all of an application it is an `APP_INTERCEPTOR`.
 *
 * What fails while it invalidates is logged, and the response is sent: the handler has done what was asked of it.
 */
@Injectable()
export class CacheInvalidationInterceptor implements NestInterceptor {
  readonly #log = new Logger('ResponseCache');
  /** Handlers whose `paths` have no effect, which was said. */
  readonly #pathless = new WeakSet<object>();

  constructor(@Inject(ModuleRef) private readonly modules: ModuleRef) {}

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
      this.#settle(place, () => this.#invalidate(options, [], request, result)),
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
    const invalidate = (): Promise<void> => {
      const own = isSafe(request.method) ? [] : changedAddresses(exchange);
      const paths = namesOf(options.paths, request, result).map((path) => addressTag(exchange.origin, path));
      return this.#invalidate(options, [...own, ...paths], request, result);
    };
    const place = `${exchange.method} ${exchange.path}`;
    ResponseTap.on(exchange.raw, new AfterInvalidation(exchange, () => this.#settle(place, invalidate)));
    return next.handle().pipe(tap((value: unknown) => (result = value)));
  }

  /** What the handler did is done: whoever has asked for it is told so, whatever becomes of the cache. */
  async #settle(place: string, invalidate: () => Promise<void>): Promise<void> {
    try {
      await invalidate();
    } catch (error) {
      this.#log.error(`${place} has succeeded, but not what it was to invalidate`, error);
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

/** Whether what was sent comes behind something else: the parent of a GraphQL field, the client of a WebSocket. */
function isBesideContext(context: ExecutionContext): boolean {
  return ['graphql', 'ws'].includes(context.getType<string>());
}

function namesOf(names: Invalidated | undefined, request: HttpRequest, result: unknown): readonly string[] {
  return typeof names === 'function' ? names(request, result) : (names ?? []);
}

/** Sends a response once what it has changed is not served any more. */
class AfterInvalidation implements TapTarget {
  readonly replaces = false;

  constructor(
    private readonly exchange: Exchange,
    private readonly invalidate: () => Promise<void>,
  ) {}

  /** Pieces go out as they come; it is on its way before the first. */
  begins(): boolean {
    void this.#finish();
    return false;
  }

  piece(): boolean {
    return false;
  }

  ended(): void {}

  whole(body: Buffer, done: (() => void) | undefined): void {
    void this.#finish().then(() => this.exchange.raw.end(body, done));
  }

  async #finish(): Promise<void> {
    if (hasSucceeded(this.exchange)) await this.invalidate();
  }
}
