import { LRUCache } from 'lru-cache';
import {
  NotUnderstood,
  type Comparison,
  type Reading,
  type SqlDialect,
  type SqlEffect,
  type SqlWrite,
} from './effects.js';
import { operandValues } from './operands.js';
import { splitStatements } from './split.js';
import { readStatement } from './statements.js';
import { tokenize } from './tokens.js';

export type { SqlDialect, SqlEffect, SqlVerb, SqlWrite } from './effects.js';

const UNKNOWN = { kind: 'unknown' } as const;
const NOTHING: readonly SqlEffect[] = [];

/** A query; without one of {@link WRITES} somewhere it cannot be anything else as well. */
const QUERY = /^[\s(]*select\b/i;
/** Digits may stand right before a keyword. */
const WRITES = /;|\/\*M?!|(?<![a-z_])(?:into|insert|update|delete|merge|replace)(?!\w)/i;

/** ORMs repeat their texts; those with many values in them are long and seldom come back. */
const MEMORY = { max: 500, maxSize: 1_000_000, maxEntrySize: 20_000 };

const memories: Partial<Record<SqlDialect, LRUCache<string, readonly Reading[]>>> = {};

/**
 * What a text of SQL did, in its order; empty for one that only reads. What is not understood is `unknown`; nothing is
 * thrown. Out of sight remain what triggers, rules and foreign keys do to other tables, and what functions do that a
 * query calls.
 * @param parameters in the order in which they were given to the driver
 */
export function readSql(
  sql: string,
  parameters: readonly unknown[] | undefined,
  dialect: SqlDialect,
): readonly SqlEffect[] {
  try {
    if (QUERY.test(sql) && !WRITES.test(sql)) return NOTHING;
    const known = Array.isArray(parameters) ? (parameters as readonly unknown[]) : undefined;
    return remembered(sql, dialect).map((reading) => bind(reading, known, dialect));
  } catch {
    return [UNKNOWN];
  }
}

function remembered(sql: string, dialect: SqlDialect): readonly Reading[] {
  const memory = (memories[dialect] ??= new LRUCache({
    ...MEMORY,
    sizeCalculation: (_, text) => text.length + 1,
  }));
  let readings = memory.get(sql);
  if (readings === undefined) {
    readings = read(sql, dialect);
    memory.set(sql, readings);
  }
  return readings;
}

function read(sql: string, dialect: SqlDialect): readonly Reading[] {
  const { readings, conditional } = readText(sql, dialect, true);
  if (!conditional) return readings;
  // Whether this code runs depends on the server: what is written either way counts, and no condition does.
  const otherwise = readText(sql, dialect, false).readings.filter(({ kind }) => kind === 'write');
  return [...readings, ...otherwise].map((one) => (one.kind === 'write' ? { ...one, where: [] } : one));
}

function readText(sql: string, dialect: SqlDialect, runsConditional: boolean) {
  const { tokens, conditional } = tokenize(sql, dialect, runsConditional);
  const readings = splitStatements(tokens).flatMap((statement) => {
    try {
      return readStatement(statement, dialect);
    } catch (error) {
      if (error instanceof NotUnderstood) return [UNKNOWN];
      throw error;
    }
  });
  return { readings: readings as readonly Reading[], conditional };
}

function bind(reading: Reading, parameters: readonly unknown[] | undefined, dialect: SqlDialect): SqlEffect {
  if (reading.kind !== 'write') return reading;
  return { ...reading, where: bindWhere(reading.where, parameters, dialect) };
}

function bindWhere(
  comparisons: readonly Comparison[],
  parameters: readonly unknown[] | undefined,
  dialect: SqlDialect,
): SqlWrite['where'] {
  const where = new Map<string, readonly unknown[]>();
  for (const { column, operands } of comparisons) {
    const values: unknown[] = [];
    let certain = true;
    for (const operand of operands) {
      const some = operandValues(operand, parameters, dialect === 'mysql');
      if (some === undefined) certain = false;
      else for (const one of some) values.push(one);
    }
    // Of two conditions on a column each holds: the narrower says more.
    const other = where.get(column);
    if (certain && (other === undefined || values.length < other.length)) where.set(column, values);
  }
  return where.size === 0 ? undefined : where;
}
