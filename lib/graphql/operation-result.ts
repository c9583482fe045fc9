import type { GraphQLResponse } from '@apollo/server';

import { audienceOfContext, type AudienceOptions } from './graphql-audience.js';
import type { Operation, OperationKey } from './operation-key.js';
import { isForOthers } from './private-results.js';

/** What is stored of an operation. */
export interface StoredResult {
  readonly data: Readonly<Record<string, unknown>>;
  readonly extensions?: Readonly<Record<string, unknown>>;
}

/** The result of an operation as GraphQL has it. */
export interface OperationResult {
  readonly data?: Record<string, unknown> | null;
  readonly errors?: readonly unknown[];
  readonly extensions?: Record<string, unknown>;
}

const HOLDS_PRIVATE =
  "a resolver in it is @CacheResolver({ scope: 'private' }): give the operation scope 'private' with the same identity, too";

/** @returns `undefined` when the result is incomplete or for this request only, as was found out while it was made */
export function storableResult(
  operation: Operation,
  key: OperationKey,
  audience: AudienceOptions,
  cookiesBefore: string,
  { data, errors, extensions }: OperationResult,
  refuse: (topic: string, reason: string) => undefined,
): StoredResult | undefined {
  if (data === undefined || data === null || (errors?.length ?? 0) > 0) return undefined;
  // A guard or a resolver may have found out who asks; and what is for one only must not depend on that alone.
  if (audienceOfContext(operation.contextValue, audience, () => {}) !== key.audience) return undefined;
  if (operation.overallCachePolicy.scope === 'PRIVATE' && audience.scope !== 'private') return undefined;
  const own = audience.scope === 'private' ? key.audience : undefined;
  if (isForOthers(operation.contextValue, own)) return refuse('private', HOLDS_PRIVATE);
  if (cookiesOf(operation) !== cookiesBefore) return undefined;
  return extensions === undefined ? { data } : { data, extensions: { ...extensions } };
}

/** What is sent in the place of an execution. Wrapped anew for each: other plugins may add to it. */
export function responseOf({ data, extensions }: StoredResult): GraphQLResponse {
  const singleResult = extensions === undefined ? { data } : { data, extensions: { ...extensions } };
  const http = { status: undefined, headers: new Map() };
  return { body: { kind: 'single', singleResult }, http } as unknown as GraphQLResponse;
}

interface WithResponse {
  readonly res?: { getHeader?(name: string): unknown };
  readonly reply?: { getHeader?(name: string): unknown };
}

/** The cookies that the response would set by now, by the framework's response and by Apollo's. */
export function cookiesOf({ contextValue, response }: Operation): string {
  const { res, reply } = contextValue as WithResponse;
  const set = (res ?? reply)?.getHeader?.('set-cookie');
  return JSON.stringify([set ?? null, response.http.headers.get('set-cookie') ?? null]);
}
