/**
 * Where a remote tier keeps its bytes. A store knows nothing of values, tags or policies: keys are full keys (namespace
 * included), values are opaque. Every method may reject when the store cannot be reached, and does so with
 * `CacheClosedError` after {@link RemoteStore.close}.
 *
 * A read sees every write called before it, and perhaps later ones. A write that fails rejects its own call only.
 */
export interface RemoteStore {
  /** The bytes of each key, in the order asked, `undefined` where there is none. Calls of one tick travel together. */
  getMany(keys: readonly string[]): Promise<(Buffer | undefined)[]>;
  /**
   * Writes all entries. Calls of one tick travel together, in the order of the calls.
   * @param ttl milliseconds until the store forgets the entry by itself, at least 1
   */
  setMany(entries: readonly StoreEntry[]): Promise<void>;
  /** Removes keys without blocking the store; for each, in the order asked, whether it was there. */
  deleteMany(keys: readonly string[]): Promise<boolean[]>;
  /**
   * All keys that begin with `prefix`, in batches of bounded size, without blocking the store for long. Keys written
   * while it runs may be missing, keys may come twice; those written before it was called are found.
   */
  scan(prefix: string): AsyncIterable<string[]>;
  /**
   * Milliseconds since 1970 by the store's own clock, as far as this process can tell. Everything that compares times of
   * several processes uses it, since their own clocks may differ.
   */
  now(): number;
  /** Ends connections that the store opened itself; a client that was handed in stays open. */
  close(): Promise<void>;
}

export interface StoreEntry {
  readonly key: string;
  readonly value: Buffer;
  /** Milliseconds, at least 1. */
  readonly ttl: number;
}
