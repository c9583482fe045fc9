import { parseCacheControl, type CacheControl } from './cache-control.js';
import type { CacheScope, FieldReader } from './fields.js';
import { governing, type Governing } from './governing.js';
import { parseVary } from './vary.js';

/** Why a response is not stored. */
export type NotStorable =
  | 'method'
  | 'status'
  | 'request-no-store'
  | 'no-store'
  | 'private'
  | 'authorization'
  | 'set-cookie'
  | 'vary-star'
  | 'must-understand'
  | 'no-freshness';

/** A response, and what it answers. */
export interface Exchange {
  /** `GET`, or what was run in its place: of a HEAD request only if the body is known nevertheless. */
  readonly method: string;
  readonly status: number;
  readonly request: FieldReader;
  readonly response: FieldReader;
}

export interface StoragePolicy {
  /** Who will be answered from the store. Default: `'shared'`. */
  readonly scope?: CacheScope;
  /** Whether the lifetime comes from elsewhere, so that the response need not say it may be reused. */
  readonly lifetimeIsGiven?: boolean;
  /** Whether it was decided elsewhere that responses to requests with `Authorization` may go to those who will be answered. */
  readonly authorizationIsCovered?: boolean;
  /** Whether `CDN-Cache-Control` is meant for this cache, see {@link governing}. Default: no. */
  readonly targeted?: boolean;
}

/** Statuses whose responses may be reused without saying so (RFC 9110 15.1), other than 206. */
const HEURISTICALLY_CACHEABLE = new Set([200, 203, 204, 300, 301, 308, 404, 405, 410, 414, 501]);

/** Final statuses of RFC 9110 and RFC 6585, 7725, without 206 and 304: their meaning for a cache is known to this one. */
// prettier-ignore
const UNDERSTOOD = new Set([
  200, 201, 202, 203, 204, 205, 300, 301, 302, 303, 305, 307, 308,
  400, 401, 402, 403, 404, 405, 406, 407, 408, 409, 410, 411, 412, 413, 414, 415, 416, 417, 421, 422, 426,
  428, 429, 431, 451, 500, 501, 502, 503, 504, 505, 511,
]);

export function isHeuristicallyCacheable(status: number): boolean {
  return HEURISTICALLY_CACHEABLE.has(status);
}

/**
 * Whether a response may be stored (RFC 9111 3). Stricter than the RFC in three things: only GET; never with `Set-Cookie`;
 * `no-store` holds beside `must-understand`, and `private` with field names is taken as without.
 * @returns why it may not; `undefined`: it may
 */
export function whyNotStorable(exchange: Exchange, policy: StoragePolicy = {}): NotStorable | undefined {
  const { method, status, request, response } = exchange;
  if (method !== 'GET') return 'method';
  if (!(status >= 200 && status <= 599) || status === 206 || status === 304) return 'status';
  if (parseCacheControl(request('cache-control')).has('no-store')) return 'request-no-store';
  const governed = governing(response, policy.targeted ?? false);
  const { control } = governed;
  const shared = policy.scope !== 'private';
  if (control.has('no-store')) return 'no-store';
  if (shared && control.has('private')) return 'private';
  if (control.has('must-understand') && !UNDERSTOOD.has(status)) return 'must-understand';
  if (response('set-cookie') !== undefined || response('set-cookie2') !== undefined) return 'set-cookie';
  if (parseVary(response('vary')) === '*') return 'vary-star';
  if (shared && !policy.authorizationIsCovered && request('authorization') !== undefined) {
    if (!allowsAuthorization(control)) return 'authorization';
  }
  const reusable = policy.lifetimeIsGiven || saysReusable(governed, shared);
  return reusable || isHeuristicallyCacheable(status) ? undefined : 'no-freshness';
}

/** RFC 9111 3.5. */
function allowsAuthorization(control: CacheControl): boolean {
  return control.has('public') || control.has('s-maxage') || control.has('must-revalidate');
}

function saysReusable({ control, expires }: Governing, shared: boolean): boolean {
  if (control.has('public') || control.has('max-age') || expires !== undefined) return true;
  return shared ? control.has('s-maxage') : control.has('private');
}
