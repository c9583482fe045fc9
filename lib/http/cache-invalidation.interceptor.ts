import {
  type CallHandler,
  type ExecutionContext,
  Inject,
  Injectable,
  Logger,
  type NestInterceptor,
} from '@nestjs/common';
import { ModuleRef } from '@nestjs/core';
import type { Observable } from 'rxjs';

import { isSafe } from './addresses.js';
import { CachesIfAny } from './cache-named.js';
import type { HttpRequest } from './exchange.js';
import { FollowedCall } from './followed-call.js';

/**
 * Invalidates the addresses that successful requests with unsafe methods have changed (RFC 9111 4.4): their own, and those that their
 * responses name. For all of an application it is an `APP_INTERCEPTOR`; {@link InvalidatesResponses} does without it.
 *
 * What fails while it invalidates is logged, and the response is sent: the handler has done what was asked of it.
 */
@Injectable()
export class CacheInvalidationInterceptor implements NestInterceptor {
  readonly #log = new Logger('ResponseCache');
  readonly #caches: CachesIfAny;

  constructor(@Inject(ModuleRef) modules: ModuleRef) {
    this.#caches = new CachesIfAny(modules, this.#log);
  }

  intercept(context: ExecutionContext, next: CallHandler): Observable<unknown> {
    return this.follow(context, next, undefined);
  }

  /**
   * As `intercept`, for whoever has the responses in another cache than the default one.
   * @internal
   */
  follow(context: ExecutionContext, next: CallHandler, name: string | undefined): Observable<unknown> {
    if (context.getType() !== 'http') return next.handle();
    if (isSafe(context.switchToHttp().getRequest<HttpRequest>().method)) return next.handle();
    const call = FollowedCall.of(context);
    if (call.affects(name)) return next.handle();
    const cache = this.#caches.find(name, 'CacheInvalidationInterceptor');
    return cache === undefined ? next.handle() : call.follow(next, name, cache, this.#log);
  }
}
