import type { ClockReading, Snapshot } from './feed.js';
import { EVERYTHING, type Invalidation } from './invalidation.js';
import { hashesOf, prefixHash, slotOf, tagHash } from './slots.js';

/** The most that is kept of what was announced while the clock is not known; beyond that it counts as everything. */
const MOST_EARLY = 1_000;

/**
 * The most numbers of own invalidations whose messages are awaited. The latest are kept: whoever has the tip of one has the
 * whole history up to it.
 */
const MOST_AWAITED = 1_000;

/** For so many of the last messages the tip is kept: the answer to an own announcement may come after its message. */
const MOST_ARRIVED = 1_000;

/** The epoch before Redis was heard of: no entry carries it. */
const NO_EPOCH = '';

/**
 * This process' mirror of the clock that the instances of a namespace share: what lies in Redis is judged by it, without
 * asking anybody. A mirror that lags behind makes the `asOf` of what is loaded here too small, which costs a load; and it may
 * take for valid what was invalidated elsewhere and not heard of yet, for as long as the bus takes.
 */
export class SharedClock {
  #epoch = NO_EPOCH;
  #slots: Float64Array = new Float64Array(1);
  #known = 0;
  #applied = 0;
  #tip: number | undefined;
  #slotsMovedAt = 0;
  #seen: ClockReading | undefined;
  /** Numbers that own invalidations were given, with their tips, whose messages have not arrived. */
  readonly #awaited = new Map<number, number | undefined>();
  /** The tips of the last messages, by their numbers. */
  readonly #arrived = new Map<number, number | undefined>();
  /** What was noted while there was nothing to note it in. */
  #early: { readonly reading: ClockReading; readonly invalidation: Invalidation }[] = [];

  /** Whether there is anything to judge by. */
  get ready(): boolean {
    return this.#epoch !== NO_EPOCH;
  }

  get epoch(): string {
    return this.#epoch;
  }

  /** The highest value heard of: what is loaded from now on has seen all that was invalidated up to it. */
  get known(): number {
    return this.#known;
  }

  /** The value up to which every invalidation was heard of on the bus: where to go on listening. */
  get applied(): number {
    return this.#applied;
  }

  /**
   * The latest position heard of, if any, be it that there was nothing to judge by: whoever asks for the clock anew says what
   * it was, so that Redis can tell whether that is what has happened.
   */
  get seen(): ClockReading | undefined {
    return this.#seen;
  }

  /**
   * Takes over what Redis has; everything judged before has to be forgotten by those who hold it.
   * @returns whether it has lost what was noted meanwhile: then it has to be adopted anew
   */
  adopt({ epoch, clock, tip, slots }: Snapshot): boolean {
    this.#epoch = epoch;
    this.#tip = tip;
    this.#slots = slots;
    this.#known = this.#applied = this.#slotsMovedAt = clock;
    this.#seen = { epoch, clock, tip };
    this.#awaited.clear();
    this.#arrived.clear();
    this.#keepTip(this.#arrived, clock, tip, MOST_ARRIVED);
    let lost = false;
    for (const { reading, invalidation } of this.#early.splice(0)) {
      if (this.noteOwn(reading, invalidation) === 'lost') lost = true;
    }
    return lost;
  }

  /** Nothing in Redis is believed until the next {@link adopt}. */
  forget(): void {
    this.#epoch = NO_EPOCH;
  }

  /**
   * Notes an invalidation that Redis has numbered.
   * @returns `false` when the number is of another epoch: then nothing here can be trusted until the clock is adopted anew
   */
  note(reading: ClockReading, invalidation: Invalidation): boolean {
    const { epoch, clock } = reading;
    const { tags, prefixes } = invalidation;
    if (epoch !== this.#epoch) return false;
    if (clock > this.#known) this.#known = clock;
    const { length } = this.#slots;
    for (const tag of tags) this.#raise(slotOf(tagHash(tag), length), clock);
    for (const prefix of prefixes) this.#raise(slotOf(prefixHash(prefix), length), clock);
    return true;
  }

  /**
   * Notes an invalidation that originated here, and that Redis has numbered.
   * @param before what was known before Redis was told: what it numbers afterwards is later
   * @returns what that says of Redis: the number is of another epoch, or was given before. Then nothing here can be trusted until
   * the clock is adopted anew
   */
  noteOwn(
    reading: ClockReading,
    invalidation: Invalidation,
    before?: ClockReading,
  ): 'epoch' | 'lost' | undefined {
    if (!this.ready) this.#keep(reading, invalidation);
    const fits = this.agrees(reading);
    this.#see(reading);
    if (!this.note(reading, invalidation)) return 'epoch';
    if (!fits || (before?.epoch === reading.epoch && reading.clock <= before.clock)) return 'lost';
    if (reading.clock > this.#applied) this.#keepTip(this.#awaited, reading.clock, reading.tip, MOST_AWAITED);
    return undefined;
  }

  /** Whether the message of this number is that of an own invalidation, and still awaited. */
  awaits(clock: number): boolean {
    return this.#awaited.has(clock);
  }

  /** Whether nothing else is known under this number: if not, what was known under it has never happened as far as Redis knows. */
  agrees({ epoch, clock, tip }: Partial<ClockReading> & Pick<ClockReading, 'clock'>): boolean {
    if (tip === undefined || epoch !== this.#epoch) return true;
    const known = this.#awaited.get(clock) ?? this.#arrived.get(clock) ?? tip;
    return known === tip;
  }

  /** Whether `tip` is that of the last invalidation that arrived here: if not, that one never happened. */
  follows(tip: number | undefined): boolean {
    return tip === undefined || this.#tip === undefined || tip === this.#tip;
  }

  /** To be called for each message of the bus, in order and without a gap. */
  arrived({ clock, tip }: Pick<ClockReading, 'clock' | 'tip'>): void {
    this.#applied = clock;
    this.#tip = tip;
    if (clock > this.#known) this.#known = clock;
    this.#see({ epoch: this.#epoch, clock, tip });
    this.#awaited.delete(clock);
    this.#keepTip(this.#arrived, clock, tip, MOST_ARRIVED);
  }

  /** Whether nothing that concerns this key or these tags is known to have been invalidated after `asOf`. */
  covers(key: string, tags: readonly string[] | undefined, asOf: number): boolean {
    if (asOf >= this.#slotsMovedAt) return true;
    const hashes = hashesOf(key, tags);
    for (let i = 0; i < hashes.length; i++) {
      if (this.#slots[slotOf(hashes[i]!, this.#slots.length)]! > asOf) return false;
    }
    return true;
  }

  #keep(reading: ClockReading, invalidation: Invalidation): void {
    const full = this.#early.length === MOST_EARLY;
    if (full) this.#early = [];
    this.#early.push({ reading, invalidation: full ? EVERYTHING : invalidation });
  }

  #see(reading: ClockReading): void {
    if (this.#seen === undefined || reading.clock > this.#seen.clock) this.#seen = reading;
  }

  /** Of more than `most` those go that were kept first. */
  #keepTip(
    tips: Map<number, number | undefined>,
    clock: number,
    tip: number | undefined,
    most: number,
  ): void {
    tips.set(clock, tip);
    if (tips.size > most) tips.delete(tips.keys().next().value!);
  }

  /** Replies to own announcements and the bus overtake each other: a slot never goes back. */
  #raise(slot: number, clock: number): void {
    if (clock > this.#slots[slot]!) this.#slots[slot] = clock;
    if (clock > this.#slotsMovedAt) this.#slotsMovedAt = clock;
  }
}
