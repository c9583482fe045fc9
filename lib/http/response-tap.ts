import type { OutgoingHttpHeader, OutgoingHttpHeaders, ServerResponse } from 'node:http';

/** What watches a response being written. */
export interface TapTarget {
  /** Whether what is written is dropped: {@link whole} is called at its end, whatever it was. */
  readonly replaces: boolean;
  /**
   * The body is about to begin, and comes in pieces; header fields can still be set.
   * @returns whether to go on; otherwise the tap is off
   */
  begins(): boolean;
  /** @returns whether to go on */
  piece(bytes: Buffer): boolean;
  /** All pieces have been written. */
  ended(): void;
  /**
   * The whole response, of which nothing is sent yet: whoever is told has to send something, and the tap is off.
   * @param done what is to be called when it is sent
   */
  whole(body: Buffer, done: (() => void) | undefined): void;
}

type Method = (...args: unknown[]) => unknown;
type Name = 'writeHead' | 'flushHeaders' | 'write' | 'end';
const EMPTY = Buffer.alloc(0);

/**
 * Watches what is written to a response of Node, whoever writes it. A head that is written by itself is set on the response and
 * goes out with the body, so that a response in one piece is known before any of it is sent.
 */
export class ResponseTap {
  #on = true;
  #begun = false;
  readonly #writeHead: Method;
  readonly #flushHeaders: Method;
  readonly #write: Method;
  readonly #end: Method;

  /** Watches a response from now on. */
  static on(raw: ServerResponse, target: TapTarget): ResponseTap {
    return new ResponseTap(raw, target);
  }

  private constructor(
    private readonly raw: ServerResponse,
    private readonly target: TapTarget,
  ) {
    const { writeHead, flushHeaders, write, end } = raw as unknown as Record<Name, Method>;
    this.#writeHead = writeHead;
    this.#flushHeaders = flushHeaders;
    this.#write = write;
    this.#end = end;
    // Others may have replaced these methods before, or do so later: ours stay in the chain and step aside. Node calls the first
    // itself when a body begins without a head.
    raw.writeHead = ((...args: unknown[]) =>
      this.#on && !this.#begun
        ? this.#setHead(args)
        : this.#writeHead.apply(raw, args)) as typeof raw.writeHead;
    raw.flushHeaders = () => (this.#on ? this.#whenFlushed() : void this.#flushHeaders.call(raw));
    raw.write = ((...args: unknown[]) =>
      this.#on ? this.#whenWritten(args) : this.#write.apply(raw, args)) as typeof raw.write;
    raw.end = ((...args: unknown[]) =>
      this.#on ? this.#whenEnded(args) : this.#end.apply(raw, args)) as typeof raw.end;
  }

  /** Whether any of the body has been written. */
  get begun(): boolean {
    return this.#begun;
  }

  /** What is written from now on goes through unseen. */
  off(): void {
    this.#on = false;
  }

  #setHead([status, ...rest]: unknown[]): ServerResponse {
    const { raw } = this;
    raw.statusCode = status as number;
    const fields = rest.find((arg) => typeof arg === 'object' && arg !== null);
    if (typeof rest[0] === 'string') raw.statusMessage = rest[0];
    if (Array.isArray(fields)) setPairs(raw, fields);
    else
      for (const [name, value] of Object.entries((fields ?? {}) as OutgoingHttpHeaders)) {
        if (value !== undefined) raw.setHeader(name, value);
      }
    return raw;
  }

  #begin(): void {
    if (this.#begun || this.target.replaces) return;
    this.#begun = true;
    if (!this.target.begins()) this.off();
  }

  #whenFlushed(): void {
    this.#begin();
    if (!this.target.replaces) this.#flushHeaders.call(this.raw);
  }

  #whenWritten(args: unknown[]): unknown {
    if (this.target.replaces) {
      functionIn(args)?.();
      return true;
    }
    this.#begin();
    if (this.#on && !this.target.piece(bytesOf(args))) this.off();
    const hasRoom = this.#write.apply(this.raw, args);
    // What is kept is in memory anyway: a client that reads slowly does not hold up those who wait for the whole.
    return this.#on || hasRoom;
  }

  #whenEnded(args: unknown[]): unknown {
    const last = typeof args[0] === 'function' ? [] : args;
    if (this.#begun) {
      if (isChunk(last[0]) && !this.target.piece(bytesOf(last))) this.off();
      if (this.#on) this.target.ended();
      this.off();
      return this.#end.apply(this.raw, args);
    }
    this.off();
    this.target.whole(this.target.replaces ? EMPTY : bytesOf(last), functionIn(args));
    return this.raw;
  }
}

function setPairs(raw: ServerResponse, fields: readonly unknown[]): void {
  const pairs = Array.isArray(fields[0])
    ? (fields as [string, OutgoingHttpHeader][])
    : Array.from(
        { length: fields.length / 2 },
        (_, i) => fields.slice(2 * i, 2 * i + 2) as [string, OutgoingHttpHeader],
      );
  for (const [name] of pairs) raw.removeHeader(name);
  for (const [name, value] of pairs) raw.appendHeader(name, value as string | readonly string[]);
}

function bytesOf([chunk, encoding]: unknown[]): Buffer {
  if (typeof chunk === 'string') {
    return Buffer.from(chunk, typeof encoding === 'string' ? (encoding as BufferEncoding) : 'utf8');
  }
  // A copy: whoever wrote it may use it again.
  return isChunk(chunk) ? Buffer.from(chunk as Uint8Array) : EMPTY;
}

function functionIn(args: readonly unknown[]): (() => void) | undefined {
  return args.find((arg) => typeof arg === 'function') as (() => void) | undefined;
}

function isChunk(chunk: unknown): boolean {
  return chunk !== undefined && chunk !== null;
}
