import type { Operation } from './operation-key.js';

/** What a response is by now. */
export interface ResponseState {
  /** Whether the response of the framework is among what was looked at. */
  readonly seen: boolean;
  /** Status and headers, by what the log calls them. */
  readonly parts: ReadonlyMap<string, string>;
}

const COOKIES = 'the header set-cookie';

/**
 * What Apollo itself says when an operation ends, beside the status 200. Operations that are sent together have one response: the
 * first to end must not be taken for a change by the others.
 */
const SAID_AT_END: readonly string[] = ['cache-control', 'content-type'];

/** What Node's, Express' and Fastify's responses have. */
interface FrameworkResponse {
  readonly statusCode?: number;
  getHeaders(): Readonly<Record<string, unknown>>;
}

/** Of the framework's responses that resolvers can reach, and Apollo's. */
export function responseState({ contextValue, response: { http } }: Operation): ResponseState {
  const responses = responsesIn(contextValue);
  const parts = new Map<string, string>();
  const add = (name: string, value: unknown): void => {
    parts.set(name, `${parts.get(name) ?? ''}${JSON.stringify(value) ?? ''}\n`);
  };
  for (const response of responses) {
    add('the status', response.statusCode);
    for (const [name, value] of Object.entries(response.getHeaders()))
      add(`the header ${name.toLowerCase()}`, value);
  }
  add('the status', http.status ?? 200);
  for (const [name, value] of http.headers) if (!SAID_AT_END.includes(name)) add(`the header ${name}`, value);
  return { seen: responses.length > 0, parts };
}

/** @returns what has changed between two states: one thing of perhaps several */
export function changeOf(
  { parts: before }: ResponseState,
  { parts: after }: ResponseState,
): string | undefined {
  return [...before.keys(), ...after.keys()].find((name) => before.get(name) !== after.get(name));
}

/** As {@link changeOf}, when the response has been sent meanwhile, which changes all else. */
export function cookieChangeOf(
  { parts: before }: ResponseState,
  { parts: after }: ResponseState,
): string | undefined {
  return before.get(COOKIES) === after.get(COOKIES) ? undefined : COOKIES;
}

/** Where contexts have it: Apollo's `res`, Fastify's `reply`, Express' `req.res`. */
function responsesIn(context: unknown): readonly FrameworkResponse[] {
  const { res, reply, req } = context as {
    res?: unknown;
    reply?: { raw?: unknown };
    req?: { res?: unknown };
  };
  return [...new Set([res, reply, reply?.raw, req?.res])].filter(isResponse);
}

function isResponse(found: unknown): found is FrameworkResponse {
  return typeof (found as Partial<FrameworkResponse> | null | undefined)?.getHeaders === 'function';
}
