import type { DataSource, EntityMetadata, ObjectLiteral } from 'typeorm';
import type { ColumnMetadata } from 'typeorm/metadata/ColumnMetadata.js';

import type { LockedRow, RowReport, TableWrite } from '../repository/changes.js';
import type { Partition } from '../repository/contract.js';
import { policyOf } from './cache-entity.js';
import { EntityMapping } from './entity-mapping.js';
import type { SqlWrite } from './sql/effects.js';

/** More combinations of values than that are any row. */
const MOST_IDS = 200;

/** Tables that TypeORM keeps for itself. */
const OWN_TABLES = new Set(['migrations', 'typeorm_metadata', 'query-result-cache', 'sqlite_sequence']);

/** One table, with the entities that are stored in it. */
interface Table {
  readonly path: string;
  readonly metadatas: EntityMetadata[];
  /** Of those that are cached. */
  readonly mappings: EntityMapping[];
}

/** The tables of a data source, by the names that statements call them. */
export class SourceTables {
  #known: ReadonlyMap<string, readonly Table[]> | undefined;

  constructor(private readonly dataSource: DataSource) {}

  /**
   * What a statement did to tables that entities are stored in, and what the database then did by itself.
   * @returns `undefined` when no entity is stored in it: it may be a view of one that is, or a part of its table
   */
  writesOf(write: SqlWrite, result: unknown): TableWrite[] | undefined {
    const tables = this.#named(write.table);
    if (tables.length === 0) return OWN_TABLES.has(write.table.at(-1)!.toLowerCase()) ? [] : undefined;
    return tables.flatMap((table) => {
      const cascades = this.#cascadesOf(table, write);
      return [{ table: table.path, ...rowsOf(table, write, result) }, ...cascades.map(anyRow)];
    });
  }

  /**
   * In which parts of its table a row is.
   * @param before the row as it was; without it, it was added
   * @param now the row as it is, if it still is
   */
  reportsOf(
    metadata: EntityMetadata,
    before: ObjectLiteral | undefined,
    now: ObjectLiteral | undefined,
  ): RowReport[] {
    const mappings = this.#mappingsOf(metadata);
    const id = before && mappings[0]?.exactId((column) => column.getEntityValue(before));
    if (mappings.length === 0 || (before !== undefined && id === undefined)) return [];
    const partitions = now === undefined ? [] : partsOfEntity(mappings, now);
    return partitions === undefined ? [] : [{ table: metadata.tablePath, id, partitions }];
  }

  /** In which parts of its table a row is that was locked. @param valueOf what the row has in a column */
  lockedRow(metadata: EntityMetadata, valueOf: (column: ColumnMetadata) => unknown): LockedRow | undefined {
    const mappings = this.#mappingsOf(metadata);
    const id = mappings[0]?.exactId(valueOf);
    const partitions = allParts(mappings, valueOf);
    if (id === undefined || partitions === undefined) return undefined;
    return { table: metadata.tablePath, id, partitions };
  }

  #mappingsOf({ tablePath }: EntityMetadata): readonly EntityMapping[] {
    const table = this.#tables()
      .get(bare(tablePath))
      ?.find(({ path }) => path === tablePath);
    return table?.mappings ?? [];
  }

  /** A name without a schema may be that of a table in any. */
  #named(parts: readonly string[]): Table[] {
    const [name, schema] = parts.map((part) => part.toLowerCase()).toReversed();
    const tables = this.#tables().get(name ?? '') ?? [];
    return tables.filter(({ path }) => {
      const [, own] = path.toLowerCase().split('.').toReversed();
      return own === undefined || schema === undefined || own === schema;
    });
  }

  #tables(): ReadonlyMap<string, readonly Table[]> {
    return (this.#known ??= tablesOf(this.dataSource));
  }

  /** The tables whose rows the database changes because of their foreign keys. */
  #cascadesOf(table: Table, { verb, sets }: SqlWrite): string[] {
    if (verb !== 'delete' && verb !== 'truncate' && verb !== 'update' && verb !== 'upsert') return [];
    const removes = verb === 'delete' || verb === 'truncate';
    // REPLACE removes the rows that are in its way.
    const replaces = verb === 'upsert' && sets === undefined;
    const touched = new Set<string>();
    const follow = (path: string): void => {
      for (const metadata of this.dataSource.entityMetadatas) {
        for (const key of metadata.foreignKeys) {
          if (key.referencedEntityMetadata.tablePath !== path || touched.has(metadata.tablePath)) continue;
          const concerned =
            removes || sets === undefined || key.referencedColumnNames.some((name) => setsColumn(sets, name));
          const acts =
            (isAction(key.onDelete) && (removes || replaces)) || (isAction(key.onUpdate) && !removes);
          if (!concerned || !acts) continue;
          touched.add(metadata.tablePath);
          follow(metadata.tablePath);
        }
      }
    };
    follow(table.path);
    return [...touched];
  }
}

/** Whether the database changes the rows that refer to one. */
function isAction(action: string | undefined): boolean {
  return action !== undefined && action !== 'NO ACTION' && action !== 'RESTRICT';
}

function tablesOf(dataSource: DataSource): ReadonlyMap<string, readonly Table[]> {
  const byPath = new Map<string, Table>();
  for (const metadata of dataSource.entityMetadatas) {
    const path = metadata.tablePath;
    if (!byPath.has(path)) byPath.set(path, { path, metadatas: [], mappings: [] });
    const table = byPath.get(path)!;
    table.metadatas.push(metadata);
    if (policyOf(metadata.target) !== undefined) table.mappings.push(...mappingOf(metadata));
  }
  const byName = new Map<string, Table[]>();
  for (const table of byPath.values()) {
    const name = bare(table.path);
    byName.set(name, [...(byName.get(name) ?? []), table]);
  }
  return byName;
}

/** One that cannot be cached as it is declared is not: whoever asks for its repository is told why. */
function mappingOf(metadata: EntityMetadata): EntityMapping[] {
  try {
    return [new EntityMapping('', metadata)];
  } catch {
    return [];
  }
}

/** The last part of a table's path, as names are compared: one that is folded too much only widens. */
function bare(path: string): string {
  return path.slice(path.lastIndexOf('.') + 1).toLowerCase();
}

function anyRow(table: string): TableWrite {
  return { table, rows: undefined, added: 0 };
}

function rowsOf(table: Table, write: SqlWrite, result: unknown): Omit<TableWrite, 'table'> {
  switch (write.verb) {
    case 'insert':
      return { rows: [], added: write.skips === true ? Number.NaN : countOf(result) };
    case 'update':
      return { rows: idsOf(table, write), added: 0, stays: stays(table, write) };
    case 'delete':
      return { rows: idsOf(table, write), added: 0, stays: true };
    case 'upsert':
      return { rows: undefined, added: Number.NaN };
    default:
      return { rows: undefined, added: 0 };
  }
}

/** Whether an update leaves rows in the parts of the table that they are in. */
function stays({ mappings }: Table, { sets }: SqlWrite): boolean {
  const columns = mappings.flatMap(({ partitionColumns }) => partitionColumns.map(({ column }) => column));
  return columns.every(
    ({ databaseName, generatedType }) =>
      generatedType === undefined && sets !== undefined && !setsColumn(sets, databaseName),
  );
}

/** How many rows the driver says were inserted. */
function countOf(result: unknown): number {
  const { rowCount, affectedRows } = (result ?? {}) as { rowCount?: unknown; affectedRows?: unknown };
  const count = rowCount ?? affectedRows;
  return typeof count === 'number' && count > 0 ? count : Number.NaN;
}

function idsOf({ mappings }: Table, { verb, where, sets }: SqlWrite): string[] | undefined {
  const [mapping] = mappings;
  if (mapping === undefined || where === undefined) return undefined;
  const columns = mapping.idColumns;
  // A row that gets another id is another row afterwards.
  if (
    verb === 'update' &&
    (sets === undefined || columns.some(({ databaseName }) => setsColumn(sets, databaseName)))
  )
    return undefined;
  const values = columns.map(({ databaseName }) => where.get(databaseName));
  const combinations = values.reduce((product, one) => product * (one?.length ?? Infinity), 1);
  if (combinations > MOST_IDS) return undefined;
  const ids = combine(columns, values as (readonly unknown[])[]).map((of) =>
    mapping.exactId((column) => of.get(column)),
  );
  return ids.every((id) => id !== undefined) ? ids : undefined;
}

/** Names that differ in case are the same to some databases. */
function setsColumn(sets: readonly string[], name: string): boolean {
  return sets.some((set) => set.toLowerCase() === name.toLowerCase());
}

function combine(
  columns: readonly ColumnMetadata[],
  values: readonly (readonly unknown[])[],
): ReadonlyMap<ColumnMetadata, unknown>[] {
  return columns.reduce<Map<ColumnMetadata, unknown>[]>(
    (found, column, i) =>
      found.flatMap((one) => values[i]!.map((value) => new Map([...one, [column, value]]))),
    [new Map()],
  );
}

function allParts(
  mappings: readonly EntityMapping[],
  valueOf: (column: ColumnMetadata) => unknown,
): Partition[] | undefined {
  return partsOf(mappings, (column) => [valueOf(column)]);
}

/**
 * The parts that what was saved may be in: an entity may name a foreign key twice, by a relation and by a column, and
 * differently.
 */
function partsOfEntity(mappings: readonly EntityMapping[], entity: ObjectLiteral): Partition[] | undefined {
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
