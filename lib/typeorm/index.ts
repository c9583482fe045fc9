export { CacheEntity, type CacheEntityOptions } from './cache-entity.js';
export type { CachedEntity, CachedRelation } from './cached-entity.js';
export { CachedFinder, type CachedQueryOptions } from './cached-finder.js';
export { type CachedEntityId, type CachedReadOptions, CachedRepository } from './cached-repository.js';
export {
  CachedRepositoryModule,
  type CachedRepositoryModuleOptions,
  type EntityClass,
  getCachedRepositoryToken,
  InjectCachedRepository,
} from './cached-repository.module.js';
export type { EntityEntryOptions } from '../repository/entity-cache.js';
export { CacheEntityError, CacheQueryError, CacheReadOnlyError } from '../repository/errors.js';
