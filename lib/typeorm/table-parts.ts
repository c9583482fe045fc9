import type { ObjectLiteral } from 'typeorm';
import type { ColumnMetadata } from 'typeorm/metadata/ColumnMetadata.js';

import type { Partition } from '../repository/contract.js';
import type { EntityMapping } from './entity-mapping.js';

/** The parts of a table that a row is in; `undefined` when one of them cannot be told. */
export function allParts(
  mappings: readonly EntityMapping[],
  valueOf: (column: ColumnMetadata) => unknown,
): Partition[] | undefined {
  return partsOf(mappings, (column) => [valueOf(column)]);
}

/**
 * The parts that what was saved may be in: an entity may name a foreign key twice, by a relation and by a column, and
 * differently.
 */
export function partsOfEntity(
  mappings: readonly EntityMapping[],
  entity: ObjectLiteral,
): Partition[] | undefined {
  return partsOf(mappings, (column) => {
    const value = column.getEntityValue(entity) as unknown;
    const { relationMetadata: relation, propertyPath } = column;
    const related: unknown = relation?.getEntityValue(entity);
    if (related === undefined) return [value];
    // What TypeORM makes of an id in the place of an entity depends.
    if (typeof related !== 'object') return [undefined];
    if (propertyPath === relation!.propertyPath) return [value];
    // With no entity TypeORM writes what the column has, but leaves `null` there.
    if (related === null) return [undefined];
    const own = propertyPath
      .split('.')
      .reduce<unknown>((object, name) => (object as ObjectLiteral | null | undefined)?.[name], entity);
    return own === undefined ? [value] : [value, own];
  });
}

function partsOf(
  mappings: readonly EntityMapping[],
  valuesOf: (column: ColumnMetadata) => readonly unknown[],
): Partition[] | undefined {
  const partitions: Partition[] = [];
  for (const { name, column, text } of mappings.flatMap(({ partitionColumns }) => partitionColumns)) {
    for (const given of valuesOf(column)) {
      const value = given === null ? '\0' : text(given);
      if (value === undefined) return undefined;
      partitions.push({ column: name, value });
    }
  }
  return partitions;
}
