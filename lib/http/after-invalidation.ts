import type { Logger } from '@nestjs/common';
import type { ServerResponse } from 'node:http';
import { Observable } from 'rxjs';

import { hasSucceeded } from './addresses.js';
import { complainOf, type Invalidation } from './changes.js';
import type { Exchange } from './exchange.js';
import { functionIn, isChunk, setHead } from './response-tap.js';
import { isBody, passForSent, refuse, refuseLate, shadow } from './passing-for-sent.js';

type Method = (...args: unknown[]) => unknown;
type Writing = Record<'writeHead' | 'flushHeaders' | 'write' | 'end', Method>;

/**
 * How far a response is: nothing of it is sent; its body is on its way; it has been ended, and that waits for what it
 * invalidates; everything is Node's.
 */
type Stage = 'open' | 'sending' | 'ending' | 'over';

/** When what a handler may still be doing, of which nobody hears, is invalidated again: milliseconds after the client has left. */
const AFTERMATH = [1_000, 10_000];

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
  /** What the client has been told. */
  #sentStatus: number | undefined;
  /** Whether the end has been seen. */
  #isEnded = false;
  /** Whether the handler is over, as far as anybody hears of it. */
  #isDone = false;
  #isGone: boolean;
  #isLeft = false;
  #complained = false;

  /** Watches a response from now on. */
  static on(exchange: Exchange, changes: () => Invalidation, log: Logger): AfterInvalidation {
    return new AfterInvalidation(exchange, changes, log);
  }

  private constructor(
    private readonly exchange: Exchange,
    /** Names what has been changed so far. */
    private readonly changes: () => Invalidation,
    private readonly log: Logger,
  ) {
    const { raw } = exchange;
    this.#raw = raw;
    this.#isGone = raw.destroyed;
    raw.once('close', () => {
      this.#isGone = true;
      // What is on its way has succeeded, and its handler may wait for the client for ever.
      if (this.#isDone || this.#stage === 'sending') this.#leave();
    });
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

  /** What the handler does although nobody waits for it any more is not to be lost. As long as it runs, it may yet fail. */
  watch(handled: Observable<unknown>): Observable<unknown> {
    return new Observable((subscriber) => {
      subscriber.add(
        handled.subscribe({
          next: (value) => subscriber.next(value),
          error: (error) => {
            this.#isDone = true;
            subscriber.error(error);
          },
          complete: () => {
            this.#isDone = true;
            if (this.#isGone) this.#leave();
            subscriber.complete();
          },
        }),
      );
      subscriber.add(() => {
        if (this.#isDone) return;
        this.#isDone = true;
        this.#leave();
      });
    });
  }

  get #hasSucceeded(): boolean {
    return hasSucceeded({ statusCode: this.#sentStatus ?? this.#raw.statusCode });
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
    if (this.#stage === 'over' || !this.#hasSucceeded || !isBody(args[0])) return this.#end(args);
    if (this.#stage === 'open') this.#release ??= passForSent(this.#raw);
    void this.#hold(args);
    return this.#raw;
  }

  /** Pieces go out as they come. What they have changed is invalidated when they begin, and again at their end. */
  #begin(): void {
    if (this.#stage !== 'open') return;
    this.#readyHead();
    this.#stage = 'sending';
    this.#sentStatus = this.#raw.statusCode;
    void this.#finish();
  }

  async #hold([chunk, ...rest]: unknown[]): Promise<void> {
    this.#stage = 'ending';
    this.#isEnded = true;
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

  /** Nobody waits for what the handler has begun. It may go on unheard: it is looked after for a while. */
  #leave(): void {
    if (this.#isEnded) return;
    void this.#finish(!this.#isLeft);
    this.#isLeft = true;
  }

  /** @param again whether something may go on */
  async #finish(again = false): Promise<void> {
    if (!this.#hasSucceeded) return;
    const invalidate = this.changes();
    if (again) repeat(invalidate);
    const failures = await invalidate();
    if (failures.length === 0 || this.#complained) return;
    this.#complained = true;
    complainOf(failures, `${this.exchange.method} ${this.exchange.path}`, this.log);
  }
}

/** @param invalidate what is all that is kept of a request: those who leave by the thousand must not fill the memory */
function repeat(invalidate: Invalidation): void {
  // It has been said if it fails, and an application that is closed has no cache.
  for (const delay of AFTERMATH) setTimeout(() => void invalidate(), delay).unref();
}
