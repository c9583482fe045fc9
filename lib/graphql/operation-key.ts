import type { BaseContext, GraphQLRequestContextResponseForOperation } from '@apollo/server';
import { type DocumentNode, type OperationDefinitionNode, OperationTypeNode, print, visit } from 'graphql';

import { hashArguments, UnhashableError } from '../nest/decorators/args-hash.js';
import type { SaidOnce } from '../nest/said-once.js';
import { hashedKey } from '../primitives/hashed-key.js';
import { audienceOfContext, UNSEEN } from './graphql-audience.js';
import type { OperationPolicy } from './operation-policy.js';
import { schemaDigest } from './servers.js';

/** A request whose operation is known and about to be executed. */
export type Operation = GraphQLRequestContextResponseForOperation<BaseContext>;

/** What an operation is stored under. */
export interface OperationKey {
  readonly key: string;
  readonly audience: string;
}

/** Documents are parsed once and used often. Those that are delivered in parts have no text. */
const DOCUMENTS = new WeakMap<DocumentNode, string | undefined>();

/**
 * @returns `undefined` for what is not to be cached
 * @throws CacheKeyError when `identity` names nobody
 */
export function operationKey(
  operation: Operation,
  policy: OperationPolicy,
  notices: SaidOnce,
): OperationKey | undefined {
  // None, although Apollo's types say otherwise, when a document has several and the request names none of them.
  const chosen = operation.operation as OperationDefinitionNode | undefined;
  if (chosen?.operation !== OperationTypeNode.QUERY || saysNoStore(operation)) return undefined;
  const audience = audienceOfContext(operation.contextValue, policy.audience, () =>
    notices.notCached(nameOf(operation), 'audience', UNSEEN),
  );
  const text = textOf(operation.document);
  if (audience === undefined || text === undefined) return undefined;
  // With its kind before it: an operation without a name is none that is called by the empty one.
  const name = JSON.stringify(operation.operationName);
  try {
    const variables = hashArguments(declaredVariables(operation));
    const server = JSON.stringify([policy.name, schemaDigest(operation.schema)]);
    const parts = ['operation', server, text, name, variables, audience];
    return { key: `graphql:${hashedKey(parts)}`, audience };
  } catch (error) {
    if (!(error instanceof UnhashableError)) throw error;
    const where = error.where.replace(/^argument \d+/, 'a variable');
    notices.notCached(
      nameOf(operation),
      'variables',
      `${where} is ${error.what}, which cannot be told from others`,
    );
    return undefined;
  }
}

/** As the log is to name it. */
export function nameOf({ operationName }: Operation): string {
  return operationName ?? 'operations without a name';
}

/** The values of those that the operation knows: others make no difference, and must not make entries. */
function declaredVariables({ operation, request }: Operation): unknown[] {
  const given = request.variables ?? {};
  const names = (operation.variableDefinitions ?? []).map(({ variable }) => variable.name.value);
  return names.filter((name) => Object.hasOwn(given, name)).map((name) => [name, given[name]]);
}

function saysNoStore({ request }: Operation): boolean {
  return /\bno-store\b/i.test(request.http?.headers.get('cache-control') ?? '');
}

function textOf(document: DocumentNode): string | undefined {
  if (!DOCUMENTS.has(document)) DOCUMENTS.set(document, isInParts(document) ? undefined : print(document));
  return DOCUMENTS.get(document);
}

function isInParts(document: DocumentNode): boolean {
  let found = false;
  visit(document, {
    Directive({ name }) {
      if (name.value === 'defer' || name.value === 'stream') found = true;
    },
  });
  return found;
}
