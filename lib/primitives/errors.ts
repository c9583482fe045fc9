/** What a `CacheError` may carry beside its message. */
export interface CacheErrorDetails {
  /** The cache key the error is about. */
  key?: string;
  /** The error that led to this one. */
  cause?: unknown;
}

/**
 * The base of every error this library throws. `code` is stable across releases: branch on it, not on the message.
 * The message says what is wrong and how to put it right.
 */
export abstract class CacheError extends Error {
  abstract readonly code: string;
  declare readonly key?: string;

  constructor(message: string, details: CacheErrorDetails = {}) {
    super(message, details.cause === undefined ? undefined : { cause: details.cause });
    this.name = new.target.name;
    // Only if there is one: an error's own properties are printed with it.
    if (details.key !== undefined) this.key = details.key;
  }
}

/**
 * Names the key that an error is about, if the error does not name one yet.
 * @returns the error
 */
export function aboutKey(error: unknown, key: string): unknown {
  if (!(error instanceof CacheError) || error.key !== undefined) return error;
  error.message += ` (key '${key}')`;
  return Object.assign(error, { key });
}

/** A module option is unknown, has the wrong type, or contradicts another. `option` names it. Thrown at start. */
export class CacheConfigError extends CacheError {
  readonly code = 'CACHE_CONFIG_INVALID';

  constructor(
    /** The path of the option, such as `memory.maxSize`. */
    readonly option: string,
    message: string,
    details?: CacheErrorDetails,
  ) {
    super(message, details);
  }
}

/** A key is not a string of 1 to 1,024 characters, or a key template could not be filled in. */
export class CacheKeyError extends CacheError {
  readonly code = 'CACHE_KEY_INVALID';
}

/** A duration is negative, NaN, or a string that is not a number with a unit. */
export class CacheDurationError extends CacheError {
  readonly code = 'CACHE_DURATION_INVALID';
}

/** A value cannot be cached: it is `undefined`, or holds something the codec cannot represent. */
export class CacheValueError extends CacheError {
  readonly code = 'CACHE_VALUE_UNSUPPORTED';
}

/** An argument other than key, value and duration is wrong: a loader that is no function, a malformed tag or pattern. */
export class CacheArgumentError extends CacheError {
  readonly code = 'CACHE_ARGUMENT_INVALID';
}

/**
 * A decorator is used wrongly: an unknown template name, unreadable parameters. Thrown when the class is defined, or at start
 * for what only the application knows.
 */
export class CacheDecoratorError extends CacheError {
  readonly code = 'CACHE_DECORATOR_INVALID';
}

/** A load took longer than `loadTimeout.hard`. Its `context.signal` was aborted, and nothing it returns is stored. */
export class CacheLoadTimeoutError extends CacheError {
  readonly code = 'CACHE_LOAD_TIMEOUT';
}

/** A loader asked for the very key it is loading, and would wait for itself for ever. */
export class CacheReentrancyError extends CacheError {
  readonly code = 'CACHE_LOAD_REENTRANT';
}

/**
 * What is wrong with Redis, not with one call:
 * - `unreachable`: there is no connection, or it was lost;
 * - `silent`: it did not answer in time;
 * - `loading`: it reads its data from disk;
 * - `busy`: a script keeps it from serving anybody;
 * - `unauthorized`: it wants other credentials, or does not permit the commands that the cache needs;
 * - `read-only`: it is a replica, perhaps since a failover;
 * - `cluster-down`: nodes of the cluster are missing, or send each other's callers round in circles;
 * - `garbled`: what it says is not what was asked for;
 * - `out-of-memory`, `disk`, `replicas`: it answers reads, but stores nothing, since its memory is full, it cannot save to
 *   disk (`MISCONF`), or replicas are missing (`NOREPLICAS`);
 * - `given-up`: one of these happened so often that it is not asked for the time being.
 */
export type StoreTrouble =
  | 'unreachable'
  | 'silent'
  | 'loading'
  | 'busy'
  | 'unauthorized'
  | 'read-only'
  | 'cluster-down'
  | 'garbled'
  | 'out-of-memory'
  | 'disk'
  | 'replicas'
  | 'given-up';

/** What a `CacheStoreError` may carry beside its message. */
export interface CacheStoreErrorDetails extends CacheErrorDetails {
  /** What is wrong with Redis as a whole. */
  trouble?: StoreTrouble | undefined;
}

/**
 * Redis could not be told of a write or an invalidation, and `strict` asks to hear of that; or it cannot be used at start,
 * and `redis.required` asks for that. `cause` is its own error.
 */
export class CacheStoreError extends CacheError {
  readonly code = 'CACHE_STORE_FAILED';
  /** What is wrong with Redis; absent when the error is about this one call. */
  declare readonly trouble?: StoreTrouble;

  constructor(message: string, details: CacheStoreErrorDetails = {}) {
    super(message, details);
    if (details.trouble !== undefined) this.trouble = details.trouble;
  }
}

/** The cache has been closed, because its application shut down. */
export class CacheClosedError extends CacheError {
  readonly code = 'CACHE_CLOSED';
}
