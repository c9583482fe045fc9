import { describe, expect, it } from '@jest/globals';
import type { FieldPairs } from '../../lib/http-semantics/fields.js';
import { isUpdateOf, storableFields, updatedFields } from '../../lib/http-semantics/update-stored.js';
import { fields } from './readers.js';

const kept: FieldPairs = [
  ['Cache-Control', 'max-age=3600'],
  ['Content-Type', 'text/plain'],
  ['X-Frame-Options', 'deny'],
];

describe('the fields that are stored', () => {
  it.each([
    'Connection',
    'Keep-Alive',
    'Proxy-Authenticate',
    'Proxy-Authentication-Info',
    'Proxy-Authorization',
    'Proxy-Connection',
    'TE',
    'Trailer',
    'Transfer-Encoding',
    'Upgrade',
    'Set-Cookie',
    'SET-COOKIE2',
  ])('do not contain %s', (name) => {
    expect(storableFields([[name, 'x'], ...kept])).toEqual(kept);
    expect(storableFields([[name, 'x'], ...kept], 'private')).toEqual(kept);
  });

  it('do not contain what Connection names', () => {
    const pairs: FieldPairs = [
      ['connection', 'close, A'],
      ['Connection', ['b']],
      ['a', '1'],
      ['B', '2'],
      ['c', '3'],
    ];
    expect(storableFields(pairs)).toEqual([['c', '3']]);
  });

  it.each(['Vary', 'Cache-Control', 'Expires', 'Date', 'ETag', 'Content-Type', 'Content-Encoding'])(
    'contain %s, whatever Connection says',
    (name) => {
      expect(
        storableFields([
          ['Connection', name],
          [name, 'x'],
        ]),
      ).toEqual([[name, 'x']]);
    },
  );

  it('do not contain what no-cache and private name, the latter unless it is for one user', () => {
    const pairs: FieldPairs = [
      ['Cache-Control', ['no-cache="a, B"', 'private="c", max-age=3600']],
      ['A', '1'],
      ['b', '2'],
      ['c', '3'],
      ['d', '4'],
    ];
    const names = (scope?: 'private'): string[] => storableFields(pairs, scope).map(([name]) => name);
    expect(names()).toEqual(['Cache-Control', 'd']);
    expect(names('private')).toEqual(['Cache-Control', 'c', 'd']);
  });
});

describe('the fields after a 304', () => {
  const stored: FieldPairs = [...kept, ['ETag', '"a"'], ['Content-Length', '5']];

  it.each([
    ['Cache-Control', 'max-age=1'],
    ['content-type', 'text/html'],
    ['X-FRAME-OPTIONS', 'sameorigin'],
    ['Expires', 'Mon, 11 Jan 2038 11:11:11 GMT'],
    ['Content-Location', '/bar'],
    ['Content-Security-Policy', "default-src 'self'"],
    ['Content-Foo', 'B'],
    ['Vary', 'Accept'],
  ])('have the new %s', (name, value) => {
    const others = stored.filter(([old]) => old.toLowerCase() !== name.toLowerCase());
    expect(updatedFields(stored, [[name, value]])).toEqual([...others, [name, value]]);
  });

  it.each([
    ['Content-Length', '10'],
    ['content-encoding', 'br'],
    ['Content-Range', 'bytes 0-1/2'],
    ['Content-MD5', 'x'],
    ['ETag', 'W/"a"'],
    ['Connection', 'x'],
    ['Transfer-Encoding', 'chunked'],
    ['Set-Cookie', 'a=b'],
  ])('do not have the new %s', (name, value) => {
    expect(updatedFields(stored, [[name, value]])).toEqual(stored);
  });

  it('keep neither the age nor the date of the response before', () => {
    const old: FieldPairs = [
      ['Age', '50'],
      ['Date', 'then'],
      ['Cache-Status', 'upstream; hit'],
      ['Warning', '110 - stale'],
      ['x', '1'],
    ];
    expect(updatedFields(old, [['date', 'now']])).toEqual([
      ['x', '1'],
      ['date', 'now'],
    ]);
  });

  it('lose those that the 304 reserves', () => {
    const old: FieldPairs = [
      ['X-User', '1'],
      ['X-Other', '2'],
    ];
    const control = ['Cache-Control', 'private="x-user", max-age=1'] as const;
    expect(updatedFields(old, [control])).toEqual([['X-Other', '2'], control]);
    expect(updatedFields(old, [control], 'private')).toEqual([...old, control]);
  });

  it('are not those of the connection on which the stored response came', () => {
    const old: FieldPairs = [
      ['Connection', 'a'],
      ['a', '1'],
    ];
    expect(updatedFields(old, [['A', '2']])).toEqual([['A', '2']]);
  });

  it('do not change what was given', () => {
    const before = structuredClone(stored);
    updatedFields(stored, [['Cache-Control', 'max-age=1']]);
    expect(stored).toEqual(before);
  });
});

it.each([
  [true, '"a"', '"a"'],
  [true, '"a"', undefined],
  [true, undefined, undefined],
  [true, '"a"', 'W/"a"'],
  [true, '"a"', 'W/"b"'],
  [true, '"a"', 'garbage'],
  [false, '"a"', '"b"'],
  [false, undefined, '"b"'],
])('a 304 updates %j: with %j stored and %j named', (expected, stored, named) => {
  expect(isUpdateOf(fields({ etag: stored }), fields({ etag: named }))).toBe(expected);
});
