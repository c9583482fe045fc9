import type { IncomingHttpHeaders, IncomingMessage, OutgoingHttpHeaders, ServerResponse } from 'node:http';

import { acceptsContentCoding } from '../http-semantics/content-coding.js';
import type { RequestWithCredentials } from '../nest/audience.js';
import { addressTag } from './route.js';

/** A request as handlers and guards know it, of Express or of Fastify: what the two have in common. */
export interface HttpRequest extends RequestWithCredentials {
  readonly method: string;
  readonly headers: IncomingHttpHeaders;
  readonly originalUrl: string;
  readonly protocol?: string;
  /** With its port, as the proxies that are trusted say. */
  readonly host?: string;
  readonly params: Readonly<Record<string, string>>;
  readonly query: Readonly<Record<string, unknown>>;
  /** Express' own. */
  readonly route?: unknown;
  /** Whatever a guard of the application has put there. */
  // oxlint-disable-next-line typescript/no-explicit-any
  readonly user?: any;
}

/** Fastify has Node's own objects in `raw`, Express' are Node's own. */
interface Framework<Raw> {
  readonly raw?: Raw;
}

interface Target {
  readonly path: string;
  readonly search: string;
}

type Response = Framework<ServerResponse> & {
  getHeaders(): OutgoingHttpHeaders;
  removeHeader(name: string): unknown;
  render?: unknown;
  view?: unknown;
};

/** Printable ASCII after a slash, without `#`. */
const PLAIN_TARGET = /^\/[!"$-~]*$/;

/** One request and its response, of either framework. */
export class Exchange {
  readonly rawRequest: IncomingMessage;
  readonly raw: ServerResponse;
  /** The response's header fields when the interceptor was entered: middleware and guards set them on every request. */
  readonly before: OutgoingHttpHeaders;
  /** Whether a middleware takes what is written, and may send other bytes: those of a content coding. */
  readonly #isRewritten: boolean;
  #split: Target | undefined;
  #addressTag: string | undefined;

  constructor(
    readonly request: HttpRequest,
    readonly response: Response,
  ) {
    this.rawRequest = (request as Framework<IncomingMessage>).raw ?? (request as unknown as IncomingMessage);
    this.raw = response.raw ?? (response as unknown as ServerResponse);
    this.before = response.getHeaders();
    this.#isRewritten = Object.hasOwn(this.raw, 'write');
  }

  /**
   * Whether the bytes that the client gets may be others than those that are written. A range of what is written would then be
   * put together with a part of something else.
   */
  get isEncodedAround(): boolean {
    return this.#isRewritten && acceptsContentCoding(this.request.headers['accept-encoding']);
  }

  /** Whether the client is gone, or has been answered. */
  get over(): boolean {
    return this.raw.destroyed || this.raw.writableEnded;
  }

  /** Whether the request brings a body: what it says is in no key (RFC 9110 9.3.1 gives it no meaning, handlers do). */
  get hasBody(): boolean {
    const { headers } = this.request;
    return headers['transfer-encoding'] !== undefined || Number(headers['content-length'] ?? 0) !== 0;
  }

  /** Whether the response may still be given a head. */
  get open(): boolean {
    return !this.raw.headersSent && !this.raw.writableEnded;
  }

  /** What Express has found the request's handler by: another one when that has called `next()`. */
  get matched(): unknown {
    return this.response.raw === undefined ? this.request.route : undefined;
  }

  get method(): string {
    return this.request.method;
  }

  get path(): string {
    return this.#target.path;
  }

  get search(): string {
    return this.#target.search;
  }

  get #target(): Target {
    return (this.#split ??= splitUrl(this.request.originalUrl));
  }

  /**
   * Whether the request says what it is for in the form that clients use: a path and a query. Of other forms, a fragment or
   * the whole address, routers and parsers of queries read different things.
   */
  get hasPlainTarget(): boolean {
    const { url } = this.rawRequest;
    return isPlain(this.request.originalUrl) && (url === undefined || isPlain(url));
  }

  /** That of everything that is answered at this address; see {@link addressTag}. */
  get addressTag(): string {
    return (this.#addressTag ??= addressTag(this.origin, this.path));
  }

  /** What a middleware has made of the URL, if so: it is what the handler was found by. */
  get rewritten(): Target | undefined {
    const { url } = this.rawRequest;
    return url === undefined || url === this.request.originalUrl ? undefined : splitUrl(url);
  }

  /** Whom the request is for, with the port, in lower case. */
  get host(): string {
    const { host, headers } = this.request;
    return (host ?? headers.host ?? '').toLowerCase();
  }

  /** Where a URI of this application begins. */
  get origin(): string {
    return `${this.request.protocol ?? 'http'}://${this.host}`;
  }

  /**
   * Has the view engine give an empty page: what is sent is known already.
   * @param unless something else is to be sent after all
   */
  skipRendering(unless: () => boolean): void {
    const { response, raw } = this;
    const name = response.raw === undefined ? 'render' : 'view';
    const render = response[name] as (...args: unknown[]) => unknown;
    const skip =
      name === 'render'
        ? () => raw.end()
        : () => (response as unknown as { send(body: string): unknown }).send('');
    response[name] = (...args: unknown[]) => (unless() ? render.apply(response, args) : skip());
  }
}

function isPlain(url: string): boolean {
  if (!PLAIN_TARGET.test(url)) return false;
  const semicolon = url.indexOf(';');
  // To some routers the query begins with whichever comes first.
  return semicolon === -1 || url.indexOf('?') < semicolon;
}

function splitUrl(url: string): Target {
  const end = url.indexOf('?');
  return end === -1 ? { path: url, search: '' } : { path: url.slice(0, end), search: url.slice(end + 1) };
}
