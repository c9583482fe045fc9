import type { ClockReading } from '../../lib/coherence/feed.js';
import type { Invalidation } from '../../lib/coherence/invalidation.js';
import { isLease } from '../../lib/stores/lease.js';
import type { Change, Staleness } from '../../lib/stores/store.js';
import type { ManualClock } from './manual-clock.js';
import { type InstanceSettings, SteppedBookkeeping } from './stepped-bookkeeping.js';

interface Stored {
  value: Buffer;
  expiresAt: number;
}

/** The server's clock has nothing to do with that of the processes but for its pace. */
const SERVER_START = 1_700_000_000_000;

/**
 * Stands for a Redis server, or a cluster, that any number of instances use, each over a `SteppedConnection`. It does what
 * the scripts of the Redis store do.
 */
export class SteppedRedis {
  /** Entries and leases, by their full keys. */
  readonly data = new Map<string, Stored>();
  readonly books: SteppedBookkeeping;
  /** When set, everything that reaches it fails with it. */
  failure: Error | undefined;
  /** When set, it keeps nothing that it is given: that fails with it. */
  refusal: Error | undefined;
  /** Whether entries and clock are on different nodes of a cluster: then a fill cannot look at the clock. */
  readonly separateNodes: boolean;
  readonly #listeners = new Set<() => void>();

  constructor(
    readonly clock: ManualClock,
    { separateNodes = false }: { separateNodes?: boolean } = {},
  ) {
    this.separateNodes = separateNodes;
    this.books = new SteppedBookkeeping(() => this.now());
  }

  /** Milliseconds since 1970. */
  now(): number {
    return SERVER_START + this.clock.now();
  }

  /** A copy, as everything that comes over a network. */
  read(key: string): Buffer | undefined {
    const found = this.#live(key);
    return found && Buffer.from(found);
  }

  /** The full keys that hold a value; @param leases those that hold a lease instead */
  keys({ leases = false } = {}): string[] {
    return [...this.data.keys()].filter((key) => {
      const found = this.#live(key);
      return found !== undefined && isLease(found) === leases;
    });
  }

  /** All full keys that begin so, leases included. */
  scan(prefix: string): string[] {
    return [...this.data.keys()].filter((key) => key.startsWith(prefix) && this.#live(key) !== undefined);
  }

  /** @returns the result, see `Change` */
  carryOut(change: Change): boolean | Buffer {
    const { key } = change;
    const found = this.#live(key);
    switch (change.kind) {
      case 'set':
        return this.#put(key, change.value, change.ttl);
      case 'remove':
        return this.data.delete(key) && found !== undefined && !isLease(found);
      case 'claim':
        return found === undefined ? this.#put(key, change.lease, change.ttl) : Buffer.from(found);
      case 'reclaim': {
        const { head, length, lease, now, ttl } = change;
        if (found?.subarray(0, head.length).equals(head) !== true) return false;
        const behind = found.subarray(length);
        if (behind.length > 0 && behind.readDoubleLE(lease.length) > now)
          return Buffer.from(behind.subarray(0, -8));
        return this.#replace(key, Buffer.concat([found.subarray(0, length), lease, float64(now + ttl)]), ttl);
      }
      case 'renew':
        if (found?.equals(change.lease) === true) return this.#put(key, found, change.ttl);
        if (!isLeased(found, change.lease)) return false;
        return this.#replace(key, Buffer.concat([found!.subarray(0, -8), float64(change.until)]), change.ttl);
      case 'release':
        if (found?.equals(change.lease) === true) return this.data.delete(key);
        if (!isLeased(found, change.lease)) return false;
        return this.#replace(key, Buffer.concat([found!.subarray(0, -8), float64(0)]), 0);
      case 'discard': {
        // Nothing at all begins so only where nothing is in the value.
        const head = change.head.length === 0 ? found : found?.subarray(0, change.head.length);
        return head?.equals(change.head) === true && this.data.delete(key);
      }
      case 'fill': {
        if (found?.equals(change.value) === true) return true;
        if (found?.equals(change.lease) !== true && !isLeased(found, change.lease)) return false;
        if (this.separateNodes || this.books.admits(change.guard))
          return this.#put(key, change.value, change.ttl);
        return !this.data.delete(key);
      }
    }
  }

  sweep(keys: readonly string[], { head, offset, before }: Staleness): number {
    const stale = keys.filter((key) => {
      const found = this.#live(key);
      if (found === undefined || found.length < offset + 8) return false;
      return found.subarray(0, head.length).equals(head) && found.readDoubleLE(offset) < before;
    });
    for (const key of stale) this.data.delete(key);
    return stale.length;
  }

  announce(settings: InstanceSettings, invalidation: Invalidation): ClockReading {
    const reading = this.books.announce(settings, invalidation);
    this.#tell();
    return reading;
  }

  /** Calls back whenever something new is in the stream. @returns ends that */
  onMessage(listener: () => void): () => void {
    this.#listeners.add(listener);
    return () => void this.#listeners.delete(listener);
  }

  flushAll(): void {
    this.data.clear();
    this.deleteClock();
    this.deleteStream();
  }

  deleteClock(): void {
    this.books.deleteClock();
  }

  deleteStream(): void {
    this.books.deleteStream();
  }

  /** Puts a message into the stream that no instance has announced. */
  inject(body: string | undefined): void {
    this.books.inject(body);
    this.#tell();
  }

  /** @returns lets a replica take over that knows what is here now, and nothing of what comes until then */
  replicate(): () => void {
    const data = new Map(this.data);
    const takeOver = this.books.replicate();
    return () => {
      this.data.clear();
      for (const [key, stored] of data) this.data.set(key, stored);
      takeOver();
    };
  }

  #tell(): void {
    for (const listener of this.#listeners) listener();
  }

  #put(key: string, value: Buffer, ttl: number): true {
    this.data.set(key, { value, expiresAt: this.now() + ttl });
    return true;
  }

  /** @param ttl milliseconds it lives at least */
  #replace(key: string, value: Buffer, ttl: number): true {
    const { expiresAt } = this.data.get(key)!;
    this.data.set(key, { value, expiresAt: Math.max(expiresAt, this.now() + ttl) });
    return true;
  }

  #live(key: string): Buffer | undefined {
    const stored = this.data.get(key);
    return stored !== undefined && stored.expiresAt > this.now() ? stored.value : undefined;
  }
}

/** Whether a value has this lease behind it. */
function isLeased(found: Buffer | undefined, lease: Buffer): boolean {
  return found?.subarray(-lease.length - 8, -8).equals(lease) === true;
}

function float64(value: number): Buffer {
  const packed = Buffer.alloc(8);
  packed.writeDoubleLE(value);
  return packed;
}
