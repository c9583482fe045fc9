import type { EntryOptions } from '../core/entry-options.js';
import { resolveOptions, unstatedOptions } from '../core/resolve-options.js';
import type { Identity, ResponseScope } from '../nest/audience.js';
import type { CacheScope } from '../http-semantics/fields.js';
import { parseByteSize } from '../primitives/byte-size.js';
import { unknownOption } from '../primitives/did-you-mean.js';
import { parseDuration } from '../primitives/duration.js';
import type { CacheError } from '../primitives/errors.js';
import { CacheArgumentError } from '../primitives/errors.js';
import { checkFixedName } from '../primitives/fixed-name.js';
import { show } from '../primitives/show.js';
import { checkEntryTags, MAX_ENTRY_TAGS } from '../primitives/tags.js';
import {
  type CacheResponseOptions,
  type NamedResponseOptions,
  NAMES,
  RESPONSE_OPTION_NAMES,
  type TagField,
} from './cache-response-options.js';
import type { HttpRequest } from './exchange.js';
import { authorityOf } from './request-target.js';
import { parameterName } from './route.js';

/** Caches on the way must not give the answer for nobody in particular to somebody. */
const CREDENTIALS = ['Authorization', 'Cookie'];
const SCOPES: readonly unknown[] = ['auto', 'public', 'private'];
const TAG_FIELDS: readonly unknown[] = ['Cache-Groups', 'Cache-Tag', 'Surrogate-Key', false];
const FRESHNESS: readonly unknown[] = ['policy', 'origin'];
/** More request header fields than that, and hardly two requests are alike. */
export const MOST_VARY = 8;
const FIELD_NAME = /^[!#$%&'*+\-.^_`|~0-9A-Za-z]+$/;

/** What the core is told of a response; its tags are known when it is. */
export type ResponseEntryOptions = Omit<EntryOptions, 'tags' | 'type'>;

/** {@link CacheResponseOptions} with everything decided; durations in milliseconds. */
export interface ResponsePolicy {
  readonly scope: ResponseScope;
  /** The scope in the standard's terms. */
  readonly cacheScope: CacheScope;
  readonly identity: Identity<HttpRequest> | undefined;
  readonly tags: readonly string[];
  readonly tagsOf: ((request: HttpRequest, result: unknown) => readonly string[]) | undefined;
  readonly namesOf: NamedResponseOptions[typeof NAMES];
  readonly query: ReadonlySet<string> | undefined;
  /** In lower case. */
  readonly vary: readonly string[];
  /** What `Vary` says besides what the handler says, as it is written. */
  readonly varyNames: string;
  readonly hosts: ReadonlySet<string> | undefined;
  readonly key: ((request: HttpRequest) => string) | undefined;
  readonly ttl: number;
  readonly staleWhileRevalidate: number;
  readonly staleIfError: number;
  readonly negativeTtl: number;
  /** By how much a lifetime may be shortened at random: a part of it. */
  readonly jitter: number;
  readonly maxBodySize: number;
  /** What clients are told unless the handler says something. */
  readonly cacheControl: string;
  readonly tagField: TagField | false;
  readonly byOrigin: boolean;
  readonly cache: string | undefined;
  /** For the core. Frozen, so that it decides them once. */
  readonly entry: ResponseEntryOptions;
}

/**
 * Checks options, and decides what they leave open.
 * @param options those of the handler, over those of its controller, over those of the application
 * @returns `undefined` when nothing says for how long
 * @throws CacheError that names the option
 */
export function resolveResponsePolicy(options: NamedResponseOptions): ResponsePolicy | undefined {
  checkResponseOptions(options);
  const {
    ttl,
    scope = 'auto',
    identity,
    tags,
    freshness,
    negativeTtl,
    maxBodySize = '1mb',
    tagField = 'Cache-Groups',
  } = options;
  const byOrigin = freshness === 'origin';
  if (ttl === undefined && !byOrigin) return undefined;
  if (scope === 'private' && identity === undefined) {
    throw new CacheArgumentError(
      "scope 'private' needs identity, which says whose a response is: identity: (request) => request.user?.id",
    );
  }
  if (scope !== 'private' && identity !== undefined) throw withoutEffect('identity', scope);
  const { staleWhileRevalidate, staleIfError, jitter, refreshAhead, tiers } = options;
  const policy = {
    scope,
    cacheScope: scope === 'private' ? ('private' as const) : ('shared' as const),
    identity,
    tags: Array.isArray(tags) ? responseTags(tags) : [],
    tagsOf: typeof tags === 'function' ? tags : undefined,
    namesOf: options[NAMES],
    query: options.query && new Set(options.query.map(parameterName)),
    vary: (options.vary ?? []).map((name) => name.toLowerCase()).toSorted(),
    varyNames: [...(scope === 'auto' ? CREDENTIALS : []), ...(options.vary ?? []).map(titled)].join(', '),
    hosts: options.hosts && new Set(options.hosts.map(authorityOf)),
    key: options.key,
    ttl: duration(ttl, 'ttl'),
    staleWhileRevalidate: duration(staleWhileRevalidate, 'staleWhileRevalidate'),
    staleIfError: duration(staleIfError, 'staleIfError'),
    negativeTtl: duration(negativeTtl, 'negativeTtl'),
    jitter: jitter ?? 0,
    maxBodySize: parseByteSize(maxBodySize, 'maxBodySize'),
    tagField,
    byOrigin,
    cache: options.cache,
  };
  const entry = { ttl, staleWhileRevalidate, staleIfError, jitter, refreshAhead, tiers };
  return { ...policy, cacheControl: cacheControlOf(policy, options), entry: frozenEntry(entry) };
}

/** A loader that is a handler cannot be left alone half-way: a soft limit would answer for it while it still writes. */
function frozenEntry(options: ResponseEntryOptions): ResponseEntryOptions {
  const stated = Object.fromEntries(Object.entries(options).filter(([, value]) => value !== undefined));
  return Object.freeze({
    ...stated,
    isolation: 'share',
    loadTimeout: Object.freeze({}),
  });
}

/** @throws CacheError that names the option */
export function checkResponseOptions(options: CacheResponseOptions): void {
  if (typeof options !== 'object' || options === null || Array.isArray(options)) {
    throw new CacheArgumentError(
      `the options must be an object, such as { ttl: '1m' }, not ${show(options)}`,
    );
  }
  for (const name in options) {
    if ((RESPONSE_OPTION_NAMES as readonly string[]).includes(name)) continue;
    throw new CacheArgumentError(unknownOption(name, RESPONSE_OPTION_NAMES));
  }
  const { scope, identity, key, tags, tagField, freshness, cache } = options;
  oneOf('scope', scope, SCOPES);
  oneOf('tagField', tagField, TAG_FIELDS);
  oneOf('freshness', freshness, FRESHNESS);
  functionOrNothing('identity', identity);
  functionOrNothing('key', key);
  functionOrNothing('type', options.type);
  if (tags !== undefined && typeof tags !== 'function') responseTags(tags);
  names('query', options.query, /^[^]+$/);
  names('vary', options.vary, FIELD_NAME);
  if (options.vary !== undefined && (options.vary.includes('*') || options.vary.length > MOST_VARY))
    throw wrong('vary', options.vary, `at most ${MOST_VARY} names, and not '*': nothing would ever be a hit`);
  names('hosts', options.hosts, /^[^\s/?#]+$/);
  if (options.hosts?.length === 0) throw wrong('hosts', [], 'a name at least: no request would be cached');
  if (cache !== undefined && typeof cache !== 'string') throw wrong('cache', cache, 'the name of a cache');
  if (identity !== undefined && scope !== undefined && scope !== 'private')
    throw withoutEffect('identity', scope);
  if (options.sharedMaxAge !== undefined && scope === 'private') {
    throw new CacheArgumentError(
      "sharedMaxAge has no effect with scope 'private': leave it out, or say maxAge",
    );
  }
  for (const name of ['ttl', 'negativeTtl', 'maxAge', 'sharedMaxAge'] as const) duration(options[name], name);
  parseByteSize(options.maxBodySize ?? '1mb', 'maxBodySize');
  const { staleWhileRevalidate, staleIfError, jitter, refreshAhead, tiers } = options;
  resolveOptions({ staleWhileRevalidate, staleIfError, jitter, refreshAhead, tiers }, unstatedOptions(0));
}

/** What a response is called by its request: its address, its path and a name. */
const MOST_NAMES = 3;

/** @throws CacheArgumentError when a list in the options cannot be the tags of a response */
function responseTags(tags: unknown): readonly string[] {
  const distinct = checkEntryTags(tags);
  distinct.forEach(checkFixedName);
  const most = MAX_ENTRY_TAGS - MOST_NAMES;
  if (distinct.length <= most) return distinct;
  throw new CacheArgumentError(
    `${distinct.length} tags are too many for a response: at most ${most}, since it has some of its own. Give them all one tag in common`,
  );
}

function cacheControlOf(
  {
    scope,
    staleWhileRevalidate,
    staleIfError,
  }: Pick<ResponsePolicy, 'scope' | 'staleWhileRevalidate' | 'staleIfError'>,
  { maxAge, sharedMaxAge }: CacheResponseOptions,
): string {
  const directives = scope === 'auto' ? [] : [scope as string];
  if (maxAge === undefined && sharedMaxAge === undefined) return [...directives, 'no-cache'].join(', ');
  const seconds = (milliseconds: number): number => Math.floor(milliseconds / 1000);
  directives.push(`max-age=${seconds(duration(maxAge, 'maxAge'))}`);
  if (sharedMaxAge !== undefined)
    directives.push(`s-maxage=${seconds(duration(sharedMaxAge, 'sharedMaxAge'))}`);
  if (staleWhileRevalidate > 0) directives.push(`stale-while-revalidate=${seconds(staleWhileRevalidate)}`);
  if (staleIfError > 0) directives.push(`stale-if-error=${seconds(staleIfError)}`);
  return directives.join(', ');
}

/** `accept-language` → `Accept-Language`, as it is usually written. */
function titled(name: string): string {
  return name.toLowerCase().replaceAll(/(^|-)[a-z]/g, (letter) => letter.toUpperCase());
}

function duration(value: CacheResponseOptions['ttl'], name: string): number {
  return value === undefined ? 0 : parseDuration(value, name);
}

function oneOf(name: string, value: unknown, allowed: readonly unknown[]): void {
  if (value !== undefined && !allowed.includes(value)) throw wrong(name, value, allowed.map(show).join(', '));
}

function functionOrNothing(name: string, value: unknown): void {
  if (value !== undefined && typeof value !== 'function')
    throw wrong(name, value, name === 'type' ? 'a class' : 'a function of the request');
}

function names(name: string, value: unknown, pattern: RegExp): void {
  if (value === undefined) return;
  if (Array.isArray(value) && value.every((one) => typeof one === 'string' && pattern.test(one))) return;
  throw wrong(name, value, 'a list of names');
}

function withoutEffect(name: string, scope: string): CacheError {
  return new CacheArgumentError(
    `${name} has no effect with scope '${scope}': leave it out, or say scope: 'private'`,
  );
}

function wrong(name: string, value: unknown, expected: string): CacheError {
  return new CacheArgumentError(`${name} is ${show(value)}: expected ${expected}`);
}
