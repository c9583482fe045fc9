import type { CacheManager } from '../core/cache-manager.js';
import { audienceOf } from '../nest/audience.js';
import { CacheKeyError } from '../primitives/errors.js';
import { show } from '../primitives/show.js';
import { hashedKey } from '../primitives/hashed-key.js';
import type { FieldReader } from '../http-semantics/fields.js';
import { selectingValue } from '../http-semantics/vary.js';
import type { Exchange } from './exchange.js';
import type { ResponsePolicy } from './response-policy.js';

/** Longer than that, in characters, and nobody has written it by hand: such requests are not cached. */
const LONGEST_QUERY = 2_048;

/** What is known of a handler whose responses are cached. */
export class Route {
  constructor(
    /** Class and method, and where they are. */
    readonly name: string,
    readonly cache: CacheManager,
    readonly policy: ResponsePolicy,
  ) {}

  /**
   * The key of the response to a request.
   * @param varying request header fields, besides those of the options, by which responses to such requests differ
   * @returns `undefined` when it is for this request only
   * @throws CacheKeyError when a function of the options gives no name
   */
  keyOf(exchange: Exchange, varying: readonly string[] = []): string | undefined {
    const { scope, identity, hosts } = this.policy;
    const audience = audienceOf(exchange.request, scope, identity);
    if (audience === undefined || exchange.search.length > LONGEST_QUERY) return undefined;
    if (hosts !== undefined && !hosts.has(hostOf(exchange))) return undefined;
    const parts = [this.name, audience, ...this.#resourceOf(exchange)];
    for (const [name, value] of selection(exchange, this.policy.vary)) parts.push(name, mark(value));
    for (const [name, value] of selection(exchange, varying)) parts.push(name, mark(value));
    return hashedKey(parts);
  }

  #resourceOf(exchange: Exchange): string[] {
    const { key, query } = this.policy;
    if (key === undefined) return [exchange.origin, exchange.path, canonicalQuery(exchange.search, query)];
    const own: unknown = key(exchange.request);
    if (typeof own === 'string') return [own];
    throw new CacheKeyError(`key of ${this.name} gave ${show(own)}: return a string that names the resource`);
  }
}

/** The values of request header fields by which a response is selected; `null` for a field that is not there. */
export type Selection = readonly (readonly [name: string, value: string | null])[];

/** What a request has in these fields. */
export function selection({ request }: Exchange, names: readonly string[]): Selection {
  const read: FieldReader = (name) => request.headers[name] as string | undefined;
  return names.map((name) => [name, selectingValue(read, name) ?? null] as const);
}

/** Nothing, and an empty value, are two things. */
function mark(value: string | null): string {
  return value === null ? '-' : `+${value}`;
}

/** The tag of everything that was answered at an address, whatever the query, the reader or the representation. */
export function addressTag(origin: string, path: string): string {
  return `uri:${hashedKey([origin, path])}`;
}

function hostOf({ request }: Exchange): string {
  return (request.host ?? request.headers.host ?? '').toLowerCase();
}

/**
 * The parameters that matter, sorted by name. Values stay as they were sent, and those of one name in their order: `a`, `a[]` and
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
  const name = decoded(raw);
  const bracket = name.indexOf('[');
  return bracket > 0 ? name.slice(0, bracket) : name;
}

function decoded(text: string): string {
  try {
    return decodeURIComponent(text.replaceAll('+', ' '));
  } catch {
    return text;
  }
}
