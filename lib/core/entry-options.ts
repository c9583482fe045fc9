import type { ClassType } from '../codec/class-type.js';
import type { TierName } from '../observability/outcome.js';
import type { Duration } from '../primitives/duration.js';
import type { RefreshAhead } from '../tiers/lifetime.js';
import type { Isolation } from '../tiers/values.js';

/** How long a load may take; durations as for `ttl`. */
export interface LoadTimeout {
  soft?: Duration;
  hard?: Duration;
}

/** How one entry is stored and read. Given per call, per decorator, and as `defaults` of a cache. */
export interface EntryOptions<T = unknown> {
  /**
   * How long the entry lives: seconds as a number, or a string with a unit (`'250ms'`, `'5m'`). 0 means do not store.
   * Without it: `defaults.ttl`, else the Redis tier's ttl, else the memory tier's, else one hour.
   */
  ttl?: Duration;
  /** What `invalidateTags` finds the entry by, or a function that derives it from the value. */
  tags?: readonly string[] | ((value: T) => readonly string[]);
  /**
   * The class the value, or each element if it is an array, is an instance of. Values are stored as plain data; a reader
   * that names the class gets instances of it, its own ones on each read. Needs `class-transformer`.
   */
  type?: ClassType<T extends readonly (infer E)[] ? E : NonNullable<T>> | ClassType;
  /** How readers are kept from changing what others read; see {@link Isolation}. */
  isolation?: Isolation;
  /** The tiers that are read and written: both, unless said otherwise. */
  tiers?: readonly TierName[];
  /**
   * How long after its ttl a value is still given out at once, while one refresh runs in the background: in one process of
   * all that share Redis. Default 0. With any of these options a value stays stored beyond its ttl for the longer of
   * `staleWhileRevalidate` and `staleIfError`; an invalidated value is never given out. Durations as for `ttl`.
   */
  staleWhileRevalidate?: Duration;
  /**
   * How long after its ttl a value is given out when loading a new one fails or takes longer than `loadTimeout`. The load
   * is then not tried again for 1 s, after each further failure twice as long, up to 30 s. Default 0.
   */
  staleIfError?: Duration;
  /**
   * Has reads refresh the value in the background before it expires, one at a time: after this part of its life (0.8: in the
   * last fifth of it); or with `{ beta: 1 }` at random, the more likely the nearer its end and the longer it took to load, which
   * spreads the refreshes of processes that share no Redis. A higher beta is earlier. `false`, the default, does not; a call
   * that says so leaves the refresh to others.
   */
  refreshAhead?: RefreshAhead | false;
  /** Shortens each ttl by a random part of up to this fraction (0.1: up to a tenth), so that values stored together do not
   * expire together. Default 0. */
  jitter?: number;
  /** The ttl of `null`, in place of `ttl`. 0 means do not store it. */
  negativeTtl?: Duration;
  /**
   * How long a load may take. After `soft` its callers get an expired value, if there is one that `staleWhileRevalidate` or
   * `staleIfError` allows, and the load goes on and is stored. After `hard` it fails with `CacheLoadTimeoutError` and
   * `context.signal` is aborted; what it may return later is dropped. No limits by default.
   */
  loadTimeout?: LoadTimeout;
  /**
   * Whether a `set`, and as `defaults.strict` every invalidation, rejects with `CacheStoreError` when Redis could not be told
   * of it. Without it the call resolves, this process goes on with the new state, and Redis is told as soon as that is
   * possible. Without effect on reads. Default false.
   */
  strict?: boolean;
}

/** The names {@link EntryOptions} may hold. */
export const ENTRY_OPTION_NAMES = [
  'ttl',
  'tags',
  'type',
  'isolation',
  'tiers',
  'staleWhileRevalidate',
  'staleIfError',
  'refreshAhead',
  'jitter',
  'negativeTtl',
  'loadTimeout',
  'strict',
] as const;

/** Those of them that are durations. */
export const DURATION_NAMES = ['ttl', 'staleWhileRevalidate', 'staleIfError', 'negativeTtl'] as const;
