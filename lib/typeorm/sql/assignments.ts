import type { Cursor, Keys } from './cursor.js';

/** A column that is set, with what stands before it and a dot. */
export interface Assignment {
  readonly qualifier: readonly string[];
  readonly column: string;
}

/** What ends a list of assignments. */
const ENDS: Keys = new Set([',', 'from', 'where', 'returning', 'order', 'limit', 'on']);

/** The assignments behind SET. @returns `undefined` when one of them is no column's, as far as can be told */
export function readAssignments(cursor: Cursor): readonly Assignment[] | undefined {
  const assignments: Assignment[] = [];
  let understood = true;
  do {
    const targets = cursor.key === '(' ? readTargets(cursor) : readTarget(cursor);
    if (targets === undefined) understood = false;
    else assignments.push(...targets);
    seekEnd(cursor);
  } while (cursor.accept(','));
  return understood ? assignments : undefined;
}

export function columnsOf(assignments: readonly Assignment[] | undefined): readonly string[] | undefined {
  return assignments && [...new Set(assignments.map(({ column }) => column))];
}

/** Past the value, which may hold an `IS DISTINCT FROM`. */
function seekEnd(cursor: Cursor): void {
  while (cursor.seek(ENDS) && cursor.key === 'from' && cursor.part.key(cursor.at - 1) === 'distinct') {
    cursor.step();
  }
}

/** `(a, b) = …` */
function readTargets(cursor: Cursor): readonly Assignment[] | undefined {
  const inside = cursor.within();
  const targets: Assignment[] = [];
  do {
    const target = readTarget(inside);
    if (target === undefined) return undefined;
    targets.push(...target);
  } while (inside.accept(','));
  return inside.done ? targets : undefined;
}

function readTarget(cursor: Cursor): readonly Assignment[] | undefined {
  const path = cursor.path();
  if (path === undefined) return undefined;
  // In Postgres a dot leads into the column: `address.city`.
  if (cursor.part.dialect === 'postgres') return [{ qualifier: [], column: path[0]! }];
  return [{ qualifier: path.slice(0, -1), column: path.at(-1)! }];
}
