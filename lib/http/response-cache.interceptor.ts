import {
  type CallHandler,
  type ExecutionContext,
  Inject,
  Injectable,
  Logger,
  type NestInterceptor,
  type OnModuleInit,
  Optional,
} from '@nestjs/common';
import { HttpAdapterHost, ModuleRef, ModulesContainer } from '@nestjs/core';
import type { Server } from 'node:http';
import type { Observable } from 'rxjs';

import { isSafe } from './addresses.js';
import { handlersOf, interceptorsOf, looksFirst } from './all-handlers.js';
import { CacheInvalidationInterceptor } from './cache-invalidation.interceptor.js';
import type { CacheResponseOptions } from './cache-response-options.js';
import { Exchange, type HttpRequest } from './exchange.js';
import { Fills } from './fills.js';
import { ReplyRoutes } from './reply-routes.js';
import { ResponseCache } from './response-cache.js';
import { noteReturned } from './response-tags.js';
import { Revalidation } from './revalidation.js';
import { Routes } from './routes.js';

/** The token of what holds for all of an application. */
export const RESPONSE_CACHE_DEFAULTS = Symbol('nestjs-tiered-cache:response-defaults');

/** What an interceptor takes care of: one further in leaves it alone. To mark an object of Express itself takes ten times as long. */
const TAKEN = new WeakSet<object>();

/**
 * Answers GET and HEAD requests with stored responses, and stores what handlers answer. It comes with {@link CacheResponse}; for
 * all of an application it is an `APP_INTERCEPTOR`, with the options of `ResponseCacheModule.forRoot`.
 *
 * Guards run first, on every request. Interceptors around it see a placeholder in place of the handler's value on a hit.
 */
@Injectable()
export class ResponseCacheInterceptor implements NestInterceptor, OnModuleInit {
  readonly #routes: Routes;
  readonly #replies: ReplyRoutes;
  readonly #cache: ResponseCache;
  /** A cache forgets what a request with an unsafe method has changed (RFC 9111 4.4). */
  readonly #invalidation: CacheInvalidationInterceptor;
  readonly #log = new Logger('ResponseCache');

  constructor(
    @Inject(ModuleRef) modules: ModuleRef,
    @Inject(ModulesContainer) private readonly container: ModulesContainer,
    @Inject(HttpAdapterHost) host: HttpAdapterHost,
    @Optional() @Inject(RESPONSE_CACHE_DEFAULTS) defaults: CacheResponseOptions = {},
  ) {
    this.#invalidation = new CacheInvalidationInterceptor(modules);
    this.#replies = new ReplyRoutes(modules, container, defaults);
    this.#routes = new Routes(modules, defaults);
    const fills = new Fills((request, response) => {
      (host.httpAdapter.getHttpServer() as Server).emit('request', request, response);
    }, Date.now);
    this.#cache = new ResponseCache(fills, new Revalidation(fills, Date.now), Date.now);
  }

  /** Finds out what is wrong with the options before the first request does. */
  onModuleInit(): void {
    if (!looksFirst(this.container, this.constructor)) return;
    // What this one lacks another kind may have.
    const isAlone = interceptorsOf(this.container, ResponseCacheInterceptor).every(
      ({ constructor }) => constructor === this.constructor,
    );
    let isSaid = this.#routes.hasLifetime();
    const inVain: string[] = [];
    for (const [controller, handler] of handlersOf(this.container)) {
      this.#routes.resolve(controller, handler);
      isSaid ||= this.#routes.hasLifetime(controller, handler);
      if (this.#routes.lacksLifetime(controller, handler)) inVain.push(`${controller.name}.${handler.name}`);
    }
    if (!isAlone) return;
    for (const place of inVain) this.#complain(`the options of ${place} have no effect`);
    if (!isSaid && inVain.length === 0) this.#complain('ResponseCacheInterceptor caches nothing');
  }

  intercept(context: ExecutionContext, next: CallHandler): Observable<unknown> {
    const type = context.getType<string>();
    if (type === 'rpc') return takes(context) ? this.#replies.serve(context, next) : next.handle();
    if (type !== 'http') return this.#leave(type, next);
    const http = context.switchToHttp();
    const request = http.getRequest<HttpRequest>();
    if (!isSafe(request.method)) {
      const changed = this.#routes.changedBy(context);
      if (changed === undefined || !takes(request)) return next.handle();
      return this.#invalidation.follow(context, next, changed.cache);
    }
    const cached = this.#routes.of(context);
    if (cached === undefined) return next.handle();
    if (!takes(request)) return noteReturned(request, next.handle());
    if (request.method !== 'GET' && request.method !== 'HEAD') return next.handle();
    const exchange = new Exchange(request, http.getResponse());
    return exchange.open ? this.#cache.serve({ exchange, ...cached, next }) : next.handle();
  }

  #complain(what: string): void {
    this.#log.warn(
      `${what}: nothing says for how long. Add a ttl, such as '1m', to @CacheResponse of a controller or of one of its handlers, or to ResponseCacheModule.forRoot`,
    );
  }

  #leave(type: string, next: CallHandler): Observable<unknown> {
    if (looksFirst(this.container, type)) {
      this.#log.warn(
        `responses of the type '${type}' are not cached by ResponseCacheInterceptor: it leaves them alone`,
      );
    }
    return next.handle();
  }
}

/** Whether this is the first to see a request: another would wait for itself. */
function takes(request: object): boolean {
  if (TAKEN.has(request)) return false;
  TAKEN.add(request);
  return true;
}
