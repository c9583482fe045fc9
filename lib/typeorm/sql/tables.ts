import type { Cursor, Keys } from './cursor.js';
import { NotUnderstood } from './effects.js';

export interface Table {
  /** Empty for a subquery. */
  readonly path: readonly string[];
  readonly alias: string | undefined;
}

/** Words that follow a table and are no alias of it. */
const NO_ALIAS: Keys = new Set(
  (
    'as cross default for force from full group having ignore indexed inner into join left limit natural not on ' +
    'order overriding partition returning right select set straight_join tablesample union use using values when ' +
    'where window with'
  ).split(' '),
);
const NEXT_SOURCE: readonly string[] = [',', 'join', 'straight_join'];

/** @throws NotUnderstood when no table is named here */
export function readTable(cursor: Cursor): Table {
  cursor.accept('only');
  const path = readTablePath(cursor);
  cursor.accept('*');
  return { path, alias: readAlias(cursor) };
}

/** @throws NotUnderstood when no table is named here */
export function readTablePath(cursor: Cursor): readonly string[] {
  const { token } = cursor;
  const path = cursor.path();
  if (path !== undefined) return path;
  // SQLite takes a string for a name where only a name can be.
  if (token?.kind !== 'string') throw new NotUnderstood();
  cursor.step();
  return [token.text];
}

/** The tables of a FROM clause and the like, up to one of `ends`. */
export function readSources(cursor: Cursor, ends: Keys): Table[] {
  const next: Keys = new Set([...NEXT_SOURCE, ...ends]);
  const sources: Table[] = [];
  do {
    cursor.accept('lateral');
    sources.push(...readSource(cursor));
    cursor.seek(next);
  } while (cursor.accept(...NEXT_SOURCE));
  return sources;
}

function readSource(cursor: Cursor): readonly Table[] {
  if (cursor.key !== '(') return [readTable(cursor)];
  const inside = cursor.within();
  cursor.step();
  if (['select', 'with', 'values', 'table'].includes(inside.key))
    return [{ path: [], alias: readAlias(cursor) }];
  return readSources(inside, new Set());
}

function readAlias(cursor: Cursor): string | undefined {
  if (!cursor.accept('as') && NO_ALIAS.has(cursor.key)) return undefined;
  const { token } = cursor;
  if (token?.kind !== 'word' && token?.kind !== 'name') return undefined;
  cursor.step();
  return token.text;
}

/** Whether a qualifier, as in `qualifier.column`, stands for the table. */
export function refersTo(qualifier: readonly string[], { path, alias }: Table): boolean {
  if (alias !== undefined) return qualifier.length === 1 && qualifier[0] === alias;
  const own = path.slice(-qualifier.length);
  return own.length === qualifier.length && own.every((name, at) => name === qualifier[at]);
}
