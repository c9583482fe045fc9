import { describe, expect, it } from '@jest/globals';
import { isToken, readHeaders, readPairs, splitList, splitMembers } from '../../lib/http-semantics/fields.js';

describe('splitList', () => {
  it.each([
    [undefined, []],
    ['', []],
    [' ,, ', []],
    ['a', ['a']],
    ['a, b', ['a', 'b']],
    ['\ta ,\t b ,', ['a', 'b']],
    ['a b', ['a b']],
    ['x="a, b", c', ['x="a, b"', 'c']],
    [String.raw`x="a\", b", c`, [String.raw`x="a\", b"`, 'c']],
    [String.raw`x="a\\", b", c`, [String.raw`x="a\\"`, 'b"', 'c']],
    ['x="a, no-store', ['x="a', 'no-store']],
    ['x="a", y="b, no-store', ['x="a"', 'y="b', 'no-store']],
    ['\u00a0a\u00a0', ['\u00a0a\u00a0']],
  ])('splits %j', (value, members) => {
    expect(splitList(value)).toEqual(members);
  });

  it('leaves the empty members to splitMembers', () => {
    expect(splitMembers('a,, b,')).toEqual(['a', '', 'b', '']);
    expect(splitMembers('')).toEqual(['']);
  });

  it.each([
    ['quotation marks', '"\\'.repeat(200_000)],
    ['spaces', ' '.repeat(400_000)],
  ])('takes time in proportion to the length for %s', (_, value) => {
    const start = performance.now();
    splitList(value);
    expect(performance.now() - start).toBeLessThan(1000);
  });
});

describe('readers', () => {
  it('join the lines of a field, from Node and from the store', () => {
    const node = readHeaders({ vary: ['a', 'b'], 'content-length': 5, etag: '"x"', gone: undefined });
    expect(['vary', 'content-length', 'etag', 'gone', 'other'].map(node)).toEqual([
      'a, b',
      '5',
      '"x"',
      undefined,
      undefined,
    ]);
    const stored = readPairs([
      ['Vary', ['a', 'b']],
      ['ETag', ''],
      ['vary', 'c'],
    ]);
    expect(['vary', 'etag', 'Vary'].map(stored)).toEqual(['a, b, c', '', undefined]);
  });

  it.each(['constructor', '__proto__', 'toString'])('know no field that every object has: %s', (name) => {
    expect(readHeaders({})(name)).toBeUndefined();
    expect(readPairs([])(name)).toBeUndefined();
  });
});

it.each([
  ['x-a', true],
  ["!#$%&'*+-.^_`|~09AZaz", true],
  ['', false],
  ['a b', false],
  ['a\n', false],
  ['a:', false],
  ['ä', false],
])('%j is a token: %j', (text, expected) => {
  expect(isToken(text)).toBe(expected);
});
