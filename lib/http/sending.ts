import { selectRange } from '../http-semantics/byte-range.js';
import { appendCacheStatus, type CacheStatus } from '../http-semantics/cache-status.js';
import { isNotModified } from '../http-semantics/conditional.js';
import { readHeaders } from '../http-semantics/fields.js';
import { parseVary } from '../http-semantics/vary.js';
import type { Exchange } from './exchange.js';
import type { Route } from './route.js';
import type { ReadyResponse } from './stored-response.js';
import { requestFields } from './verdict.js';

/** The name under which this cache tells what it did, in `Cache-Status`. */
export const CACHE_NAME = 'nestjs-tiered-cache';

/** What frameworks derive from the body they believe to send. */
export const OF_THE_BODY: readonly string[] = [
  'content-type',
  'content-length',
  'content-encoding',
  'etag',
  'transfer-encoding',
];
/** What a 304 says nothing of (RFC 9110 15.4.5). */
const NOT_IN_304 = [
  'content-type',
  'content-length',
  'content-encoding',
  'content-language',
  'content-range',
];

export type Report = Omit<CacheStatus, 'name'>;

/**
 * Sends a stored response, as a whole or as much of it as the request asks for. What was stored takes the place of whatever the
 * framework has prepared; what middleware, guards and other interceptors have set stays.
 * @param age milliseconds since it was made; `undefined` when this request made it
 */
export function sendStored(
  exchange: Exchange,
  route: Route,
  stored: ReadyResponse,
  report: Report,
  age?: number,
  done?: () => void,
): void {
  const { raw, before } = exchange;
  raw.statusCode = stored.status;
  // Of another status, perhaps. HTTP/2 has none, and warns of who sets it.
  if (raw.statusMessage) raw.statusMessage = '';
  for (const name of OF_THE_BODY) {
    const value = before[name];
    // Node takes the removal of a field for the wish to do without, be it there or not.
    if (value !== undefined) raw.setHeader(name, value);
    else if (raw.hasHeader(name)) raw.removeHeader(name);
  }
  for (const name of stored.removed) if (raw.hasHeader(name)) raw.removeHeader(name);
  for (const [name, value] of stored.fields) raw.setHeader(name, value);
  if (age !== undefined) raw.setHeader('Age', String(Math.max(0, Math.floor(age / 1000))));
  announce(exchange, route, report);
  sendBody(exchange, stored, done);
}

/** Says what was done with the request, and what clients may do with the response unless the handler has said it. */
export function announce({ raw }: Exchange, { policy }: Route, report: Report): void {
  tellStatus({ raw }, report);
  if (policy.byOrigin) return;
  if (!raw.hasHeader('cache-control')) raw.setHeader('Cache-Control', policy.cacheControl);
  const names = policy.scope === 'auto' ? ['authorization', 'cookie', ...policy.vary] : policy.vary;
  if (names.length > 0) raw.setHeader('Vary', withNames(String(raw.getHeader('vary') ?? ''), names));
}

/** Says what was done with the request. */
export function tellStatus({ raw }: Pick<Exchange, 'raw'>, report: Report): void {
  const existing = raw.getHeader('cache-status');
  raw.setHeader('Cache-Status', appendCacheStatus(existing?.toString(), { name: CACHE_NAME, ...report }));
}

function sendBody(exchange: Exchange, stored: ReadyResponse, done: (() => void) | undefined): void {
  const { raw, method } = exchange;
  const { body, status } = stored;
  const asked = {
    method,
    status,
    request: requestFields(exchange),
    stored: readHeaders(raw.getHeaders()),
    receivedAt: stored.storedAt,
  };
  if (isNotModified(asked)) {
    raw.statusCode = 304;
    for (const name of NOT_IN_304) raw.removeHeader(name);
    raw.end(done);
    return;
  }
  const range = selectRange({ ...asked, size: body.length });
  if (range.kind === 'whole') {
    sendWhole(exchange, stored, done);
    return;
  }
  raw.setHeader('Content-Range', range.contentRange);
  raw.statusCode = range.kind === 'part' ? 206 : 416;
  const bytes = range.kind === 'part' ? body.subarray(range.first, range.last + 1) : Buffer.alloc(0);
  raw.setHeader('Content-Length', bytes.length);
  raw.end(bytes, done);
}

function sendWhole(
  { raw, method }: Exchange,
  { body, status, chunked }: ReadyResponse,
  done?: () => void,
): void {
  const empty = method === 'HEAD' || status === 204;
  if (!chunked && status !== 204) raw.setHeader('Content-Length', body.length);
  if (!empty && chunked) raw.write(body);
  if (empty || chunked) raw.end(done);
  else raw.end(body, done);
}

function withNames(vary: string, names: readonly string[]): string {
  const known = parseVary(vary);
  if (known === '*') return vary;
  const more = names.filter((name) => !known.includes(name)).map(titled);
  return [vary, ...more].filter((part) => part !== '').join(', ');
}

/** `accept-language` → `Accept-Language`, as it is usually written. */
function titled(name: string): string {
  return name.replaceAll(/(^|-)[a-z]/g, (letter) => letter.toUpperCase());
}
