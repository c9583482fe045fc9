import type { ServerResponse } from 'node:http';
import { Observable } from 'rxjs';

import type { Exchange } from './exchange.js';
import { ResponseTap, type TapTarget } from './response-tap.js';
import type { Route } from './route.js';
import { type Report, sendStored } from './sending.js';
import type { ReadyResponse } from './stored-response.js';

/** What the interceptors around see of a response that comes from the store; what they make of it is not sent. */
const PLACEHOLDER = 'a stored response';

/** Those that are answered from the store. */
const REPLAYED = new WeakSet<ServerResponse>();

/** How a handler's response is written. */
export interface Writing {
  /** By the handler itself, through `@Res()`: Nest writes nothing. */
  readonly byHandler: boolean;
  /** By a view engine. */
  readonly byView: boolean;
}

/**
 * Answers with a stored response. What the observable emits goes through the interceptors around and is written by Nest; the
 * stored response is sent in its place, with whatever header fields they have set.
 */
export function replay(
  exchange: Exchange,
  route: Route,
  stored: ReadyResponse,
  writing: Writing,
  report: Report,
  age: number,
): Observable<unknown> {
  return new Observable((subscriber) => {
    REPLAYED.add(exchange.raw);
    const send = (done?: () => void): void => sendStored(exchange, route, stored, report, age, done);
    const instead = new Instead(exchange.raw, send);
    const tap = ResponseTap.on(exchange.raw, instead);
    if (writing.byView) exchange.skipRendering(() => !instead.replaces);
    subscriber.next(PLACEHOLDER);
    instead.isLeft = subscriber.closed;
    subscriber.complete();
    if (!writing.byHandler) return;
    tap.off();
    send();
  });
}

/** Whether a response is answered from the store: its handler has not run for it. */
export function isReplayed(raw: ServerResponse): boolean {
  return REPLAYED.has(raw);
}

/**
 * Drops what is written, and sends something else at its end: unless an interceptor around has refused the response. What it
 * threw is then answered by an exception filter, with a status of its own as a rule.
 */
class Instead implements TapTarget {
  /** Whether somebody further out had enough before all was said: for an error, or because one value is what he wants. */
  isLeft = false;
  readonly #status: number;

  constructor(
    private readonly raw: ServerResponse,
    private readonly send: (done?: () => void) => void,
  ) {
    this.#status = raw.statusCode;
  }

  get replaces(): boolean {
    return !this.isLeft && !this.#isRefused;
  }

  get #isRefused(): boolean {
    const { statusCode } = this.raw;
    return statusCode >= 400 && statusCode !== this.#status;
  }

  begins(): boolean {
    return false;
  }

  piece(): boolean {
    return true;
  }

  ended(): void {}

  whole(body: Buffer, done: (() => void) | undefined): void {
    if (this.replaces || (!this.#isRefused && isOurs(body))) this.send(done);
    else this.raw.end(body, done);
  }
}

function isOurs(body: Buffer): boolean {
  return body.length === 0 || body.includes(PLACEHOLDER);
}
