import { CacheError } from '../primitives/errors.js';

/**
 * An entity cannot be cached as it is declared, or an id or a relation is none of it: no `@CacheEntity`, a composite key given
 * as a scalar, a relation that does not exist.
 */
export class CacheEntityError extends CacheError {
  readonly code = 'CACHE_ENTITY_INVALID';
}

/** A query cannot be cached: it locks rows, shows a hidden column, or reads tables that cannot be told. */
export class CacheQueryError extends CacheError {
  readonly code = 'CACHE_QUERY_UNSUPPORTED';
}

/** An instance that came from the cache was to be saved: it may be older than the row, and would write that back. */
export class CacheReadOnlyError extends CacheError {
  readonly code = 'CACHE_ENTITY_READ_ONLY';
}
