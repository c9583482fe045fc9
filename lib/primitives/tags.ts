import { CacheArgumentError } from './errors.js';
import { MAX_KEY_LENGTH } from './key.js';
import { show } from './show.js';

/** The most tags one entry may carry: each is checked when the entry is read after an invalidation. */
export const MAX_ENTRY_TAGS = 128;

/** As {@link checkTags}, for the tags of one entry: at most 128. */
export function checkEntryTags(tags: unknown): readonly string[] {
  const distinct = checkTags(tags);
  if (distinct.length <= MAX_ENTRY_TAGS) return distinct;
  throw new CacheArgumentError(
    `${distinct.length} tags are too many for one entry: at most ${MAX_ENTRY_TAGS}`,
  );
}

/**
 * @returns the tags without duplicates, in their order
 * @throws CacheArgumentError unless `tags` is an array of well-formed strings of 1 to 1,024 characters
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
  return tags.length < 2 ? (tags as string[]) : [...new Set(tags as string[])];
}
