import type { Feed } from '../coherence/feed.js';
import type { Invalidation } from '../coherence/invalidation.js';
import type { BreakerPart, BreakerState } from '../observability/breaker-recorder.js';
import type { Recorder } from '../observability/recorder.js';
import type { Clock } from '../primitives/clock.js';
import { CacheStoreError, type StoreTrouble } from '../primitives/errors.js';
import type { Change, Changed, RemoteStore, Staleness } from '../stores/store.js';
import { CircuitBreaker } from './circuit-breaker.js';

export interface GuardedStoreParts {
  readonly store: RemoteStore;
  /** What all keys of entries begin with: as a key of its own it belongs to none, and is what probes write and read. */
  readonly prefix: string;
  readonly time: Clock;
  /** Looked at for every call. */
  readonly coarse: Pick<Clock, 'now'>;
  readonly recorder: Recorder;
  readonly onBreaker: (part: BreakerPart, state: BreakerState, reason: string | undefined) => void;
  /** Told when the store works again after it was not asked, or after {@link GuardedStore.doubt}. */
  readonly onRecovered: () => void;
}

/** The store answers, but what it is given to keep it refuses. */
const REFUSALS: ReadonlySet<StoreTrouble | undefined> = new Set(['out-of-memory', 'disk', 'replicas']);
/** What the store has to keep something for. */
const KEEPING: ReadonlySet<Change['kind']> = new Set(['set', 'claim', 'reclaim', 'fill']);
/** How long nothing may go wrong before a doubt is looked into, in milliseconds. */
const DOUBT = 1_000;
const PROBE_TTL = 1_000;
const PROBE_VALUE = Buffer.from('probe');

/**
 * The store behind two circuit breakers. One is for everything: while it is open nothing is asked, and every call fails at
 * once. The other is for what would have to be kept, since a store that is full, or cannot save, still answers reads and
 * carries out removals.
 *
 * What fails for the sake of one key or value is an answer like any other. Reads are noted by those who await them, see
 * {@link succeeded} and {@link failed}: another promise for each would be a good part of what a read costs.
 */
export class GuardedStore implements RemoteStore {
  readonly #store: RemoteStore;
  readonly #probeKey: string;
  readonly #time: Clock;
  readonly #all: CircuitBreaker;
  readonly #keeping: CircuitBreaker;
  readonly #onRecovered: () => void;
  /** What calls fail with that are not made. */
  #refusal = givenUp('asked', undefined);
  #refusalToKeep = givenUp('given anything to keep', undefined);
  /** How often something went wrong outside of any call; 0 when all is well. */
  #doubts = 0;
  #closed = false;

  constructor({ store, prefix, time, coarse, recorder, onBreaker, onRecovered }: GuardedStoreParts) {
    this.#store = store;
    this.#probeKey = prefix;
    this.#time = time;
    this.#onRecovered = onRecovered;
    const breaker = (part: BreakerPart, probe: () => Promise<void>): CircuitBreaker =>
      new CircuitBreaker(time, coarse, {
        probe,
        changed: (state, reason) => {
          recorder.breakers.changed(part, state, reason);
          onBreaker(part, state, reason);
          if (part === 'redis' && state === 'closed') this.#recovered();
        },
      });
    this.#all = breaker('redis', () => this.#probe());
    this.#keeping = breaker('writes', () => this.#probeKeeping());
  }

  get feed(): Feed {
    return this.#store.feed;
  }

  /** Whether the store is asked at all. */
  get isUsed(): boolean {
    return this.#all.admits;
  }

  now(): number {
    return this.#store.now();
  }

  close(): Promise<void> {
    this.#closed = true;
    this.#all.stop();
    this.#keeping.stop();
    return this.#store.close();
  }

  /** Not noted here. */
  getMany(keys: readonly string[]): Promise<(Buffer | undefined)[]> {
    return this.#all.admits ? this.#store.getMany(keys) : Promise.reject(this.#refusal);
  }

  async change(changes: readonly Change[], announcement?: Invalidation): Promise<Changed> {
    if (!this.#all.admits) throw this.#refusal;
    const keeps = changes.some(({ kind }) => KEEPING.has(kind));
    if (keeps && !this.#keeping.admits) throw this.#refusalToKeep;
    try {
      const changed = await this.#store.change(changes, announcement);
      this.#all.succeeded();
      if (keeps) this.#keeping.succeeded();
      return changed;
    } catch (error) {
      this.failed(error);
      this.#takeBack(changes);
      throw error;
    }
  }

  async sweep(keys: readonly string[], stale: Staleness): Promise<number> {
    if (!this.#all.admits) throw this.#refusal;
    return this.#store.sweep(keys, stale);
  }

  async *scan(prefix: string, pause?: () => Promise<void>): AsyncGenerator<string[]> {
    if (!this.#all.admits) throw this.#refusal;
    try {
      yield* this.#store.scan(prefix, pause);
    } catch (error) {
      this.failed(error);
      throw error;
    }
  }

  /** The store has answered a read. */
  succeeded(): void {
    this.#all.succeeded();
  }

  /** A call has failed. */
  failed(error: unknown): void {
    const trouble = error instanceof CacheStoreError ? error.trouble : undefined;
    if (trouble === undefined || REFUSALS.has(trouble)) {
      this.#all.succeeded();
      if (trouble === undefined) return;
      this.#keeping.failed(trouble, () => (this.#refusalToKeep = givenUp('given anything to keep', error)));
    } else if (trouble !== 'given-up') {
      this.#all.failed(trouble, () => (this.#refusal = givenUp('asked', error)));
    }
  }

  /** Something went wrong outside of any call. @param error if it concerns the whole store */
  doubt(error?: Error): void {
    if (this.#doubts++ === 0) void this.#watch();
    if (error !== undefined) this.failed(error);
  }

  /** There is a connection again: whether it can be used is found out now. */
  connected(): void {
    this.#keeping.retry();
    if (!this.#all.admits) this.#all.retry();
    else if (this.#doubts > 0) void this.#check();
  }

  /** What has gone wrong may go by without a word, as when a node of a cluster is back or has been replaced. */
  async #watch(): Promise<void> {
    while (this.#doubts > 0 && !this.#closed) {
      const doubts = this.#doubts;
      await this.#time.wait(DOUBT);
      if (doubts === this.#doubts && this.#all.admits && !this.#closed) await this.#check();
    }
  }

  async #check(): Promise<void> {
    try {
      await this.#probe();
      this.#recovered();
    } catch (error) {
      this.failed(error);
    }
  }

  #recovered(): void {
    this.#doubts = 0;
    this.#keeping.retry();
    this.#onRecovered();
  }

  /** Both go the way of calls, in one tick: the read is given up soon, and so is the probe. */
  async #probe(): Promise<void> {
    const written = this.#write().catch((error: unknown) => {
      if (!(error instanceof CacheStoreError) || error.trouble === undefined) return;
      if (!REFUSALS.has(error.trouble)) throw error;
    });
    await Promise.all([this.#store.getMany([this.#probeKey]), written]);
  }

  async #probeKeeping(): Promise<void> {
    await Promise.all([this.#store.getMany([this.#probeKey]), this.#write()]);
  }

  #write(): Promise<Changed> {
    const key = this.#probeKey;
    return this.#store.change([
      { kind: 'set', key, value: PROBE_VALUE, ttl: PROBE_TTL },
      { kind: 'remove', key },
    ]);
  }

  /** Leases that were perhaps granted nevertheless: nobody will fill them, and others would wait for that. */
  #takeBack(changes: readonly Change[]): void {
    const releases = changes.flatMap((change): Change[] =>
      change.kind === 'claim' || change.kind === 'reclaim'
        ? [{ kind: 'release', key: change.key, lease: change.lease }]
        : [],
    );
    if (releases.length > 0) this.#store.change(releases).catch(() => {});
  }
}

function givenUp(what: string, why: unknown): CacheStoreError {
  const because = why instanceof Error ? `, since calls failed: ${why.message}` : '';
  return new CacheStoreError(`Redis is not ${what} for the time being${because}`, {
    trouble: 'given-up',
    cause: why,
  });
}
