import type { BreakerStats } from './breaker-recorder.js';

/**
 * A snapshot of a cache's counters; it never changes. A view (`namespace()`) shows the counters of its whole cache.
 *
 * One read is one key asked for by `get`, `getOrSet`, `getMany`, `getOrSetMany` or a decorated method (`has` and `peek`
 * are not counted). Counted in the same moment in which it is decided, each read is one of hit, coalesced or miss, so at
 * any time
 *
 * - `hits = memory.hits + redis.hits`
 * - `reads = hits + coalesced + misses + (reads under way)`
 * - `loads = succeeded loads + failedLoads + loadsRunning`
 * - `memory.hits + memory.misses` = reads that asked the memory tier, likewise for `redis`
 */
export interface CacheStats {
  /** When counting began, ISO 8601. */
  readonly since: string;
  readonly reads: number;
  readonly hits: number;
  /** Reads that no tier could answer and that joined no load. */
  readonly misses: number;
  /** Reads that joined a load that was already running. */
  readonly coalesced: number;
  /** `hits / (hits + coalesced + misses)`, or 0 before the first read. */
  readonly hitRate: number;
  /** Loader calls begun. One batch load counts as one. */
  readonly loads: number;
  readonly failedLoads: number;
  readonly loadsRunning: number;
  /** Milliseconds spent in loads that have ended, failed ones included. */
  readonly loadTimeMs: number;
  /** Loads whose result was not stored because an invalidation came after they had begun, or their lease was lost. */
  readonly refusedFills: number;
  /** Searches and loads whose key, a prefix of it or a matching pattern was invalidated meanwhile: later readers did not share them. */
  readonly brokenFlights: number;
  /** Calls that invalidated something, and `set`s. */
  readonly invalidations: number;
  /** Absent when the memory tier is off. */
  readonly memory?: MemoryStats;
  /** Absent without Redis. */
  readonly redis?: RedisStats;
  /** Absent without Redis. */
  readonly coherence?: CoherenceStats;
}

/** How this instance gets on with the others. All times in milliseconds. */
export interface CoherenceStats {
  /** Names this instance in events and messages. */
  readonly instance: string;
  /** Whether the others were heard of within `maxStaleness`. */
  readonly inContact: boolean;
  /** How long ago this instance last knew of everything the others had invalidated; absent if it never did.
   * In normal times up to two heartbeats (a quarter of `maxStaleness` each, 1 second at most). */
  readonly sinceContactMs?: number;
  /** Invalidations of other instances that were applied here. */
  readonly received: number;
  /** How long the last of those took from Redis to here, by Redis' clock as this process knows it … */
  readonly lagMs: number;
  /** … and the slowest one. */
  readonly longestLagMs: number;
  /** How often memory was emptied because invalidations were missed, or may have been. The beginning is not counted. */
  readonly resyncs: number;
  /** Reads that waited for the load of another instance … */
  readonly leaseWaits: number;
  /** … and how long, all together. */
  readonly leaseWaitMs: number;
  /** Keys, tags and patterns that wait to be told to Redis. */
  readonly queued: number;
}

/** What happened in one tier. */
export interface TierStats {
  readonly hits: number;
  readonly misses: number;
  /**
   * Values served after their ttl: at once, which is a hit, or in place of a load that failed or took too long, which is a
   * miss or coalesced.
   */
  readonly staleHits: number;
  /** Entries written, backfills included. */
  readonly writes: number;
}

/** What happened in memory, and what it holds. */
export interface MemoryStats extends TierStats {
  /** Entries dropped for room, by the limit that was reached. */
  readonly evictions: { readonly maxSize: number; readonly maxBytes: number };
  /** Entries dropped for age. */
  readonly expirations: number;
  /** Entries held now, expired ones included that nobody has found yet. */
  readonly entries: number;
  /** The encoded size of the entries held now. */
  readonly bytes: number;
}

/** What happened in Redis, as far as this instance is concerned. */
export interface RedisStats extends TierStats, BreakerStats {
  /** Calls to Redis that failed, those not counted that a breaker kept from being made. A failed read also counts as a miss. */
  readonly errors: number;
  /** Entries whose bytes could not be read. Each also counts as a miss. */
  readonly corrupt: number;
}
