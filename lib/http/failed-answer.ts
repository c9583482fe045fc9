import { currentAge } from '../http-semantics/freshness.js';
import type { Exchange } from './exchange.js';
import type { Route } from './route.js';
import { sendStored } from './sending.js';
import type { ReadyResponse } from './stored-response.js';

/** Statuses that a stale response is better than (RFC 5861 4). */
const FAILURES = new Set([500, 502, 503, 504]);

/** What a handler has written itself is no better than an error it might have thrown. */
export class FailedAnswer extends Error {
  constructor(status: number) {
    super(`the handler answered ${status}`);
    this.name = 'FailedAnswer';
  }
}

/** Whether what the handler has written says that it failed. */
export function isFailure({ raw }: Exchange): boolean {
  return FAILURES.has(raw.statusCode);
}

/** Sends what was stored in place of a failure that the handler has written. */
export function sendInPlaceOfFailure(
  exchange: Exchange,
  route: Route,
  stale: ReadyResponse,
  now: number,
  done: (() => void) | undefined,
): void {
  const age = currentAge(stale.initialAge, stale.storedAt, now);
  sendStored(exchange, route, stale, { fwd: 'stale', fwdStatus: exchange.raw.statusCode }, age, done);
}
