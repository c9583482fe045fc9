export { Cache, type CacheItem, type WrapOptions } from './cache.js';
export { CacheInterceptor } from './cache.interceptor.js';
export {
  type CacheModuleAsyncOptions,
  type CacheModuleOptions,
  type CacheOptions,
  type CacheOptions as CacheManagerOptions,
  type CacheOptionsFactory,
} from './cache-module-options.js';
export { CacheModule } from './cache.module.js';
export { CacheKey, CacheTTL } from './decorators.js';
export { CACHE_KEY_METADATA, CACHE_MANAGER, CACHE_TTL_METADATA } from './tokens.js';
