import type { ServerResponse } from 'node:http';
import { Observable } from 'rxjs';

import { complain } from './complaints.js';
import type { Exchange } from './exchange.js';
import { ResponseTap, type TapTarget } from './response-tap.js';
import type { Route } from './route.js';
import { type Report, sendStored } from './sending.js';
import type { ReadyResponse } from './stored-response.js';

/** What the interceptors around see of a response that comes from the store; what they make of it is not sent. */
const PLACEHOLDER = 'a stored response';

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
    const send = (done?: () => void): void => sendStored(exchange, route, stored, report, age, done);
    const instead = new Instead(exchange.raw, send, () => complainOfAround(route));
    const tap = new ResponseTap(exchange.raw, instead);
    if (writing.byView) exchange.skipRendering(() => !instead.replaces);
    subscriber.next(PLACEHOLDER);
    instead.isLeft = subscriber.closed;
    subscriber.complete();
    if (!writing.byHandler) return;
    tap.off();
    send();
  });
}

/**
 * Drops what is written, and sends something else at its end: unless an interceptor around has refused the response. What it
 * threw is then answered by an exception filter, with a status of its own as a rule.
 */
class Instead implements TapTarget {
  /** Whether somebody further out had enough before all was said: for an error, or because one value is what he wants. */
  isLeft = false;
  readonly placeholder = PLACEHOLDER;
  readonly #status: number;

  constructor(
    private readonly raw: ServerResponse,
    private readonly send: (done?: () => void) => void,
    private readonly onFailure: () => void,
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
    if (this.replaces || (!this.#isRefused && isOurs(body))) {
      this.send(done);
      return;
    }
    if (this.raw.statusCode >= 500) this.onFailure();
    this.raw.end(body, done);
  }
}

/** Whoever put it there sees a 500 that comes and goes. */
function complainOfAround(route: Route): void {
  complain(
    route,
    'around',
    `a hit of ${route.place} was answered with an error by an interceptor around the cache: those see '${PLACEHOLDER}' in place of the ` +
      "handler's value. Put it above @CacheResponse on the handler, or have it leave other values alone",
  );
}

function isOurs(body: Buffer): boolean {
  return body.length === 0 || body.includes(PLACEHOLDER);
}
