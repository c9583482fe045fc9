import { Inject, Injectable, Optional } from '@nestjs/common';
import { HttpAdapterHost, ModuleRef, ModulesContainer, Reflector } from '@nestjs/core';

import { CacheManager } from '../core/cache-manager.js';
import {
  type CacheResponseOptions,
  type NamedResponseOptions,
  NAMES,
} from '../http/cache-response-options.js';
import { RESPONSE_CACHE_DEFAULTS, ResponseCacheInterceptor } from '../http/response-cache.interceptor.js';
import { CacheConfigError } from '../primitives/errors.js';
import { Cache } from './cache.js';
import { CacheModule } from './cache.module.js';
import { secondsOf } from './milliseconds.js';
import { pathTags } from './response-names.js';
import { CACHE_MANAGER } from './tokens.js';

/** What subclasses of the other one override, and what to write in its place. */
const OVERRIDDEN = {
  trackBy:
    "write @CacheResponse({ key: (request) => … }) for another key, scope: 'private' with identity for one response for each user",
  isRequestCacheable: 'write @NoCache() on what is not to be cached',
  allowedMethods: 'GET and HEAD alone are answered from the cache; leave it out',
  setHeadersWhenHttp:
    'the field Cache-Status says what X-Cache did; fields that the handler sets are stored with its response',
};

/**
 * Caches the responses to GET requests of whatever it is put before, for the `ttl` of `CacheModule.register` or of `@CacheTTL`, in the
 * cache that `CACHE_MANAGER` is there. It is {@link ResponseCacheInterceptor}: requests with `Authorization`, `Cookie` or
 * `request.user` are not cached unless `@CacheResponse({ scope })` says whose the responses are, and neither is what may not be
 * stored. `del(path)` of that cache makes the responses of a path unusable. Of RPC handlers those are cached that have a `@CacheKey`
 * themselves.
 *
 * The application does not start, with `CacheConfigError`, when a subclass overrides `trackBy`, `isRequestCacheable`,
 * `allowedMethods` or `setHeadersWhenHttp`, or when there is a `CacheModule.forRoot()` without a name beside this one.
 */
@Injectable()
export class CacheInterceptor extends ResponseCacheInterceptor {
  protected readonly reflector = new Reflector();

  constructor(
    @Inject(ModuleRef) modules: ModuleRef,
    @Inject(ModulesContainer) container: ModulesContainer,
    @Inject(HttpAdapterHost) protected readonly httpAdapterHost: HttpAdapterHost,
    @Inject(CACHE_MANAGER) protected readonly cacheManager: Cache,
    @Optional() @Inject(RESPONSE_CACHE_DEFAULTS) defaults: CacheResponseOptions = {},
  ) {
    super(modulesWith(cacheManager, modules), container, httpAdapterHost, {
      ...responsesIn(cacheManager),
      ...defaults,
    });
    this.#checkOverridden();
    checkCaches(container);
  }

  override onModuleInit(): void {
    // Once more: the fields of a subclass are there only now.
    this.#checkOverridden();
    super.onModuleInit();
  }

  #checkOverridden(): void {
    for (const [name, instead] of Object.entries(OVERRIDDEN)) {
      if (!(name in this)) continue;
      throw new CacheConfigError(name, `${this.constructor.name}.${name} is not used: ${instead}`);
    }
  }
}

/** With the cache of the module that the interceptor is in, where others would find any without a name. */
function modulesWith(cache: unknown, modules: ModuleRef): ModuleRef {
  if (!(cache instanceof Cache)) return modules;
  const get = (token: never, options: never): unknown =>
    token === CacheManager ? cache.manager : modules.get<unknown>(token, options);
  return Object.create(modules, { get: { value: get } }) as ModuleRef;
}

/** @throws CacheConfigError when it could not be told which cache has the responses of `@CacheResponse` */
function checkCaches(container: ModulesContainer): void {
  const modules = [...container.values()];
  const own = modules.filter(({ metatype }) => metatype === CacheModule);
  const caches = modules.filter(({ providers }) => providers.has(CacheManager));
  if (caches.length <= Math.max(own.length, 1)) return;
  throw new CacheConfigError(
    'name',
    'there is another cache without a name beside CacheModule.register, and @CacheResponse cannot tell which of them has the ' +
      'responses: import one of them only, or give the other a name, CacheModule.forRoot({ name })',
  );
}

/** In tests there may be something else in its place. */
function responsesIn(cache: unknown): NamedResponseOptions {
  return cache instanceof Cache
    ? { ttl: secondsOf(cache.settings.ttl), [NAMES]: pathTags, tagField: false }
    : {};
}
