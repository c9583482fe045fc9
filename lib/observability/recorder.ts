import { channel, type Channel } from 'node:diagnostics_channel';

import { CacheStoreError } from '../primitives/errors.js';
import { BreakerRecorder } from './breaker-recorder.js';
import { type CoherenceGauge, CoherenceRecorder, type InvalidationKind } from './coherence-recorder.js';
import type { CacheOutcome, StaleReason, TierName } from './outcome.js';
import type { CacheStats } from './stats.js';
import { TierCounters } from './tier-counters.js';

/** The name of the `node:diagnostics_channel` on which every {@link CacheOutcome} of every cache is published. */
export const DIAGNOSTICS_CHANNEL = 'nestjs-tiered-cache';

/** What the memory tier holds at the moment of a snapshot. */
export interface MemoryGauge {
  readonly entries: number;
  readonly bytes: number;
}

/**
 * Takes every outcome, in one place: counts it, and publishes it if somebody listens. Without a listener an outcome is
 * one increment and no object is made.
 */
export class Recorder {
  readonly #memory = new TierCounters();
  readonly #redis = new TierCounters();
  readonly #channel: Channel = channel(DIAGNOSTICS_CHANNEL);
  readonly #since = new Date().toISOString();
  #reads = 0;
  #misses = 0;
  #coalesced = 0;
  #loads = 0;
  #loaded = 0;
  #failedLoads = 0;
  #loadTimeMs = 0;
  #refusedFills = 0;
  #brokenFlights = 0;
  #invalidations = 0;
  #evictedForEntries = 0;
  #evictedForBytes = 0;
  #expirations = 0;
  #errors = 0;
  #corrupt = 0;

  readonly coherence: CoherenceRecorder;
  readonly breakers: BreakerRecorder;

  /** @param instance tells this instance of the cache from the others */
  constructor(
    private readonly cache: string,
    instance: string,
  ) {
    const publish = (outcome: Omit<CacheOutcome, 'cache'>): void => {
      if (this.#channel.hasSubscribers) this.#publish(outcome);
    };
    this.coherence = new CoherenceRecorder(instance, publish);
    this.breakers = new BreakerRecorder(publish);
  }

  /** Whether somebody listens to outcomes. */
  get isWatched(): boolean {
    return this.#channel.hasSubscribers;
  }

  /** A read answered from memory: the only outcome on the path of a memory hit. */
  memoryHit(key: string): void {
    this.#reads++;
    this.#memory.hits++;
    if (this.#channel.hasSubscribers) this.#publish({ outcome: 'hit', tier: 'memory', key });
  }

  /** A read that memory could not answer goes on. @param asked whether memory was asked at all */
  readBegins(key: string, asked: boolean): void {
    this.#reads++;
    if (!asked) return;
    this.#memory.misses++;
    if (this.#channel.hasSubscribers) this.#publish({ outcome: 'miss', tier: 'memory', key });
  }

  redisHit(key: string): void {
    this.#redis.hits++;
    if (this.#channel.hasSubscribers) this.#publish({ outcome: 'hit', tier: 'redis', key });
  }

  redisMiss(key: string): void {
    this.#redis.misses++;
    if (this.#channel.hasSubscribers) this.#publish({ outcome: 'miss', tier: 'redis', key });
  }

  /** A read that is answered at once with an expired value, see {@link stale}. @param begun whether {@link readBegins} was called */
  staleHit(tier: TierName, begun: boolean): void {
    if (!begun) this.#reads++;
    this.#of(tier).hits++;
  }

  /** An expired value was served; the read itself is counted otherwise. */
  stale(tier: TierName, key: string, reason: StaleReason): void {
    this.#of(tier).staleHits++;
    if (this.#channel.hasSubscribers) this.#publish({ outcome: 'stale', tier, key, reason });
  }

  /** A read that no tier could answer. */
  miss(): void {
    this.#misses++;
  }

  coalesced(key: string): void {
    this.#coalesced++;
    if (this.#channel.hasSubscribers) this.#publish({ outcome: 'coalesced', key });
  }

  loadBegins(): void {
    this.#loads++;
  }

  /** @param key `undefined` for a batch */
  loadEnds(key: string | undefined, durationMs: number): void {
    this.#loaded++;
    this.#loadTimeMs += durationMs;
    if (this.#channel.hasSubscribers) this.#publish({ outcome: 'load', key, durationMs });
  }

  loadFails(key: string | undefined, durationMs: number, error: unknown): void {
    this.#failedLoads++;
    this.#loadTimeMs += durationMs;
    if (this.#channel.hasSubscribers) this.#publish({ outcome: 'load-failed', key, durationMs, error });
  }

  fillRefused(key: string): void {
    this.#refusedFills++;
    if (this.#channel.hasSubscribers) this.#publish({ outcome: 'fill-refused', key });
  }

  written(tier: TierName, key: string): void {
    this.#of(tier).writes++;
    if (this.#channel.hasSubscribers) this.#publish({ outcome: 'write', tier, key });
  }

  evicted(key: string, reason: 'maxSize' | 'maxBytes'): void {
    if (reason === 'maxSize') this.#evictedForEntries++;
    else this.#evictedForBytes++;
    if (this.#channel.hasSubscribers) this.#publish({ outcome: 'evicted', tier: 'memory', key, reason });
  }

  expired(key: string): void {
    this.#expirations++;
    if (this.#channel.hasSubscribers) this.#publish({ outcome: 'expired', tier: 'memory', key });
  }

  /**
   * One call that invalidated something.
   * @param what the keys, tags or patterns it named
   * @param clock the number Redis gave it, if it was told
   * @param entries how many memory dropped, if that is known
   */
  invalidated(
    reason: InvalidationKind,
    what: readonly string[],
    clock: number | undefined,
    entries: number | undefined,
  ): void {
    this.#invalidations++;
    if (!this.#channel.hasSubscribers) return;
    const origin = this.coherence.instance;
    this.#publish({
      outcome: 'invalidated',
      reason,
      what,
      origin,
      entries,
      ...(clock !== undefined && { clock }),
    });
  }

  /** An invalidation came while a key was being looked for or loaded. */
  flightBroken(key: string): void {
    this.#brokenFlights++;
    if (this.#channel.hasSubscribers) this.#publish({ outcome: 'flight-broken', key });
  }

  /** Another instance of the namespace was set up differently. */
  settingsDiffer(reason: string): void {
    if (this.#channel.hasSubscribers) this.#publish({ outcome: 'settings-differ', reason });
  }

  corrupt(key: string, error: unknown): void {
    this.#corrupt++;
    if (this.#channel.hasSubscribers) this.#publish({ outcome: 'corrupt', tier: 'redis', key, error });
  }

  redisFailed(error: unknown): void {
    // A call that was not even made.
    if (error instanceof CacheStoreError && error.trouble === 'given-up') return;
    this.#errors++;
    if (this.#channel.hasSubscribers) this.#publish({ outcome: 'tier-failed', tier: 'redis', error });
  }

  /**
   * @param memory what memory holds, or `undefined` when there is no memory tier
   * @param coherence how things stand with Redis, or `undefined` when there is none
   */
  snapshot(memory: MemoryGauge | undefined, coherence: CoherenceGauge | undefined): CacheStats {
    const hits = this.#memory.hits + this.#redis.hits;
    const decided = hits + this.#coalesced + this.#misses;
    const evictions = { maxSize: this.#evictedForEntries, maxBytes: this.#evictedForBytes };
    return Object.freeze({
      since: this.#since,
      reads: this.#reads,
      hits,
      misses: this.#misses,
      coalesced: this.#coalesced,
      hitRate: decided === 0 ? 0 : hits / decided,
      loads: this.#loads,
      failedLoads: this.#failedLoads,
      loadsRunning: this.#loads - this.#loaded - this.#failedLoads,
      loadTimeMs: this.#loadTimeMs,
      refusedFills: this.#refusedFills,
      brokenFlights: this.#brokenFlights,
      invalidations: this.#invalidations,
      ...(memory && {
        memory: Object.freeze({
          ...this.#memory.snapshot(),
          evictions: Object.freeze(evictions),
          expirations: this.#expirations,
          entries: memory.entries,
          bytes: memory.bytes,
        }),
      }),
      ...(coherence && {
        redis: Object.freeze({
          ...this.#redis.snapshot(),
          ...this.breakers.snapshot(),
          errors: this.#errors,
          corrupt: this.#corrupt,
        }),
        coherence: this.coherence.snapshot(coherence),
      }),
    });
  }

  #of(tier: TierName): TierCounters {
    return tier === 'memory' ? this.#memory : this.#redis;
  }

  #publish(outcome: Omit<CacheOutcome, 'cache'>): void {
    this.#channel.publish({ cache: this.cache, ...outcome });
  }
}
