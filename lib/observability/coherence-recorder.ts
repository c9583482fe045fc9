import type { CacheOutcome } from './outcome.js';
import type { CoherenceStats } from './stats.js';

/** What an invalidation names. */
export type InvalidationKind = 'keys' | 'tags' | 'prefix' | 'pattern' | 'several' | 'set';

/** How things stand at the moment of a snapshot. */
export interface CoherenceGauge {
  /** Milliseconds for which nothing was heard of the other instances; `undefined` if nothing ever was. */
  readonly sinceContactMs: number | undefined;
  readonly inContact: boolean;
  /** Keys, tags and patterns that Redis could not be told yet. */
  readonly queued: number;
}

type Publish = (outcome: Omit<CacheOutcome, 'cache'>) => void;

/** Takes what happens between the instances of a cache. None of it is on the path of a hit. */
export class CoherenceRecorder {
  #received = 0;
  #lagMs = 0;
  #longestLagMs = 0;
  #resyncs = 0;
  #leaseWaits = 0;
  #leaseWaitMs = 0;

  constructor(
    readonly instance: string,
    private readonly publish: Publish,
  ) {}

  /** Another instance has announced an invalidation. @param lagMs since it did */
  heard(
    reason: InvalidationKind,
    what: readonly string[],
    origin: string,
    clock: number,
    entries: number | undefined,
    lagMs: number,
  ): void {
    this.#received++;
    this.#lagMs = lagMs;
    this.#longestLagMs = Math.max(this.#longestLagMs, lagMs);
    this.publish({ outcome: 'invalidated', reason, what, origin, clock, entries, durationMs: lagMs });
  }

  /** Redis could not be told of an invalidation. @param size how many keys, tags and patterns wait now */
  queued(size: number, overflown: boolean): void {
    this.publish({ outcome: 'queued', entries: size, reason: overflown ? 'overflow' : undefined });
  }

  /** Redis has been told of everything that waited. */
  replayed(): void {
    this.publish({ outcome: 'replayed' });
  }

  /** Patterns were looked for among all keys. */
  scanned(what: readonly string[], looked: number, entries: number, durationMs: number): void {
    this.publish({ outcome: 'scanned', what, looked, entries, durationMs });
  }

  /** What a prefix or a clear has made unusable was tidied up in Redis. */
  swept(prefixes: readonly string[], looked: number, entries: number, durationMs: number): void {
    this.publish({
      outcome: 'swept',
      what: prefixes.map((prefix) => `${prefix}*`),
      looked,
      entries,
      durationMs,
    });
  }

  /** What was known of the others has turned out not to be what Redis has. */
  outOfSync(reason: string): void {
    this.publish({ outcome: 'out-of-sync', reason });
  }

  resynced(reason: string, clock: number): void {
    if (reason !== 'start') this.#resyncs++;
    this.publish({ outcome: 'resync', reason, clock });
  }

  contact(kept: boolean): void {
    this.publish({ outcome: kept ? 'contact-regained' : 'contact-lost' });
  }

  leaseWaited(key: string, durationMs: number): void {
    this.#leaseWaits++;
    this.#leaseWaitMs += durationMs;
    this.publish({ outcome: 'lease-wait', key, durationMs });
  }

  snapshot({ sinceContactMs, inContact, queued }: CoherenceGauge): CoherenceStats {
    return Object.freeze({
      instance: this.instance,
      inContact,
      ...(sinceContactMs !== undefined && { sinceContactMs }),
      received: this.#received,
      lagMs: this.#lagMs,
      longestLagMs: this.#longestLagMs,
      resyncs: this.#resyncs,
      leaseWaits: this.#leaseWaits,
      leaseWaitMs: this.#leaseWaitMs,
      queued,
    });
  }
}
