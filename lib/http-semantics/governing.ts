import { type CacheControl, cacheControl, parseCacheControl } from './cache-control.js';
import type { FieldReader } from './fields.js';
import { parseDictionary, type StructuredValue } from './structured-field.js';

/** What a response says of its storing and its lifetime, whichever of its fields say it. */
export interface Governing {
  readonly control: CacheControl;
  /** The value of `Expires` where that is to be heeded. */
  readonly expires: string | undefined;
}

type Types = readonly StructuredValue['type'][];

const SECONDS: Types = ['integer'];
const FLAG: Types = ['boolean'];
/** RFC 9213 does not say how field names are listed. They are not read: the directive then concerns the whole response. */
const FLAG_OR_NAMES: Types = ['boolean', 'string', 'token'];

const TYPES = new Map<string, Types>([
  ['max-age', SECONDS],
  ['s-maxage', SECONDS],
  ['stale-while-revalidate', SECONDS],
  ['stale-if-error', SECONDS],
  ['no-store', FLAG],
  ['must-revalidate', FLAG],
  ['proxy-revalidate', FLAG],
  ['must-understand', FLAG],
  ['public', FLAG],
  ['no-cache', FLAG_OR_NAMES],
  ['private', FLAG_OR_NAMES],
]);

/**
 * @param targeted whether `CDN-Cache-Control` (RFC 9213) is meant for this cache: where it is neither empty nor wrong, it alone
 * counts, and not `Cache-Control` and `Expires`
 */
export function governing(response: FieldReader, targeted: boolean): Governing {
  const control = targeted ? parseTargeted(response('cdn-cache-control')) : undefined;
  return control === undefined
    ? { control: parseCacheControl(response('cache-control')), expires: response('expires') }
    : { control, expires: undefined };
}

/** `undefined` if there is nothing, if it is no dictionary, or if a directive has an argument of a wrong type. */
function parseTargeted(value: string | undefined): CacheControl | undefined {
  const dictionary = value === undefined ? undefined : parseDictionary(value);
  if (dictionary === undefined || dictionary.size === 0) return undefined;
  const directives = new Map<string, readonly (string | undefined)[]>();
  for (const [name, { type, text }] of dictionary) {
    const types = TYPES.get(name);
    if (types?.includes(type) === false) return undefined;
    // `no-store=?0` says that it is not there.
    const isAbsent = type === 'boolean' && text === '?0';
    if (types !== undefined && !isAbsent) directives.set(name, [types === SECONDS ? text : undefined]);
  }
  return cacheControl(directives);
}
