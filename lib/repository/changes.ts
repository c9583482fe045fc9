import type { Partition } from './contract.js';
import { TableTags } from './table-tags.js';

/** More rows than that are the whole table: a tag for each would cost more than it saves. */
const MOST_ROWS = 500;

/** What a statement did to a table. What is not known is any. */
export interface TableWrite {
  readonly table: string;
  /** Rows that were there before: changed or removed. `undefined`: any. Empty: none. */
  readonly rows: readonly string[] | undefined;
  /** How many rows were added; `NaN`: some. */
  readonly added: number;
}

/** What somebody knows of a written row: the parts that it was in and is in now. */
export interface RowReport {
  readonly table: string;
  /** `undefined`: it was added. */
  readonly id: string | undefined;
  readonly partitions: readonly Partition[];
}

/**
 * What was written to one table. The statements say which rows, and how often; reports only say in which parts those rows are.
 * A row that was written more often than it was reported may be in any part: so what nobody reports widens what is invalidated.
 */
class TableChanges {
  /** How often each row was written that was there before; `undefined` when it may be any. */
  #rows: Map<string, number> | undefined = new Map();
  #added = 0;
  readonly #reported = new Map<string, number>();
  #reportedAdded = 0;
  readonly #partitions = new Map<string, Partition>();

  write({ rows, added }: TableWrite): void {
    if (rows === undefined) this.#rows = undefined;
    else for (const row of rows) this.#count(row, 1);
    this.#added += added;
  }

  report({ id, partitions }: RowReport): void {
    if (id === undefined) this.#reportedAdded++;
    else increase(this.#reported, id, 1);
    for (const partition of partitions)
      this.#partitions.set(`${partition.column}=${partition.value}`, partition);
  }

  take(other: TableChanges): void {
    if (other.#rows === undefined) this.#rows = undefined;
    else for (const [row, times] of other.#rows) this.#count(row, times);
    this.#added += other.#added;
    for (const [id, times] of other.#reported) increase(this.#reported, id, times);
    this.#reportedAdded += other.#reportedAdded;
    for (const [name, partition] of other.#partitions) this.#partitions.set(name, partition);
  }

  #count(row: string, times: number): void {
    if (this.#rows === undefined) return;
    increase(this.#rows, row, times);
    if (this.#rows.size > MOST_ROWS) this.#rows = undefined;
  }

  tags(names: TableTags): string[] {
    // A report alone is no write.
    if (this.#rows?.size === 0 && this.#added === 0) return [];
    const rows =
      this.#rows === undefined ? [names.rows] : Array.from(this.#rows.keys(), (id) => names.row(id));
    const absent = this.#added === 0 ? [] : [names.absent];
    const partitions = this.#knowsPartitions()
      ? Array.from(this.#partitions.values(), (partition) => names.partition(partition))
      : [names.partitions];
    return [names.queries, ...partitions, ...rows, ...absent];
  }

  #knowsPartitions(): boolean {
    if (this.#rows === undefined || this.#added !== this.#reportedAdded) return false;
    return [...this.#rows].every(([id, times]) => times <= (this.#reported.get(id) ?? 0));
  }
}

function increase(counts: Map<string, number>, key: string, by: number): void {
  counts.set(key, (counts.get(key) ?? 0) + by);
}

/** What was written, table by table. */
export class Changes {
  readonly #tables = new Map<string, TableChanges>();
  #everything = false;

  write(write: TableWrite): void {
    this.#of(write.table).write(write);
  }

  report(report: RowReport): void {
    this.#of(report.table).report(report);
  }

  /** Nobody knows what was written. */
  writeAnything(): void {
    this.#everything = true;
  }

  take(other: Changes): void {
    if (other.#everything) this.#everything = true;
    for (const [table, changes] of other.#tables) this.#of(table).take(changes);
  }

  /** @param known all tables of the source */
  tags(source: string, known: Iterable<string>): string[] {
    if (this.#everything)
      for (const table of known) this.write({ table, rows: undefined, added: Number.NaN });
    const tags: string[] = [];
    for (const [table, changes] of this.#tables) tags.push(...changes.tags(new TableTags(source, table)));
    return tags;
  }

  #of(table: string): TableChanges {
    let changes = this.#tables.get(table);
    if (changes === undefined) this.#tables.set(table, (changes = new TableChanges()));
    return changes;
  }
}
