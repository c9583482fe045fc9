import type { FieldReader } from '../http-semantics/fields.js';
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

/** How long a stale response is kept that can still be validated, in milliseconds. */
const KEPT_FOR_VALIDATION = 3_600_000;

/** For how long a response is of any use that says itself how long that is, in milliseconds from when it came. */
export function usefulFor(field: FieldReader, said: Freshness, policy: ResponsePolicy): number {
  const left = Math.max(0, said.lifetime - said.initialAge);
  const validated = field('etag') !== undefined || field('last-modified') !== undefined;
  const { staleWhileRevalidate, staleIfError } = said;
  const validation = validated ? KEPT_FOR_VALIDATION : 0;
  return left + Math.max(staleWhileRevalidate, staleIfError, policy.staleIfError, validation);
}
