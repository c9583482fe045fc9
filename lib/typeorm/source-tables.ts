import type { DataSource, EntityMetadata, ObjectLiteral } from 'typeorm';
import type { ColumnMetadata } from 'typeorm/metadata/ColumnMetadata.js';

import type { LockedRow, RowReport, TableWrite } from '../repository/changes.js';
import { policyOf } from './cache-entity.js';
import { EntityMapping } from './entity-mapping.js';
import type { SqlWrite } from './sql/effects.js';
import { allParts, partsOfEntity } from './table-parts.js';
import { rowsOf, setsColumn } from './written-rows.js';

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
      return [{ table: table.path, ...rowsOf(table.mappings, write, result) }, ...cascades.map(anyRow)];
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
