import type { EntityMetadata, FindManyOptions, ObjectLiteral } from 'typeorm';
import { InstanceChecker } from 'typeorm/util/InstanceChecker.js';

import type { Partition } from '../repository/contract.js';
import { CacheEntityError, CacheQueryError } from '../repository/errors.js';
import type { EntityMapping } from './entity-mapping.js';
import { columnsOf } from './stored-columns.js';

const REFUSED = {
  lock: 'rows that are locked have to be read in the transaction: use loadForUpdate(id), or the plain repository',
  cache: "it is cached here: leave TypeORM's own `cache` out",
  loadRelationIds: 'load the relations, or use relation(…)',
} as const;

/**
 * Refuses what cannot be cached.
 * @throws CacheQueryError
 */
export function checkFindOptions(options: FindManyOptions, metadata: EntityMetadata): void {
  for (const [name, advice] of Object.entries(REFUSED)) {
    if (options[name as keyof typeof REFUSED] === undefined) continue;
    throw new CacheQueryError(
      `a query of ${metadata.name} with the option ${name} cannot be cached: ${advice}`,
    );
  }
  const { select } = options as { select?: unknown };
  if (typeof select === 'object' && select !== null) checkSelect(select, metadata);
}

/** @param path where the selection is in the entity, when it is that of an embedded object: `'address.'` */
function checkSelect(select: object, metadata: EntityMetadata, path = ''): void {
  const hidden = columnsOf(metadata).hidden.map(({ propertyPath }) => propertyPath);
  const names = Array.isArray(select)
    ? (select as unknown[]).map((name) => [String(name), true] as const)
    : Object.entries(select);
  for (const [property, chosen] of names) {
    if (chosen === false || chosen === undefined) continue;
    const name = path + property;
    const relation = metadata.findRelationWithPropertyPath(name);
    if (typeof chosen === 'object' && chosen !== null) {
      if (relation === undefined) checkSelect(chosen as object, metadata, `${name}.`);
      else checkSelect(chosen as object, relation.inverseEntityMetadata);
      continue;
    }
    if (!hidden.some((one) => one === name || one.startsWith(`${name}.`))) continue;
    throw new CacheQueryError(
      `${metadata.name}.${name} is hidden and never stored: read it with the plain repository`,
    );
  }
}

/** @throws CacheEntityError unless these are the columns of an index, or a constraint, that makes rows unique */
export function checkUniqueIndex(metadata: EntityMetadata, properties: readonly string[]): void {
  const indices = [
    metadata.primaryColumns,
    ...metadata.indices
      .filter(({ isUnique, where }) => isUnique && where === undefined)
      .map(({ columns }) => columns),
    ...metadata.uniques.map(({ columns }) => columns),
  ].map((columns) => columns.map(({ propertyPath }) => propertyPath));
  const asked = new Set(properties);
  if (indices.some((index) => index.length === asked.size && index.every((name) => asked.has(name)))) return;
  throw new CacheEntityError(
    `${metadata.name} has no unique index on ${properties.join(', ') || 'nothing'}: there are ${indices.map((index) => index.join(' + ')).join('; ')}`,
  );
}

/**
 * The parts of its table that a query cannot see beyond, whichever of its alternatives is met; `undefined` when there is one
 * that may be met anywhere.
 */
export function partitionsOf(where: unknown, mapping: EntityMapping): Partition[] | undefined {
  if (typeof where !== 'object' || where === null) return undefined;
  const branches = Array.isArray(where) ? (where as unknown[]) : [where];
  const parts = branches.map((branch) => partitionOfBranch(branch as ObjectLiteral, mapping));
  return parts.length > 0 && parts.every((one) => one !== undefined) ? parts.flat() : undefined;
}

function partitionOfBranch(
  branch: ObjectLiteral,
  { partitionColumns }: EntityMapping,
): Partition[] | undefined {
  for (const { name, column, text } of partitionColumns) {
    const values = valuesOf(branch[name], column.referencedColumn?.propertyName);
    const texts = values?.map((value) => (value === null ? '\0' : text(value)));
    if (texts?.every((one) => one !== undefined)) return texts.map((value) => ({ column: name, value }));
  }
  return undefined;
}

/** The only values that a condition admits. @param referenced where the value is when the condition is on a relation */
function valuesOf(condition: unknown, referenced: string | undefined): readonly unknown[] | undefined {
  if (condition === undefined || condition === null) return undefined;
  if (InstanceChecker.isFindOperator(condition)) {
    if (condition.type === 'equal') return valuesOf(condition.value, referenced);
    if (condition.type === 'in')
      return (condition.value as readonly unknown[]).flatMap(
        (one) => valuesOf(one, referenced) ?? [undefined],
      );
    return condition.type === 'isNull' ? [null] : undefined;
  }
  if (typeof condition !== 'object') return [condition];
  const inner = referenced === undefined ? undefined : (condition as ObjectLiteral)[referenced];
  return inner === undefined || inner === null || typeof inner === 'object' ? undefined : [inner];
}
