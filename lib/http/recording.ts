import { cacheGroups, cacheTag, surrogateKey } from '../http-semantics/cache-groups.js';
import { strongETag } from '../http-semantics/entity-tag.js';
import { readPairs } from '../http-semantics/fields.js';
import { type Arrival, freshnessOf } from '../http-semantics/freshness.js';
import { formatHttpDate } from '../http-semantics/http-date.js';
import { isUpdateOf, storableFields, updatedFields } from '../http-semantics/update-stored.js';
import { parseVary } from '../http-semantics/vary.js';
import type { Exchange } from './exchange.js';
import { HandlerFields } from './handler-fields.js';
import { ResponseTags } from './response-tags.js';
import { type Asked, type Route, selection } from './route.js';
import { type ReadyResponse, storedBody, type StoredResponse, type Uncacheable } from './stored-response.js';
import { isKeptNegative, verdictOf } from './verdict.js';

const TAG_FIELD = { 'Cache-Groups': cacheGroups, 'Cache-Tag': cacheTag, 'Surrogate-Key': surrogateKey };

type Head = Omit<StoredResponse, 'body' | 'chunked' | 'storedAt' | 'freshFor' | 'initialAge'>;

/** What is kept of a response while it is written. */
export class Recording {
  readonly #begun: number;
  readonly #audience: string | undefined;
  readonly #matched: unknown;
  /** As the client has asked: handlers may change what they are given. */
  readonly #asked: Asked;
  readonly fields: HandlerFields;
  readonly tags: ResponseTags;
  #head: Head | undefined;
  #pieces: Buffer[] = [];
  #size = 0;

  constructor(
    private readonly exchange: Exchange,
    private readonly route: Route,
    private readonly now: () => number,
  ) {
    this.#begun = now();
    this.tags = new ResponseTags(exchange, route);
    this.fields = new HandlerFields(exchange, route.policy.byOrigin);
    this.#audience = route.audienceOf(exchange);
    this.#matched = exchange.matched;
    this.#asked = { request: { headers: { ...exchange.request.headers } } };
  }

  /**
   * Judges the head, and keeps it before anything is added for this client.
   * @param body when it is at hand
   * @returns why it is not stored, if so
   */
  head(body?: Buffer): Uncacheable | undefined {
    const { exchange, route } = this;
    const { raw } = exchange;
    // It came to be for somebody else behind the interceptor.
    if (this.#isOfAnother()) return { uncacheable: 'identity', next: 'run' };
    // The handler has left the request to another one.
    if (exchange.matched !== this.#matched) return { uncacheable: 'handler', next: 'run' };
    const isHead = exchange.method === 'HEAD';
    const verdict =
      (isHead ? undefined : this.#sizeVerdict(body)) ??
      verdictOf(exchange, route, raw.getHeaders(), this.#arrival);
    if (verdict !== undefined) return verdict;
    if (this.tags.refused) return UNTAGGED;
    if (!route.policy.byOrigin) {
      if (isHead) removeEntityTag(raw);
      else if (body !== undefined) setEntityTag(exchange, body);
      this.#setTagField();
    }
    if (isHead) return WITHOUT_BODY;
    const { fields, removed } = this.fields.changed();
    const selects = selection(this.#asked, parseVary(raw.getHeader('vary')?.toString()) as readonly string[]);
    this.#head = {
      status: raw.statusCode,
      fields: storableFields(fields, route.policy.cacheScope),
      removed,
      selects,
    };
    return undefined;
  }

  get #arrival(): Arrival {
    return { requestedAt: this.#begun, receivedAt: this.now() };
  }

  #isOfAnother(): boolean {
    try {
      return this.route.audienceOf(this.exchange) !== this.#audience;
    } catch {
      // Whoever writes the response is not to hear of it.
      return true;
    }
  }

  /** @returns whether it is still small enough */
  piece(bytes: Buffer): boolean {
    this.#size += bytes.length;
    const fits = this.#size <= this.route.policy.maxBodySize;
    if (fits) this.#pieces.push(bytes);
    else this.#pieces = [];
    return fits;
  }

  /** After {@link head} and all pieces. */
  whole(): StoredResponse | Uncacheable {
    const declared = this.exchange.raw.getHeader('content-length');
    if (declared !== undefined && Number(declared) !== this.#size) return TRUNCATED;
    const late = this.late();
    if (late !== undefined) return late;
    return this.stored(Buffer.concat(this.#pieces), declared === undefined);
  }

  /** Why it is not stored, if that was said when the head was written: sessions set their cookie then. */
  late(): Uncacheable | undefined {
    return this.exchange.raw.hasHeader('set-cookie') ? { uncacheable: 'set-cookie', next: 'run' } : undefined;
  }

  /** After {@link head}. */
  stored(body: Buffer, chunked: boolean): StoredResponse {
    const { policy } = this.route;
    const head = this.#head!;
    const written = { ...head, body: storedBody(body), chunked };
    if (policy.byOrigin) return this.#byOrigin(written);
    const lifetime = isKeptNegative(head.status, policy) ? policy.negativeTtl : policy.ttl;
    return { ...written, storedAt: this.now(), freshFor: this.#shortened(lifetime), initialAge: 0 };
  }

  /** The stored response that a 304 says is still the current one, with what the 304 says of it. */
  validated(stale: ReadyResponse): StoredResponse | undefined {
    if (this.exchange.raw.statusCode !== 304) return undefined;
    const news = this.fields.changed().fields;
    if (!isUpdateOf(stale.field, readPairs(news))) return undefined;
    const { status, removed, selects, chunked, body } = stale;
    const fields = updatedFields(stale.fields, news);
    return this.#byOrigin({ status, removed, selects, chunked, fields, body });
  }

  /** Its lifetime is what its own fields say. A hit has the date of the response, not that of the hit. */
  #byOrigin(written: Omit<StoredResponse, 'storedAt' | 'freshFor' | 'initialAge'>): StoredResponse {
    const arrival = this.#arrival;
    const storedAt = arrival.receivedAt;
    const dated = readPairs(written.fields)('date') !== undefined;
    const fields = dated ? written.fields : [...written.fields, ['Date', formatHttpDate(storedAt)] as const];
    const { cacheScope: scope } = this.route.policy;
    const options = { ...arrival, status: written.status, scope, targeted: true } as const;
    const { lifetime, initialAge } = freshnessOf(readPairs(fields), options);
    return { ...written, fields, storedAt, freshFor: this.#shortened(lifetime), initialAge };
  }

  /** @returns milliseconds; those of a lifetime that is not 0 are not 0 */
  #shortened(lifetime: number): number {
    const { jitter } = this.route.policy;
    return jitter === 0 ? lifetime : Math.ceil(lifetime * (1 - jitter * Math.random()));
  }

  #sizeVerdict(body: Buffer | undefined): Uncacheable | undefined {
    const declared = this.exchange.raw.getHeader('content-length');
    const size = body?.length ?? Number(declared);
    if (size > this.route.policy.maxBodySize) return TOO_LARGE;
    return body === undefined || declared === undefined || Number(declared) === size ? undefined : TRUNCATED;
  }

  #setTagField(): void {
    const { tagField } = this.route.policy;
    if (tagField === false) return;
    const { value } = TAG_FIELD[tagField](this.tags.own);
    if (value !== undefined) this.exchange.raw.setHeader(tagField, value);
  }
}

export const TOO_LARGE: Uncacheable = { uncacheable: 'too-large', next: 'run' };

/** Fewer or more bytes than its head has said. */
const TRUNCATED: Uncacheable = { uncacheable: 'truncated', next: 'once' };

/** Nobody could invalidate it. */
const UNTAGGED: Uncacheable = { uncacheable: 'tags', next: 'run' };

/** What there is of a response to HEAD: the fields of the one that is stored when somebody asks for it by GET. */
export const WITHOUT_BODY: Uncacheable = { uncacheable: 'head', next: 'once' };

/** A tag of the bytes, in place of the weak one that Express makes of the same bytes. */
function setEntityTag({ raw }: Exchange, body: Buffer): void {
  if (raw.statusCode !== 200) return;
  const etag = raw.getHeader('etag');
  if (etag === undefined || isMadeByExpress(raw, etag, body)) raw.setHeader('ETag', strongETag(body));
}

/** That of Express: a GET has another one, of bytes that are not there. */
function removeEntityTag(raw: Exchange['raw']): void {
  if (/^(W\/)?"[0-9a-f]+-[A-Za-z0-9+/]{27}"$/.test(String(raw.getHeader('etag')))) raw.removeHeader('ETag');
}

function isMadeByExpress(raw: object, etag: unknown, body: Buffer): boolean {
  const app = (raw as { app?: { get?(name: string): unknown } }).app;
  const make = app?.get?.('etag fn');
  return typeof make === 'function' && (make as (body: Buffer) => unknown)(body) === etag;
}
