import type { Coherence } from '../coherence/coherence.js';
import type { ClockReading } from '../coherence/feed.js';
import { type Invalidation, invalidationOf } from '../coherence/invalidation.js';
import type { Recorder } from '../observability/recorder.js';
import type { Clock } from '../primitives/clock.js';
import type { Change, Changed } from '../stores/store.js';
import type { GuardedStore } from './guarded-store.js';
import { LeaseDesk } from './lease-desk.js';
import { Leases } from './leases.js';
import { PatternSearch } from './pattern-search.js';
import { type Found, RemoteEntries, type RemoteWrite } from './remote-entries.js';
import { Sweeper } from './sweeper.js';

export interface RemoteTierParts {
  readonly store: GuardedStore;
  readonly namespace: string;
  readonly codecId: string;
  /** Tells this instance from the others, 16 hexadecimal digits. */
  readonly instance: string;
  readonly coherence: Coherence;
  readonly time: Clock;
  readonly recorder: Recorder;
}

/** What an invalidation came to in the store. */
export interface Removal {
  /** For each key whether it was there. */
  readonly removed: readonly boolean[];
  /** The clock value it was given. */
  readonly reading: ClockReading;
}

/**
 * The tier that instances share. Reads never fail: whatever goes wrong is recorded and is a miss. Writes and removals do
 * fail, since their caller has to know.
 */
export class RemoteTier {
  readonly leases: LeaseDesk;
  readonly #store: GuardedStore;
  readonly #entries: RemoteEntries;
  readonly #prefix: string;
  readonly #coherence: Coherence;
  readonly #search: PatternSearch;
  readonly #sweeper: Sweeper;
  readonly #recorder: Recorder;

  constructor({ store, namespace, codecId, instance, coherence, time, recorder }: RemoteTierParts) {
    this.#store = store;
    this.#prefix = namespacePrefix(namespace);
    this.#coherence = coherence;
    this.#recorder = recorder;
    this.#entries = new RemoteEntries(store, this.#prefix, codecId, coherence, time, recorder);
    const held = new Leases(store, time, instance);
    const remove = (keys: readonly string[]): Promise<unknown> => this.#removeStored(keys);
    this.#search = new PatternSearch(store, this.#prefix, remove, time, recorder);
    this.#sweeper = new Sweeper(store, this.#prefix, this.#entries.layout, time, recorder);
    this.leases = new LeaseDesk(store, this.#entries, held, coherence, recorder);
  }

  /** What is stored under each key, in their order. @param asOf the invalidation clock before this call */
  async read(keys: readonly string[], asOf: number): Promise<(Found | undefined)[]> {
    if (!this.#store.isUsed) return Array.from(keys, () => undefined);
    let stored: readonly (Buffer | undefined)[];
    try {
      stored = await this.#store.getMany(keys.map((key) => this.#prefix + key));
    } catch (error) {
      this.#readFailed(error);
      return Array.from(keys, () => undefined);
    }
    this.#store.succeeded();
    return stored.map((bytes, i) => (bytes === undefined ? undefined : this.#open(keys[i]!, bytes, asOf)));
  }

  /** As {@link read}, for one key: the path of nearly all hits in this tier. */
  async readOne(key: string, asOf: number): Promise<Found | undefined> {
    if (!this.#store.isUsed) return undefined;
    try {
      const [bytes] = await this.#store.getMany([this.#prefix + key]);
      this.#store.succeeded();
      return bytes === undefined ? undefined : this.#open(key, bytes, asOf);
    } catch (error) {
      this.#readFailed(error);
      return undefined;
    }
  }

  #readFailed(error: unknown): void {
    this.#store.failed(error);
    this.#recorder.redisFailed(error);
  }

  /**
   * Stores entries whatever is there, and then announces their keys.
   * @param writes at least one
   * @throws CacheStoreError when the store could not be told
   */
  async write(writes: readonly RemoteWrite[]): Promise<ClockReading> {
    const { known } = this.#coherence.shared;
    const announced = writes.map(({ key }) => key);
    const changes = writes.map((write): Change => {
      const value = this.#entries.seal(write, known);
      return { kind: 'set', key: this.#prefix + write.key, value, ttl: write.life.stale };
    });
    const { reading } = await this.#store.change(changes, invalidationOf({ keys: announced }));
    for (const { key } of writes) this.#recorder.written('redis', key);
    return reading!;
  }

  /**
   * Removes what the invalidation names and announces it, in this order: whoever hears of it finds it done.
   * @throws CacheStoreError when the store could not be told; what was found until then is removed
   */
  async invalidate(invalidation: Invalidation): Promise<Removal> {
    if (invalidation.patterns.length > 0) await this.#search.removeMatching(invalidation.patterns);
    const { results, reading } = await this.#remove(invalidation.keys, invalidation);
    const removed = results.map((result) => result === true);
    for (const prefix of invalidation.prefixes) this.#sweeper.want(prefix, reading!.clock);
    return { removed, reading: reading! };
  }

  /** Removes what was found if it is still there. Nobody waits for it. */
  discard(key: string, found: Found): void {
    this.#entries.discard(this.#prefix + key, this.#entries.headOf(found));
  }

  /** Removes an entry that turned out to be of no use. Nobody waits for it: at worst it is found again. */
  drop(key: string): void {
    this.#remove([key]).catch(() => {});
  }

  /** Milliseconds since 1970 by the store's clock. */
  now(): number {
    return this.#store.now();
  }

  close(): Promise<void> {
    this.#sweeper.close();
    return this.#store.close();
  }

  #open(key: string, bytes: Buffer, asOf: number): Found | undefined {
    const found = this.#entries.open(key, bytes, asOf);
    return typeof found === 'object' ? found : undefined;
  }

  #remove(keys: readonly string[], announcement?: Invalidation): Promise<Changed> {
    return this.#removeStored(
      keys.map((key) => this.#prefix + key),
      announcement,
    );
  }

  #removeStored(keys: readonly string[], announcement?: Invalidation): Promise<Changed> {
    const changes = keys.map((key) => ({ kind: 'remove', key }) as const);
    return this.#store.change(changes, announcement);
  }
}

/**
 * `shop` → `shop:`. A colon in a namespace is written `%3A`: otherwise the keys of `shop:eu` would be keys of `shop`, and
 * clearing the one would clear the other.
 */
export function namespacePrefix(namespace: string): string {
  return `${namespace.replaceAll('%', '%25').replaceAll(':', '%3A')}:`;
}
