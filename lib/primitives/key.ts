import { CacheArgumentError, CacheKeyError } from './errors.js';
import { show } from './show.js';

/** The longest key, in UTF-16 code units. */
export const MAX_KEY_LENGTH = 1024;

/** Begins a view's segment in a stored key. A user's key that begins with it is escaped, so that it cannot forge one. */
const VIEW_MARK = '~';
const VIEW_MARK_CODE = 126;
const ESCAPED_KEY = '~:';

/** @throws CacheKeyError unless `key` is a string of 1 to 1,024 characters */
export function checkKey(key: unknown): asserts key is string {
  if (typeof key !== 'string' || key.length === 0 || key.length > MAX_KEY_LENGTH) throw badKey(key);
}

/**
 * Halves of surrogate pairs all become the same bytes in Redis, where two keys would then be one.
 * Costs a pass over the key, so it is left to the path on which a key is stored or fetched.
 * @throws CacheKeyError when the key is not well-formed Unicode
 */
export function checkUnicode(key: string): void {
  if (key.isWellFormed()) return;
  throw new CacheKeyError(
    'the key holds half of a surrogate pair, which no store can keep apart from another: ' +
      'check how it was cut, or encode it (encodeURIComponent, a hash)',
    { key: userKey(key) },
  );
}

function badKey(key: unknown): CacheKeyError {
  if (typeof key !== 'string') {
    return new CacheKeyError(`a key must be a string of 1 to ${MAX_KEY_LENGTH} characters, not ${show(key)}`);
  }
  if (key.length === 0) {
    return new CacheKeyError(`a key must have 1 to ${MAX_KEY_LENGTH} characters; this one is empty`, { key });
  }
  const start = key.slice(0, 40);
  return new CacheKeyError(
    `a key must have 1 to ${MAX_KEY_LENGTH} characters; '${start}…' has ${key.length}: hash its long part`,
    { key },
  );
}

/** The key under which the tiers know a view's key. `view` is the view's prefix, empty for the root. */
export function storedKey(view: string, key: string): string {
  const own = key.charCodeAt(0) === VIEW_MARK_CODE ? ESCAPED_KEY + key : key;
  return view === '' ? own : view + own;
}

/** The part of a stored key that the user of the view `view` gave, or `undefined` if it belongs to another view. */
export function ownKey(view: string, stored: string): string | undefined {
  if (!stored.startsWith(view)) return undefined;
  const own = stored.slice(view.length);
  if (own.startsWith(ESCAPED_KEY)) return own.slice(ESCAPED_KEY.length);
  return own.startsWith(VIEW_MARK) ? undefined : own;
}

/** The key as the user of its view knows it. */
export function userKey(stored: string): string {
  let own = stored;
  while (own.startsWith(VIEW_MARK) && !own.startsWith(ESCAPED_KEY)) own = own.slice(own.indexOf(':') + 1);
  return own.startsWith(ESCAPED_KEY) ? own.slice(ESCAPED_KEY.length) : own;
}

/**
 * The prefix of a view inside the view `parent`: `~name:`, with `~` and `:` in the name escaped, so that views of
 * different names, or of names nested differently, never share a key.
 * @throws CacheArgumentError unless the name is a string of 1 to 256 well-formed characters
 */
export function viewPrefix(parent: string, name: unknown): string {
  if (typeof name !== 'string' || name.length === 0 || name.length > 256 || !name.isWellFormed()) {
    throw new CacheArgumentError('the name of a namespace must be a string of 1 to 256 characters');
  }
  const escaped = name.replaceAll(/[~:]/g, (char) => (char === VIEW_MARK ? '~0' : '~1'));
  return `${parent}${VIEW_MARK}${escaped}:`;
}
