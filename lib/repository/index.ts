export type { LockedRow, RowReport, TableWrite } from './changes.js';
export type {
  EntityAdapter,
  EntityId,
  EntityShape,
  InstancesPlan,
  Partition,
  Read,
  Row,
  Session,
  ValuePlan,
} from './contract.js';
export {
  type DirectRead,
  EntityCache,
  type EntityCacheParts,
  type EntityEntryOptions,
  type Listing,
} from './entity-cache.js';
export { CacheEntityError, CacheQueryError, CacheReadOnlyError } from './errors.js';
export type { ReadContext } from './read-context.js';
export { relatedTo, type RelationPlan } from './related.js';
export { WriteLog, type WriteTarget } from './write-log.js';
