import { types } from 'node:util';

import type {
  EntityMetadata,
  FindManyOptions,
  FindOperator,
  ObjectLiteral,
  SelectQueryBuilder,
} from 'typeorm';
import { InstanceChecker } from 'typeorm/util/InstanceChecker.js';

import { policyOf } from './cache-entity.js';
import { rootOf } from './stored-columns.js';

/** Whether a query has SQL in it that may read tables which its find options do not name. */
export function hasOwnSql(
  { where, order }: FindManyOptions,
  metadata: EntityMetadata,
  builder: SelectQueryBuilder<ObjectLiteral>,
): boolean {
  return (
    hasRawSql(where, new Set()) ||
    namesComputed(where, metadata) ||
    namesComputed(order, metadata) ||
    showsComputed(builder)
  );
}

/** Whether a condition has SQL of its own that may read other tables. @param seen objects that refer to each other */
function hasRawSql(where: unknown, seen: Set<unknown>): boolean {
  if (typeof where !== 'object' || where === null || seen.has(where)) return false;
  seen.add(where);
  if (InstanceChecker.isFindOperator(where)) return hasRawOperator(where, seen);
  if (types.isDate(where) || types.isUint8Array(where)) return false;
  return Object.values(where).some((inner) => hasRawSql(inner, seen));
}

/** An operator on an operator shows what the inner one has as its own: its value, its SQL. */
function hasRawOperator(operator: FindOperator<unknown>, seen: Set<unknown>): boolean {
  const { child } = operator;
  if (child !== undefined) return hasRawSql(child, seen);
  if (operator.type !== 'raw') return hasRawSql(operator.value, seen);
  return /\b(?:select|from|join|table)\b/i.test(operator.getSql?.('e.x') ?? String(operator.value));
}

/** Whether a condition or an order names a virtual column, whose SQL may read anything. */
function namesComputed(named: unknown, metadata: EntityMetadata, prefix = ''): boolean {
  if (typeof named !== 'object' || named === null) return false;
  if (Array.isArray(named)) return named.some((one) => namesComputed(one, metadata, prefix));
  return Object.entries(named).some(([name, inner]) => {
    const path = prefix + name;
    if (inner === undefined) return false;
    if (metadata.findColumnWithPropertyPath(path)?.isVirtualProperty === true) return true;
    const relation = metadata.findRelationWithPropertyPath(path);
    if (relation !== undefined) return namesComputed(inner, relation.inverseEntityMetadata);
    const embedded = metadata.findEmbeddedWithPropertyPath(path);
    return embedded !== undefined && namesComputed(inner, metadata, `${path}.`);
  });
}

/** Whether virtual columns of entities come with it that are joined. Those of its own entity are never stored. */
function showsComputed({ expressionMap }: SelectQueryBuilder<ObjectLiteral>): boolean {
  const { aliases, mainAlias, selects } = expressionMap;
  return aliases.some((alias) => {
    if (!alias.hasMetadata || alias === mainAlias) return false;
    const hidden = policyOf(alias.metadata.target)?.exclude ?? [];
    const computes = alias.metadata.columns.some(
      (column) => column.isVirtualProperty && !hidden.includes(rootOf(column)),
    );
    return computes && selects.some(({ selection }) => selection.split('.', 1)[0] === alias.name);
  });
}
