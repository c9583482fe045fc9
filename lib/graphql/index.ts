export { CacheResolver, type CacheResolverOptions } from './cache-resolver.js';
export type { AudienceOptions } from './graphql-audience.js';
export { operationCache, type OperationCacheOptions } from './operation-cache.js';
