import type {
  IncomingHttpHeaders,
  IncomingMessage,
  OutgoingHttpHeader,
  OutgoingHttpHeaders,
  ServerResponse,
} from 'node:http';

import type { RequestWithCredentials } from '../nest/audience.js';

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
  /** Whatever a guard of the application has put there. */
  // oxlint-disable-next-line typescript/no-explicit-any
  readonly user?: any;
}

/** Fastify has Node's own objects in `raw`, Express' are Node's own. */
interface Framework<Raw> {
  readonly raw?: Raw;
}

type Response = Framework<ServerResponse> & {
  getHeader(name: string): OutgoingHttpHeader | undefined;
  getHeaders(): OutgoingHttpHeaders;
  render?: unknown;
  view?: unknown;
};

/** What frameworks derive from the body they send. */
const OF_THE_BODY = ['content-type', 'content-length', 'content-encoding', 'etag', 'transfer-encoding'];

/** One request and its response, of either framework. */
export class Exchange {
  readonly rawRequest: IncomingMessage;
  readonly raw: ServerResponse;
  #ofTheBody: readonly (OutgoingHttpHeader | undefined)[] = [];

  constructor(
    readonly request: HttpRequest,
    readonly response: Response,
  ) {
    this.rawRequest = (request as Framework<IncomingMessage>).raw ?? (request as unknown as IncomingMessage);
    this.raw = response.raw ?? (response as unknown as ServerResponse);
  }

  /**
   * The response's header fields before its handler runs: middleware, guards and decorators set them on every request. Those that
   * frameworks derive from a body are kept.
   */
  fieldsBefore(): OutgoingHttpHeaders {
    this.keepBodyFields();
    return this.response.getHeaders();
  }

  /** Keeps those that frameworks derive from a body, before there is one. */
  keepBodyFields(): void {
    const { response } = this;
    this.#ofTheBody = OF_THE_BODY.map((name) => response.getHeader(name));
  }

  /** Undoes what the framework has derived from the body it believes to send. */
  restoreBodyFields(): void {
    const { raw } = this;
    for (let i = 0; i < OF_THE_BODY.length; i++) {
      const name = OF_THE_BODY[i]!;
      const value = this.#ofTheBody[i];
      // Node takes the removal of a field for the wish to do without, be it there or not.
      if (value !== undefined) raw.setHeader(name, value);
      else if (raw.hasHeader(name)) raw.removeHeader(name);
    }
  }

  /** Whether the response may still be given a head. */
  get open(): boolean {
    return !this.raw.headersSent && !this.raw.writableEnded;
  }

  get method(): string {
    return this.request.method;
  }

  get path(): string {
    const url = this.request.originalUrl;
    const end = url.indexOf('?');
    return end === -1 ? url : url.slice(0, end);
  }

  get search(): string {
    const url = this.request.originalUrl;
    const end = url.indexOf('?');
    return end === -1 ? '' : url.slice(end + 1);
  }

  /** Where a URI of this application begins. */
  get origin(): string {
    const { protocol, host, headers } = this.request;
    return `${protocol ?? 'http'}://${(host ?? headers.host ?? '').toLowerCase()}`;
  }

  /** Has the view engine give an empty page: what is sent is known already. */
  skipRendering(): void {
    const { response, raw } = this;
    if (response.raw === undefined) response.render = () => raw.end();
    else response.view = () => (response as unknown as { send(body: string): unknown }).send('');
  }
}
