/** The injection token of the cache with the calls of cache-manager; the one that `@nestjs/cache-manager` has. */
export const CACHE_MANAGER = 'CACHE_MANAGER';
