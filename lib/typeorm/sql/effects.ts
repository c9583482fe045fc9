/** How a database writes SQL. CockroachDB is `postgres`, MariaDB `mysql`, every driver of SQLite `sqlite`. */
export type SqlDialect = 'postgres' | 'mysql' | 'sqlite';

export type SqlVerb = 'insert' | 'upsert' | 'update' | 'delete' | 'truncate' | 'alter';

/** What one statement did to one table. */
export interface SqlWrite {
  readonly kind: 'write';
  /**
   * The parts of the table's name without quotes, `['public', 'users']`. Unquoted names are in lower case where the
   * database makes them so (postgres); elsewhere they are as written, although SQLite and often MySQL ignore case.
   */
  readonly table: readonly string[];
  readonly verb: SqlVerb;
  /**
   * The values to which the condition holds columns: whatever row was touched had, before, in each of these columns
   * something equal to one of its values. `undefined`: any row.
   *
   * Equal is what the database calls equal: it converts types (`5`, `'5'`, `'05'`) and, depending on the column's type
   * and collation, ignores case, accents or spaces at the end. Names of columns are as in `table`; a name that is no
   * column of the table says nothing.
   */
  readonly where: ReadonlyMap<string, readonly unknown[]> | undefined;
  /** The columns that an update or upsert sets. `undefined`: any column. */
  readonly sets: readonly string[] | undefined;
  /** Whether an insert leaves rows out that are in conflict with others. */
  readonly skips?: boolean;
}

/**
 * What a statement did. In MySQL a `begin` inside a transaction has committed that first; in SQLite a `savepoint`
 * outside of one begins it, and its `release` commits.
 */
export type SqlEffect =
  | SqlWrite
  | { readonly kind: 'begin' | 'commit' | 'rollback' }
  | { readonly kind: 'savepoint' | 'release' | 'rollback-to'; readonly name: string }
  /** May have written anything, and begun or ended a transaction: a procedure, or a text that was not understood. */
  | { readonly kind: 'unknown' };

/** An effect before the values of parameters are known. */
export type Reading = Exclude<SqlEffect, SqlWrite> | WriteReading;

export interface WriteReading extends Omit<SqlWrite, 'where'> {
  readonly where: readonly Comparison[];
}

/** A column that equals one of the operands. */
export interface Comparison {
  readonly column: string;
  readonly operands: readonly Operand[];
}

export interface Operand {
  /** The parameter's place among the bound values, or -1: a literal. */
  readonly place: number;
  /** Of a literal. */
  readonly value?: unknown;
  /** The type it is cast to. */
  readonly cast?: string;
  /** Whether it stands alone, in a list (where MySQL's client spreads an array), or must be an array. */
  readonly form: 'one' | 'listed' | 'array';
}

/** A statement that this reader has no rule for. It never leaves the reader. */
export class NotUnderstood extends Error {}
