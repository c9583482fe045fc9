/** The tiers an outcome can come from. */
export type TierName = 'memory' | 'redis';

/**
 * One thing that happened in a cache, as published on the diagnostics channel. Holds keys, never values. A key can carry
 * whatever the application put into it, so do not use it as a metric's label.
 */
export interface CacheOutcome {
  /** The cache's name; `default` for the unnamed one. */
  readonly cache: string;
  readonly outcome:
    /** A read found a fresh value in `tier`. */
    | 'hit'
    /** A read found nothing usable in `tier`. */
    | 'miss'
    /** A read joined a load that was already running. */
    | 'coalesced'
    /** A loader finished after `durationMs`. */
    | 'load'
    /** A loader failed after `durationMs` with `error`. */
    | 'load-failed'
    /** A load's result was not stored, because an invalidation came after the load had begun. */
    | 'fill-refused'
    /** A value was written to `tier`. */
    | 'write'
    /** An entry was dropped from memory for room; `reason` is the limit that was reached. */
    | 'evicted'
    /** An entry was dropped from memory for age. */
    | 'expired'
    /** Something was invalidated: `reason` says keys, tags, prefix or pattern. */
    | 'invalidated'
    /** Bytes in `tier` could not be read: the entry was treated as a miss. */
    | 'corrupt'
    /** A call to `tier` failed with `error`. */
    | 'tier-failed';
  readonly tier?: TierName;
  readonly key?: string;
  readonly reason?: string;
  readonly durationMs?: number;
  readonly error?: unknown;
}
