import { type CallHandler, GatewayTimeoutException, PreconditionFailedException } from '@nestjs/common';
import { Observable, type Subscriber, throwError } from 'rxjs';

import { hasOriginConditions } from '../http-semantics/conditional.js';
import { currentAge } from '../http-semantics/freshness.js';
import { parseRequestDirectives } from '../http-semantics/request-directives.js';
import { backgroundRunOf } from './background-request.js';
import type { Exchange } from './exchange.js';
import type { HandlerRun } from './handler-run.js';
import { replay, type Writing } from './replay.js';
import type { Fills, Lead } from './fills.js';
import type { Revalidation } from './revalidation.js';
import type { RunResult } from './run-result.js';
import { type Route, selection } from './route.js';
import { type Report, tellStatus } from './sending.js';
import { isUncacheable, readyOf, type ReadyResponse } from './stored-response.js';
import { requestFields } from './verdict.js';

/** How often a request looks again: the client it waited for went away, or what is there was selected by something else. */
const MOST_TRIES = 5;

/** A request for a response that may be cached. */
export interface Visit {
  readonly exchange: Exchange;
  readonly route: Route;
  readonly writing: Writing;
  readonly next: CallHandler;
}

/** Answers requests with stored responses, and stores what handlers answer. */
export class ResponseCache {
  constructor(
    private readonly fills: Fills,
    private readonly revalidation: Revalidation,
    private readonly now: () => number,
  ) {}

  /** @throws CacheKeyError when a function of the options gives no name */
  serve(visit: Visit): Observable<unknown> {
    const { exchange, route, next } = visit;
    const background = backgroundRunOf(exchange);
    if (background !== undefined) {
      // Whoever asks in the background has to be who asked before.
      if (route.keyOf(exchange) !== background.key)
        return throwError(() => new PreconditionFailedException());
      return new Observable((subscriber) => background.settle(this.fills.run(visit, subscriber, background)));
    }
    const key = isCacheable(exchange) ? route.keyOf(exchange) : undefined;
    if (key === undefined) {
      tellStatus(exchange, { fwd: 'bypass' });
      return next.handle();
    }
    if (!route.policy.byOrigin) {
      const stored = readyOf(route.cache.fresh<RunResult>(key, route.entry));
      if (stored !== undefined && answers(stored, exchange)) return this.#replay(visit, stored);
    }
    return new Observable((subscriber) => void this.#find(visit, key, subscriber));
  }

  async #find(visit: Visit, first: string, subscriber: Subscriber<unknown>): Promise<void> {
    const { exchange, route } = visit;
    const asked = this.now();
    let own: HandlerRun | undefined;
    const lead: Lead = { subscriber, leads: (run) => (own = run) };
    try {
      let key = first;
      const varying = new Set<string>();
      for (let tries = 1; ; tries++) {
        const found = await this.#look(visit, key, lead);
        const stored = readyOf(found);
        const usable = stored !== undefined && answers(stored, exchange) ? stored : undefined;
        if (own !== undefined) {
          // What the handler answers is on its way, if nothing is better.
          own.settle(usable);
          return;
        }
        if (usable !== undefined) {
          this.#replay(visit, usable, asked).subscribe(subscriber);
          return;
        }
        // Nobody waits for an answer any more: the handler is not run for it.
        if (exchange.over) return;
        if (tries === MOST_TRIES || !(await this.#isToRetry(visit, key, found))) break;
        for (const [name] of stored?.selects ?? []) varying.add(name);
        key = route.keyOf(exchange, [...varying].toSorted()) ?? key;
      }
      await this.fills.alone(visit, key, lead);
    } catch (error) {
      if (own === undefined) subscriber.error(error);
      else own.settle();
    }
  }

  /** Whether there may be something else now. What is no response at all is removed: it came from Redis, and not from here. */
  async #isToRetry({ route }: Visit, key: string, found: RunResult | undefined): Promise<boolean> {
    if (found === undefined) return false;
    if (isUncacheable(found)) return found.next === 'retry';
    if (readyOf(found) === undefined) await route.cache.delete(key);
    return true;
  }

  async #look(visit: Visit, key: string, lead: Lead): Promise<RunResult | undefined> {
    const { exchange, route } = visit;
    const { cache, policy } = route;
    if (policy.byOrigin || exchange.method === 'HEAD') {
      const found = await cache.get<RunResult>(key, route.entry);
      const stored = readyOf(found);
      if (policy.byOrigin && stored !== undefined && answers(stored, exchange)) {
        return this.revalidation.use(visit, key, found!, stored, lead);
      }
      if (found !== undefined || exchange.method === 'HEAD') return found;
      if (parseRequestDirectives(requestFields(exchange)).onlyIfCached) throw new GatewayTimeoutException();
    }
    return this.fills.shared(visit, key, lead);
  }

  /** @param asked when the request came, if it may have waited for what has been stored since */
  #replay(visit: Visit, stored: ReadyResponse, asked = Infinity): Observable<unknown> {
    const age = currentAge(stored.initialAge, stored.storedAt, this.now());
    const left = stored.freshFor - age;
    const collapsed = stored.storedAt > asked;
    const report: Report = collapsed
      ? { fwd: 'uri-miss', collapsed }
      : { hit: true, ttl: Math.floor(left / 1000) };
    return replay(visit.exchange, visit.route, stored, visit.writing, report, age);
  }
}

/** Whether a client leaves it to us where its answer comes from. */
function isCacheable(exchange: Exchange): boolean {
  if (exchange.hasBody || !exchange.hasPlainTarget) return false;
  const fields = requestFields(exchange);
  if (hasOriginConditions(fields)) return false;
  return fields('cache-control') === undefined || !parseRequestDirectives(fields).noStore;
}

/** Whether a stored response was selected by what this request has, too (RFC 9111 4.1). */
function answers({ selects }: ReadyResponse, exchange: Exchange): boolean {
  if (selects.length === 0) return true;
  const own = selection(
    exchange,
    selects.map(([name]) => name),
  );
  return selects.every(([, value], i) => own[i]![1] === value);
}
