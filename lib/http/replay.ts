import { Observable } from 'rxjs';

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
    exchange.keepBodyFields();
    const send = (done?: () => void): void => sendStored(exchange, route, stored, report, age, done);
    const tap = ResponseTap.on(exchange.raw, new Instead(send));
    if (writing.byView) exchange.skipRendering();
    subscriber.next(PLACEHOLDER);
    subscriber.complete();
    if (!writing.byHandler) return;
    tap.off();
    send();
  });
}

/** Drops what is written, and sends something else at its end. */
class Instead implements TapTarget {
  readonly replaces = true;

  constructor(private readonly send: (done?: () => void) => void) {}

  begins(): boolean {
    return true;
  }

  piece(): boolean {
    return true;
  }

  ended(): void {}

  whole(_body: Buffer, done: (() => void) | undefined): void {
    this.send(done);
  }
}
