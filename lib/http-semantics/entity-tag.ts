import { createHash } from 'node:crypto';
import { trimSpace } from './fields.js';

/** An entity tag (RFC 9110 8.8.3). */
export interface EntityTag {
  readonly isWeak: boolean;
  /** What is between the quotation marks. */
  readonly opaque: string;
}

/** Not a quoted string: a backslash is a character like any other. */
const TAG = String.raw`(W\/)?"([\x21\x23-\x7e\x80-\uffff]*)"`;
const SINGLE = new RegExp(`^${TAG}$`);
/** One tag of a list, with the comma or the end after it. */
const LISTED = new RegExp(String.raw`${TAG}[ \t]*(?:,|$)`, 'y');

/** `undefined` for what is no entity tag, unquoted ones among them. */
export function parseEntityTag(value: string | undefined): EntityTag | undefined {
  const found = value === undefined ? null : SINGLE.exec(trimSpace(value));
  return found ? { isWeak: found[1] !== undefined, opaque: found[2]! } : undefined;
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
