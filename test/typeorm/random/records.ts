// What processes note of what they did and saw. Times are milliseconds of the machine's monotonic clock, which is one for all.
import type { TableName } from './model.js';

export function now(): number {
  return Number(process.hrtime.bigint() / 1_000n) / 1_000;
}

/** A write, or a transaction of several. */
export interface WriteRecord {
  readonly operation: string;
  readonly form: string;
  readonly process: number;
  /** The earliest moment in which others may see it. */
  readonly visibleFrom: number;
  /** When whoever wrote was told that it is done; without it, it was not, and may be or not. */
  readonly acknowledged?: number;
  /** Whether all of it becomes visible at once. */
  readonly atomic: boolean;
}

/** A row and the stamp it had; `null`: it is not there, or marked as deleted. */
export interface SeenRow {
  readonly kind: 'row';
  readonly table: TableName;
  readonly id: number;
  readonly stamp: number | null;
  /** Whether it may be marked as deleted. */
  readonly withDeleted?: boolean;
}

/** Which rows a query sees. */
export interface Condition {
  readonly table: TableName;
  /** By the name of the column in the database. */
  readonly column?: string;
  readonly value?: string | number;
  readonly withDeleted?: boolean;
  /** TypeORM joins what a condition is on: then nothing is seen of what belongs to one that is marked as deleted. */
  readonly of?: TableName;
}

export interface SeenList extends Condition {
  readonly kind: 'list';
  readonly ids: readonly number[];
}

export interface SeenCount extends Condition {
  readonly kind: 'count';
  readonly count: number;
  /** TypeORM looks for the ids of a page first, and then for its rows: who goes in between is missed, and may be counted on. */
  readonly paged?: boolean;
}

/** What a row is linked to by the junction. */
export interface SeenLinks {
  readonly kind: 'links';
  readonly from: 'book' | 'tag';
  readonly id: number;
  readonly ids: readonly number[];
}

export type Seen = SeenRow | SeenList | SeenCount | SeenLinks;

/**
 * `cached`: as anybody reads. `rest`: the same when nothing is written any more and all have been told. `direct`: from the
 * database. `inside`: from the database, in a transaction that has written.
 */
export type ReadKind = 'cached' | 'rest' | 'direct' | 'inside';

export interface ReadRecord {
  readonly form: string;
  readonly process: number;
  readonly how: ReadKind;
  readonly began: number;
  readonly ended: number;
  readonly seen: readonly Seen[];
}

/** What was committed of one row at one time. */
export interface HistoryRow {
  readonly stamp: number;
  readonly table: string;
  readonly row: string;
  readonly operation: string | null;
  readonly state: Readonly<Record<string, unknown>> | null;
}

export interface Records {
  readonly reads: readonly ReadRecord[];
  readonly writes: readonly WriteRecord[];
  /** What was wrong within a transaction: it did not see its own writes. */
  readonly ownWritesMissed: readonly string[];
  /** Operations that the database refused, by its message. */
  readonly refused: Readonly<Record<string, number>>;
}
