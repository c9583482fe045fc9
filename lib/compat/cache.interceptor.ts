import { type CallHandler, type ExecutionContext, Inject, Injectable, Optional } from '@nestjs/common';
import { HttpAdapterHost, ModuleRef, ModulesContainer, Reflector } from '@nestjs/core';

import { CacheManager } from '../core/cache-manager.js';
import type { CacheResponseOptions } from '../http/cache-response-options.js';
import { RESPONSE_CACHE_DEFAULTS, ResponseCacheInterceptor } from '../http/response-cache.interceptor.js';
import { CacheConfigError } from '../primitives/errors.js';
import { Cache } from './cache.js';
import { secondsOf } from './milliseconds.js';
import { pathTags } from './response-names.js';
import { CACHE_KEY_METADATA, CACHE_MANAGER } from './tokens.js';

/** What subclasses of the other one override. */
const OVERRIDDEN = ['trackBy', 'isRequestCacheable'];

/**
 * Caches the responses to GET requests of whatever it is put before, for the `ttl` of `CacheModule.register` or of `@CacheTTL`. It is
 * {@link ResponseCacheInterceptor}: requests with `Authorization`, `Cookie` or `request.user` are not cached unless
 * `@CacheResponse({ scope })` says whose the responses are, and neither is what may not be stored. `del(path)` makes
 * the responses of a path unusable. Of RPC handlers those are cached that have a `@CacheKey` themselves.
 *
 * The application does not start, with `CacheConfigError`, when a subclass overrides `trackBy` or `isRequestCacheable`, or when
 * there are several caches without a name: it could not be told which of them has the responses.
 */
@Injectable()
export class CacheInterceptor extends ResponseCacheInterceptor {
  /** For subclasses. */
  protected readonly reflector = new Reflector();

  constructor(
    @Inject(ModuleRef) modules: ModuleRef,
    @Inject(ModulesContainer) container: ModulesContainer,
    @Inject(HttpAdapterHost) host: HttpAdapterHost,
    @Inject(CACHE_MANAGER) cache: unknown,
    @Optional() @Inject(RESPONSE_CACHE_DEFAULTS) defaults: CacheResponseOptions = {},
  ) {
    super(modules, container, host, { ...responsesIn(cache), ...defaults });
    const overridden = OVERRIDDEN.find((name) => name in this);
    if (overridden !== undefined) {
      throw new CacheConfigError(
        overridden,
        `${new.target.name}.${overridden} is not called: write @CacheResponse({ key: (request) => … }) for another key, ` +
          "scope: 'private' with identity for one response for each user, @NoCache() for what is not to be cached",
      );
    }
    const caches = [...container.values()].filter(({ providers }) => providers.has(CacheManager));
    if (caches.length > 1) {
      throw new CacheConfigError(
        'isGlobal',
        `there are ${caches.length} caches, and CacheInterceptor cannot tell which of them has the responses: import ` +
          'CacheModule.register once, with isGlobal: true, and no CacheModule.forRoot() beside it',
      );
    }
  }

  /** An RPC request may be a command: only handlers with a `@CacheKey` of their own are cached, as in the other one. */
  override intercept(
    context: ExecutionContext,
    next: CallHandler,
  ): ReturnType<ResponseCacheInterceptor['intercept']> {
    const isLeft =
      context.getType() === 'rpc' && !this.reflector.get<unknown>(CACHE_KEY_METADATA, context.getHandler());
    return isLeft ? next.handle() : super.intercept(context, next);
  }
}

/** In tests there may be something else in its place. */
function responsesIn(cache: unknown): CacheResponseOptions {
  return cache instanceof Cache
    ? { ttl: secondsOf(cache.settings.ttl), tags: pathTags, tagField: false }
    : {};
}
