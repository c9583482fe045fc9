import type { OutgoingHttpHeader, OutgoingHttpHeaders, ServerResponse } from 'node:http';

import { type Interposed, interpose, type WritingMethods } from './interpose.js';

/** What watches a response being written. */
export interface TapTarget {
  /** Whether what is written is dropped: {@link whole} is called at its end, whatever it was. */
  readonly replaces: boolean;
  /** A body that the framework need not prepare: it is dropped. */
  readonly placeholder?: string;
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

const EMPTY = Buffer.alloc(0);

/**
 * Watches what is written to a response of Node, whoever writes it. A head that is written by itself is set on the response and
 * goes out with the body, so that a response in one piece is known before any of it is sent.
 */
export class ResponseTap implements Interposed {
  #on = true;
  #begun = false;
  readonly #own: WritingMethods;
  /** Our own: if there is another one, somebody has come later. */
  readonly #end: unknown;

  /** Watches a response from now on. */
  constructor(
    private readonly raw: ServerResponse,
    private readonly target: TapTarget,
  ) {
    const writing = raw as unknown as WritingMethods;
    const { writeHead, flushHeaders, write, end } = writing;
    this.#own = { writeHead, flushHeaders, write, end };
    interpose(raw, this);
    this.#end = writing.end;
  }

  /** Node calls it itself when a body begins without a head. */
  writeHead(args: unknown[]): unknown {
    return this.#on && !this.#begun ? setHead(this.raw, args) : this.#own.writeHead.apply(this.raw, args);
  }

  flushHeaders(): void {
    if (this.#on) {
      this.#begin();
      if (this.target.replaces) return;
    }
    this.#own.flushHeaders.call(this.raw);
  }

  write(args: unknown[]): unknown {
    return this.#on ? this.#whenWritten(args) : this.#own.write.apply(this.raw, args);
  }

  end(args: unknown[]): unknown {
    return this.#on ? this.#whenEnded(args) : this.#own.end.apply(this.raw, args);
  }

  prepared(body: unknown): unknown {
    return this.#on && body === this.target.placeholder ? undefined : body;
  }

  /** Whether any of the body has been written. */
  get begun(): boolean {
    return this.#begun;
  }

  /** What is written from now on goes through unseen. */
  off(): void {
    this.#on = false;
  }

  #begin(): void {
    if (this.#begun || this.target.replaces) return;
    this.#begun = true;
    if (!this.target.begins()) this.off();
  }

  #whenWritten(args: unknown[]): unknown {
    if (this.target.replaces) {
      functionIn(args)?.();
      return true;
    }
    this.#begin();
    if (this.#on && !this.target.piece(bytesOf(args))) this.off();
    const hasRoom = this.#own.write.apply(this.raw, args);
    // What is kept is in memory anyway: a client that reads slowly does not hold up those who wait for the whole.
    return this.#on || hasRoom;
  }

  #whenEnded(args: unknown[]): unknown {
    const last = typeof args[0] === 'function' ? [] : args;
    if (this.#begun) {
      if (isChunk(last[0]) && !this.target.piece(bytesOf(last))) this.off();
      if (this.#on) this.target.ended();
      this.off();
      return this.#own.end.apply(this.raw, args);
    }
    this.off();
    // Whoever has replaced it since has seen this end, and done to the body what he does: once is enough.
    if (this.raw.end !== this.#end) Object.assign(this.raw, { write: this.#own.write, end: this.#own.end });
    this.target.whole(this.target.replaces ? EMPTY : bytesOf(last), functionIn(args));
    return this.raw;
  }
}

/** Sets on a response what `writeHead` is given, so that it goes out with the body. */
export function setHead(raw: ServerResponse, [status, ...rest]: readonly unknown[]): ServerResponse {
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

/** The callback among the arguments of `write` or `end`. */
export function functionIn(args: readonly unknown[]): (() => void) | undefined {
  return args.find((arg) => typeof arg === 'function') as (() => void) | undefined;
}

export function isChunk(chunk: unknown): boolean {
  return chunk !== undefined && chunk !== null;
}
