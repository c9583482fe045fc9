import { audienceOf, type RequestWithCredentials, type ResponseScope } from '../nest/audience.js';

/** Whose results are. `Context` is the context of GraphQL, as the application makes it. */
export interface AudienceOptions {
  /**
   * `'auto'`: everybody's; a request with `Authorization`, `Cookie`, a user or parameters of a WebSocket, or that cannot be seen (a
   * context without `req`, or a `req` without `headers`), is not cached. `'public'`: everybody's, whoever asks. `'private'`: of
   * whoever `identity` names. Default `'auto'`.
   */
  scope?: ResponseScope;
  /**
   * Names whoever a result is for, by the context of GraphQL, with scope `'private'`: `(context) => context.req.user?.id`.
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
  'the context of GraphQL has no request (`req` with `headers`), so whose they are is not known: say so by `scope`';

/** What `extra` has by itself. Whatever else is there was found out when the client connected. */
const TRANSPORT: readonly string[] = ['socket', 'request', 'connection', 'persistedRequest'];

/**
 * What says who asks: Apollo's `req`, which over WebSocket is the context of graphql-ws; Mercurius' `reply`; the request by which a
 * WebSocket was opened; what the client said then; a user in any of them.
 * @returns `undefined` when there are no headers to look at: whoever cannot be seen is not nobody
 */
function requestOf(context: unknown): RequestWithCredentials | undefined {
  const requests = [at(context, 'req'), at(at(context, 'reply'), 'request')];
  for (const party of [context, ...requests]) requests.push(at(at(party, 'extra'), 'request'));
  if (!requests.some((request) => isObject(at(request, 'headers')))) return undefined;
  const headers: Record<string, unknown> = {};
  let user: unknown;
  for (const party of [context, ...requests]) {
    for (const [name, value] of headersOf(party)) headers[name.toLowerCase()] ??= value;
    user ??= at(party, 'user') ?? connectedAs(party);
  }
  return { headers, user };
}

/** Whoever opened a WebSocket. By what name credentials are sent there is up to the application, so that all counts. */
function connectedAs(party: unknown): unknown {
  const said = entriesOf(at(party, 'connectionParams'));
  const foundOut = entriesOf(at(party, 'extra')).filter(([name]) => !TRANSPORT.includes(name));
  return [...said, ...foundOut].find(([, value]) => value !== undefined && value !== null);
}

function at(value: unknown, name: string): unknown {
  return isObject(value) ? (value as Readonly<Record<string, unknown>>)[name] : undefined;
}

/** Some are a Map, or the Headers of Fetch, which have no properties. */
function headersOf(party: unknown): Iterable<readonly [name: string, value: unknown]> {
  const headers = at(party, 'headers');
  const iterable = isObject(headers) && Symbol.iterator in headers;
  return iterable ? (headers as Iterable<readonly [string, unknown]>) : entriesOf(headers);
}

function entriesOf(source: unknown): readonly (readonly [name: string, value: unknown])[] {
  return isObject(source) ? Object.entries(source) : [];
}

function isObject(value: unknown): value is object {
  return typeof value === 'object' && value !== null;
}
