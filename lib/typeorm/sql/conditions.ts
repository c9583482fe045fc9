import { Cursor, type Keys, type Part } from './cursor.js';
import type { Comparison, Operand } from './effects.js';
import { readOperand } from './operands.js';
import { refersTo, type Table } from './tables.js';

const WHERE: Keys = new Set(['where']);
/** What ends a WHERE clause of an UPDATE or DELETE. */
const CLAUSES: Keys = new Set(['returning', 'order', 'limit']);
const ALTERNATIVES: Keys = new Set(['or', '||', 'xor']);
/** Among ANDs they mean that rows may satisfy something else instead, or that this is no condition but a query. */
const NO_CONJUNCTION: Keys = new Set([
  ...ALTERNATIVES,
  ...'select with from where values table union except intersect set :='.split(' '),
]);
/** Functions that are called without parentheses: no columns, even where a table has one of that name. */
const FUNCTIONS: Keys = new Set(
  (
    'user current_user session_user system_user current_role current_catalog current_schema current_date ' +
    'current_time current_timestamp localtime localtimestamp utc_date utc_time utc_timestamp'
  ).split(' '),
);
const NOTHING: readonly Comparison[] = [];

/**
 * The equalities in the WHERE clause that starts at or behind the cursor, if each row that was touched satisfies them.
 * @param alone whether the statement knows no other table, so that a column without a qualifier must be this one's
 */
export function readConditions(cursor: Cursor, table: Table, alone: boolean): readonly Comparison[] {
  const { part } = cursor;
  const where = new Cursor(part, cursor.at);
  if (!part.certain || !where.seek(WHERE)) return NOTHING;
  const from = where.at + 1;
  where.seek(CLAUSES);
  const condition = part.slice(from, where.at);
  // Where RETURNING is no reserved word it may be a column, and the condition goes on.
  return where.seek(ALTERNATIVES) ? NOTHING : (conjunction(condition, table, alone) ?? NOTHING);
}

/** @returns `undefined` when the part is not several conditions that all hold */
function conjunction(part: Part, table: Table, alone: boolean): readonly Comparison[] | undefined {
  const parts = split(part);
  if (parts?.every(({ from, to }) => to > from) !== true) return undefined;
  return parts.flatMap((one) => {
    if (one.key(one.from) === '(' && one.after(one.from) === one.to) {
      return conjunction(one.inside(one.from), table, alone) ?? NOTHING;
    }
    const comparison = readComparison(new Cursor(one), table, alone);
    return comparison === undefined ? NOTHING : [comparison];
  });
}

/** The parts between ANDs. The AND of a BETWEEN is none of them: what is behind it belongs to the same part. */
function split(part: Part): Part[] | undefined {
  const parts: Part[] = [];
  let { from } = part;
  let betweens = 0;
  for (let at = from; at < part.to; at = part.after(at)) {
    const key = part.key(at);
    if (NO_CONJUNCTION.has(key)) return undefined;
    if (key === 'between') betweens++;
    else if (key === 'and' && betweens > 0) betweens--;
    else if (key === 'and') {
      parts.push(part.slice(from, at));
      from = at + 1;
    }
  }
  return [...parts, part.slice(from, part.to)];
}

function readComparison(cursor: Cursor, table: Table, alone: boolean): Comparison | undefined {
  const column = readColumn(cursor, table, alone);
  const operands = column === undefined ? undefined : readRight(cursor);
  return column === undefined || operands === undefined || !cursor.done ? undefined : { column, operands };
}

function readColumn(cursor: Cursor, table: Table, alone: boolean): string | undefined {
  const isFunction = FUNCTIONS.has(cursor.key);
  const path = cursor.path();
  const column = path?.pop();
  if (path === undefined || column === undefined) return undefined;
  if (path.length === 0) return alone && !isFunction ? column : undefined;
  return refersTo(path, table) ? column : undefined;
}

function readRight(cursor: Cursor): readonly Operand[] | undefined {
  if (cursor.accept('in')) return cursor.key === '(' ? readList(cursor) : undefined;
  if (!cursor.accept('=')) return undefined;
  const isArray = cursor.accept('any', 'some');
  if (!isArray) return single(readOperand(cursor, 'one'));
  if (cursor.key !== '(') return undefined;
  const inside = cursor.within();
  cursor.step();
  const operand = readOperand(inside, 'array');
  return inside.done ? single(operand) : undefined;
}

function single(operand: Operand | undefined): readonly Operand[] | undefined {
  return operand && [operand];
}

function readList(cursor: Cursor): readonly Operand[] | undefined {
  const inside = cursor.within();
  cursor.step();
  const operands: Operand[] = [];
  do {
    const operand = readOperand(inside, 'listed');
    if (operand === undefined) return undefined;
    operands.push(operand);
  } while (inside.accept(','));
  return inside.done ? operands : undefined;
}
