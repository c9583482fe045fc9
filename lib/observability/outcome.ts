/** The tiers an outcome can come from. */
export type TierName = 'memory' | 'redis';

/** Why a read was given an expired value. */
export type StaleReason = 'revalidate' | 'error' | 'timeout';

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
    /**
     * A read was given an expired value that was in `tier`; `reason` is `revalidate` (`staleWhileRevalidate`), `error` (its load
     * has failed) or `timeout` (its load took longer than `loadTimeout.soft`).
     */
    | 'stale'
    /** A read joined a load that was already running. */
    | 'coalesced'
    /** A loader finished after `durationMs`. */
    | 'load'
    /** A loader failed after `durationMs` with `error`. */
    | 'load-failed'
    /** A load's result was not stored, because an invalidation came after the load had begun, or its lease was lost. */
    | 'fill-refused'
    /** A value was written to `tier`. */
    | 'write'
    /** An entry was dropped from memory for room; `reason` is the limit that was reached. */
    | 'evicted'
    /** An entry was dropped from memory for age. */
    | 'expired'
    /**
     * The instance `origin`, this one or another, invalidated `what`: `reason` says whether that is `keys`, `tags`, a `prefix`,
     * a `pattern` or `several` of them, or keys by a `set`. `clock` is its number in Redis, absent without Redis and when Redis
     * could not be told. `entries` is how many entries memory dropped; absent for tags and prefixes when memory holds more than
     * 10,000, since it would have to look at each. If it came from another instance, `durationMs` is how long it was under way.
     */
    | 'invalidated'
    /**
     * Redis could not be told of an invalidation; `entries` keys, tags and patterns wait for it now. `reason` is `overflow` when
     * there were so many that it became a clear.
     */
    | 'queued'
    /** Redis has been told of everything that waited. */
    | 'replayed'
    /** Patterns that are no prefixes were looked for among `looked` keys in Redis; `entries` were removed. */
    | 'scanned'
    /** After a prefix or a clear, `entries` unusable ones among `looked` keys were removed from Redis in the background. */
    | 'swept'
    /**
     * Invalidations of others were missed, or may have been: `reason` is `gap`, `epoch` (the bookkeeping in Redis is gone or was
     * made anew), `lost` (a failover has lost some) or `unreadable` (a message of another version). Memory was emptied.
     */
    | 'out-of-sync'
    /** What others invalidated is known completely again, up to `clock`. `reason` as for `out-of-sync`, or `start`. */
    | 'resync'
    /** Nothing was heard of the others for longer than `maxStaleness`, or ever: only younger entries are served. */
    | 'contact-lost'
    | 'contact-regained'
    /**
     * So many calls failed that Redis is not asked for the time being; `reason` is what was wrong with it. `what` is `redis`, or
     * `writes` if it is read all the same and only not given anything to keep.
     */
    | 'breaker-opened'
    /** A probe finds out whether `what` can be used again. If it cannot, the breaker is open as before, and there is another one. */
    | 'breaker-half-open'
    /** `what` is used again. */
    | 'breaker-closed'
    /** A read waited `durationMs` for the load of another instance. */
    | 'lease-wait'
    /** The key, a prefix of it or a matching pattern was invalidated while it was being looked for or loaded. */
    | 'flight-broken'
    /** Another instance of the namespace was set up differently: `reason` says in what. */
    | 'settings-differ'
    /** Bytes in `tier` could not be read: the entry was treated as a miss. */
    | 'corrupt'
    /** A call to `tier` failed with `error`. */
    | 'tier-failed';
  readonly tier?: TierName;
  /** The key, with the prefixes of its views (`~view:key`); the namespace is not part of it. */
  readonly key?: string;
  readonly reason?: string | undefined;
  readonly what?: readonly string[];
  readonly origin?: string;
  readonly clock?: number;
  readonly entries?: number | undefined;
  readonly looked?: number;
  readonly durationMs?: number;
  readonly error?: unknown;
}
