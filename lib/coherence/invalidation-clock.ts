/** How many slots tags and key prefixes are spread over. Two in one slot only cost extra misses. */
const SLOTS = 65_536;

// Tags and prefixes are hashed from different seeds, so that the tag `user:` is not the prefix `user:`.
const PREFIX_SEED = 0x811c9dc5;
const TAG_SEED = 0x2f0b4c47;
const COLON = 58;

/**
 * Counts invalidations and remembers, for each slot, the last one that touched it. An entry that was loaded as of clock
 * value `asOf` is valid while every slot of its tags and of its key's prefixes is at most `asOf`: so one write makes a
 * tag, a prefix or the whole cache unusable, however many entries it has.
 *
 * The prefixes of `user:42:posts` are the empty one, `user:` and `user:42:`.
 */
export class InvalidationClock {
  readonly #slots = new Float64Array(SLOTS);
  #value = 0;
  #tagsMovedAt = 0;
  #slotsMovedAt = 0;

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

  /** Notes an invalidation that concerns no slot: of keys, or of a pattern that is no prefix. */
  tick(): void {
    this.#value++;
  }

  invalidateTags(tags: readonly string[]): void {
    this.#slotsMovedAt = this.#tagsMovedAt = ++this.#value;
    for (const tag of tags) this.#slots[tagSlot(tag)] = this.#value;
  }

  /** @param prefix empty, or ending in `:` */
  invalidatePrefix(prefix: string): void {
    this.#slotsMovedAt = ++this.#value;
    this.#slots[prefixSlot(prefix)] = this.#value;
  }

  /** Whether nothing among `slots` was invalidated after `asOf`. */
  covers(slots: readonly number[], asOf: number): boolean {
    for (let i = 0; i < slots.length; i++) {
      if (this.#slots[slots[i]!]! > asOf) return false;
    }
    return true;
  }
}

/** The slots that decide over an entry: one for each prefix of its key and each of its tags. */
export function slotsOf(key: string, tags: readonly string[] | undefined): number[] {
  const slots = [slotOf(PREFIX_SEED)];
  let hash = PREFIX_SEED;
  for (let at = 0; at < key.length; at++) {
    const code = key.charCodeAt(at);
    hash = Math.imul(hash ^ code, 0x01000193);
    if (code === COLON) slots.push(slotOf(hash));
  }
  if (tags !== undefined) for (const tag of tags) slots.push(tagSlot(tag));
  return slots;
}

function prefixSlot(prefix: string): number {
  return slotOf(hashFrom(PREFIX_SEED, prefix));
}

function tagSlot(tag: string): number {
  return slotOf(hashFrom(TAG_SEED, tag));
}

/** FNV-1a over UTF-16 code units: it can be taken on along a key, which gives the hashes of all its prefixes in one pass. */
function hashFrom(seed: number, text: string): number {
  let hash = seed;
  for (let at = 0; at < text.length; at++) hash = Math.imul(hash ^ text.charCodeAt(at), 0x01000193);
  return hash;
}

/** FNV's low bits are weak for short texts: mixed as in MurmurHash3's finaliser before they choose a slot. */
function slotOf(hash: number): number {
  let mixed = Math.imul(hash ^ (hash >>> 16), 0x85ebca6b);
  mixed = Math.imul(mixed ^ (mixed >>> 13), 0xc2b2ae35);
  return ((mixed ^ (mixed >>> 16)) >>> 0) % SLOTS;
}
