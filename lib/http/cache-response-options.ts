import type { ClassType } from '../codec/class-type.js';
import type { RefreshAhead } from '../tiers/lifetime.js';
import type { TierName } from '../observability/outcome.js';
import type { ByteSize } from '../primitives/byte-size.js';
import type { Duration } from '../primitives/duration.js';
import type { Identity, ResponseScope } from '../nest/audience.js';
import type { HttpRequest } from './exchange.js';

/** The header field that tells caches on the way which tags a response has. */
export type TagField = 'Cache-Groups' | 'Cache-Tag' | 'Surrogate-Key';

/** What {@link CacheResponse} takes, for a handler, for all of a controller, or for all of an application. */
export interface CacheResponseOptions {
  /** How long a response may be served, in seconds, or with a unit: `'5m'`. Without one anywhere the route is not cached. */
  ttl?: Duration;
  /**
   * What `invalidateTags` finds the response by, besides its own address; or a function of the request and of what the handler
   * returned.
   */
  tags?: readonly string[] | ((request: HttpRequest, result: unknown) => readonly string[]);
  /** Whose the responses are; see {@link ResponseScope}. Default `'auto'`. */
  scope?: ResponseScope;
  /** With `scope: 'private'`: whoever a response is for, `(request) => request.user.id`. Those for nobody are not cached. */
  identity?: Identity<HttpRequest>;
  /**
   * The query parameters that matter. Default: all of them. Others are left out of the key: the handler must not read them.
   * `'filter[status]'` stands for all of `filter`.
   */
  query?: readonly string[];
  /** Request header fields that matter, such as `Accept-Language`; they are added to `Vary`. What the handler adds is learned. */
  vary?: readonly string[];
  /** Hosts that the application answers to. Requests for others are not cached. Default: each host has responses of its own. */
  hosts?: readonly string[];
  /** What tells one resource from another, in place of host, path and query. */
  key?: (request: HttpRequest) => string;
  /** How long after its ttl a response is still served, while the handler runs once in the background. Default 0. */
  staleWhileRevalidate?: Duration;
  /** How long after its ttl a response is served in place of a 500, 502, 503 or 504. Default 0. */
  staleIfError?: Duration;
  /** How long 404 and 410 are kept. Default: not at all. */
  negativeTtl?: Duration;
  /** As for entries: shortens each ttl by a random part of up to this fraction. */
  jitter?: number;
  /** As for entries: refreshes in the background before the end. */
  refreshAhead?: RefreshAhead | false;
  /** The tiers that are used: both, unless said otherwise. */
  tiers?: readonly TierName[];
  /** Bodies larger than that are not stored. Default 1 MB. */
  maxBodySize?: ByteSize;
  /** How long clients may use a response without asking. They hear of no invalidation. Default: they ask each time (`no-cache`). */
  maxAge?: Duration;
  /** As `maxAge`, for shared caches on the way, which can be told by their tags. */
  sharedMaxAge?: Duration;
  /** Where the tags go out: default `Cache-Groups` (RFC 9875); `false`: nowhere. */
  tagField?: TagField | false;
  /**
   * `'policy'`: the options say how long responses live. `'origin'`: the responses' own `Cache-Control`, `Expires` and `Age` do, as
   * RFC 9111 has it. Default `'policy'`.
   */
  freshness?: 'policy' | 'origin';
  /** Of RPC handlers: the class whose instances they reply with, as for entries. */
  type?: ClassType;
  /** The name of the cache to use, instead of the default one. */
  cache?: string;
}

/** The names {@link CacheResponseOptions} may hold. */
export const RESPONSE_OPTION_NAMES = [
  'ttl',
  'tags',
  'scope',
  'identity',
  'query',
  'vary',
  'hosts',
  'key',
  'staleWhileRevalidate',
  'staleIfError',
  'negativeTtl',
  'jitter',
  'refreshAhead',
  'tiers',
  'maxBodySize',
  'maxAge',
  'sharedMaxAge',
  'tagField',
  'freshness',
  'type',
  'cache',
] as const satisfies readonly (keyof CacheResponseOptions)[];

/**
 * What responses are called besides their address, as tags that `tags` does not replace. The function is given nothing where there is
 * no request by HTTP. It is for other entries of this package.
 */
export const NAMES = Symbol('nestjs-tiered-cache:names');

/** Options with {@link NAMES}, or without. */
export interface NamedResponseOptions extends CacheResponseOptions {
  [NAMES]?: (request: Partial<HttpRequest>) => readonly string[];
}

/** Options over those of a wider place. Whose a response is was said there for another scope, if this one has its own. */
export function overlaid(wider: CacheResponseOptions, own: CacheResponseOptions): CacheResponseOptions {
  const { identity, ...rest } = wider;
  const inherits = identity !== undefined && (own.scope ?? 'private') === 'private';
  return { ...rest, ...(inherits && { identity }), ...own };
}
