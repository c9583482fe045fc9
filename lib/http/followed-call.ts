import type { CallHandler, ExecutionContext, Logger } from '@nestjs/common';
import { type Observable, tap } from 'rxjs';

import type { CacheManager } from '../core/cache-manager.js';
import { AfterInvalidation } from './after-invalidation.js';
import { type Affected, changesOf } from './changes.js';
import { Exchange, type HttpRequest } from './exchange.js';
import { invalidationOf } from './metadata.js';

const CALLS = new WeakMap<ExecutionContext, FollowedCall>();

/** A call of a handler by HTTP, and the caches in which it changes something. Several interceptors may follow it: the first of them watches. */
export class FollowedCall {
  readonly #affected = new Map<string | undefined, Affected>();
  #result: unknown;

  static of(context: ExecutionContext): FollowedCall {
    const known = CALLS.get(context) ?? new FollowedCall(context);
    CALLS.set(context, known);
    return known;
  }

  private constructor(private readonly context: ExecutionContext) {}

  /** Whether what the handler's decorator names is changed somewhere. */
  get isNamed(): boolean {
    return [...this.#affected.values()].some(({ isNamed }) => isNamed);
  }

  affects(name: string | undefined): boolean {
    return this.#affected.has(name);
  }

  /** Has what is changed invalidated in one more cache: addresses, and what the decorator names unless that is for another one. */
  follow(next: CallHandler, name: string | undefined, cache: CacheManager, log: Logger): Observable<unknown> {
    const options = invalidationOf(this.context.getHandler());
    const isNamed = options !== undefined && (options.cache ?? name) === name;
    const isFirst = this.#affected.size === 0;
    this.#affected.set(name, { cache, isNamed });
    if (!isFirst) return next.handle();
    const http = this.context.switchToHttp();
    const exchange = new Exchange(http.getRequest<HttpRequest>(), http.getResponse());
    const changes = () => changesOf(exchange, this.#affected.values(), options ?? {}, this.#result);
    return AfterInvalidation.on(exchange, changes, log).watch(next.handle());
  }

  /** Notes what the handler returns: of several emissions the last. */
  noting(handled: Observable<unknown>): Observable<unknown> {
    return handled.pipe(tap((value) => (this.#result = value)));
  }
}
