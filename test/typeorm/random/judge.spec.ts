// What the judge makes of reads whose verdict is known.
import { describe, expect, it } from '@jest/globals';

import { FAULTS, judge } from './judge.js';
import type { HistoryRow, ReadKind, ReadRecord, Seen, WriteRecord } from './records.js';

const BOUND = 1_000;
const NOBODY = Object.fromEntries(FAULTS.map((fault) => [fault, 0]));

const write = (
  operation: string,
  visibleFrom: number,
  acknowledged?: number,
  atomic = false,
): WriteRecord => ({
  operation,
  form: 'update',
  process: 0,
  visibleFrom,
  atomic,
  ...(acknowledged !== undefined && { acknowledged }),
});
const version = (stamp: number, operation: string | null, state: object | null = {}): HistoryRow => ({
  stamp,
  table: 'book',
  row: '1',
  operation,
  state: state && { id: 1, deletedAt: null, authorId: 7, ...state },
});
const read = (process: number, began: number, seen: Seen, how: ReadKind = 'cached'): ReadRecord => ({
  form: 'findById',
  process,
  how,
  began,
  ended: began + 5,
  seen: [seen],
});
const row = (stamp: number | null): Seen => ({ kind: 'row', table: 'book', id: 1, stamp });
const list = (...ids: number[]): Seen => ({ kind: 'list', table: 'book', column: 'authorId', value: 7, ids });
const count = (of: number): Seen => ({ kind: 'count', table: 'book', count: of });

/** Book 1 is there, is changed from 100 to 110, moved away from author 7 from 200 to 210, and removed from 300 to 310. */
const WRITES = [write('change', 100, 110), write('move', 200, 210), write('removal', 300, 310)];
const HISTORY = [
  version(1, null),
  version(2, 'change'),
  version(3, 'move', { authorId: 8 }),
  version(4, 'removal', null),
];

describe('the judge', () => {
  it.each<[string, ReadRecord]>([
    ['a row as it is', read(0, 50, row(1))],
    ['a row that is being changed, before', read(0, 105, row(1))],
    ['a row that is being changed, after', read(0, 96, row(2))],
    ['a row that another process has changed', read(1, 120, row(1))],
    ['a row that is gone', read(0, 320, row(null))],
    ['a list', read(0, 50, list(1))],
    ['a list that is being changed', read(0, 205, list(1))],
    ['a list that was changed', read(0, 220, list())],
    ['a count', read(0, 220, count(1))],
    ['rest', read(1, 2_000, row(null), 'rest')],
    ['a row that the transaction has written itself', read(0, 150, row(99), 'inside')],
  ])('has nothing against %s', (_, record) => {
    expect(judge([record], WRITES, HISTORY, BOUND).faults).toStrictEqual(NOBODY);
  });

  it.each<[string, string, ReadRecord]>([
    ['staleOwn', 'a row that this process has changed', read(0, 111, row(1))],
    ['staleOwn', 'a row that this process has removed', read(0, 320, row(3))],
    ['staleOwn', 'the absence of a row that is there', read(0, 120, row(null))],
    ['staleOwn', 'a list', read(0, 211, list(1))],
    ['staleOwn', 'a list that lacks a row', read(0, 120, list())],
    ['staleOwn', 'a count', read(0, 320, count(1))],
    ['staleBeyond', 'a row that another process changed long ago', read(1, 1_120, row(1))],
    ['staleBeyond', 'a list that another process changed long ago', read(1, 1_220, list(1))],
    ['staleAtRest', 'a row', read(1, 400, row(3), 'rest')],
    ['staleAtRest', 'a list', read(1, 400, list(1), 'rest')],
    ['staleAtRest', 'a count', read(1, 400, count(1), 'rest')],
    ['uncommitted', 'a row that was rolled back', read(0, 50, row(99))],
    ['uncommitted', 'a row before its commit', read(1, 50, row(2))],
    ['staleOwn', 'what a transaction reads, and others have changed', read(1, 120, row(1), 'inside')],
  ])('finds %s: %s', (fault, _, record) => {
    const { faults, examples } = judge([record], WRITES, HISTORY, BOUND);
    expect(faults).toStrictEqual({ ...NOBODY, [fault]: 1 });
    expect(examples).toHaveLength(1);
  });

  it('takes what a transaction replaced itself for uncommitted, and what nobody acknowledged for possible', () => {
    const writes = [write('transaction', 100, 110, true), write('lost', 200)];
    const history = [
      version(1, null),
      version(2, 'transaction'),
      version(3, 'transaction'),
      version(4, 'lost'),
    ];
    const faults = (record: ReadRecord) => judge([record], writes, history, BOUND).faults;
    expect(faults(read(0, 120, row(2)))).toMatchObject({ uncommitted: 1 });
    expect(faults(read(0, 120, row(3)))).toStrictEqual(NOBODY);
    expect(faults(read(0, 300, row(3)))).toStrictEqual(NOBODY);
    expect(faults(read(0, 300, row(4)))).toStrictEqual(NOBODY);
  });

  it('measures for how long others did not see what was committed', () => {
    const { delays } = judge([read(1, 130, row(1)), read(1, 215, row(1))], WRITES, HISTORY, BOUND);
    expect(delays).toStrictEqual([20, 105]);
  });
});
