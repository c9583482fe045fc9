import type { Keys } from './cursor.js';
import type { Token } from './tokens.js';

export interface Statement {
  readonly tokens: readonly Token[];
  /** Whether it defines a routine, the statements of which belong to it. */
  readonly routine: boolean;
  /** Whether its end was found. */
  readonly whole: boolean;
}

const ROUTINES: Keys = new Set(['trigger', 'procedure', 'function', 'event']);
const BLOCKS: Keys = new Set(['begin', 'case']);
/** What END closes beside blocks. */
const OTHER_ENDS: Keys = new Set(['if', 'loop', 'while', 'repeat', 'for']);
/** How far into a CREATE its kind may stand: behind a DEFINER at most. */
const HEAD = 12;

/** The statements between semicolons, without empty ones. */
export function splitStatements(tokens: readonly Token[]): readonly Statement[] {
  const statements: Statement[] = [];
  for (let from = 0; from < tokens.length;) {
    const routine = isRoutine(tokens, from);
    const { to, whole } = endOf(tokens, from, routine);
    if (to > from) statements.push({ tokens: tokens.slice(from, to), routine, whole });
    from = to + 1;
  }
  return statements;
}

function isRoutine(tokens: readonly Token[], from: number): boolean {
  if (tokens[from]?.key !== 'create') return false;
  for (const { key } of tokens.slice(from + 1, from + HEAD)) {
    if (ROUTINES.has(key)) return true;
    if (key === '(' || key === ';') return false;
  }
  return false;
}

function endOf(tokens: readonly Token[], from: number, routine: boolean): { to: number; whole: boolean } {
  let depth = 0;
  for (let at = from; at < tokens.length; at++) {
    const { key } = tokens[at]!;
    if (key === ';' && depth === 0) return { to: at, whole: true };
    if (!routine) continue;
    if (BLOCKS.has(key)) depth++;
    else if (key === 'end' && depth > 0 && !OTHER_ENDS.has(tokens[at + 1]?.key ?? '')) depth--;
    // `END CASE` closes what CASE began, and is no beginning.
    if (key === 'end' && tokens[at + 1]?.key === 'case') at++;
  }
  return { to: tokens.length, whole: depth === 0 };
}
