import { createHash } from 'node:crypto';

import type { EntityMetadata } from 'typeorm';
import type { ColumnMetadata } from 'typeorm/metadata/ColumnMetadata.js';

import { policyOf } from './cache-entity.js';

/**
 * The properties of an entity that are never stored. A row that is read through a class may be one of a class that extends
 * it: what any of them excludes is left out for all.
 */
export function excludedOf(metadata: EntityMetadata): ReadonlySet<string> {
  const below = metadata.childEntityMetadatas.flatMap((child) => [...excludedOf(child)]);
  return new Set([...(policyOf(metadata.target)?.exclude ?? []), ...below]);
}

/** The columns of an entity that may be stored, and those that may not. */
export interface StoredColumns {
  readonly stored: readonly ColumnMetadata[];
  readonly hidden: readonly ColumnMetadata[];
}

const COLUMNS = new WeakMap<EntityMetadata, StoredColumns>();

export function columnsOf(metadata: EntityMetadata): StoredColumns {
  let columns = COLUMNS.get(metadata);
  if (columns === undefined) COLUMNS.set(metadata, (columns = divided(metadata)));
  return columns;
}

function divided(metadata: EntityMetadata): StoredColumns {
  const excluded = excludedOf(metadata);
  const hidden = metadata.columns.filter(
    (column) => !column.isPrimary && (!column.isSelect || excluded.has(rootOf(column))),
  );
  return { stored: metadata.columns.filter((column) => !hidden.includes(column)), hidden };
}

/** A property of an entity that TypeORM fills by further statements, unless it is excluded. */
export function unfilledOf(metadata: EntityMetadata): string | undefined {
  const excluded = excludedOf(metadata);
  return metadata.relationIds.find(({ propertyName }) => !excluded.has(propertyName))?.propertyName;
}

/** The property of the entity itself that a column is, or is in. */
export function rootOf({ propertyPath }: ColumnMetadata): string {
  return propertyPath.split('.', 1)[0]!;
}

/** What is stored of an entity, hashed: the same in every process that stores its rows alike. @param name what its keys begin with */
export function schemaOf(metadata: EntityMetadata, name: string): string {
  const described = columnsOf(metadata).stored.map(
    ({ databaseName, propertyPath, type, isArray, entityMetadata }) => [
      databaseName,
      propertyPath,
      typeof type === 'function' ? type.name : type,
      isArray,
      entityMetadata.discriminatorValue,
    ],
  );
  const kinds = metadata.childEntityMetadatas.map(({ discriminatorValue }) => discriminatorValue);
  const text = JSON.stringify([1, name, metadata.name, metadata.tablePath, described, kinds]);
  return createHash('sha256').update(text).digest('base64url').slice(0, 12);
}

const SCHEMAS = new WeakMap<EntityMetadata, string>();

/** As {@link schemaOf}, for an entity that a query reads with others. */
export function schemaOfRelated(metadata: EntityMetadata): string {
  let schema = SCHEMAS.get(metadata);
  if (schema === undefined) SCHEMAS.set(metadata, (schema = schemaOf(metadata, '')));
  return schema;
}
