import { hash } from 'node:crypto';
import { types } from 'node:util';

import { CacheKeyError } from '../primitives/errors.js';
import { describeValue, escapeKeyPart, keyPart } from '../primitives/escape.js';
import type { TemplateTree } from './template-engine.js';

/** Something a fragment shows, in one of its states. */
export interface FragmentRecord {
  /** Tells it from all other records the template is rendered for: an id. */
  readonly key: string | number | bigint;
  /**
   * Changes whenever the record does: a version, or the time of the last change. A Date counts in whole milliseconds: of two
   * changes within one, the second is not seen.
   */
  readonly version: Date | number | bigint | string;
}

/** A further part of a fragment's key. `null` stands for nobody, or none. */
export type FragmentKeyPart = string | number | bigint | boolean | Date | null;

/** What a fragment's key is made of, beside its template. */
export interface FragmentKeyOptions {
  /**
   * What it shows: one record, a list of them in their order, or `null` where there is none. Leave it out when it shows nothing
   * that changes.
   */
  of?: FragmentRecord | null | readonly (FragmentRecord | null)[];
  /** Whatever else decides what it looks like: locale, currency. Default: nothing. */
  by?: readonly FragmentKeyPart[];
  /** Whose it is, if it is made for one user: nobody else gets it, nor is it let into a fragment that is not theirs. */
  identity?: FragmentKeyPart;
}

/** The longest key that stays readable. Escaped texts may be three times as long as what was written. */
const MOST_READABLE = 300;

/**
 * The key of a fragment. Escaped parts hold none of the characters that are put between them, so no input can pass for
 * another.
 * @throws CacheKeyError for a record without key or version, and for parts that cannot be told apart
 */
export function fragmentKey({ name, digest }: TemplateTree, options: FragmentKeyOptions): string {
  const { by = [] } = options;
  if (!Array.isArray(by)) throw new CacheKeyError(`by is ${describeValue(by)}: give an array of key parts`);
  const parts = by.map((part: unknown, i) => partText(part, `by[${i}]`)).join(',');
  const whose = 'identity' in options ? partText(options.identity, 'identity') : '';
  const what = 'of' in options ? recordsText(options.of) : '';
  const text = `${digest}|${whose}|${parts}|${what}`;
  const own = text.length <= MOST_READABLE ? text : `~${hash('sha256', text, 'base64url')}`;
  return `${escapeKeyPart(name)}:${own}`;
}

function partText(part: unknown, what: string): string {
  const text = part === undefined ? undefined : keyPart(part);
  if (text !== undefined) return text;
  throw new CacheKeyError(
    `${what} is ${describeValue(part)}: give a string, a number, a bigint, a boolean, a Date, or null for none`,
  );
}

function recordsText(of: unknown): string {
  if (!Array.isArray(of)) return recordText(of, 'of');
  return `[${of.map((record, i) => recordText(record, `of[${i}]`)).join(',')}]`;
}

function recordText(record: unknown, what: string): string {
  if (record === null) return escapeKeyPart(null);
  if (typeof record !== 'object') {
    throw new CacheKeyError(
      `${what} is ${describeValue(record)}: give the record as { key, version }, or null if there is none`,
    );
  }
  const { key, version } = record as Partial<FragmentRecord>;
  const keyText = ['string', 'number', 'bigint'].includes(typeof key) ? keyPart(key) : undefined;
  if (keyText === undefined) {
    throw new CacheKeyError(
      `the key of ${what} is ${describeValue(key)}: give a string, a number or a bigint that no other record has`,
    );
  }
  return `${keyText}:${versionText(version, `${what} ('${String(key)}')`)}`;
}

function versionText(version: unknown, what: string): string {
  const known = ['string', 'number', 'bigint', 'object'].includes(typeof version) && version !== null;
  const text = known ? keyPart(types.isDate(version) ? version.getTime() : version) : undefined;
  if (text !== undefined) return text;
  throw new CacheKeyError(
    `the version of ${what} is ${describeValue(version)}: give a Date, a number, a bigint or a string that changes ` +
      `whenever the record does, such as its updatedAt`,
  );
}
