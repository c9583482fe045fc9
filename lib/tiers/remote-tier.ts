import { EnvelopeFormat } from '../codec/envelope.js';
import type { Recorder } from '../observability/recorder.js';
import { CacheStoreError } from '../primitives/errors.js';
import type { RemoteStore, StoreEntry } from '../stores/store.js';
import { textToBytes } from './encoded.js';
import { Entry } from './entry.js';

/** An entry found in the store, with the milliseconds it has left. */
export interface Found {
  readonly entry: Entry;
  readonly ttl: number;
}

export interface RemoteWrite {
  readonly key: string;
  readonly entry: Entry;
  /** Milliseconds, at least 1. */
  readonly ttl: number;
}

/**
 * The tier that instances share. It puts entries into envelopes and keys into the namespace. Reads never fail: whatever
 * goes wrong is recorded and is a miss. Writes and removals do fail, since their caller has to know.
 */
export class RemoteTier {
  readonly #format: EnvelopeFormat;
  readonly #prefix: string;

  constructor(
    private readonly store: RemoteStore,
    namespace: string,
    codecId: string,
    private readonly recorder: Recorder,
  ) {
    this.#format = new EnvelopeFormat(codecId);
    this.#prefix = namespacePrefix(namespace);
  }

  /** What is stored under each key, in their order. @param asOf the invalidation clock before this call */
  async read(keys: readonly string[], asOf: number): Promise<(Found | undefined)[]> {
    let stored: readonly (Buffer | undefined)[];
    try {
      stored = await this.store.getMany(this.#full(keys));
    } catch (error) {
      this.recorder.redisFailed(error);
      return Array.from(keys, () => undefined);
    }
    return stored.map((bytes, i) => (bytes === undefined ? undefined : this.#open(keys[i]!, bytes, asOf)));
  }

  /** As {@link read}, for one key: the path of nearly all hits in this tier. */
  async readOne(key: string, asOf: number): Promise<Found | undefined> {
    try {
      const [bytes] = await this.store.getMany([this.#prefix + key]);
      return bytes === undefined ? undefined : this.#open(key, bytes, asOf);
    } catch (error) {
      this.recorder.redisFailed(error);
      return undefined;
    }
  }

  /** @throws CacheStoreError when the store could not be told */
  async write(writes: readonly RemoteWrite[]): Promise<void> {
    const now = this.store.now();
    const entries = writes.map(({ key, entry, ttl }): StoreEntry => ({
      key: this.#prefix + key,
      value: this.#format.seal(textToBytes(entry.bytes!), now + ttl, entry.tags),
      ttl,
    }));
    await this.#told('to store this', () => this.store.setMany(entries));
    for (const { key } of writes) this.recorder.written('redis', key);
  }

  /**
   * @returns for each key whether it was there
   * @throws CacheStoreError when the store could not be told
   */
  remove(keys: readonly string[]): Promise<boolean[]> {
    return this.#told('to delete this', () => this.store.deleteMany(this.#full(keys)));
  }

  /**
   * Removes the entries of this namespace under `prefix` whose stored key passes `matches`. Takes a scan of the
   * namespace.
   * @throws CacheStoreError when the store could not be told; what was found until then is removed
   */
  removeWhere(prefix: string, matches: (key: string) => boolean): Promise<void> {
    return this.#told('to clear this', async () => {
      for await (const batch of this.store.scan(this.#prefix + prefix)) {
        const doomed = batch.filter((full) => matches(full.slice(this.#prefix.length)));
        if (doomed.length > 0) await this.store.deleteMany(doomed);
      }
    });
  }

  /** As {@link removeWhere}, for entries that carry one of `tags`. */
  removeTagged(tags: readonly string[]): Promise<void> {
    const wanted = new Set(tags);
    return this.#told('to invalidate these tags', async () => {
      for await (const batch of this.store.scan(this.#prefix)) {
        const stored = await this.store.getMany(batch);
        const doomed = batch.filter((_, i) => stored[i] !== undefined && this.#isTagged(stored[i], wanted));
        if (doomed.length > 0) await this.store.deleteMany(doomed);
      }
    });
  }

  close(): Promise<void> {
    return this.store.close();
  }

  #full(keys: readonly string[]): string[] {
    return keys.map((key) => this.#prefix + key);
  }

  #open(key: string, bytes: Buffer, asOf: number): Found | undefined {
    try {
      const { payload, expiresAt, tags } = this.#format.open(bytes);
      const ttl = expiresAt - this.store.now();
      return ttl > 0 ? { entry: new Entry(payload, asOf, tags), ttl } : undefined;
    } catch (error) {
      this.recorder.corrupt(key, error);
      return undefined;
    }
  }

  /** An entry that cannot be read might carry any tag: it is removed, and was a miss anyway. */
  #isTagged(bytes: Buffer, wanted: ReadonlySet<string>): boolean {
    try {
      return this.#format.open(bytes).tags?.some((tag) => wanted.has(tag)) ?? false;
    } catch {
      return true;
    }
  }

  async #told<T>(operation: string, run: () => Promise<T>): Promise<T> {
    try {
      return await run();
    } catch (error) {
      this.recorder.redisFailed(error);
      throw new CacheStoreError(
        `Redis could not be told ${operation}. This process will not serve the older value from memory, but Redis and ` +
          'other instances may, until its ttl ends: do it again once Redis is back',
        { cause: error },
      );
    }
  }
}

/**
 * `shop` → `shop:`. A colon in a namespace is written `%3A`: otherwise the keys of `shop:eu` would be keys of `shop`, and
 * clearing the one would clear the other.
 */
export function namespacePrefix(namespace: string): string {
  return `${namespace.replaceAll('%', '%25').replaceAll(':', '%3A')}:`;
}
