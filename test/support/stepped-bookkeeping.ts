import { randomBytes } from 'node:crypto';

import type { ClockReading, RawMessage, Snapshot } from '../../lib/coherence/feed.js';
import type { Invalidation } from '../../lib/coherence/invalidation.js';
import { encodeMessage } from '../../lib/coherence/message.js';
import { prefixHash, tagHash, slotOf } from '../../lib/coherence/slots.js';
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
  tip: number;
  /** Slots that were never written are 0. */
  readonly slots: Map<number, number>;
}

/** The clock of a namespace and the stream of its invalidations, as the scripts of the Redis store keep them on a server. */
export class SteppedBookkeeping {
  #clock: StoredClock | undefined;
  #stream: readonly RawMessage[] = [];
  /** What another version of the library makes of a message. */
  translate: ((body: string) => string) | undefined;
  /** The server's time goes on between two commands, if the test's does not. */
  #tips = 0;

  /** @param now the server's time, in milliseconds since 1970 */
  constructor(private readonly now: () => number) {}

  get reading(): ClockReading | undefined {
    return this.#clock && { epoch: this.#clock.epoch, clock: this.#clock.value, tip: this.#clock.tip };
  }

  join(settings: InstanceSettings, seen: ClockReading | undefined, lost: boolean): Snapshot {
    const found = this.#clock;
    if (found === undefined) this.#make(settings, 0);
    else if (
      seen !== undefined &&
      (found.value < seen.clock || (found.epoch === seen.epoch && (lost || this.#isRenumbered(seen))))
    ) {
      this.#make(settings, Math.max(found.value, seen.clock) + 1);
    }
    const { epoch, value, tip, count, slots, codec } = this.#clock!;
    const array = new Float64Array(count);
    for (const [slot, at] of slots) array[slot] = at;
    this.#clock!.codec = settings.codec;
    if ((this.#stream.at(-1)?.clock ?? 0) > value) this.#stream = [];
    return { epoch, clock: value, tip, slots: array, codec };
  }

  announce(settings: InstanceSettings, invalidation: Invalidation): ClockReading {
    if (this.#clock === undefined) this.#make(settings, 0);
    const clock = this.#clock!;
    const value = ++clock.value;
    const before = clock.tip;
    const tip = (clock.tip = this.now() * 1_000 + ++this.#tips);
    const { tags, prefixes } = invalidation;
    for (const hash of [...tags.map(tagHash), ...prefixes.map(prefixHash)])
      clock.slots.set(slotOf(hash, clock.count), value);
    // Redis refuses an id that is not higher than the last one; the stream is begun anew then.
    if ((this.#stream.at(-1)?.clock ?? 0) >= value) this.#stream = [];
    const own = encodeMessage(settings.instance, invalidation);
    const body = this.translate?.(own) ?? own;
    const message = { clock: value, tip, before, epoch: clock.epoch, body, sentAt: this.now() };
    this.#stream = [...this.#stream, message].slice(-settings.streamLength);
    return { epoch: clock.epoch, clock: value, tip };
  }

  /** Whether nothing that concerns a fill was invalidated since it was loaded. */
  admits({ epoch, clock: asOf, hashes }: Guard): boolean {
    const clock = this.#clock;
    if (clock === undefined || clock.epoch !== epoch || asOf > clock.value) return false;
    return hashes.every((hash) => (clock.slots.get(slotOf(hash, clock.count)) ?? 0) <= asOf);
  }

  /** The messages with higher numbers. */
  after(clock: number): RawMessage[] {
    return this.#stream.filter((message) => message.clock > clock);
  }

  /** Puts a message into the stream that no instance has announced, which the clock does not know of. */
  inject(body: string | undefined): void {
    const clock = this.#clock!.value + 1;
    this.#stream = [...this.#stream, { clock, epoch: undefined, body, tip: NaN, before: NaN, sentAt: NaN }];
  }

  /** Spoils the newest message, as if another version of the library had written it. */
  rewrite(body: string): void {
    this.#stream = [...this.#stream.slice(0, -1), { ...this.#stream.at(-1)!, body }];
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

  /** Whether the number was given to another invalidation, as far as clock and stream still say. */
  #isRenumbered({ clock, tip }: ClockReading): boolean {
    const { value, tip: last } = this.#clock!;
    const found = value === clock ? last : this.#stream.find((message) => message.clock === clock)?.tip;
    return tip !== undefined && found !== undefined && !Number.isNaN(found) && found !== tip;
  }

  #make({ codec, slots }: InstanceSettings, least: number): void {
    const value = Math.max(Math.floor(this.now()), least);
    const epoch = randomBytes(8).toString('hex');
    this.#clock = { epoch, codec, count: slots, value, tip: 0, slots: new Map() };
    this.#stream = [];
  }
}
