import { MAX_DELTA_SECONDS, type CacheControl } from './cache-control.js';
import { type CacheScope, type FieldReader, splitList, trimSpace } from './fields.js';
import { governing, type Governing } from './governing.js';
import { parseHttpDate } from './http-date.js';
import { isHeuristicallyCacheable } from './storable.js';

const SECOND = 1000;

/** The longest lifetime that is guessed: a day. */
const LONGEST_GUESS = 86_400 * SECOND;

/** When a response was asked for and when it came, in milliseconds since 1970. */
export interface Arrival {
  readonly requestedAt: number;
  readonly receivedAt: number;
}

export interface FreshnessOptions extends Arrival {
  readonly status: number;
  /** Default: `'shared'`. */
  readonly scope?: CacheScope;
  /** Whether a lifetime may be guessed from `Last-Modified`: a tenth of the time since, at most a day. Default: no. */
  readonly heuristic?: boolean;
  /** Whether `CDN-Cache-Control` is meant for this cache, see {@link governing}. Default: no. */
  readonly targeted?: boolean;
}

/** What a response says about its reuse. Times are in milliseconds. */
export interface Freshness {
  /** For how long it is fresh, from when it was made; 0 if it says nothing. */
  readonly lifetime: number;
  /** How old it was on arrival. */
  readonly initialAge: number;
  /** `no-cache`: to be validated before every use. */
  readonly alwaysValidate: boolean;
  /** `must-revalidate` and its like: never used when it is stale, not even if the client would take it. */
  readonly forbidsStale: boolean;
  /** For how long after it expired it may be used while it is validated; 0 if stale use is forbidden. */
  readonly staleWhileRevalidate: number;
  /** For how long after it expired it may be used instead of an error; 0 if stale use is forbidden. */
  readonly staleIfError: number;
}

export function freshnessOf(response: FieldReader, options: FreshnessOptions): Freshness {
  const { scope = 'shared', targeted = false } = options;
  const governed = governing(response, targeted);
  const { control } = governed;
  const forbidsStale = staleIsForbidden(control, scope);
  const window = (name: string): number => (forbidsStale ? 0 : (control.seconds(name) ?? 0) * SECOND);
  const guessed = options.heuristic ? guessedLifetime(response, control, options) : 0;
  return {
    lifetime: declaredLifetime(response, governed, options.receivedAt, scope) ?? guessed,
    initialAge: initialAge(response, options),
    alwaysValidate: control.isUnqualified('no-cache'),
    forbidsStale,
    staleWhileRevalidate: window('stale-while-revalidate'),
    staleIfError: window('stale-if-error'),
  };
}

/**
 * The lifetime a response declares (RFC 9111 4.2.1): `s-maxage` in a shared cache, else `max-age`, else `Expires` minus `Date`.
 * @param receivedAt stands in for a `Date` that is missing or invalid
 * @returns milliseconds, 0 for what cannot be read; `undefined`: it declares none
 */
function declaredLifetime(
  response: FieldReader,
  { control, expires }: Governing,
  receivedAt: number,
  scope: CacheScope,
): number | undefined {
  const seconds =
    (scope === 'shared' ? control.seconds('s-maxage') : undefined) ?? control.seconds('max-age');
  if (seconds !== undefined) return seconds * SECOND;
  if (expires === undefined) return undefined;
  const end = parseHttpDate(expires, receivedAt);
  if (end === undefined) return 0;
  const lifetime = end - (parseHttpDate(response('date'), receivedAt) ?? receivedAt);
  return Math.min(Math.max(0, lifetime), MAX_DELTA_SECONDS * SECOND);
}

/** RFC 9111 4.2.2. */
function guessedLifetime(
  response: FieldReader,
  control: CacheControl,
  { status, receivedAt }: FreshnessOptions,
): number {
  if (!control.has('public') && !isHeuristicallyCacheable(status)) return 0;
  const modified = parseHttpDate(response('last-modified'), receivedAt);
  if (modified === undefined) return 0;
  const date = parseHttpDate(response('date'), receivedAt) ?? receivedAt;
  return Math.min(Math.max(0, (date - modified) / 10), LONGEST_GUESS);
}

/** How old a response was when it came (RFC 9111 4.2.3, corrected_initial_age). @returns milliseconds */
export function initialAge(response: FieldReader, { requestedAt, receivedAt }: Arrival): number {
  const date = parseHttpDate(response('date'), receivedAt);
  // `Date` has whole seconds: what the clock has beyond them is no age.
  const apparent = date === undefined ? 0 : Math.floor(receivedAt / SECOND) * SECOND - date;
  const delay = Math.max(0, receivedAt - requestedAt);
  return Math.max(0, apparent, ageValue(response('age')) * SECOND + delay);
}

/** How old a response is now, in milliseconds; `Age` is that in whole seconds, rounded down. */
export function currentAge(initialAgeMs: number, receivedAt: number, now: number): number {
  return initialAgeMs + Math.max(0, now - receivedAt);
}

/** The first member counts, and what is no number is ignored (RFC 9111 5.1), but a number with parameters is one. */
function ageValue(value: string | undefined): number {
  const [first] = splitList(value);
  const digits = first === undefined ? '' : trimSpace(first.split(';', 1)[0]!);
  return /^\d+$/.test(digits) ? Math.min(Number(digits), MAX_DELTA_SECONDS) : 0;
}

/** RFC 9111 4.2.4. `s-maxage` says what `proxy-revalidate` says (5.2.2.10), be there a `stale-while-revalidate` or not. */
function staleIsForbidden(control: CacheControl, scope: CacheScope): boolean {
  if (control.has('must-revalidate') || control.isUnqualified('no-cache')) return true;
  return scope === 'shared' && (control.has('proxy-revalidate') || control.has('s-maxage'));
}
