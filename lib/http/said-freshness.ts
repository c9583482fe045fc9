import { type Freshness, freshnessOf } from '../http-semantics/freshness.js';
import type { ResponsePolicy } from './response-policy.js';
import type { ReadyResponse } from './stored-response.js';

/** What a stored response says of its reuse by its own fields, from when it was stored. */
export function saidFreshness(
  { status, field, storedAt, initialAge, freshFor }: ReadyResponse,
  { cacheScope }: ResponsePolicy,
): Freshness {
  const arrival = { requestedAt: storedAt, receivedAt: storedAt };
  const said = freshnessOf(field, { ...arrival, status, scope: cacheScope, targeted: true });
  return { ...said, lifetime: freshFor, initialAge };
}
