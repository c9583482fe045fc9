import { parseCacheControl } from './cache-control.js';
import { parseEntityTag } from './entity-tag.js';
import { type CacheScope, type FieldPairs, type FieldReader, readPairs, splitList } from './fields.js';

/** Fields that concern one connection (RFC 9110 7.6.1) or one proxy (RFC 9111 3.1). */
const HOP_BY_HOP = new Set([
  'connection',
  'keep-alive',
  'proxy-authenticate',
  'proxy-authentication-info',
  'proxy-authorization',
  'proxy-connection',
  'te',
  'trailer',
  'transfer-encoding',
  'upgrade',
]);

/** Fields by which a stored response is judged. `Connection` must not name them, and could make it answer anyone if it did. */
const NEVER_OF_A_CONNECTION = new Set([
  'age',
  'cache-control',
  'cdn-cache-control',
  'content-encoding',
  'content-length',
  'content-range',
  'content-type',
  'date',
  'etag',
  'expires',
  'last-modified',
  'vary',
]);

/** What describes the bytes that are stored, and stays with them (RFC 9111 3.2). */
const BOUND_TO_BODY = new Set(['content-length', 'content-encoding', 'content-range', 'content-md5', 'etag']);

/** What describes one message: that of an earlier one says nothing of a later one. */
const OF_ONE_MESSAGE = new Set(['age', 'cache-status', 'date', 'warning']);

/** Never stored, see {@link whyNotStorable}; a 304 may bring them too. */
const COOKIES = new Set(['set-cookie', 'set-cookie2']);

/**
 * The fields of a response that may be stored (RFC 9111 3.1): without those of the connection, without cookies, and without those
 * that `no-cache="…"` and, for a shared cache, `private="…"` name in `Cache-Control`, whether or not that decides the lifetime.
 */
export function storableFields(pairs: FieldPairs, scope: CacheScope = 'shared'): FieldPairs {
  const read = readPairs(pairs);
  const control = parseCacheControl(read('cache-control'));
  const removed = new Set([...connectionFields(read), ...control.fieldNames('no-cache')]);
  if (scope === 'shared') for (const name of control.fieldNames('private')) removed.add(name);
  return pairs.filter(([name]) => {
    const key = name.toLowerCase();
    return !HOP_BY_HOP.has(key) && !COOKIES.has(key) && !removed.has(key);
  });
}

/**
 * The fields of a stored response after it was validated by a 304 (RFC 9111 3.2, 4.3.4): those of the 304 replace its own, but
 * for what is bound to the stored bytes; those that describe one message (`Date`, `Age`) are the 304's or none. The lifetime is then
 * to be taken from the result, with the arrival of the 304. To be asked only if {@link isUpdateOf} holds.
 */
export function updatedFields(
  stored: FieldPairs,
  notModified: FieldPairs,
  scope: CacheScope = 'shared',
): FieldPairs {
  const news = storableFields(notModified, scope).filter(([name]) => !BOUND_TO_BODY.has(name.toLowerCase()));
  const replaced = new Set(news.map(([name]) => name.toLowerCase()));
  const kept = storableFields(stored, scope).filter(([name]) => {
    const key = name.toLowerCase();
    return !replaced.has(key) && !OF_ONE_MESSAGE.has(key);
  });
  return storableFields([...kept, ...news], scope);
}

/**
 * Whether a 304 is about the stored response (RFC 9111 4.3.4). If it names a version by a strong entity tag, it is about that one
 * only; otherwise it is about the one that was asked for.
 */
export function isUpdateOf(stored: FieldReader, notModified: FieldReader): boolean {
  const named = parseEntityTag(notModified('etag'));
  return named === undefined || named.isWeak || named.opaque === parseEntityTag(stored('etag'))?.opaque;
}

function connectionFields(read: FieldReader): string[] {
  return splitList(read('connection'))
    .map((name) => name.toLowerCase())
    .filter((name) => !NEVER_OF_A_CONNECTION.has(name));
}
