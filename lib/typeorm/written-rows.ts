import type { ColumnMetadata } from 'typeorm/metadata/ColumnMetadata.js';

import type { TableWrite } from '../repository/changes.js';
import type { EntityMapping } from './entity-mapping.js';
import type { SqlWrite } from './sql/effects.js';

/** More combinations of values than that are any row. */
const MOST_IDS = 200;

/** Which rows of a table a statement has written. @param result what the driver said of it */
export function rowsOf(
  mappings: readonly EntityMapping[],
  write: SqlWrite,
  result: unknown,
): Omit<TableWrite, 'table'> {
  switch (write.verb) {
    case 'insert':
      return { rows: [], added: write.skips === true ? Number.NaN : countOf(result) };
    case 'update':
      return { rows: idsOf(mappings, write), added: 0, stays: stays(mappings, write) };
    case 'delete':
      return { rows: idsOf(mappings, write), added: 0, stays: true };
    case 'upsert':
      return { rows: undefined, added: Number.NaN };
    default:
      return { rows: undefined, added: 0 };
  }
}

/** Whether an update leaves rows in the parts of the table that they are in. */
function stays(mappings: readonly EntityMapping[], { sets }: SqlWrite): boolean {
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

function idsOf(mappings: readonly EntityMapping[], { verb, where, sets }: SqlWrite): string[] | undefined {
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
export function setsColumn(sets: readonly string[], name: string): boolean {
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
