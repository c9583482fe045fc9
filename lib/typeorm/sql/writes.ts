import { columnsOf, readAssignments, type Assignment } from './assignments.js';
import { readConditions } from './conditions.js';
import type { Cursor, Keys } from './cursor.js';
import { NotUnderstood, type Comparison, type SqlVerb, type WriteReading } from './effects.js';
import { readSources, readTable, readTablePath, refersTo, type Table } from './tables.js';

const MODIFIERS: Keys = new Set(['low_priority', 'high_priority', 'delayed', 'quick', 'ignore']);
const SET: Keys = new Set(['set']);
const CLAUSES: Keys = new Set(['where', 'returning', 'order', 'limit']);
const USING_OR_CLAUSES: Keys = new Set(['using', ...CLAUSES]);
const FROM: Keys = new Set(['from']);
const ON: Keys = new Set(['on']);
const DO: Keys = new Set(['do']);
const DELETE: Keys = new Set(['delete']);

const READERS: ReadonlyMap<string, (cursor: Cursor) => readonly WriteReading[]> = new Map([
  ['insert', (cursor: Cursor) => readInsert(cursor, 'insert')],
  ['replace', (cursor: Cursor) => readInsert(cursor, 'upsert')],
  // CockroachDB's.
  ['upsert', (cursor: Cursor) => readInsert(cursor, 'upsert')],
  ['update', readUpdate],
  ['delete', readDelete],
  ['merge', readMerge],
]);

export const WRITE_VERBS: Keys = new Set(READERS.keys());

/** What the statement that starts at the cursor with one of {@link WRITE_VERBS} writes, parts in brackets aside. */
export function readWrite(cursor: Cursor): readonly WriteReading[] {
  const reader = READERS.get(cursor.key);
  if (reader === undefined) throw new NotUnderstood();
  cursor.step();
  return reader(cursor);
}

export function written(
  table: readonly string[],
  verb: SqlVerb,
  sets?: readonly string[],
  where: readonly Comparison[] = [],
): WriteReading {
  return { kind: 'write', table, verb, sets, where };
}

/** Past the words behind a verb. @returns what becomes of rows in conflict */
function readModifiers(cursor: Cursor): { replaces: boolean; skips: boolean } {
  // SQLite: OR REPLACE, OR IGNORE, …
  const hasAction = cursor.accept('or');
  const replaces = hasAction && cursor.key === 'replace';
  if (hasAction) cursor.step();
  let skips = hasAction && !replaces;
  for (; MODIFIERS.has(cursor.key); cursor.step()) skips ||= cursor.key === 'ignore';
  return { replaces, skips };
}

function readInsert(cursor: Cursor, verb: SqlVerb): readonly WriteReading[] {
  const modifiers = readModifiers(cursor);
  const replaces = modifiers.replaces || verb === 'upsert';
  cursor.accept('into');
  const path = readTablePath(cursor);
  const { updates, skips } = readConflicts(cursor);
  if (updates.length === 0 && replaces) return [written(path, 'upsert')];
  if (updates.length === 0) return [{ ...written(path, 'insert'), skips: skips || modifiers.skips }];
  const known = !replaces && updates.every((update) => update !== undefined);
  return [written(path, 'upsert', known ? columnsOf(updates.flat()) : undefined)];
}

/** What each ON CONFLICT DO UPDATE or ON DUPLICATE KEY UPDATE sets, and whether there is one that does nothing. */
function readConflicts(cursor: Cursor): {
  updates: (readonly Assignment[] | undefined)[];
  skips: boolean;
} {
  const updates: (readonly Assignment[] | undefined)[] = [];
  let skips = false;
  while (cursor.seek(ON)) {
    cursor.step();
    if (cursor.accept('duplicate')) {
      cursor.accept('key');
      cursor.expect('update');
      updates.push(readAssignments(cursor));
    } else if (cursor.accept('conflict')) {
      cursor.seek(DO);
      cursor.expect('do');
      if (cursor.accept('update') && cursor.accept('set')) updates.push(readAssignments(cursor));
      else {
        cursor.expect('nothing');
        skips = true;
      }
    }
  }
  return { updates, skips };
}

function readUpdate(cursor: Cursor): readonly WriteReading[] {
  const { replaces } = readModifiers(cursor);
  const sources = readSources(cursor, SET);
  cursor.expect('set');
  const assignments = readAssignments(cursor);
  const [table] = sources;
  if (sources.length === 1 && table !== undefined && table.path.length > 0) {
    const update = written(table.path, 'update', columnsOf(assignments));
    // Rows that are replaced are not those of the condition, and are removed.
    if (replaces) return [update, written(table.path, 'delete')];
    return [{ ...update, where: readConditions(cursor, table, cursor.key !== 'from') }];
  }
  const qualified = assignments?.every(({ qualifier }) => sources.some((one) => isOf(qualifier, one)));
  return targets(sources).flatMap((one) => {
    const own = assignments?.filter(({ qualifier }) => isOf(qualifier, one));
    if (qualified && own?.length === 0) return [];
    return [written(one.path, 'update', qualified ? columnsOf(own) : undefined, conditionsOn(cursor, one))];
  });
}

function isOf(qualifier: readonly string[], table: Table): boolean {
  return qualifier.length > 0 && refersTo(qualifier, table);
}

function conditionsOn(cursor: Cursor, table: Table): readonly Comparison[] {
  return readConditions(cursor, table, false);
}

/** @throws NotUnderstood when there is none */
function targets(sources: readonly Table[]): readonly Table[] {
  const tables = sources.filter(({ path }) => path.length > 0);
  if (tables.length === 0) throw new NotUnderstood();
  return tables;
}

function readDelete(cursor: Cursor): readonly WriteReading[] {
  readModifiers(cursor);
  if (!cursor.accept('from')) return readDeleteOf(cursor);
  const named = readSources(cursor, USING_OR_CLAUSES);
  if (cursor.accept('using')) return deleted(cursor, named, readSources(cursor, CLAUSES));
  return targets(named).map(({ path }, _, { length }) =>
    written(path, 'delete', undefined, length > 1 ? [] : readConditions(cursor, named[0]!, true)),
  );
}

/** MySQL: `DELETE a, b FROM …`. */
function readDeleteOf(cursor: Cursor): readonly WriteReading[] {
  const named: Table[] = [];
  do {
    named.push({ path: readTablePath(cursor), alias: undefined });
    if (cursor.accept('.')) cursor.expect('*');
  } while (cursor.accept(','));
  if (!cursor.seek(FROM)) throw new NotUnderstood();
  cursor.step();
  return deleted(cursor, named, readSources(cursor, CLAUSES));
}

/** Tables to delete from may be named by their aliases among the sources. */
function deleted(
  cursor: Cursor,
  named: readonly Table[],
  sources: readonly Table[],
): readonly WriteReading[] {
  return targets(named).flatMap((one) => {
    const source = sources.find((other) => other.path.length > 0 && refersTo(one.path, other));
    const table = one.alias === undefined ? (source ?? one) : one;
    const writes = [written(table.path, 'delete', undefined, conditionsOn(cursor, table))];
    // On some systems MySQL finds aliases whatever their case.
    const isLost = source === undefined && cursor.part.dialect === 'mysql';
    return isLost ? [...writes, ...targets(sources).map(({ path }) => written(path, 'delete'))] : writes;
  });
}

function readMerge(cursor: Cursor): readonly WriteReading[] {
  cursor.expect('into');
  const { path } = readTable(cursor);
  const deletes = cursor.seek(DELETE);
  return deletes ? [written(path, 'upsert'), written(path, 'delete')] : [written(path, 'upsert')];
}
