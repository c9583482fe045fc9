import { describe, expect, it } from '@jest/globals';
import { type RangeChoice, selectRange } from '../../lib/http-semantics/byte-range.js';
import { formatHttpDate } from '../../lib/http-semantics/http-date.js';
import { fields, NOON } from './readers.js';

type Headers = Readonly<Record<string, string>>;

const at = (seconds: number): string => formatHttpDate(NOON + seconds * 1000);

function select(
  request: Headers,
  { stored = {}, size = 11, method = 'GET', status = 200 }: Partial<Stored> = {},
): RangeChoice {
  const readers = { request: fields(request), stored: fields(stored) };
  return selectRange({ method, status, size, receivedAt: NOON, ...readers });
}

interface Stored {
  readonly stored: Headers;
  readonly size: number;
  readonly method: string;
  readonly status: number;
}

describe('Range', () => {
  it.each([
    ['bytes=0-1', 0, 1],
    ['bytes=1-', 1, 10],
    ['bytes=-1', 10, 10],
    ['bytes=-11', 0, 10],
    ['bytes=-12', 0, 10],
    ['bytes=5-5', 5, 5],
    ['bytes=0-10', 0, 10],
    ['bytes=0-11', 0, 10],
    ['bytes=10-99999999999999999999999', 10, 10],
    [`bytes=0-${'9'.repeat(400)}`, 0, 10],
    [`bytes=-${'9'.repeat(400)}`, 0, 10],
    ['BYTES=0-1', 0, 1],
    ['bytes= 0-1 ', 0, 1],
    ['bytes=000-001', 0, 1],
  ])('%s of 11 bytes: %j to %j', (range, first, last) => {
    expect(select({ range })).toEqual({
      kind: 'part',
      first,
      last,
      contentRange: `bytes ${first}-${last}/11`,
    });
  });

  it.each(['bytes=11-', 'bytes=11-20', `bytes=${'9'.repeat(400)}-`, 'bytes=-0', 'bytes=-00'])(
    '%s of 11 bytes: none',
    (range) => {
      expect(select({ range })).toEqual({ kind: 'unsatisfiable', contentRange: 'bytes */11' });
    },
  );

  it.each([
    '',
    'bytes',
    'bytes=',
    'bytes=-',
    'bytes=2-1',
    'bytes=20-19',
    'bytes=a-b',
    'bytes=0x0-0x1',
    'bytes=+0-1',
    'bytes=0-1.5',
    'bytes=0--1',
    'bytes=--1',
    'bytes=0 - 1',
    'bytes =0-1',
    'bytes=0-1,',
    'bytes=0-1, 3-4',
    'bytes=0-1,99-',
    'lines=0-1',
    '0-1',
  ])('%j gets everything', (range) => {
    expect(select({ range })).toEqual({ kind: 'whole' });
  });

  it('of an empty body', () => {
    expect(select({ range: 'bytes=0-' }, { size: 0 })).toEqual({
      kind: 'unsatisfiable',
      contentRange: 'bytes */0',
    });
    expect(select({ range: 'bytes=-5' }, { size: 0 })).toEqual({ kind: 'whole' });
    expect(select({ range: 'bytes=-0' }, { size: 0 }).kind).toBe('unsatisfiable');
  });

  it('is for GET and 200 only', () => {
    const asked = { range: 'bytes=0-1' };
    expect(select(asked, { method: 'HEAD' }).kind).toBe('whole');
    expect(select(asked, { method: 'POST' }).kind).toBe('whole');
    expect(select(asked, { status: 203 }).kind).toBe('whole');
    expect(select(asked, { status: 404 }).kind).toBe('whole');
    expect(select({}).kind).toBe('whole');
  });
});

describe('If-Range', () => {
  const dated = { 'last-modified': at(-60), date: at(0) };

  it.each<[boolean, string, Headers]>([
    [true, '"a"', { etag: '"a"' }],
    [false, '"b"', { etag: '"a"' }],
    [false, 'W/"a"', { etag: 'W/"a"' }],
    [false, 'W/"a"', { etag: '"a"' }],
    [false, '"a"', { etag: 'W/"a"' }],
    [false, '"a"', {}],
    [false, '"a", "b"', { etag: '"a"' }],
    [false, 'a', { etag: '"a"' }],
    [false, '*', { etag: '"a"' }],
    [true, at(-60), dated],
    [true, 'Wednesday, 20-May-26 11:59:00 GMT', dated],
    [false, at(-59), dated],
    [false, at(-61), dated],
    [false, 'foo', dated],
    [false, '', dated],
    [true, at(-1), { 'last-modified': at(-1), date: at(0) }],
    [false, at(0), { 'last-modified': at(0), date: at(0) }],
    [false, at(-60), { 'last-modified': at(-60) }],
    [false, at(0), { date: at(0) }],
  ])('lets a part be taken %j: %j of %j', (holds, condition, stored) => {
    const asked = { range: 'bytes=0-1', 'if-range': condition };
    expect(select(asked, { stored }).kind).toBe(holds ? 'part' : 'whole');
    expect(select({ ...asked, range: 'bytes=99-' }, { stored }).kind).toBe(holds ? 'unsatisfiable' : 'whole');
  });
});
