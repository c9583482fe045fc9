import { Cursor, type Keys } from './cursor.js';
import type { Reading } from './effects.js';
import { readTablePath } from './tables.js';
import { written } from './writes.js';

const COMMIT: Reading = { kind: 'commit' };
const UNKNOWN: Reading = { kind: 'unknown' };

/** What holds rows, or shows rows of others. */
const RELATIONS: Keys = new Set(['table', 'view']);
/** To create one of these changes no row that can be read already. */
const CREATED: Keys = new Set(
  (
    'table index view trigger function procedure aggregate event type domain sequence schema database role user ' +
    'extension'
  ).split(' '),
);
/** No row depends on these. */
const ALTERED: Keys = new Set(
  'index sequence trigger function procedure aggregate event role user group prepare'.split(' '),
);
/** These cannot be dropped while a column has them, unless with CASCADE. */
const DROPPED: Keys = new Set(['type', 'domain']);
const KINDS: Keys = new Set([...CREATED, ...ALTERED, 'server', 'policy', 'rule', 'subscription']);
const CASCADE: Keys = new Set(['cascade']);
const DIRECTIONS: Keys = new Set(['from', 'to']);
const INTO: Keys = new Set(['into']);
const RENAME: Keys = new Set(['rename']);

export function readCreate(cursor: Cursor): readonly Reading[] {
  const start = cursor.at;
  cursor.step();
  const replaces = cursor.accept('or') && cursor.accept('replace');
  cursor.seek(KINDS);
  const kind = cursor.key;
  if (!CREATED.has(kind)) return [UNKNOWN];
  const committed = commits(cursor, start, 'create');
  if (!replaces || !RELATIONS.has(kind)) return committed;
  cursor.step();
  return [...committed, written(readTablePath(cursor), 'alter')];
}

/** ALTER or DROP. */
export function readAlter(cursor: Cursor): readonly Reading[] {
  const start = cursor.at;
  const verb = cursor.key;
  cursor.step();
  cursor.seek(KINDS);
  const kind = cursor.key;
  if (kind === 'prepare') return [];
  const committed = commits(cursor, start, verb);
  const isHarmless = ALTERED.has(kind) || (verb === 'drop' && DROPPED.has(kind));
  if (!RELATIONS.has(kind)) return [...committed, ...(isHarmless ? cascade(cursor) : [UNKNOWN])];
  cursor.step();
  if (cursor.accept('if')) cursor.skip(new Set(['not', 'exists']));
  const tables = verb === 'drop' ? readTables(cursor) : [readFamily(cursor)];
  return [
    ...committed,
    ...tables.map((path) => written(path, 'alter')),
    ...(verb === 'drop' ? [] : readRename(cursor)),
    ...cascade(cursor),
  ];
}

/** What else becomes another table's: its new name, or rows that MySQL exchanges. */
function readRename(cursor: Cursor): readonly Reading[] {
  if (cursor.accept('exchange')) return [UNKNOWN];
  if (!cursor.seek(RENAME)) return [];
  cursor.step();
  if (!cursor.accept('to')) return [];
  return [written(readTablePath(cursor), 'alter')];
}

export function readTruncate(cursor: Cursor): readonly Reading[] {
  const start = cursor.at;
  cursor.step();
  cursor.accept('table');
  const tables = readTables(cursor).map((path) => written(path, 'truncate'));
  return [...commits(cursor, start, 'truncate'), ...tables, ...cascade(cursor)];
}

/** MySQL: `RENAME TABLE a TO b, c TO d`. */
export function readRenameTable(cursor: Cursor): readonly Reading[] {
  cursor.step();
  cursor.expect('table', 'tables');
  const renamed: Reading[] = [COMMIT];
  do {
    renamed.push(written(readTablePath(cursor), 'alter'));
    cursor.expect('to');
    renamed.push(written(readTablePath(cursor), 'alter'));
  } while (cursor.accept(','));
  return renamed;
}

/** REFRESH MATERIALIZED VIEW */
export function readRefresh(cursor: Cursor): readonly Reading[] {
  cursor.step();
  cursor.expect('materialized');
  cursor.expect('view');
  cursor.accept('concurrently');
  return [written(readTablePath(cursor), 'alter')];
}

export function readCopy(cursor: Cursor): readonly Reading[] {
  cursor.step();
  // A query's result goes out; what the query writes is found as a part in brackets.
  if (cursor.key === '(') return [];
  const path = readTablePath(cursor);
  cursor.seek(DIRECTIONS);
  if (cursor.accept('from')) return [written(path, 'insert')];
  cursor.expect('to');
  return [];
}

/** MySQL: LOAD DATA, LOAD XML. */
export function readLoad(cursor: Cursor): readonly Reading[] {
  cursor.step();
  if (cursor.accept('index')) return [COMMIT];
  cursor.expect('data', 'xml');
  cursor.seek(INTO);
  const replaces = cursor.part.key(cursor.at - 1) === 'replace';
  cursor.expect('into');
  cursor.expect('table');
  return [written(readTablePath(cursor), replaces ? 'upsert' : 'insert')];
}

function readTables(cursor: Cursor): (readonly string[])[] {
  const tables: (readonly string[])[] = [];
  do tables.push(readFamily(cursor));
  while (cursor.accept(','));
  return tables;
}

/** A table, in Postgres with or without those that inherit from it. */
function readFamily(cursor: Cursor): readonly string[] {
  cursor.accept('only');
  const path = readTablePath(cursor);
  cursor.accept('*');
  return path;
}

/** MySQL commits the transaction before it defines anything but temporary tables. */
function commits({ part, at }: Cursor, start: number, verb: string): readonly Reading[] {
  if (part.dialect !== 'mysql') return [];
  const words = part.tokens.slice(start, at).map(({ key }) => key);
  return verb !== 'alter' && words.includes('temporary') ? [] : [COMMIT];
}

/** In Postgres CASCADE reaches further tables. */
function cascade({ part }: Cursor): readonly Reading[] {
  return part.dialect === 'postgres' && new Cursor(part).seek(CASCADE) ? [UNKNOWN] : [];
}
