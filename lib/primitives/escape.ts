import { hash } from 'node:crypto';
import { types } from 'node:util';

import { CacheKeyError } from './errors.js';

/**
 * The longest escaped value that stays readable in a key, in UTF-16 code units. Nine of them and a hundred characters of
 * literal text still make a key.
 */
export const MAX_KEY_PART_LENGTH = 100;

/** What may need escaping: reserved characters, and all that is not ASCII. A text without needs no second look. */
const SUSPECT = /[^\w!"#$&'()+\-.;<=>@^`]/;

/** Never part of an escaped value, so that a literal one of them ends the value before it. */
const SEPARATOR = /[:*?[\]{}\\,/|\s\p{Cc}]/u;

const RESERVED = /[%:*?[\]{}\\~,/|\s\p{Cc}\p{Cs}]/gu;

/** A `%` that two hexadecimal digits do not follow occurs in nothing but these marks, so no value can forge one. */
const MARKS = { null: '%null', undefined: '%undefined', empty: '%empty', digest: '%~' } as const;

/** 192 bits of SHA-256. */
const DIGEST_LENGTH = 32;

/**
 * Writes a value the way key templates do, so that a key built by hand, or in a function key, is the same as the
 * template's: `` `user:${escapeKeyPart(name)}` `` is what `'user:{name}'` gives.
 *
 * Strings, finite numbers, booleans, bigints and dates (in ISO format) are written as they read, so `1` and `'1'` are the
 * same. `%`, `:`, `*`, `?`, `[`, `]`, `{`, `}`, `\`, `~`, `,`, `/`, `|`, white space and control characters are
 * percent-encoded as UTF-8, so that user input can forge neither another key nor a pattern. `null`, `undefined` and `''`
 * become `%null`, `%undefined` and `%empty`. What would be longer than 100 characters becomes `%~` and a digest.
 * @throws CacheKeyError for objects, arrays, functions, symbols, NaN, infinities and invalid dates
 */
export function escapeKeyPart(value: unknown): string {
  const part = keyPart(value);
  if (part !== undefined) return part;
  throw new CacheKeyError(
    `${describeValue(value)} cannot be part of a key: give a string, a finite number, a boolean, a bigint or a valid Date`,
  );
}

/** As {@link escapeKeyPart}, with `undefined` for what cannot be part of a key. */
export function keyPart(value: unknown): string | undefined {
  if (typeof value === 'string') {
    return value === '' || value.length > MAX_KEY_PART_LENGTH || SUSPECT.test(value)
      ? escapeString(value)
      : value;
  }
  if (typeof value === 'number') return Number.isFinite(value) ? String(value) : undefined;
  return otherKeyPart(value);
}

/** Whether `literal`, written between two values, keeps them apart whatever they are. */
export function separatesValues(literal: string): boolean {
  return SEPARATOR.test(literal);
}

/** Names a value's kind, for messages: `an object of class User`, `NaN`. */
export function describeValue(value: unknown): string {
  if (value === null || value === undefined) return String(value);
  if (typeof value === 'number') return String(value);
  if (Array.isArray(value)) return 'an array';
  if (types.isDate(value)) return Number.isNaN(value.getTime()) ? 'an invalid Date' : 'a Date';
  if (typeof value !== 'object') return `a ${typeof value}`;
  const name = (value as { constructor?: { name?: unknown } }).constructor?.name;
  return typeof name === 'string' && name !== '' && name !== 'Object'
    ? `an object of class ${name}`
    : 'an object';
}

function otherKeyPart(value: unknown): string | undefined {
  switch (typeof value) {
    case 'undefined':
      return MARKS.undefined;
    case 'boolean':
    case 'bigint':
      return escapeString(String(value));
    case 'object':
      if (value === null) return MARKS.null;
      return types.isDate(value) && !Number.isNaN(value.getTime())
        ? escapeString(value.toISOString())
        : undefined;
    default:
      return undefined;
  }
}

function escapeString(text: string): string {
  if (text === '') return MARKS.empty;
  const escaped = text.replaceAll(RESERVED, percentEncode);
  if (escaped.length <= MAX_KEY_PART_LENGTH) return escaped;
  return MARKS.digest + hash('sha256', escaped, 'base64url').slice(0, DIGEST_LENGTH);
}

/**
 * As `encodeURIComponent`, for every character, and for lone surrogates too: they are written as if UTF-8 had them
 * (WTF-8, https://simonsapin.github.io/wtf-8/), for in UTF-8 proper all of them are one and the same byte sequence.
 */
function percentEncode(char: string): string {
  const code = char.codePointAt(0)!;
  if (code < 0x80) return percent(code);
  if (code < 0x800) return percent(0xc0 | (code >> 6)) + percent(0x80 | (code & 0x3f));
  return percent(0xe0 | (code >> 12)) + percent(0x80 | ((code >> 6) & 0x3f)) + percent(0x80 | (code & 0x3f));
}

function percent(byte: number): string {
  return `%${byte.toString(16).toUpperCase().padStart(2, '0')}`;
}
