import type { Logger } from '@nestjs/common';
import type { ServerResponse } from 'node:http';

import { hasSucceeded } from './addresses.js';
import type { Exchange } from './exchange.js';
import { functionIn, isChunk, setHead } from './response-tap.js';
import { passForSent, refuse, shadow } from './sent-head.js';

type Method = (...args: unknown[]) => unknown;
type Writing = Record<'writeHead' | 'flushHeaders' | 'write' | 'end', Method>;

/**
 * How far a response is: nothing of it is sent; its body is on its way; it has been ended, and that waits for what it
 * invalidates; everything is Node's.
 */
type Stage = 'open' | 'sending' | 'ending' | 'over';

/**
 * Sends a response once what it has changed is not served any more. Whoever writes it notices nothing: what waits here reads as
 * sent, and as ended.
 */
export class AfterInvalidation {
  readonly #raw: ServerResponse;
  readonly #node: Writing;
  #stage: Stage = 'open';
  /** Makes a head ready to be sent that passes for sent. */
  #release: (() => void) | undefined;
  #complained = false;

  /** Watches a response from now on. */
  static on(exchange: Exchange, invalidate: () => Promise<void>, log: Logger): AfterInvalidation {
    return new AfterInvalidation(exchange, invalidate, log);
  }

  private constructor(
    private readonly exchange: Exchange,
    private readonly invalidate: () => Promise<void>,
    private readonly log: Logger,
  ) {
    const { raw } = exchange;
    this.#raw = raw;
    const { writeHead, flushHeaders, write, end } = raw as unknown as Writing;
    this.#node = { writeHead, flushHeaders, write, end };
    // Ours stay in the chain of those who replace these methods. Node calls the first itself when a body begins without a head.
    Object.assign(raw, {
      writeHead: (...args: unknown[]) => this.#whenHead(args),
      flushHeaders: () => this.#whenFlushed(),
      write: (...args: unknown[]) => this.#whenWritten(args),
      end: (...args: unknown[]) => this.#whenEnded(args),
    });
  }

  #whenHead(args: unknown[]): unknown {
    if (this.#stage === 'ending' || this.#release !== undefined) refuse();
    if (this.#stage !== 'open' || !hasSucceeded({ statusCode: args[0] as number })) {
      return this.#node.writeHead.apply(this.#raw, args);
    }
    setHead(this.#raw, args);
    this.#release = passForSent(this.#raw);
    return this.#raw;
  }

  #whenFlushed(): void {
    if (this.#stage === 'ending') return;
    this.#begin();
    this.#node.flushHeaders.call(this.#raw);
  }

  #whenWritten(args: unknown[]): unknown {
    if (this.#stage === 'ending') {
      refuseLate(args);
      return false;
    }
    this.#begin();
    return this.#node.write.apply(this.#raw, args);
  }

  #whenEnded(args: unknown[]): unknown {
    if (this.#stage === 'ending') {
      if (isChunk(args[0]) && typeof args[0] !== 'function') refuseLate(args);
      else this.#callWhenSent(args);
      return this.#raw;
    }
    if (this.#stage === 'over' || !hasSucceeded(this.#raw) || !isBody(args[0])) return this.#end(args);
    if (this.#stage === 'open') this.#release ??= passForSent(this.#raw);
    void this.#hold(args);
    return this.#raw;
  }

  /** Pieces go out as they come. What they have changed is invalidated when they begin, and again at their end. */
  #begin(): void {
    if (this.#stage !== 'open') return;
    this.#readyHead();
    this.#stage = 'sending';
    void this.#finish();
  }

  async #hold([chunk, ...rest]: unknown[]): Promise<void> {
    this.#stage = 'ending';
    const takeBack = shadow(this.#raw, { writableEnded: true });
    // A copy: whoever wrote it may use it again.
    const body = chunk instanceof Uint8Array ? Buffer.from(chunk) : chunk;
    try {
      await this.#finish();
      takeBack();
      this.#end([body, ...rest]);
    } catch (error) {
      this.log.error(`the response to ${this.exchange.method} ${this.exchange.path} cannot be sent`, error);
      this.#raw.destroy();
    }
  }

  /** @throws as Node does; the response is then as it was */
  #end(args: unknown[]): unknown {
    const stage = this.#stage;
    this.#readyHead();
    this.#stage = 'over';
    try {
      return this.#node.end.apply(this.#raw, args);
    } catch (error) {
      this.#stage = stage;
      throw error;
    }
  }

  #readyHead(): void {
    this.#release?.();
    this.#release = undefined;
  }

  #callWhenSent(args: readonly unknown[]): void {
    const done = functionIn(args);
    if (done !== undefined) this.#raw.once('finish', done);
  }

  /** What the handler did is done: the client is told so, whatever becomes of the cache. */
  async #finish(): Promise<void> {
    if (!hasSucceeded(this.#raw)) return;
    try {
      await this.invalidate();
    } catch (error) {
      this.#complain(error);
    }
  }

  #complain(error: unknown): void {
    if (this.#complained) return;
    this.#complained = true;
    this.log.error(
      `${this.exchange.method} ${this.exchange.path} has succeeded, but not what it was to invalidate`,
      error,
    );
  }
}

/** What Node takes for the body, or for none. */
function isBody(chunk: unknown): boolean {
  return (
    !isChunk(chunk) || typeof chunk === 'string' || typeof chunk === 'function' || chunk instanceof Uint8Array
  );
}

/** Tells whoever writes to a response that has been ended, as Node does. */
function refuseLate(args: readonly unknown[]): void {
  const done = functionIn(args) as ((error: Error) => void) | undefined;
  const error = Object.assign(new Error('write after end'), { code: 'ERR_STREAM_WRITE_AFTER_END' });
  if (done !== undefined) process.nextTick(done, error);
}
