import { CacheStoreError } from '../../primitives/errors.js';
import type { Change } from '../store.js';
import type { Write } from './issue.js';

/** The most keys that one command removes: Redis serves nobody else meanwhile. */
const MOST_REMOVED = 500;
/** The most values that one command stores, and the bytes beyond which none is added to it. */
const MOST_SET = 50;
const BYTES_SET = 65_536;

/**
 * Changes in the groups in which they are sent: removals that follow each other are one command, where all keys are on one
 * server. Anything else is a command of its own.
 */
export function groupChanges(changes: readonly Change[], together: boolean): Change[][] {
  const groups: Change[][] = [];
  for (const change of changes) {
    const last = groups.at(-1);
    const joins =
      together && change.kind === 'remove' && last?.[0]!.kind === 'remove' && last.length < MOST_REMOVED;
    if (joins) last.push(change);
    else groups.push([change]);
  }
  return groups;
}

/** Has the values of `next` stored by the same command as those of `last`. @returns whether that can be */
export function join(last: Write | undefined, next: Write): boolean {
  if (last?.kind !== 'set' || next.kind !== 'set') return false;
  if (last.until === undefined || next.until === undefined || last.values.length >= MOST_SET) return false;
  if (last.values.reduce((bytes, { value }) => bytes + value.length, 0) > BYTES_SET) return false;
  last.values.push(...next.values);
  return true;
}

/** @param until when a value may be stored at the latest, by the server's clock; `undefined` where that is not known */
export function writeOf(group: readonly Change[], until: number | undefined): Write {
  const [first] = group as [Change];
  if (first.kind === 'set') return { kind: 'set', key: first.key, values: [first], until };
  return first.kind === 'remove'
    ? { kind: 'remove', key: first.key, keys: group.map(({ key }) => key) }
    : first;
}

function tooLate(key: string): CacheStoreError {
  return new CacheStoreError(`Redis got the value of '${key}' too late and did not store it`, { key });
}

/** What the answer to a group means to the callers of its changes, see `Change`. @throws CacheStoreError when a value came too late */
export function resultsOf(group: readonly Change[], answer: unknown): (boolean | Buffer)[] {
  const [{ kind, key }] = group as [Change];
  if (kind === 'set') {
    // 1 or OK; something else if a later change made this one unnecessary.
    if (Number(answer) === 0) throw tooLate(key);
    return [true];
  }
  // A digit for each key; nothing but 0 if a later change made this one unnecessary.
  if (kind === 'remove') return group.map((_, i) => String(answer).charAt(i) === '1');
  // A string if the client has the option stringNumbers.
  return [(kind === 'claim' || kind === 'reclaim') && Buffer.isBuffer(answer) ? answer : Number(answer) > 0];
}
