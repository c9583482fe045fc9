import { CacheKeyError } from '../primitives/errors.js';
import { describeValue } from '../primitives/escape.js';

/**
 * Whose a response is. `'auto'`: everybody's, as long as the request says nothing of who sent it; one with `Authorization`,
 * `Cookie` or `request.user` is not cached. `'public'`: everybody's, whoever asks. `'private'`: of whoever `identity` names.
 */
export type ResponseScope = 'auto' | 'public' | 'private';

/** What is looked at of a request of Express or Fastify. */
export interface RequestWithCredentials {
  readonly headers?: Readonly<Record<string, unknown>>;
  readonly user?: unknown;
}

/** Names whoever a response is for; `undefined` for nobody in particular, whose responses are not cached. */
export type Identity<Request> = (request: Request) => string | number | bigint | null | undefined;

/** Everybody. No identity is empty. */
const EVERYBODY = '';

/**
 * The part of a key that keeps people apart.
 * @returns `undefined` when the response is for this request only
 * @throws CacheKeyError when `identity` names somebody by something that is neither a string nor a number
 */
export function audienceOf<Request extends RequestWithCredentials>(
  request: Request,
  scope: ResponseScope,
  identity: Identity<Request> | undefined,
): string | undefined {
  if (scope === 'public') return EVERYBODY;
  if (scope === 'private') return identity && nameOf(identity(request));
  return hasCredentials(request) ? undefined : EVERYBODY;
}

/** Whether a request says who sent it. */
export function hasCredentials({ headers, user }: RequestWithCredentials): boolean {
  if (user !== undefined && user !== null) return true;
  return headers !== undefined && (headers['authorization'] !== undefined || headers['cookie'] !== undefined);
}

function nameOf(who: unknown): string | undefined {
  if (who === undefined || who === null || who === '') return undefined;
  if (typeof who === 'string') return who;
  if (typeof who === 'bigint' || (typeof who === 'number' && Number.isFinite(who))) return String(who);
  throw new CacheKeyError(
    `identity gave ${describeValue(who)}, which is nobody: return a string or a number, such as request.user.id, ` +
      'or undefined for responses that are not to be cached',
  );
}
