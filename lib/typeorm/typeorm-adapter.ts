import { types } from 'node:util';

import {
  type DataSource,
  type EntityManager,
  In,
  type ObjectLiteral,
  type QueryRunner,
  type SelectQueryBuilder,
} from 'typeorm';
import type { ColumnMetadata } from 'typeorm/metadata/ColumnMetadata.js';
import { DriverUtils } from 'typeorm/driver/DriverUtils.js';
import { RawSqlResultsToEntityTransformer } from 'typeorm/query-builder/transformer/RawSqlResultsToEntityTransformer.js';

import type { EntityAdapter, EntityId, EntityShape, Row, Session } from '../repository/contract.js';
import type { EntityMapping } from './entity-mapping.js';
import { checkNoView, inStatements } from './statement-limits.js';
import type { SourceObserver } from './source-observer.js';

/** Short, so that names of columns are seldom shortened. */
export const ALIAS = 'e';

/**
 * Rows of one entity by way of TypeORM. What is stored is what the driver gave, column by column: instances are made of it by
 * TypeORM's own code, as if it had just come, with transformers, embedded objects, inheritance and `@AfterLoad`.
 */
export class TypeOrmAdapter<Entity extends ObjectLiteral> implements EntityAdapter<Entity> {
  readonly shape: EntityShape;
  readonly #transformer: RawSqlResultsToEntityTransformer;
  readonly #select: SelectQueryBuilder<ObjectLiteral>;
  readonly #aliases: ReadonlyMap<ColumnMetadata, string>;

  constructor(
    readonly mapping: EntityMapping,
    private readonly dataSource: DataSource,
    private readonly observer: SourceObserver,
  ) {
    this.shape = mapping.shape;
    this.#select = this.#builder(dataSource.manager);
    this.#transformer = transformerOf(this.#select, dataSource);
    this.#aliases = new Map(mapping.columns.map((column) => [column, this.#aliasOf(column)]));
  }

  idFrom(id: unknown): EntityId {
    return this.mapping.idFrom(id);
  }

  get looseIds(): boolean {
    return this.mapping.looseIds;
  }

  idOfRow(row: Row): EntityId {
    return this.mapping.idOfRow(this.mapping.idColumns.map((column) => row[this.#aliases.get(column)!]));
  }

  /** What a row has in a column, as the driver gave it. */
  valueOf(row: Row, column: ColumnMetadata): unknown {
    return row[this.#aliases.get(column) ?? this.#aliasOf(column)];
  }

  async fetch(ids: readonly EntityId[], session: Session | undefined): Promise<readonly Row[]> {
    const { idColumns, metadata } = this.mapping;
    checkNoView(metadata);
    return this.observer.read(session, async (manager) => {
      const found: Row[] = [];
      for (const some of inStatements(ids, idColumns.length)) {
        const where = whereOf(idColumns, some);
        const rows = await this.#builder(manager).where(where).withDeleted().getRawMany<Row>();
        for (const row of rows) found.push(plainRow(row));
      }
      return found;
    });
  }

  isDeleted(row: Row): boolean {
    const { deleteDateColumn } = this.mapping.metadata;
    return deleteDateColumn !== undefined && this.valueOf(row, deleteDateColumn) !== null;
  }

  hydrate(row: Row): Entity | Promise<Entity> {
    const { mainAlias } = this.#select.expressionMap;
    const entity = (this.#transformer.transform([ownRow(row)], mainAlias!) as Entity[])[0]!;
    this.observer.handedOut(entity, row);
    const loaded = this.observer.loaded(this.mapping.metadata, [entity], false);
    return loaded === undefined ? entity : loaded.then(() => entity);
  }

  committedState(): number | undefined {
    return this.observer.committedState();
  }

  #builder(manager: EntityManager): SelectQueryBuilder<ObjectLiteral> {
    const { metadata, columns } = this.mapping;
    return manager
      .createQueryBuilder(metadata.target, ALIAS)
      .select([...new Set(columns.map(({ propertyPath }) => `${ALIAS}.${propertyPath}`))]);
  }

  #aliasOf({ databaseName }: ColumnMetadata): string {
    return DriverUtils.buildAlias(this.dataSource.driver, undefined, ALIAS, databaseName);
  }
}

/** What makes entities of raw rows, as `builder` selects them. */
export function transformerOf(
  builder: SelectQueryBuilder<ObjectLiteral>,
  { driver }: DataSource,
  runner?: QueryRunner,
): RawSqlResultsToEntityTransformer {
  return new RawSqlResultsToEntityTransformer(builder.expressionMap, driver, [], runner);
}

function whereOf(
  columns: readonly ColumnMetadata[],
  ids: readonly EntityId[],
): ObjectLiteral | ObjectLiteral[] {
  const [column] = columns;
  if (columns.length === 1 && ids.length > 1)
    return valued([column!], [In(ids.map(({ values }) => values[0]))]);
  const conditions = ids.map(({ values }) => valued(columns, values));
  return conditions.length === 1 ? conditions[0]! : conditions;
}

/** An object with these values in these columns, as conditions are. */
export function valued(columns: readonly ColumnMetadata[], values: readonly unknown[]): ObjectLiteral {
  const object: ObjectLiteral = {};
  columns.forEach((column, i) => column.setEntityValue(object, values[i]));
  return object;
}

/** Drivers give rows, and values, of classes of their own (PostgreSQL's intervals): the codec knows none of them. */
export function plainRow(row: Row): Row {
  const plain: Record<string, unknown> = {};
  for (const [name, value] of Object.entries(row)) plain[name] = isForeign(value) ? { ...value } : value;
  return plain;
}

/** The row with values that the reader may change: drivers' dates, bytes and JSON go into entities as they are. */
export function ownRow(row: Row): Row {
  let own: Record<string, unknown> | undefined;
  for (const name in row) {
    const value = row[name];
    if (typeof value === 'object' && value !== null) (own ??= { ...row })[name] = copyOf(value);
  }
  return own ?? row;
}

function copyOf(value: unknown): unknown {
  if (typeof value !== 'object' || value === null) return value;
  if (types.isDate(value)) return new Date(value.getTime());
  if (Buffer.isBuffer(value)) return Buffer.from(value);
  if (Array.isArray(value)) return value.map(copyOf);
  if (isForeign(value) || types.isUint8Array(value)) return structuredClone(value);
  // Not by assignment: JSON may have a property called `__proto__`.
  return Object.fromEntries(Object.entries(value).map(([name, inner]) => [name, copyOf(inner)]));
}

function isForeign(value: unknown): value is object {
  if (typeof value !== 'object' || value === null || Array.isArray(value)) return false;
  if (types.isDate(value) || types.isUint8Array(value)) return false;
  const prototype: unknown = Object.getPrototypeOf(value);
  return prototype !== Object.prototype && prototype !== null;
}
