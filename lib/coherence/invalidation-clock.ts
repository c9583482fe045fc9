import type { Invalidation } from './invalidation.js';
import { hashesOf, prefixHash, slotOf, tagHash } from './slots.js';

/**
 * This process' own count of the invalidations that it has applied, its own and those it heard of, in the order in which it
 * applied them; and for each slot the last one that touched it. What began at clock value `asOf` is valid while every slot of
 * its tags and of its key's prefixes is at most `asOf`: so one write makes a tag, a prefix or the whole cache unusable,
 * however many entries it has.
 *
 * Everything in this process' memory is judged by it. What lies in Redis is judged by the {@link SharedClock}.
 */
export class InvalidationClock {
  readonly #slots: Float64Array;
  #value = 0;
  #tagsMovedAt = 0;
  #slotsMovedAt = 0;

  /** @param count of slots that tags and key prefixes are spread over; two in one slot only cost extra misses */
  constructor(count: number) {
    this.#slots = new Float64Array(count);
  }

  /** Grows by one with every invalidation. */
  get value(): number {
    return this.#value;
  }

  /** The clock's value at the last invalidation of any tag. */
  get tagsMovedAt(): number {
    return this.#tagsMovedAt;
  }

  /**
   * The clock's value at the last invalidation of any tag or prefix: what was valid then or later is valid as far as slots
   * are concerned, and need not be looked at.
   */
  get slotsMovedAt(): number {
    return this.#slotsMovedAt;
  }

  /** Counts an invalidation. Keys, and patterns that are no prefix, touch no slot: whoever holds entries drops those. */
  tick({ tags, prefixes }: Pick<Invalidation, 'tags' | 'prefixes'>): void {
    const now = ++this.#value;
    if (tags.length > 0) this.#tagsMovedAt = now;
    if (tags.length > 0 || prefixes.length > 0) this.#slotsMovedAt = now;
    const { length } = this.#slots;
    for (const tag of tags) this.#slots[slotOf(tagHash(tag), length)] = now;
    for (const prefix of prefixes) this.#slots[slotOf(prefixHash(prefix), length)] = now;
  }

  /** The slots that decide over an entry, for {@link covers}. */
  slotsOf(key: string, tags: readonly string[] | undefined): number[] {
    const slots = hashesOf(key, tags);
    for (let i = 0; i < slots.length; i++) slots[i] = slotOf(slots[i]!, this.#slots.length);
    return slots;
  }

  /** Whether nothing among `slots` was invalidated after `asOf`. */
  covers(slots: readonly number[], asOf: number): boolean {
    for (let i = 0; i < slots.length; i++) {
      if (this.#slots[slots[i]!]! > asOf) return false;
    }
    return true;
  }
}
