import { parseEntityTag, parseEntityTags } from './entity-tag.js';
import { type FieldPairs, type FieldReader, trimSpace } from './fields.js';
import { parseHttpDate } from './http-date.js';

/** A stored response, and a request that it might answer. */
export interface Condition {
  readonly method: string;
  /** Of the stored response. */
  readonly status: number;
  readonly request: FieldReader;
  readonly stored: FieldReader;
  /** When the stored response came, in milliseconds since 1970. */
  readonly receivedAt: number;
}

/** What a 304 says of a response (RFC 9110 15.4.5): what the client needs to use and to update its own copy. */
const FIELDS_OF_304 = new Set([
  'cache-control',
  'cdn-cache-control',
  'content-location',
  'date',
  'etag',
  'expires',
  'last-modified',
  'vary',
]);

/**
 * Whether the client has the stored response already, so that a 304 does (RFC 9110 13.2.2, RFC 9111 4.3.2). It is to be asked
 * before {@link selectRange}. `If-None-Match` decides alone when it is there; a malformed one matches nothing.
 */
export function isNotModified({ method, status, request, stored, receivedAt }: Condition): boolean {
  if ((method !== 'GET' && method !== 'HEAD') || status < 200 || status > 299) return false;
  const noneMatch = request('if-none-match');
  if (noneMatch !== undefined) return matchesWeakly(noneMatch, stored('etag'));
  const since = parseHttpDate(request('if-modified-since'), receivedAt);
  if (since === undefined) return false;
  const modified = stored('last-modified') ?? stored('date');
  const time = modified === undefined ? receivedAt : parseHttpDate(modified, receivedAt);
  return time !== undefined && time <= since;
}

/** Whether the request has conditions that only the handler can judge (RFC 9111 4.3.2): no stored response answers it. */
export function hasOriginConditions(request: FieldReader): boolean {
  return request('if-match') !== undefined || request('if-unmodified-since') !== undefined;
}

/** The stored fields that go into a 304. */
export function fieldsOfNotModified(stored: FieldPairs): FieldPairs {
  return stored.filter(([name]) => FIELDS_OF_304.has(name.toLowerCase()));
}

function matchesWeakly(noneMatch: string, etag: string | undefined): boolean {
  if (trimSpace(noneMatch) === '*') return true;
  const stored = parseEntityTag(etag);
  if (stored === undefined) return false;
  return parseEntityTags(noneMatch)?.some(({ opaque }) => opaque === stored.opaque) ?? false;
}
