import { randomBytes } from 'node:crypto';

import type { ClockReading, RawMessage, Snapshot } from '../../lib/coherence/feed.js';
import type { Invalidation } from '../../lib/coherence/invalidation.js';
import { encodeMessage } from '../../lib/coherence/message.js';
import { prefixHash, tagHash } from '../../lib/coherence/slots.js';
import type { Guard } from '../../lib/stores/store.js';

/** What an instance says of itself when it uses the bookkeeping. */
export interface InstanceSettings {
  readonly instance: string;
  readonly codec: string;
  readonly slots: number;
  readonly streamLength: number;
}

interface StoredClock {
  readonly epoch: string;
  readonly count: number;
  codec: string;
  value: number;
  /** Slots that were never written are 0. */
  readonly slots: Map<number, number>;
}

/** The clock of a namespace and the stream of its invalidations, as the scripts of the Redis store keep them on a server. */
export class SteppedBookkeeping {
  #clock: StoredClock | undefined;
  #stream: readonly RawMessage[] = [];

  /** @param now the server's time, in milliseconds since 1970 */
  constructor(private readonly now: () => number) {}

  get reading(): ClockReading | undefined {
    return this.#clock && { epoch: this.#clock.epoch, clock: this.#clock.value };
  }

  join(settings: InstanceSettings, seen: ClockReading | undefined): Snapshot {
    if (this.#clock === undefined) this.#make(settings, 0);
    else if (this.#clock.epoch === seen?.epoch && this.#clock.value < seen.clock) {
      this.#make(settings, seen.clock + 1);
    }
    const { epoch, value, count, slots, codec } = this.#clock!;
    const array = new Float64Array(count);
    for (const [slot, at] of slots) array[slot] = at;
    this.#clock!.codec = settings.codec;
    return { epoch, clock: value, slots: array, codec };
  }

  announce(settings: InstanceSettings, invalidation: Invalidation): ClockReading {
    if (this.#clock === undefined) this.#make(settings, 0);
    const clock = this.#clock!;
    const value = ++clock.value;
    const { tags, prefixes } = invalidation;
    for (const hash of [...tags.map(tagHash), ...prefixes.map(prefixHash)])
      clock.slots.set(hash % clock.count, value);
    // Redis refuses an id that is not higher than the last one; the stream is begun anew then.
    if ((this.#stream.at(-1)?.clock ?? 0) >= value) this.#stream = [];
    const body = encodeMessage(settings.instance, invalidation);
    this.#stream = [...this.#stream, { clock: value, epoch: clock.epoch, body, sentAt: this.now() }];
    this.#stream = this.#stream.slice(-settings.streamLength);
    return { epoch: clock.epoch, clock: value };
  }

  /** Whether nothing that concerns a fill was invalidated since it was loaded. */
  admits({ epoch, clock: asOf, hashes }: Guard): boolean {
    const clock = this.#clock;
    if (clock === undefined || clock.epoch !== epoch || asOf > clock.value) return false;
    return hashes.every((hash) => (clock.slots.get(hash % clock.count) ?? 0) <= asOf);
  }

  /** The messages with higher numbers. */
  after(clock: number): RawMessage[] {
    return this.#stream.filter((message) => message.clock > clock);
  }

  /** Adds to the stream, and counts it, what some other program, or another version of the library, may put there. */
  inject(message: Partial<RawMessage>): void {
    const clock = this.#clock!;
    const raw = { clock: ++clock.value, epoch: clock.epoch, body: undefined, sentAt: this.now(), ...message };
    this.#stream = [...this.#stream, raw];
  }

  deleteClock(): void {
    this.#clock = undefined;
  }

  deleteStream(): void {
    this.#stream = [];
  }

  /** @returns brings back what is there now */
  replicate(): () => void {
    const clock = this.#clock && { ...this.#clock, slots: new Map(this.#clock.slots) };
    const stream = this.#stream;
    return () => {
      this.#clock = clock && { ...clock, slots: new Map(clock.slots) };
      this.#stream = stream;
    };
  }

  #make({ codec, slots }: InstanceSettings, least: number): void {
    const value = Math.max(this.now(), least);
    const epoch = randomBytes(8).toString('hex');
    this.#clock = { epoch, codec, count: slots, value, slots: new Map() };
    this.#stream = [];
  }
}
