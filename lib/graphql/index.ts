export { CacheResolver, type CacheResolverOptions } from './cache-resolver.js';
export type { AudienceOptions } from './graphql-audience.js';
export { operationCache } from './operation-cache.js';
export type { OperationCacheOptions } from './operation-policy.js';
