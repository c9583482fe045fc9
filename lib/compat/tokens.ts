/** The injection token of the cache with the calls of cache-manager; the one that `@nestjs/cache-manager` has. */
export const CACHE_MANAGER = 'CACHE_MANAGER';

/** Where `@CacheKey` writes the name, for `Reflector`. */
export const CACHE_KEY_METADATA = 'cache_module:cache_key';

/** Where `@CacheTTL` writes the ttl, in milliseconds, for `Reflector`. */
export const CACHE_TTL_METADATA = 'cache_module:cache_ttl';
