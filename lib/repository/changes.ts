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
  /** Whether rows that are still there are in the parts that they were in. Default false: they may be in any. */
  readonly stays?: boolean;
}

/** What somebody knows of a written row: the parts that it is in now. */
export interface RowReport {
  readonly table: string;
  /** `undefined`: it was added. */
  readonly id: string | undefined;
  readonly partitions: readonly Partition[];
}

/** The parts that a row is in which nobody else can change until the transaction ends. */
export interface LockedRow {
  readonly table: string;
  readonly id: string;
  readonly partitions: readonly Partition[];
}

/**
 * What was written to one table. The statements say which rows, and how often; reports only say in which parts those rows are.
 * A row that was moved, and written more often than it was reported, may be in any part: so what nobody reports widens what is
 * invalidated. So may one that was not locked before: whoever wrote it may have looked before somebody else moved it.
 */
class TableChanges {
  /** How often each row was written that was there before; `undefined` when it may be any. */
  #rows: Map<string, number> | undefined = new Map();
  /** Those that may be in another part than before. */
  readonly #moved = new Set<string>();
  #added = 0;
  readonly #reported = new Map<string, number>();
  #reportedAdded = 0;
  readonly #partitions = new Map<string, Partition>();
  readonly #locked = new Map<string, readonly Partition[]>();

  write({ rows, added, stays = false }: TableWrite): void {
    if (rows === undefined) this.#rows = undefined;
    else for (const row of rows) this.#count(row, 1, stays);
    this.#added += added;
  }

  report({ id, partitions }: RowReport): void {
    if (id === undefined) this.#reportedAdded++;
    else increase(this.#reported, id, 1);
    for (const partition of partitions)
      this.#partitions.set(`${partition.column}=${partition.value}`, partition);
  }

  /** The parts it was in before anything else: a later look sees what was written since. */
  lock(id: string, partitions: readonly Partition[]): void {
    if (!this.#locked.has(id)) this.#locked.set(id, partitions);
  }

  mayHaveWritten(id: string): boolean {
    return this.#rows === undefined || this.#rows.has(id);
  }

  take(other: TableChanges): void {
    if (other.#rows === undefined) this.#rows = undefined;
    else for (const [row, times] of other.#rows) this.#count(row, times, !other.#moved.has(row));
    this.#added += other.#added;
    for (const [id, times] of other.#reported) increase(this.#reported, id, times);
    this.#reportedAdded += other.#reportedAdded;
    for (const [name, partition] of other.#partitions) this.#partitions.set(name, partition);
    for (const [id, partitions] of other.#locked) this.lock(id, partitions);
  }

  #count(row: string, times: number, stays: boolean): void {
    if (this.#rows === undefined) return;
    increase(this.#rows, row, times);
    if (!stays) this.#moved.add(row);
    if (this.#rows.size > MOST_ROWS) this.#rows = undefined;
  }

  tags(names: TableTags): string[] {
    // A report alone is no write.
    if (this.#rows?.size === 0 && this.#added === 0) return [];
    const rows =
      this.#rows === undefined ? [names.rows] : Array.from(this.#rows.keys(), (id) => names.row(id));
    const absent = this.#added === 0 ? [] : [names.absent];
    const partitions = this.#knownPartitions()?.map((partition) => names.partition(partition));
    return [names.queries, ...new Set(partitions ?? [names.partitions]), ...rows, ...absent];
  }

  #knownPartitions(): readonly Partition[] | undefined {
    if (this.#rows === undefined || this.#added !== this.#reportedAdded) return undefined;
    const before: Partition[] = [];
    for (const [id, times] of this.#rows) {
      const locked = this.#locked.get(id);
      const isReported = !this.#moved.has(id) || times <= (this.#reported.get(id) ?? 0);
      if (locked === undefined || !isReported) return undefined;
      before.push(...locked);
    }
    return [...before, ...this.#partitions.values()];
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

  lock({ table, id, partitions }: LockedRow): void {
    this.#of(table).lock(id, partitions);
  }

  mayHaveWritten(table: string, id: string): boolean {
    return this.#everything || this.#tables.get(table)?.mayHaveWritten(id) === true;
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
