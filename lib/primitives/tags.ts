import { CacheArgumentError } from './errors.js';
import { MAX_KEY_LENGTH } from './key.js';

/** The most tags one entry may carry: each is checked when the entry is read after an invalidation. */
const MAX_TAGS = 128;

/**
 * @returns the tags without duplicates, in their order
 * @throws CacheArgumentError unless `tags` is an array of at most 128 well-formed strings of 1 to 1,024 characters
 */
export function checkTags(tags: unknown): readonly string[] {
  if (!Array.isArray(tags)) throw new CacheArgumentError('tags must be an array of strings');
  for (const tag of tags) {
    if (typeof tag !== 'string' || tag.length === 0 || tag.length > MAX_KEY_LENGTH || !tag.isWellFormed()) {
      throw new CacheArgumentError(
        `a tag must be a well-formed string of 1 to ${MAX_KEY_LENGTH} characters, not ${show(tag)}`,
      );
    }
  }
  const distinct = tags.length < 2 ? (tags as string[]) : [...new Set(tags as string[])];
  if (distinct.length > MAX_TAGS) {
    throw new CacheArgumentError(`${distinct.length} tags are too many for one call: at most ${MAX_TAGS}`);
  }
  return distinct;
}

function show(tag: unknown): string {
  return typeof tag === 'string' ? `one of ${tag.length} characters` : String(JSON.stringify(tag));
}
