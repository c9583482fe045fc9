import { isStructuredString, structuredString } from './structured-field.js';

/** The value of a field that carries tags. */
export interface TagField {
  /** `undefined`: there is nothing to send. */
  readonly value: string | undefined;
  /** Tags the field cannot express, or for which it has no room left. */
  readonly omitted: readonly string[];
}

/** The longest tag that goes out, in characters; of other caches, RFC 9875 only demands that they take 32. */
const LONGEST_TAG = 256;

/** The longest value, in characters: Node and most proxies take 8 to 16 KB for all fields together. */
const LONGEST_VALUE = 4096;

/** As `Cache-Groups` (RFC 9875): a list of strings. */
export function cacheGroups(tags: readonly string[]): TagField {
  return tagField(tags, ', ', isStructuredString, structuredString);
}

/** As `Cache-Tag`: separated by commas. */
export function cacheTag(tags: readonly string[]): TagField {
  return tagField(tags, ',', (tag) => /^[\x21-\x2b\x2d-\x7e]+$/.test(tag));
}

/** As `Surrogate-Key`: separated by spaces. */
export function surrogateKey(tags: readonly string[]): TagField {
  return tagField(tags, ' ', (tag) => /^[\x21-\x7e]+$/.test(tag));
}

function tagField(
  tags: readonly string[],
  separator: string,
  isExpressible: (tag: string) => boolean,
  write = (tag: string): string => tag,
): TagField {
  const omitted: string[] = [];
  let value = '';
  for (const tag of new Set(tags)) {
    const fits = tag !== '' && tag.length <= LONGEST_TAG && isExpressible(tag);
    const longer = fits ? (value === '' ? write(tag) : value + separator + write(tag)) : '';
    if (fits && longer.length <= LONGEST_VALUE) value = longer;
    else omitted.push(tag);
  }
  return { value: value === '' ? undefined : value, omitted };
}
