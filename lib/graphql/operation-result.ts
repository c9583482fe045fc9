import type { GraphQLResponse } from '@apollo/server';

import { jsonCodec } from '../codec/json-codec.js';
import { audienceOfContext } from './graphql-audience.js';
import { tagProblem } from './made-tags.js';
import type { Operation, OperationKey } from './operation-key.js';
import type { OperationPolicy } from './operation-policy.js';
import { isForOthers } from './private-results.js';

/** What is stored of an operation. */
export interface StoredResult {
  readonly data: Record<string, unknown>;
  readonly extensions?: Record<string, unknown>;
}

/** … and by which tags it is found. */
export interface StorableResult {
  readonly stored: StoredResult;
  readonly tags: readonly string[];
}

/** The result of an operation as GraphQL has it. */
export interface OperationResult {
  readonly data?: Record<string, unknown> | null;
  readonly errors?: readonly unknown[];
  readonly extensions?: Record<string, unknown>;
}

/** What is known of an execution beside its result. */
export interface Executed {
  /** Whether its response could be seen. */
  readonly seen: boolean;
  /** What it has changed in the response. */
  readonly changed: string | undefined;
}

const HOLDS_PRIVATE =
  "a resolver in it is @CacheResolver({ scope: 'private' }): give the operation scope 'private' with the same identity, too";
const UNSEEN_RESPONSE =
  'the context of GraphQL has no response (`res`, or `reply` of Fastify), so whether they set cookies is not known: put it there, or say whose they are by `scope`';

/**
 * @param refuse is told why not, where that is worth saying
 * @returns `undefined` when the result is incomplete or for this request only, as was found out while it was made
 */
export function storableResult(
  operation: Operation,
  key: OperationKey,
  { audience, makeTags }: OperationPolicy,
  { data, errors, extensions }: OperationResult,
  { seen, changed }: Executed,
  refuse: (topic: string, reason: string) => undefined,
): StorableResult | undefined {
  if (data === undefined || data === null || (errors?.length ?? 0) > 0) return undefined;
  // A guard or a resolver may have found out who asks; and what is for one only must not depend on that alone.
  if (audienceOfContext(operation.contextValue, audience, () => {}) !== key.audience) return undefined;
  const { scope = 'auto' } = audience;
  if (operation.overallCachePolicy.scope === 'PRIVATE' && scope !== 'private') return undefined;
  const own = scope === 'private' ? key.audience : undefined;
  if (isForOthers(operation.contextValue, own)) return refuse('private', HOLDS_PRIVATE);
  if (!seen && scope === 'auto') return refuse('response', UNSEEN_RESPONSE);
  if (changed !== undefined)
    return refuse(changed, `resolving them changes ${changed} of the response, which a hit could not`);
  let stored: StoredResult;
  try {
    // Other plugins may change the result before it is sent, on every hit anew.
    stored = copyOf(extensions === undefined ? { data } : { data, extensions });
  } catch (error) {
    return refuse('value', error instanceof Error ? error.message : String(error));
  }
  try {
    return { stored, tags: makeTags(stored.data) };
  } catch (error) {
    return refuse('tags', tagProblem(error));
  }
}

function copyOf(result: StoredResult): StoredResult {
  return jsonCodec.decode(jsonCodec.encode(result)) as StoredResult;
}

/** What is sent in the place of an execution. */
export function responseOf(singleResult: StoredResult): GraphQLResponse {
  const http = { status: undefined, headers: new Map() };
  return { body: { kind: 'single', singleResult: { ...singleResult } }, http } as unknown as GraphQLResponse;
}
