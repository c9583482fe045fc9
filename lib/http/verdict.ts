import type { OutgoingHttpHeaders } from 'node:http';

import { parseCacheControl } from '../http-semantics/cache-control.js';
import { type FieldReader, readHeaders } from '../http-semantics/fields.js';
import { type Arrival, freshnessOf } from '../http-semantics/freshness.js';
import { whyNotStorable } from '../http-semantics/storable.js';
import { parseVary } from '../http-semantics/vary.js';
import type { Exchange } from './exchange.js';
import { MOST_VARY, type ResponsePolicy } from './response-policy.js';
import type { Route } from './route.js';
import { usefulFor } from './said-freshness.js';
import type { Uncacheable } from './stored-response.js';

/** Statuses whose responses an option for how long they live is meant for. */
const STORED = new Set([200, 203, 204, 300, 301, 302, 303, 307, 308]);
/** Those that say there is nothing. */
const NEGATIVE = new Set([404, 410]);

/** Whether the status says that there is nothing, and that is to be kept. */
export function isKeptNegative(status: number, { negativeTtl }: ResponsePolicy): boolean {
  return negativeTtl > 0 && NEGATIVE.has(status);
}

/** Why a response may not be stored by its head, if so. */
export function verdictOf(
  exchange: Exchange,
  route: Route,
  now: OutgoingHttpHeaders,
  arrival: Arrival,
): Uncacheable | undefined {
  const { policy } = route;
  const status = exchange.raw.statusCode;
  const response = readHeaders(now);
  if (!policy.byOrigin) {
    // It may be another one the next time: an error, a redirect to a login.
    if (!STORED.has(status) && !isKeptNegative(status, policy))
      return { uncacheable: 'status', next: 'once' };
    if (parseCacheControl(response('cache-control')).isUnqualified('no-cache')) {
      return { uncacheable: 'no-cache', next: 'run' };
    }
    if (policy.ttl === 0 && STORED.has(status)) return { uncacheable: 'no-freshness', next: 'run' };
  }
  const why = whyNotStorable(
    { method: 'GET', status, request: requestFields(exchange), response },
    {
      scope: policy.cacheScope,
      lifetimeIsGiven: !policy.byOrigin,
      authorizationIsCovered: !policy.byOrigin,
      targeted: policy.byOrigin,
    },
  );
  if (why !== undefined) return { uncacheable: why, next: 'run' };
  if (policy.byOrigin) {
    const said = freshnessOf(response, { ...arrival, status, scope: policy.cacheScope, targeted: true });
    if (usefulFor(response, said, policy) === 0) return { uncacheable: 'no-freshness', next: 'run' };
  }
  // Events come as they happen: nobody is to wait for their end.
  if (/^text\/event-stream\b/i.test(response('content-type') ?? ''))
    return { uncacheable: 'events', next: 'run' };
  const names = parseVary(response('vary'));
  return names.length > MOST_VARY ? { uncacheable: 'vary', next: 'run' } : undefined;
}

export function requestFields({ request }: Exchange): FieldReader {
  return readHeaders(request.headers);
}
