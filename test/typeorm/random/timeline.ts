import type { HistoryRow, WriteRecord } from './records.js';

/** A state of a row, from one commit to the next. */
export interface Version {
  readonly stamp: number;
  readonly state: HistoryRow['state'];
  readonly write: WriteRecord;
}

/** What was there before anybody did anything. */
const BEGINNING: WriteRecord = {
  operation: '',
  form: 'beginning',
  process: -1,
  visibleFrom: -Infinity,
  acknowledged: -Infinity,
  atomic: true,
};

/** A row that is not there yet. */
const ABSENT: Version = { stamp: 0, state: null, write: { ...BEGINNING } };

/** All versions of one row in their order; the first is that it is not there. */
export class RowTimeline {
  readonly versions: Version[] = [ABSENT];
  /** For each version, when it or a later one may have become visible. */
  readonly visibleFrom: number[] = [];
  /** The versions that nothing older may be seen than: by all, and by each process. Times move it. */
  readonly known = { told: 0, anybody: 0, own: new Map<number, number>() };

  readonly #indices = new Map<number, number>();

  constructor(
    readonly table: string,
    readonly name: string,
  ) {}

  add(version: Version): void {
    const last = this.versions.at(-1)!;
    // What a transaction has replaced itself was never to be seen.
    if (last.write === version.write && version.write.atomic) this.versions.pop();
    this.versions.push(version);
  }

  close(): void {
    let earliest = Infinity;
    this.versions.forEach(({ stamp }, i) => this.#indices.set(stamp, i));
    for (let i = this.versions.length - 1; i >= 0; i--) {
      earliest = Math.min(earliest, this.versions[i]!.write.visibleFrom);
      this.visibleFrom[i] = earliest;
    }
  }

  /** -1 for a stamp that was never committed. */
  indexOf(stamp: number): number {
    return this.#indices.get(stamp) ?? -1;
  }

  /** From a version on, those that may be visible until `end`. */
  *possible(from: number, end: number): Generator<Version> {
    for (let i = from; i < this.versions.length && this.visibleFrom[i]! <= end; i++) {
      if (this.versions[i]!.write.visibleFrom <= end) yield this.versions[i]!;
    }
  }

  /** Whether it is gone for good, as everybody was told. */
  get isOver(): boolean {
    const last = this.versions.length - 1;
    return this.known.told === last && this.versions[last]!.state === null;
  }
}

/** All rows there ever were, and what everybody knows of them at a moment that only moves forward. */
export class Timeline {
  readonly #rows = new Map<string, RowTimeline>();
  readonly #written = new Map<WriteRecord, { readonly row: RowTimeline; readonly version: number }[]>();
  readonly #unborn: RowTimeline[];
  /** Rows that may be there, table by table. */
  readonly #living = new Map<string, Set<RowTimeline>>();
  readonly #acknowledged: readonly WriteRecord[];
  #atNow = 0;
  #atTold = 0;

  /** @param bound milliseconds after which processes have to know what others have done */
  constructor(
    history: readonly HistoryRow[],
    writes: readonly WriteRecord[],
    private readonly bound: number,
  ) {
    const byOperation = new Map(writes.map((write) => [write.operation, write]));
    for (const { stamp, table, row, operation, state } of history.toSorted((a, b) => a.stamp - b.stamp)) {
      const write = operation ? byOperation.get(operation) : BEGINNING;
      if (write === undefined)
        throw new Error(`nobody notes the operation ${operation}, which was committed`);
      this.#rowOf(table, row).add({ stamp, state, write });
    }
    for (const row of this.#rows.values()) this.#close(row);
    this.#unborn = [...this.#rows.values()].toSorted((a, b) => b.visibleFrom[1]! - a.visibleFrom[1]!);
    this.#acknowledged = [BEGINNING, ...writes]
      .filter((write) => write.acknowledged !== undefined && this.#written.has(write))
      .toSorted((a, b) => a.acknowledged! - b.acknowledged!);
  }

  /** The row, which may never have been there. */
  find(table: string, name: string): RowTimeline {
    const found = this.#rows.get(`${table}:${name}`);
    if (found !== undefined) return found;
    const never = new RowTimeline(table, name);
    never.close();
    return never;
  }

  #rowOf(table: string, name: string): RowTimeline {
    const key = `${table}:${name}`;
    let row = this.#rows.get(key);
    if (row === undefined) this.#rows.set(key, (row = new RowTimeline(table, name)));
    return row;
  }

  /** Moves on to when a read began. @param latest when the longest read that began until then has ended */
  moveTo(moment: number, latest: number): void {
    for (; this.#atNow < this.#acknowledged.length; this.#atNow++) {
      const write = this.#acknowledged[this.#atNow]!;
      if (write.acknowledged! > moment) break;
      for (const { row, version } of this.#written.get(write)!) {
        row.known.anybody = Math.max(row.known.anybody, version);
        row.known.own.set(write.process, Math.max(row.known.own.get(write.process) ?? 0, version));
      }
    }
    for (; this.#atTold < this.#acknowledged.length; this.#atTold++) {
      const write = this.#acknowledged[this.#atTold]!;
      if (write.acknowledged! + this.bound > moment) break;
      for (const { row, version } of this.#written.get(write)!) this.#tell(row, version);
    }
    while (this.#unborn.length > 0 && this.#unborn.at(-1)!.visibleFrom[1]! <= latest) {
      const row = this.#unborn.pop()!;
      if (!row.isOver) this.living(row.table).add(row);
    }
  }

  living(table: string): Set<RowTimeline> {
    let rows = this.#living.get(table);
    if (rows === undefined) this.#living.set(table, (rows = new Set()));
    return rows;
  }

  #tell(row: RowTimeline, version: number): void {
    row.known.told = Math.max(row.known.told, version);
    if (row.isOver) this.living(row.table).delete(row);
  }

  #close(row: RowTimeline): void {
    row.close();
    row.versions.forEach(({ write }, version) => {
      if (version === 0) return;
      if (!this.#written.has(write)) this.#written.set(write, []);
      this.#written.get(write)!.push({ row, version });
    });
  }
}
