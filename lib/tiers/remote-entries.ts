import { EnvelopeFormat } from '../codec/envelope.js';
import type { Coherence } from '../coherence/coherence.js';
import type { Recorder } from '../observability/recorder.js';
import type { Clock } from '../primitives/clock.js';
import { isLease, LEASE_END_BYTES } from '../stores/lease.js';
import type { RemoteStore } from '../stores/store.js';
import { textToBytes } from './encoded.js';
import { Entry } from './entry.js';
import type { Lifetime } from './lifetime.js';

/** An entry found in the store, be it expired. Times are milliseconds. */
export interface Found extends Omit<Lifetime, 'refresh'> {
  readonly entry: Entry;
  /** From when it was stored until it expires. */
  readonly life: number;
  readonly loadTime: number;
  /** How it is stored, perhaps with a lease behind it; `length` bytes are the entry. */
  readonly bytes: Buffer;
  readonly length: number;
}

export interface RemoteWrite {
  readonly key: string;
  readonly entry: Entry;
  /** `fresh` is at least 1. */
  readonly life: Lifetime;
  /** Milliseconds that loading it took. */
  readonly loadTime: number;
}

/**
 * Why what is stored cannot be served.
 * - `'leased'`: somebody is loading it;
 * - `'spoiled'`: invalidated, expired or unreadable, and being removed;
 * - `'untrusted'`: this process has not heard of the others for so long that it might have been invalidated.
 */
export type Refusal = 'leased' | 'spoiled' | 'untrusted';

/** Enough of a value that is no envelope to know it again. */
const FOREIGN_HEAD = 64;

/** Entries as the remote tier stores them: in envelopes, under full keys. */
export class RemoteEntries {
  readonly #format: EnvelopeFormat;
  /** Many may find the same at once. */
  readonly #discarding = new Map<string, Buffer>();

  constructor(
    private readonly store: RemoteStore,
    /** What full keys begin with. */
    readonly prefix: string,
    codecId: string,
    private readonly coherence: Coherence,
    private readonly time: Clock,
    private readonly recorder: Recorder,
  ) {
    this.#format = new EnvelopeFormat(codecId);
  }

  get layout(): EnvelopeFormat['layout'] {
    return this.#format.layout;
  }

  /** @param asOf the shared clock as of which the entry is valid */
  seal({ entry, life, loadTime }: RemoteWrite, asOf: number): Buffer {
    const now = this.store.now();
    return this.#format.seal(textToBytes(entry.bytes!), {
      epoch: this.coherence.shared.epoch,
      asOf,
      bornAt: now - (this.time.now() - entry.bornAt),
      expiresAt: now + life.fresh,
      staleUntil: now + life.stale,
      loadTime,
      tags: entry.tags,
    });
  }

  /**
   * The entry, if it may be served now, at least to those who take an expired one. What will never be usable again is removed.
   * @param asOf the clock of this process before the store was asked
   */
  open(key: string, bytes: Buffer, asOf: number): Found | Refusal {
    if (isLease(bytes)) return 'leased';
    try {
      const { shared, trust } = this.coherence;
      if (!shared.ready) return 'untrusted';
      const envelope = this.#format.open(bytes);
      const { tags, loadTime, length } = envelope;
      const now = this.store.now();
      const stale = envelope.staleUntil - now;
      if (stale <= 0 && isLeaseBehind(bytes, length, now)) return 'leased';
      if (envelope.epoch !== shared.epoch || !shared.covers(key, tags, envelope.asOf) || stale <= 0) {
        this.discard(this.prefix + key, bytes.subarray(0, this.#format.headLength));
        return 'spoiled';
      }
      const time = this.time.now();
      const bornAt = trust.bornAt(time - (now - envelope.bornAt), time);
      if (!trust.admits(bornAt, time)) return 'untrusted';
      const entry = new Entry(envelope.payload, asOf, bornAt, tags);
      const fresh = envelope.expiresAt - now;
      entry.live({ fresh, stale, refresh: Infinity }, time);
      const life = envelope.expiresAt - envelope.bornAt - loadTime;
      return { entry, fresh, stale, life, loadTime, bytes, length };
    } catch (error) {
      this.recorder.corrupt(key, error);
      this.discard(this.prefix + key, bytes.subarray(0, FOREIGN_HEAD));
      return 'spoiled';
    }
  }

  /** What no other entry begins with. */
  headOf({ bytes }: Found): Buffer {
    return bytes.subarray(0, this.#format.headLength);
  }

  /** The lease of somebody who is loading the successor of this entry. */
  leaseBehind(bytes: Buffer): Buffer {
    return bytes.subarray(this.#format.open(bytes).length, -LEASE_END_BYTES);
  }

  /** Removes what is stored if it begins so. Nobody waits for it: at worst it is found again. */
  discard(full: string, head: Buffer): void {
    if (this.#discarding.get(full)?.equals(head) === true) return;
    this.#discarding.set(full, head);
    void this.store
      .change([{ kind: 'discard', key: full, head }])
      .catch(() => {})
      .finally(() => this.#discarding.delete(full));
  }
}

function isLeaseBehind(bytes: Buffer, length: number, now: number): boolean {
  return bytes.length >= length + LEASE_END_BYTES && bytes.readDoubleLE(bytes.length - LEASE_END_BYTES) > now;
}
