import { EnvelopeFormat } from '../codec/envelope.js';
import type { Coherence } from '../coherence/coherence.js';
import type { Recorder } from '../observability/recorder.js';
import type { Clock } from '../primitives/clock.js';
import { isLease } from '../stores/lease.js';
import type { RemoteStore } from '../stores/store.js';
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
  seal({ entry, ttl }: RemoteWrite, asOf: number): Buffer {
    const now = this.store.now();
    return this.#format.seal(textToBytes(entry.bytes!), {
      epoch: this.coherence.shared.epoch,
      asOf,
      bornAt: now - (this.time.now() - entry.bornAt),
      expiresAt: now + ttl,
      tags: entry.tags,
    });
  }

  /**
   * The entry, if it may be served now. What will never be usable again is removed.
   * @param asOf the clock of this process before the store was asked
   */
  open(key: string, bytes: Buffer, asOf: number): Found | Refusal {
    if (isLease(bytes)) return 'leased';
    try {
      const { shared, trust } = this.coherence;
      if (!shared.ready) return 'untrusted';
      const envelope = this.#format.open(bytes);
      const { tags } = envelope;
      const now = this.store.now();
      const ttl = envelope.expiresAt - now;
      if (envelope.epoch !== shared.epoch || !shared.covers(key, tags, envelope.asOf) || ttl <= 0) {
        this.discard(this.prefix + key, bytes.subarray(0, this.#format.headLength));
        return 'spoiled';
      }
      const time = this.time.now();
      const bornAt = trust.bornAt(time - (now - envelope.bornAt), time);
      if (!trust.admits(bornAt, time)) return 'untrusted';
      return { entry: new Entry(envelope.payload, asOf, bornAt, tags), ttl };
    } catch (error) {
      this.recorder.corrupt(key, error);
      this.discard(this.prefix + key, bytes.subarray(0, FOREIGN_HEAD));
      return 'spoiled';
    }
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
