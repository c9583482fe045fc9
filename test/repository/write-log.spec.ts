// What a log makes of what it is told: which tags, and when.
import { beforeEach, describe, expect, it } from '@jest/globals';

import { WriteLog } from '../../lib/repository/index.js';

const ANY = 'db:s/tasks?';
const partOf = (owner: string): string => `db:s/tasks?owner=${owner}`;
const session = {};
const partitionsOf = (...owners: string[]) => owners.map((value) => ({ column: 'owner', value }));

let told: string[];
let log: WriteLog;

beforeEach(() => {
  told = [];
  log = new WriteLog({
    source: 's',
    tables: () => ['tasks'],
    invalidate: async (tags) => void told.push(...tags),
  });
  log.begin(session);
});

const writeWhereItIs = (row: string) =>
  log.write(session, { table: 'tasks', rows: [row], added: 0, stays: true });
const write = (...rows: string[]) => log.write(session, { table: 'tasks', rows, added: 0 });
const lock = (id: string, owner: string) =>
  log.lock(session, { table: 'tasks', id, partitions: partitionsOf(owner) });
const report = (id: string | undefined, ...owners: string[]) =>
  log.report(session, { table: 'tasks', id, partitions: partitionsOf(...owners) });
const partitions = async (): Promise<string[]> => {
  await log.commit(session);
  return told.filter((tag) => tag.startsWith(ANY));
};

describe('parts of a table', () => {
  it('of a row that was locked before it was written: those it was in and is in', async () => {
    lock('1', 'ann');
    write('1');
    report('1', 'bob');
    expect(await partitions()).toStrictEqual([partOf('ann'), partOf('bob')]);
  });

  it('of a locked row that no write moves: that it was in, though nobody reports it', async () => {
    lock('1', 'ann');
    writeWhereItIs('1');
    log.savepoint(session, 'a');
    writeWhereItIs('1');
    await log.release(session, 'a');
    expect(await partitions()).toStrictEqual([partOf('ann')]);
  });

  it('of a removed one: that it was in', async () => {
    lock('1', 'ann');
    write('1');
    report('1');
    expect(await partitions()).toStrictEqual([partOf('ann')]);
  });

  it.each<[string, () => void]>([
    [
      'it was not locked: who wrote it may have looked before somebody else moved it',
      () => {
        write('1');
        report('1', 'ann', 'bob');
      },
    ],
    [
      'it was locked after it was written',
      () => {
        write('1');
        lock('1', 'bob');
        report('1', 'bob');
      },
    ],
    [
      'it was locked after any row may have been written',
      () => {
        log.write(session, { table: 'tasks', rows: undefined, added: 0 });
        lock('1', 'bob');
        write('1');
        report('1', 'bob');
      },
    ],
    [
      'it was written once more than it was reported',
      () => {
        lock('1', 'ann');
        write('1');
        write('1');
        report('1', 'bob');
      },
    ],
    [
      'it was moved once, which was not reported, and written once, which was',
      () => {
        lock('1', 'ann');
        writeWhereItIs('1');
        report('1', 'ann');
        write('1');
      },
    ],
    [
      'it was written where it is, but not locked',
      () => {
        writeWhereItIs('1');
        report('1', 'ann');
      },
    ],
    [
      'it was moved in a savepoint, which was not reported',
      () => {
        lock('1', 'ann');
        log.savepoint(session, 'a');
        write('1');
      },
    ],
    [
      'another was written as well',
      () => {
        lock('1', 'ann');
        write('1', '2');
        report('1', 'bob');
        report('2', 'bob');
      },
    ],
    [
      'the lock was given up with a savepoint',
      () => {
        log.savepoint(session, 'a');
        lock('1', 'ann');
        log.rollbackTo(session, 'a');
        write('1');
        report('1', 'bob');
      },
    ],
    [
      'it was locked in a savepoint after it was written',
      () => {
        write('1');
        log.savepoint(session, 'a');
        lock('1', 'bob');
        write('1');
        report('1', 'bob');
        report('1', 'bob');
      },
    ],
    [
      'more rows were added than reported',
      () => {
        log.write(session, { table: 'tasks', rows: [], added: 2 });
        report(undefined, 'ann');
      },
    ],
    [
      'nobody knows how many were added',
      () => {
        log.write(session, { table: 'tasks', rows: [], added: Number.NaN });
        report(undefined, 'ann');
      },
    ],
  ])('any, when %s', async (_, act) => {
    act();
    expect(await partitions()).toStrictEqual([ANY]);
  });

  it('of a row that was locked in a savepoint that was released, or outside of the one it was written in', async () => {
    lock('2', 'cleo');
    log.savepoint(session, 'a');
    lock('1', 'ann');
    write('1', '2');
    report('1', 'bob');
    report('2', 'cleo');
    await log.release(session, 'a');
    expect((await partitions()).toSorted()).toStrictEqual([partOf('ann'), partOf('bob'), partOf('cleo')]);
  });

  it('of a row that was only locked: none', async () => {
    lock('1', 'ann');
    expect(await partitions()).toStrictEqual([]);
  });
});
