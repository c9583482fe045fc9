// Tags and prefixes are hashed from different seeds, so that the tag `user:` is not the prefix `user:`.
const PREFIX_SEED = 0x811c9dc5;
const TAG_SEED = 0x2f0b4c47;
const COLON = 58;

/** The hash of the empty prefix, which stands for everything. No other has it. */
const ROOT = 0;

/**
 * The slot of a hash. The empty prefix has one for itself: a tag that shared it would clear the whole cache. Redis works it
 * out the same way, see the scripts.
 */
export function slotOf(hash: number, count: number): number {
  return hash === ROOT ? 0 : 1 + (hash % (count - 1));
}

/**
 * The hashes that decide over an entry: one for each prefix of its key and each of its tags. Every instance has to
 * come to the same ones.
 *
 * The prefixes of `user:42:posts` are the empty one, `user:` and `user:42:`.
 */
export function hashesOf(key: string, tags: readonly string[] | undefined): number[] {
  const hashes = [ROOT];
  let hash = PREFIX_SEED;
  for (let at = 0; at < key.length; at++) {
    const code = key.charCodeAt(at);
    hash = Math.imul(hash ^ code, 0x01000193);
    if (code === COLON) hashes.push(mix(hash));
  }
  if (tags !== undefined) for (const tag of tags) hashes.push(tagHash(tag));
  return hashes;
}

/** @param prefix empty, or ending in `:` */
export function prefixHash(prefix: string): number {
  return prefix === '' ? ROOT : mix(hashFrom(PREFIX_SEED, prefix));
}

export function tagHash(tag: string): number {
  return mix(hashFrom(TAG_SEED, tag));
}

/** FNV-1a over UTF-16 code units: it can be taken on along a key, which gives the hashes of all its prefixes in one pass. */
function hashFrom(seed: number, text: string): number {
  let hash = seed;
  for (let at = 0; at < text.length; at++) hash = Math.imul(hash ^ text.charCodeAt(at), 0x01000193);
  return hash;
}

/** FNV's low bits are weak for short texts: mixed as in MurmurHash3's finaliser before they choose a slot. */
function mix(hash: number): number {
  let mixed = Math.imul(hash ^ (hash >>> 16), 0x85ebca6b);
  mixed = Math.imul(mixed ^ (mixed >>> 13), 0xc2b2ae35);
  return (mixed ^ (mixed >>> 16)) >>> 0 || 1;
}
