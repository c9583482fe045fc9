import { checkFixedName } from '../primitives/fixed-name.js';
import { checkEntryTags } from '../primitives/tags.js';

/** What `tags` of an entry may be. */
// oxlint-disable-next-line typescript/no-explicit-any -- of what they are made only the application knows
export type TagsOption = readonly string[] | ((value: any) => readonly string[]) | undefined;

/** Makes tags of a value; none where they are a list. @throws what the function throws, CacheArgumentError */
export type MakeTags = (value: unknown) => readonly string[];

/**
 * Takes functions out of the options of an entry, so that a failure of theirs is none of the request.
 * @returns tags for the options of the entry, which leave nothing to those of the cache when a function makes them
 * @throws CacheArgumentError for tags that no entry can have
 */
export function splitTags(tags: TagsOption): {
  readonly fixed: readonly string[] | undefined;
  readonly make: MakeTags;
} {
  if (typeof tags === 'function') return { fixed: [], make: (value) => checkEntryTags(tags(value)) };
  const fixed = tags && checkEntryTags(tags);
  fixed?.forEach(checkFixedName);
  return { fixed, make: () => [] };
}

/** Why a value whose tags cannot be made is not cached. */
export function tagProblem(error: unknown): string {
  const reason = error instanceof Error ? error.message : String(error);
  return `their tags cannot be made: ${reason}`;
}
