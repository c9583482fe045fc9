import type { CacheManager } from '../core/cache-manager.js';
import { audienceOf } from '../nest/audience.js';
import { CacheKeyError } from '../primitives/errors.js';
import { show } from '../primitives/show.js';
import { hashedKey, hashedText, joinedParts } from '../primitives/hashed-key.js';
import { readHeaders } from '../http-semantics/fields.js';
import { selectingValue } from '../http-semantics/vary.js';
import type { Exchange, HttpRequest } from './exchange.js';
import { authorityOf, pathOf } from './request-target.js';
import type { ResponseEntryOptions, ResponsePolicy } from './response-policy.js';

/** Longer than that, in characters, and nobody has written it by hand: such requests are not cached. */
const LONGEST_QUERY = 2_048;

/** Parsers of queries stop after the first 1,000 parameters: one that is there, and is not read, must not choose the key. */
const MOST_PARAMETERS = 200;

/** Of how many requests the keys are remembered for each handler, and how long what they are made of may be, in characters. */
const MOST_KEPT = 500;
const LONGEST_KEPT = 500;

/**
 * What a cache has in its own defaults is not for responses: clients are told what the options say. Where responses themselves say
 * when they may be stale, the core does not know it. How long one lives is decided, jitter and all, when it is there.
 */
const UNSAID = { staleWhileRevalidate: 0, staleIfError: 0, refreshAhead: false } as const;

/** What is known of a handler whose responses are cached. */
export class Route {
  /** What the core is told of its responses. */
  readonly entry: ResponseEntryOptions;
  readonly #keys = new Map<string, string>();

  constructor(
    /** Class and method, and where they are. */
    readonly name: string,
    readonly cache: CacheManager,
    readonly policy: ResponsePolicy,
  ) {
    this.entry = Object.freeze({ ...UNSAID, ...policy.entry, jitter: 0, ...(policy.byOrigin && UNSAID) });
  }

  /** Class and method. */
  get place(): string {
    return this.name.split(' ', 1)[0]!;
  }

  /**
   * The key of the response to a request.
   * @param varying request header fields, besides those of the options, by which responses to such requests differ
   * @returns `undefined` when it is for this request only
   * @throws CacheKeyError when a function of the options gives no name
   */
  keyOf(exchange: Exchange, varying: readonly string[] = []): string | undefined {
    const { hosts } = this.policy;
    const audience = this.audienceOf(exchange);
    if (audience === undefined || isOverlong(exchange.search)) return undefined;
    if (hosts !== undefined && !hosts.has(authorityOf(exchange.host))) return undefined;
    const parts = [this.name, audience, ...this.#resourceOf(exchange)];
    for (const names of [this.policy.vary, varying]) {
      for (const [name, value] of selection(exchange, names)) parts.push(name, mark(value));
    }
    return this.#hashed(joinedParts(parts));
  }

  /** To hash a short text takes longer than to find it. */
  #hashed(text: string): string {
    const known = this.#keys.get(text);
    if (known !== undefined) return known;
    const key = hashedText(text);
    if (text.length > LONGEST_KEPT) return key;
    if (this.#keys.size === MOST_KEPT) this.#keys.clear();
    this.#keys.set(text, key);
    return key;
  }

  /** Whose the response is; `undefined` when it is for this request only. */
  audienceOf({ request }: Exchange): string | undefined {
    const { scope, identity } = this.policy;
    return audienceOf(request, scope, identity);
  }

  /** The tags of a response that are known by its request: that of its address, and others that it is called by. */
  namesOf(exchange: Exchange): readonly string[] {
    return [exchange.addressTag, ...(this.policy.namesOf?.(exchange.request) ?? [])];
  }

  #resourceOf(exchange: Exchange): string[] {
    const { key, query } = this.policy;
    if (key === undefined) {
      const { origin, path, search, rewritten } = exchange;
      const parts = [origin, path, canonicalQuery(search, query)];
      if (rewritten !== undefined) parts.push(rewritten.path, canonicalQuery(rewritten.search, query));
      return parts;
    }
    const own: unknown = key(exchange.request);
    if (typeof own === 'string') return [own];
    throw new CacheKeyError(`key of ${this.name} gave ${show(own)}: return a string that names the resource`);
  }
}

/** A request, or what is left of it. */
export interface Asked {
  readonly request: Pick<HttpRequest, 'headers'>;
}

/** The values of request header fields by which a response is selected; `null` for a field that is not there. */
export type Selection = readonly (readonly [name: string, value: string | null])[];

const NOTHING: Selection = [];

/** What is stored with responses is not to be used to log in. */
const CREDENTIALS = new Set(['authorization', 'cookie']);

/** What a request has in these fields. */
export function selection({ request }: Asked, names: readonly string[]): Selection {
  if (names.length === 0) return NOTHING;
  const read = readHeaders(request.headers);
  return names.map((name) => {
    const value = selectingValue(read, name) ?? null;
    return [name, value !== null && CREDENTIALS.has(name) ? hashedText(value) : value] as const;
  });
}

/** Nothing, and an empty value, are two things. */
function mark(value: string | null): string {
  return value === null ? '-' : `+${value}`;
}

/**
 * The tag of everything that was answered at an address, whatever the query, the reader or the representation. Routers take several
 * spellings of a path for one: what is changed under one of them is changed under all. One too many costs a miss. So does the other scheme:
 * whoever writes may be inside of what makes it https.
 * @param origin or what `Host` says
 */
export function addressTag(origin: string, target: string): string {
  const spelled = decoded(pathOf(target))
    .toLowerCase()
    .replaceAll(/\/{2,}/g, '/');
  const path = spelled.length > 1 && spelled.endsWith('/') ? spelled.slice(0, -1) : spelled;
  return `uri:${hashedKey([authorityOf(origin), path])}`;
}

/**
 * The parameters that matter, sorted by name. Values stay as they were sent, and those of one name in their order: `a`, `a[]`, `[a]` and
 * `a[b]` are one name to those who read them.
 */
export function canonicalQuery(search: string, names: ReadonlySet<string> | undefined): string {
  if (search === '' || names?.size === 0) return '';
  const parameters = search
    .split('&')
    .filter((parameter) => parameter !== '')
    .map((parameter) => ({ parameter, name: nameOf(parameter) }))
    .filter(({ name }) => names === undefined || names.has(name));
  parameters.sort((a, b) => (a.name < b.name ? -1 : a.name > b.name ? 1 : 0));
  return parameters.map(({ parameter }) => parameter).join('&');
}

function nameOf(parameter: string): string {
  const end = parameter.indexOf('=');
  const raw = end === -1 ? parameter : parameter.slice(0, end);
  return parameterName(decoded(raw.replaceAll('+', ' '), raw));
}

/** What the parameter is called that `filter[status]` is a part of. `[a]` is `a`, too. */
export function parameterName(name: string): string {
  const from = name.startsWith('[') ? 1 : 0;
  const bracket = from === 0 ? name.indexOf('[') : name.indexOf(']');
  return bracket > from ? name.slice(from, bracket) : name;
}

function isOverlong(search: string): boolean {
  if (search.length > LONGEST_QUERY) return true;
  let parameters = 1;
  for (let at = search.indexOf('&'); at !== -1; at = search.indexOf('&', at + 1)) parameters++;
  return parameters > MOST_PARAMETERS;
}

function decoded(text: string, otherwise = text): string {
  try {
    return decodeURIComponent(text);
  } catch {
    return otherwise;
  }
}
