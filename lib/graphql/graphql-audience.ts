import { audienceOf, type RequestWithCredentials, type ResponseScope } from '../nest/audience.js';

/** Whose results are. `Context` is the context of GraphQL, as the application makes it. */
export interface AudienceOptions {
  /**
   * `'auto'`: everybody's; a request with `Authorization`, `Cookie` or a user, or that cannot be seen (a context without `req`), is not
   * cached. `'public'`: everybody's, whoever asks. `'private'`: of whoever `identity` names. Default `'auto'`.
   */
  scope?: ResponseScope;
  /**
   * Names whoever a result is for, by the context of GraphQL, with scope `'private'`: `(context) => context.req.user.id`.
   * `undefined` for nobody in particular, whose results are not cached.
   */
  // oxlint-disable-next-line typescript/no-explicit-any -- a context is what the application makes it
  identity?: (context: any) => string | number | bigint | null | undefined;
}

const SCOPES: readonly unknown[] = ['auto', 'public', 'private'];

/** @returns what is wrong with the options, and the way out */
export function audienceProblem({ scope = 'auto', identity }: AudienceOptions): string | undefined {
  if (!SCOPES.includes(scope)) return "scope must be 'auto', 'public' or 'private'";
  if (identity !== undefined && typeof identity !== 'function') return 'identity must be a function';
  if (scope === 'private' && identity === undefined)
    return "scope 'private' needs an identity: a function of the context that names whoever asks";
  if (scope !== 'private' && identity !== undefined) return "identity is for scope 'private': give that, too";
  return undefined;
}

/**
 * The part of a key that keeps people apart.
 * @param unseen told when there is no request to look at, so that scope 'auto' cannot know
 * @returns `undefined` when the result is for this request only
 * @throws CacheKeyError when `identity` names somebody by something that is neither a string nor a number
 */
export function audienceOfContext(
  context: unknown,
  { scope = 'auto', identity }: AudienceOptions,
  unseen: () => void,
): string | undefined {
  const request = scope === 'auto' ? requestOf(context) : {};
  if (request === undefined) unseen();
  return request && audienceOf(request, scope, identity && (() => identity(context)));
}

/** Why scope 'auto' cannot know. */
export const UNSEEN =
  'the context of GraphQL has no `req`, so whose they are is not known: say so by `scope`';

interface Seen {
  readonly req?: RequestWithCredentials;
  readonly reply?: { readonly request?: RequestWithCredentials };
  readonly user?: unknown;
  readonly connectionParams?: Readonly<Record<string, unknown>>;
}

/** What says who asks: Apollo's `req`, Mercurius' `reply`, a user in the context itself, the parameters of a WebSocket. */
function requestOf(context: unknown): RequestWithCredentials | undefined {
  const { req, reply, user, connectionParams } = (context ?? {}) as Seen;
  const request = req ?? reply?.request;
  if (request === undefined) return undefined;
  const headers: Record<string, unknown> = {};
  for (const source of [request.headers, connectionParams]) {
    for (const name of Object.keys(source ?? {})) headers[name.toLowerCase()] = source![name];
  }
  return { headers, user: request.user ?? user };
}
