import { parseCacheControl } from './cache-control.js';
import type { FieldReader } from './fields.js';
import type { Freshness } from './freshness.js';

/** What a client asks of caches (RFC 9111 5.2.1). Times are in milliseconds. */
export interface RequestDirectives {
  readonly noStore: boolean;
  /** `no-cache`, or `Pragma: no-cache` without any `Cache-Control`. */
  readonly noCache: boolean;
  readonly onlyIfCached: boolean;
  /** `undefined`: any age will do. */
  readonly maxAge: number | undefined;
  /** For how long a response is to stay fresh; 0 if that was not asked. */
  readonly minFresh: number;
  /** For how long it may be stale; 0: not at all, `Infinity`: however long. */
  readonly maxStale: number;
}

/**
 * What may be done with a stored response for a request. `'fresh'`: used. `'max-stale'`: used though it is stale, as the client
 * wishes. `'stale-while-revalidate'`: used while it is validated. The other two mean that it is to be validated or made anew,
 * and are the reasons for `fwd` in `Cache-Status`: `'stale'` or, because the client wants better, `'request'`.
 */
export type Reuse = 'fresh' | 'max-stale' | 'stale-while-revalidate' | 'stale' | 'request';

export function parseRequestDirectives(request: FieldReader): RequestDirectives {
  const value = request('cache-control');
  const control = parseCacheControl(value);
  const milliseconds = (name: string): number | undefined => {
    const seconds = control.seconds(name);
    return seconds === undefined ? undefined : seconds * 1000;
  };
  const staleWithoutLimit = control.has('max-stale') && control.text('max-stale') === undefined;
  return {
    noStore: control.has('no-store'),
    noCache:
      control.has('no-cache') ||
      (value === undefined && parseCacheControl(request('pragma')).has('no-cache')),
    onlyIfCached: control.has('only-if-cached'),
    maxAge: milliseconds('max-age'),
    minFresh: milliseconds('min-fresh') ?? 0,
    maxStale: staleWithoutLimit ? Infinity : (milliseconds('max-stale') ?? 0),
  };
}

/**
 * RFC 9111 4.2.4, 5.2.1 and RFC 5861.
 * @param age of the stored response, in milliseconds
 */
export function reuseOf(freshness: Freshness, age: number, wishes: RequestDirectives): Reuse {
  if (wishes.noCache || wishes.noStore) return 'request';
  if (freshness.alwaysValidate) return 'stale';
  const isTooOld = wishes.maxAge !== undefined && age >= wishes.maxAge;
  const left = freshness.lifetime - age;
  if (left > 0) return isTooOld || left < wishes.minFresh ? 'request' : 'fresh';
  if (freshness.forbidsStale || isTooOld || wishes.minFresh > 0) return 'stale';
  if (-left < wishes.maxStale) return 'max-stale';
  // Who says how old it may be takes nothing stale, unless he says by how much.
  const isDemanding = wishes.maxAge !== undefined;
  return !isDemanding && -left < freshness.staleWhileRevalidate ? 'stale-while-revalidate' : 'stale';
}
