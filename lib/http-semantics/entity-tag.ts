import { createHash } from 'node:crypto';

/** An entity tag (RFC 9110 8.8.3). */
export interface EntityTag {
  readonly isWeak: boolean;
  /** What is between the quotation marks. */
  readonly opaque: string;
}

/** One tag with the comma or the end after it. Not a quoted string: a backslash is a character like any other. */
const LISTED = /[ \t]*(W\/)?"([\x21\x23-\x7e\x80-\uffff]*)"[ \t]*(?:,|$)/y;

/** `undefined` for what is no entity tag, unquoted ones among them. */
export function parseEntityTag(value: string | undefined): EntityTag | undefined {
  const tags = value === undefined ? undefined : parseEntityTags(value);
  return tags?.length === 1 && !value!.includes(',', value!.lastIndexOf('"')) ? tags[0] : undefined;
}

/** A list of entity tags, or `undefined` if any of it is none. */
export function parseEntityTags(value: string): readonly EntityTag[] | undefined {
  const tags: EntityTag[] = [];
  let at = 0;
  while (at < value.length) {
    LISTED.lastIndex = at;
    const found = LISTED.exec(value);
    if (found) {
      tags.push({ isWeak: found[1] !== undefined, opaque: found[2]! });
      at = LISTED.lastIndex;
    } else if (' \t,'.includes(value.charAt(at))) {
      at++;
    } else {
      return undefined;
    }
  }
  return tags;
}

/** The strong entity tag of a body, in the notation of the field: 128 bits of its SHA-256. */
export function strongETag(body: Uint8Array): string {
  return `"${createHash('sha256').update(body).digest().subarray(0, 16).toString('base64url')}"`;
}
