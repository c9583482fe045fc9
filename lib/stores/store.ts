import type { ClockReading, Feed } from '../coherence/feed.js';
import type { Invalidation } from '../coherence/invalidation.js';

/**
 * Where a remote tier keeps its bytes. A store knows nothing of values, tags or policies: keys are full keys (namespace
 * included), values are opaque. Every method may reject when the store cannot be reached, and does so with
 * `CacheClosedError` after {@link RemoteStore.close}.
 *
 * A read sees every change called before it, and perhaps later ones. A change that fails rejects its own call only; but values
 * set one after the other in one tick may be stored together, and then all of them fail if one does.
 *
 * **Leases.** What lies under a key is a value or a lease: bytes that stand for a load under way, put there by a claim. Only
 * the value of a fill that names the same lease replaces it; whatever else is done to the key takes the lease away, and with
 * it the fill. A value that is being loaded anew stays readable: the lease then lies behind it, see `lease.ts`. Since lease and value share one key, they are on one node of a cluster, and no removal can miss one of them.
 */
export interface RemoteStore {
  /** The bytes of each key, in the order asked, `undefined` where there is none. Calls of one tick travel together. */
  getMany(keys: readonly string[]): Promise<(Buffer | undefined)[]>;
  /**
   * Carries out changes, those of one tick together and in the order of the calls; then, when all of them have been carried
   * out, announces an invalidation. What is announced in one tick may become one message.
   */
  change(changes: readonly Change[], announcement?: Invalidation): Promise<Changed>;
  /**
   * All keys that begin with `prefix`, in batches of bounded size, without blocking the store for long. Keys put there while
   * it runs may be missing, keys may come twice; those that were there before it was called, and still are, are found.
   * @param pause awaited between its steps, of which many may find nothing
   */
  scan(prefix: string, pause?: () => Promise<void>): AsyncIterable<string[]>;
  /** Removes those of these keys whose values are stale. @returns how many there were */
  sweep(keys: readonly string[], stale: Staleness): Promise<number>;
  /** How this process hears of what others announce. */
  readonly feed: Feed;
  /**
   * Milliseconds since 1970 by the store's own clock, as far as this process can tell. Everything that compares times of
   * several processes uses it, since their own clocks may differ.
   */
  now(): number;
  /** Ends connections that the store opened itself; a client that was handed in stays open. */
  close(): Promise<void>;
}

/** All times to live are milliseconds, at least 1. */
export type Change =
  /** Result: true. */
  | { readonly kind: 'set'; readonly key: string; readonly value: Buffer; readonly ttl: number }
  /** Removes value or lease without blocking the store. Result: whether a value was there. */
  | { readonly kind: 'remove'; readonly key: string }
  /** Puts a lease where nothing is. Result: true, or the bytes that are there. */
  | { readonly kind: 'claim'; readonly key: string; readonly lease: Buffer; readonly ttl: number }
  /**
   * Puts a lease behind the value that begins with `head` and is `length` bytes long, unless one is there that counts now. The
   * value stays at least as long as the lease counts.
   * Result: true, or the lease that is there; false if something else is under the key.
   */
  | {
      readonly kind: 'reclaim';
      readonly key: string;
      readonly head: Buffer;
      readonly length: number;
      readonly lease: Buffer;
      /** Milliseconds since 1970 by the store's clock. */
      readonly now: number;
      /** How long this lease counts. */
      readonly ttl: number;
    }
  /** Puts a value where this lease is, or in place of the value before it, if the guard admits it. Result: whether it did. */
  | {
      readonly kind: 'fill';
      readonly key: string;
      readonly lease: Buffer;
      readonly value: Buffer;
      readonly ttl: number;
      readonly guard: Guard;
    }
  /** Lets a lease live longer, `until` being in `ttl` milliseconds. Result: whether it was still there. */
  | {
      readonly kind: 'renew';
      readonly key: string;
      readonly lease: Buffer;
      readonly ttl: number;
      readonly until: number;
    }
  /** Removes this lease and leaves what is before it. Result: whether it was still there. */
  | { readonly kind: 'release'; readonly key: string; readonly lease: Buffer }
  /** Removes what is there if it begins with these bytes. Result: whether it did. */
  | { readonly kind: 'discard'; readonly key: string; readonly head: Buffer };

/** A value is stale if it begins with `head`, and has a float64, little endian, that is less than `before` at `offset`. */
export interface Staleness {
  readonly head: Buffer;
  readonly offset: number;
  readonly before: number;
}

/**
 * What a fill was loaded as of. A store whose keys and clock are in one place refuses it if one of the slots has moved since
 * or the epoch has changed; others leave that to whoever reads it.
 */
export interface Guard extends ClockReading {
  readonly hashes: readonly number[];
}

export interface Changed {
  /** One for each change, in their order. */
  readonly results: readonly (boolean | Buffer)[];
  /** The clock value that the announcement was given; `undefined` without an announcement. */
  readonly reading: ClockReading | undefined;
}
