import type { OutgoingHttpHeader } from 'node:http';

import { selectRange } from '../http-semantics/byte-range.js';
import { appendCacheStatus, type CacheStatus, formatCacheStatus } from '../http-semantics/cache-status.js';
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
/** Request fields by which less than all is sent. */
const CONDITIONS = ['if-none-match', 'if-modified-since', 'range'] as const;
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
  // Of another status, perhaps. HTTP/2 has none, and warns of who looks at it.
  if (exchange.rawRequest.httpVersionMajor < 2 && raw.statusMessage) raw.statusMessage = '';
  for (const name of OF_THE_BODY) {
    const value = before[name];
    // Node takes the removal of a field for the wish to do without, be it there or not.
    if (value !== undefined) raw.setHeader(name, value);
    else if (raw.hasHeader(name)) raw.removeHeader(name);
  }
  for (const name of stored.removed) if (raw.hasHeader(name)) raw.removeHeader(name);
  for (const [name, value] of stored.fields) {
    if (age === undefined || !isSetAnew(exchange, name.toLowerCase())) raw.setHeader(name, ownCopy(value));
    else if (/^vary$/i.test(name))
      raw.setHeader(name, withNames(raw.getHeader(name)!.toString(), String(value)));
  }
  if (age !== undefined) raw.setHeader('Age', String(Math.max(0, Math.floor(age / 1000))));
  announce(exchange, route, report);
  sendBody(exchange, stored, done);
}

/** Whether somebody has set a field on this very request while the placeholder was sent: that is about this request. */
function isSetAnew({ raw, before }: Exchange, name: string): boolean {
  const value = raw.getHeader(name);
  // Nest itself sets where a redirection leads, by what it takes for the handler's value.
  return value !== undefined && value !== before[name] && name !== 'location';
}

/** Node adds to the list that it was given when somebody appends to the field. */
function ownCopy(value: string | readonly string[]): string | readonly string[] {
  return typeof value === 'string' ? value : [...value];
}

/** Says what was done with the request, and what clients may do with the response unless the handler has said it. */
export function announce({ raw }: Exchange, { policy }: Route, report: Report): void {
  const others = raw.getHeader('cache-status');
  setStatus(raw, report, others);
  const control = policy.byOrigin || raw.hasHeader('cache-control') ? undefined : policy.cacheControl;
  if (control !== undefined) raw.setHeader('Cache-Control', control);
  const isForOthers = control !== undefined && control !== 'no-cache' && !control.startsWith('private');
  if (isForOthers || report.stored) {
    whenCookieIsSet(raw, () => {
      // Other caches might keep a cookie with the response, whatever the options say of that: it is for this client.
      if (control !== undefined) raw.setHeader('Cache-Control', 'private, no-cache');
      if (report.stored) setStatus(raw, { ...report, stored: false, detail: 'set-cookie' }, others);
    });
  }
  if (policy.byOrigin) return;
  if (policy.varyNames !== '')
    raw.setHeader('Vary', withNames(raw.getHeader('vary')?.toString(), policy.varyNames));
}

/** Node's own, by which it writes a head, whoever has replaced what is documented: it comes after all of them. HTTP/2 has none. */
const WRITES_HEAD = '_storeHeader';

/** Sessions set their cookies as late as when the head is written. */
function whenCookieIsSet(raw: Exchange['raw'], then: () => void): void {
  if (raw.hasHeader('set-cookie')) then();
  const setHeader = raw.setHeader.bind(raw);
  raw.setHeader = (name, field) => {
    if (/^set-cookie$/i.test(name)) then();
    return setHeader(name, field);
  };
  // Some call the method of the prototype.
  const node = raw as { [WRITES_HEAD]?: (...args: unknown[]) => unknown };
  const write = node[WRITES_HEAD];
  if (write === undefined) return;
  node[WRITES_HEAD] = (...args) => {
    if (raw.hasHeader('set-cookie')) then();
    return write.apply(raw, args);
  };
}

/** Says what was done with the request. */
export function tellStatus({ raw }: Pick<Exchange, 'raw'>, report: Report): void {
  setStatus(raw, report, raw.getHeader('cache-status'));
}

/** @param others what caches before this one have said */
function setStatus(raw: Exchange['raw'], report: Report, others: OutgoingHttpHeader | undefined): void {
  const value =
    others === undefined ? ownStatus(report) : appendCacheStatus(others.toString(), statusOf(report));
  raw.setHeader('Cache-Status', value);
}

const statusOf = (report: Report): CacheStatus => ({ name: CACHE_NAME, ...report });

/** What was said of the last hit: those of one second say the same. */
let ofHits = { ttl: NaN, text: '' };

function ownStatus(report: Report): string {
  const { hit, ttl } = report;
  if (hit === undefined || ttl === undefined) return formatCacheStatus(statusOf(report));
  if (ofHits.ttl !== ttl) ofHits = { ttl, text: formatCacheStatus(statusOf(report)) };
  return ofHits.text;
}

function sendBody(exchange: Exchange, stored: ReadyResponse, done: (() => void) | undefined): void {
  const { raw, method, request } = exchange;
  if (!CONDITIONS.some((name) => request.headers[name] !== undefined)) {
    sendWhole(exchange, stored, done);
    return;
  }
  const { bytes, status } = stored;
  const asked = {
    method,
    status,
    request: requestFields(exchange),
    stored: readHeaders(raw.getHeaders()),
    receivedAt: stored.storedAt,
  };
  if (isNotModified(asked)) {
    sendNotModified(raw, done);
    return;
  }
  const range = selectRange({ ...asked, size: bytes.length });
  if (range.kind === 'whole' || exchange.isEncodedAround) {
    sendWhole(exchange, stored, done);
    return;
  }
  raw.setHeader('Content-Range', range.contentRange);
  raw.statusCode = range.kind === 'part' ? 206 : 416;
  const part = range.kind === 'part' ? bytes.subarray(range.first, range.last + 1) : Buffer.alloc(0);
  raw.setHeader('Content-Length', part.length);
  raw.end(part, done);
}

/**
 * Sends what is not stored, or says that the client has it: the handler was not told that it does, and frameworks would have
 * said so themselves.
 */
export function sendUnstored(exchange: Exchange, body: Buffer, done: (() => void) | undefined): void {
  const { raw, method, request } = exchange;
  const stored = readHeaders(raw.getHeaders());
  const isTold = request.headers['if-none-match'] !== undefined || stored('last-modified') !== undefined;
  const asked = {
    method,
    status: raw.statusCode,
    request: requestFields(exchange),
    stored,
    receivedAt: Date.now(),
  };
  if (isTold && isNotModified(asked)) sendNotModified(raw, done);
  else raw.end(body, done);
}

function sendNotModified(raw: Exchange['raw'], done: (() => void) | undefined): void {
  raw.statusCode = 304;
  for (const name of NOT_IN_304) raw.removeHeader(name);
  raw.end(done);
}

/** Text goes out as text: Node writes it together with the head. */
function sendWhole(
  { raw, method }: Exchange,
  { body, bytes, status, chunked }: ReadyResponse,
  done?: () => void,
): void {
  const empty = method === 'HEAD' || status === 204;
  if (!chunked && status !== 204) raw.setHeader('Content-Length', bytes.length);
  if (!empty && chunked) raw.write(body);
  if (empty || chunked) raw.end(done);
  else raw.end(body, done);
}

/** @param names as they are written */
function withNames(vary: string | undefined, names: string): string {
  if (vary === undefined || vary === '') return names;
  const known = parseVary(vary);
  if (known === '*') return vary;
  const more = names.split(', ').filter((name) => !known.includes(name.toLowerCase()));
  return [vary, ...more].join(', ');
}
