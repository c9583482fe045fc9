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
    /** A call invalidated `what`: `reason` says whether that is keys, tags, a prefix or a pattern, or keys by a `set`. */
    | 'invalidated'
    /** Bytes in `tier` could not be read: the entry was treated as a miss. */
    | 'corrupt'
    /** A call to `tier` failed with `error`. */
    | 'tier-failed';
  readonly tier?: TierName;
  /** The key, with the prefixes of its views (`~view:key`); the namespace is not part of it. */
  readonly key?: string;
  readonly reason?: string;
  readonly what?: readonly string[];
  readonly durationMs?: number;
  readonly error?: unknown;
}
