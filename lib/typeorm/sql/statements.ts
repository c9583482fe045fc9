import { Cursor, Part, type Keys } from './cursor.js';
import {
  readAlter,
  readCopy,
  readCreate,
  readLoad,
  readRefresh,
  readRenameTable,
  readTruncate,
} from './definitions.js';
import { NotUnderstood, type Reading, type SqlDialect } from './effects.js';
import { readTablePath } from './tables.js';
import type { Statement } from './split.js';
import type { Token } from './tokens.js';
import { TRANSACTION_READERS } from './transactions.js';
import { readWrite, WRITE_VERBS, written } from './writes.js';

type Reader = (cursor: Cursor) => readonly Reading[];

const COMMIT: Reading = { kind: 'commit' };
const UNKNOWN: Reading = { kind: 'unknown' };

/** Statements that write no row: they read, or concern the session or the server. */
const HARMLESS: Keys = new Set(
  (
    'attach checkpoint checksum close cluster comment deallocate declare detach discard fetch handler help kill ' +
    'listen move notify pragma reindex show table unlisten unlock use vacuum values'
  ).split(' '),
);
/** Likewise, but MySQL commits the transaction first. */
const COMMITTING: Keys = new Set(
  'cache check flush grant install lock optimize repair reset revoke uninstall'.split(' '),
);
const MAIN_VERBS: Keys = new Set([...WRITE_VERBS, 'select', 'values', 'table']);
const EXPLAINS: Keys = new Set(['explain', 'analyze', 'analyse', 'desc', 'describe']);
/** What EXPLAIN explains. */
const EXPLAINED: Keys = new Set([
  ...MAIN_VERBS,
  'with',
  'create',
  'execute',
  'declare',
  'refresh',
  'call',
  '(',
]);
const INTO: Keys = new Set(['into']);
const SET: Keys = new Set(['set']);
/** Between INTO and the name of a table that SELECT creates. */
const NEW_TABLE: Keys = new Set(['temp', 'temporary', 'unlogged', 'table']);
const MATERIALIZED: Keys = new Set(['not', 'materialized']);

const READERS: ReadonlyMap<string, Reader> = new Map<string, Reader>([
  ['select', readSelect],
  ['with', readWith],
  ['(', () => []],
  ['create', readCreate],
  ['alter', readAlter],
  ['drop', readAlter],
  ['truncate', readTruncate],
  ['rename', readRenameTable],
  ['refresh', readRefresh],
  ['copy', readCopy],
  ['load', readLoad],
  ['set', readSet],
  ...Array.from(WRITE_VERBS, (verb): [string, Reader] => [verb, readWrite]),
  ...Array.from(HARMLESS, (verb): [string, Reader] => [verb, () => []]),
  ...Array.from(COMMITTING, (verb): [string, Reader] => [verb, readCommitting]),
  ...TRANSACTION_READERS,
]);

/** Statements whose brackets hold definitions, or statements that are not run yet. */
const NOT_RUN: Keys = new Set(['prepare', 'set', 'alter', 'drop', 'grant', 'revoke', 'comment', 'declare']);

/** @throws NotUnderstood */
export function readStatement(
  { tokens, routine, whole }: Statement,
  dialect: SqlDialect,
): readonly Reading[] {
  if (!whole) throw new NotUnderstood();
  // What a routine writes it writes later.
  if (routine) return dialect === 'mysql' ? [COMMIT] : [];
  return EXPLAINS.has(tokens[0]?.key ?? '') ? readExplain(tokens, dialect) : readTokens(tokens, dialect);
}

function readTokens(tokens: readonly Token[], dialect: SqlDialect): readonly Reading[] {
  const verb = tokens[0]?.key ?? '';
  const part = Part.whole(tokens, dialect);
  const main = READERS.get(verb)?.(new Cursor(part)) ?? [UNKNOWN];
  return NOT_RUN.has(verb) ? main : [...readBrackets(part), ...main];
}

/** Writes that stand in brackets, at any depth: parts of a WITH. */
function readBrackets(part: Part): readonly Reading[] {
  const readings: Reading[] = [];
  for (let at = part.from; at < part.to; at++) {
    if (part.key(at) !== '(') continue;
    const verb = part.key(at + 1);
    if (verb === 'with') readings.push(...readWith(new Cursor(part.inside(at))));
    else if (WRITE_VERBS.has(verb) && isWrite(part.inside(at))) {
      readings.push(...readWrite(new Cursor(part.inside(at))));
    }
  }
  return readings;
}

/** Whether its first word is a statement's, not a column's or function's name. */
function isWrite(part: Part): boolean {
  const next = part.token(part.from + 1);
  switch (part.key(part.from)) {
    case 'delete':
      return next?.key === 'from';
    case 'update':
      return (next?.kind === 'name' || next?.kind === 'word') && new Cursor(part).seek(SET);
    default:
      return next?.key === 'into';
  }
}

/** Postgres: `SELECT … INTO table`. */
function readSelect(cursor: Cursor): readonly Reading[] {
  if (cursor.part.dialect !== 'postgres' || !cursor.seek(INTO)) return [];
  if (cursor.part.key(cursor.at - 1) === 'as') return [];
  cursor.step();
  cursor.skip(NEW_TABLE);
  return [written(readTablePath(cursor), 'insert')];
}

/** The statement behind the queries of a WITH. */
function readWith(cursor: Cursor): readonly Reading[] {
  do {
    cursor.step();
    cursor.accept('recursive');
    cursor.path();
    if (cursor.key === '(') cursor.step();
    cursor.expect('as');
    cursor.skip(MATERIALIZED);
    cursor.expect('(');
  } while (cursor.key === ',');
  if (!MAIN_VERBS.has(cursor.key) && cursor.key !== '(') {
    // SEARCH and CYCLE, and queries behind them.
    if (!['search', 'cycle'].includes(cursor.key)) throw new NotUnderstood();
    cursor.seek(MAIN_VERBS);
  }
  if (WRITE_VERBS.has(cursor.key)) return readWrite(cursor);
  return cursor.key === 'select' ? readSelect(cursor) : [];
}

/** A statement is run to be explained if the word ANALYZE stands before it. */
function readExplain(tokens: readonly Token[], dialect: SqlDialect): readonly Reading[] {
  if (tokens[0]?.key === 'analyze' && tokens[1]?.key === 'table') return dialect === 'mysql' ? [COMMIT] : [];
  const at = tokens.findIndex(
    ({ key }, index) => index > 0 && EXPLAINED.has(key) && !isOptions(tokens, index),
  );
  if (at === -1) return [];
  const runs = tokens.slice(0, at).some(({ key }) => key === 'analyze' || key === 'analyse');
  return runs ? readTokens(tokens.slice(at), dialect) : [];
}

/** `EXPLAIN (ANALYZE, …)`, `ANALYZE table (column, …)` */
function isOptions(tokens: readonly Token[], at: number): boolean {
  const inside = tokens[at + 1]?.key ?? '';
  return tokens[at]?.key === '(' && inside !== '(' && !EXPLAINED.has(inside);
}

function readCommitting(cursor: Cursor): readonly Reading[] {
  cursor.step();
  return cursor.part.dialect === 'mysql' && cursor.key !== 'instance' ? [COMMIT] : [];
}

function readSet(cursor: Cursor): readonly Reading[] {
  if (cursor.part.dialect !== 'mysql') return [];
  cursor.step();
  if (cursor.key === 'password') return [COMMIT];
  // MariaDB: SET STATEMENT … FOR any statement. To set autocommit may commit, and opens transactions from then on.
  const changes = cursor.key === 'statement' || cursor.part.tokens.some(({ text }) => isAutocommit(text));
  return changes ? [UNKNOWN] : [];
}

function isAutocommit(text: string): boolean {
  return text.toLowerCase().endsWith('autocommit');
}
