import type { Cursor } from './cursor.js';
import { NotUnderstood, type Reading } from './effects.js';
import { lowerCase } from './tokens.js';

const BEGIN: Reading = { kind: 'begin' };
const UNKNOWN: Reading = { kind: 'unknown' };

export const TRANSACTION_READERS: ReadonlyMap<string, (cursor: Cursor) => readonly Reading[]> = new Map([
  ['begin', readBegin],
  ['start', readStart],
  ['commit', readCommit],
  ['end', readEnd],
  ['rollback', readRollback],
  ['abort', readRollback],
  ['savepoint', readSavepoint],
  ['release', readRelease],
  ['prepare', readPrepare],
]);

function readBegin(cursor: Cursor): readonly Reading[] {
  cursor.step();
  cursor.accept('work');
  // In MySQL anything else is a block of a procedure.
  return cursor.done || cursor.part.dialect !== 'mysql' ? [BEGIN] : [UNKNOWN];
}

function readStart(cursor: Cursor): readonly Reading[] {
  cursor.step();
  return cursor.accept('transaction') ? [BEGIN] : [UNKNOWN];
}

function readCommit(cursor: Cursor): readonly Reading[] {
  cursor.step();
  // What another session wrote.
  if (cursor.key === 'prepared') return [UNKNOWN];
  return [{ kind: 'commit' }, ...readChain(cursor)];
}

function readEnd(cursor: Cursor): readonly Reading[] {
  cursor.step();
  const isCommit = cursor.done || ['work', 'transaction', 'and'].includes(cursor.key);
  return isCommit && cursor.part.dialect !== 'mysql' ? [{ kind: 'commit' }, ...readChain(cursor)] : [UNKNOWN];
}

function readRollback(cursor: Cursor): readonly Reading[] {
  cursor.step();
  // What never was committed.
  if (cursor.key === 'prepared') return [];
  cursor.accept('work', 'transaction');
  if (!cursor.accept('to')) return [{ kind: 'rollback' }, ...readChain(cursor)];
  cursor.accept('savepoint');
  return [{ kind: 'rollback-to', name: readName(cursor) }];
}

function readChain(cursor: Cursor): readonly Reading[] {
  cursor.accept('work', 'transaction');
  return cursor.accept('and') && cursor.accept('chain') ? [BEGIN] : [];
}

function readSavepoint(cursor: Cursor): readonly Reading[] {
  cursor.step();
  return [{ kind: 'savepoint', name: readName(cursor) }];
}

function readRelease(cursor: Cursor): readonly Reading[] {
  cursor.step();
  cursor.accept('savepoint');
  return [{ kind: 'release', name: readName(cursor) }];
}

/** Names of savepoints have no case, save for Postgres' quoted ones. */
function readName(cursor: Cursor): string {
  const name = cursor.token;
  if (name === undefined || !['word', 'name', 'string'].includes(name.kind)) throw new NotUnderstood();
  return cursor.part.dialect === 'postgres' ? name.text : lowerCase(name.text);
}

/**
 * PREPARE TRANSACTION ends the session's transaction. Whoever commits it may be out of sight, so it counts as committed.
 * Any other PREPARE does nothing yet.
 */
function readPrepare(cursor: Cursor): readonly Reading[] {
  cursor.step();
  const { dialect } = cursor.part;
  return dialect === 'postgres' && cursor.key === 'transaction' ? [{ kind: 'commit' }] : [];
}
