import { describe, expect, it } from '@jest/globals';
import fc from 'fast-check';
import {
  parseDictionary,
  structuredString,
  type StructuredValue,
} from '../../lib/http-semantics/structured-field.js';

// A failure prints the seed and the path to it; FC_SEED repeats a run.
const seed = Number(process.env['FC_SEED'] ?? Date.now() % 2 ** 31);
const settings = { seed, numRuns: 1000 } as const;

/** The members as they are written in the tables below: the type and the text. */
function read(value: string): Record<string, string> | undefined {
  const members = parseDictionary(value);
  return members && Object.fromEntries([...members].map(([key, { type, text }]) => [key, `${type} ${text}`]));
}

describe('a dictionary', () => {
  it.each<[string, Record<string, string>]>([
    ['', {}],
    ['   ', {}],
    ['a', { a: 'boolean ?1' }],
    [' a ', { a: 'boolean ?1' }],
    ['a\t', { a: 'boolean ?1' }],
    ['a=?1, b=?0', { a: 'boolean ?1', b: 'boolean ?0' }],
    ['a=1,b=2', { a: 'integer 1', b: 'integer 2' }],
    ['a=1 \t,\t b=2', { a: 'integer 1', b: 'integer 2' }],
    ['a=-0042', { a: 'integer -0042' }],
    ['a=999999999999999', { a: 'integer 999999999999999' }],
    ['a=1.5, b=-123456789012.123', { a: 'other 1.5', b: 'other -123456789012.123' }],
    ['a=x, b=*/:%, c=A', { a: 'token x', b: 'token */:%', c: 'token A' }],
    ['a="", b="x, y", c="\\"\\\\"', { a: 'string ', b: 'string x, y', c: 'string "\\' }],
    ['a=:aGk=:, b=::', { a: 'other :aGk=:', b: 'other ::' }],
    ['a=@1659578233, b=@-1', { a: 'other @1659578233', b: 'other @-1' }],
    ['a=%"f%c3%bc"', { a: 'other %"f%c3%bc"' }],
    ['a=(), b=( 1;x  "y" z;w=?0 );v=1', { a: 'other ()', b: 'other ( 1;x  "y" z;w=?0 )' }],
    ['a;x, b=1;x=2;  y="z, w";*, c', { a: 'boolean ?1', b: 'integer 1', c: 'boolean ?1' }],
    ['a=1, b, a=x', { a: 'token x', b: 'boolean ?1' }],
    ['*a-b_c.d*1=1', { '*a-b_c.d*1': 'integer 1' }],
  ])('is read: %j', (value, members) => {
    expect(read(value)).toEqual(members);
  });

  it.each([
    '\ta',
    ',',
    'a,',
    'a, ',
    ',a',
    'a,,b',
    'a b',
    'a;',
    'a ;x',
    'A',
    'a=1, B',
    '1',
    '-a',
    'a=',
    'a =1',
    'a= 1',
    'a=-',
    'a=+1',
    'a=1.',
    'a=.1',
    'a=1.2345',
    'a=1.2.3',
    'a=1x',
    'a=1000000000000000',
    'a=1234567890123.1',
    'a="',
    'a="\\x"',
    'a="\\"',
    'a="ü"',
    'a="\u007f"',
    "a='x'",
    'a=?',
    'a=?2',
    'a=?10',
    'a=:ü:',
    'a=:aGk=',
    'a=@1.5',
    'a=@',
    'a=%"%C3%BC"',
    'a=%"%"',
    'a=(',
    'a=(1',
    'a=(1,2)',
    'a=("x""y")',
    'a=((1))',
    'a=1;X',
    'a=1;x=',
    'a=1;x=(1)',
    'a\n',
    'a=1, &&&&&',
  ])('is refused: %j', (value) => {
    expect(parseDictionary(value)).toBeUndefined();
  });

  it('does not stop at length', () => {
    const members = Array.from({ length: 5000 }, (_, index) => `k${index}=(a;b="c" d);e=1`).join(', ');
    expect(parseDictionary(members)?.size).toBe(5000);
    expect(parseDictionary(`${members} x`)).toBeUndefined();
    expect(parseDictionary(`a=(${'x;y '.repeat(20_000)}`)).toBeUndefined();
    expect(parseDictionary(`a=(${' '.repeat(20_000)}`)).toBeUndefined();
    expect(parseDictionary(`a${';b=1'.repeat(20_000)}!`)).toBeUndefined();
    expect(parseDictionary(`a=1${' '.repeat(20_000)}!`)).toBeUndefined();
  });
});

describe(`of anything (seed ${seed})`, () => {
  const key = fc.stringMatching(/^[a-z*][a-z0-9_.*-]{0,4}$/);
  const integer = fc.integer().map(String);
  const token = fc.stringMatching(/^[A-Za-z*][!#$%&'*+.^_`|~0-9A-Za-z:/-]{0,5}$/);
  const string = fc.string({ unit: 'grapheme-ascii' });
  /** A value, and how it is written. */
  const value: fc.Arbitrary<readonly [StructuredValue, string]> = fc.oneof(
    integer.map((text) => [{ type: 'integer', text }, `=${text}`] as const),
    token.map((text) => [{ type: 'token', text }, `=${text}`] as const),
    string.map((text) => [{ type: 'string', text }, `=${structuredString(text)}`] as const),
    fc.constant([{ type: 'boolean', text: '?1' }, ''] as const),
    fc.constantFrom('?0', '?1').map((text) => [{ type: 'boolean', text }, `=${text}`] as const),
    fc.array(fc.oneof(integer, token, string.map(structuredString))).map((items) => {
      const text = `(${items.join(' ')})`;
      return [{ type: 'other', text }, `=${text}`] as const;
    }),
  );
  const parameters = fc
    .array(fc.tuple(key, fc.oneof(integer, token, string.map(structuredString))))
    .map((all) => all.map(([name, text]) => `; ${name}=${text}`).join(''));
  const members = fc.array(fc.tuple(key, value, parameters), { maxLength: 6 });
  const gap = fc.constantFrom(',', ', ', ' ,\t');

  it('what is written is read as the same, and is wrong with a member that is none', () => {
    fc.assert(
      fc.property(members, gap, (all, separator) => {
        const text = all.map(([name, [, written], after]) => name + written + after).join(separator);
        expect(parseDictionary(text)).toEqual(new Map(all.map(([name, [one]]) => [name, one])));
        expect(parseDictionary(`${text}${separator}&`)).toBeUndefined();
      }),
      settings,
    );
  });

  it('nothing throws, and two dictionaries in a row are one', () => {
    const text = fc.oneof(fc.string(), fc.stringMatching(/^[ab1?;=, ".()*:@%\\-]{0,12}$/));
    fc.assert(
      fc.property(text, text, (one, other) => {
        const [before, after] = [parseDictionary(one), parseDictionary(other)];
        if (!before?.size || !after?.size || other.startsWith(' ')) return;
        expect(parseDictionary(`${one},${other}`)).toEqual(new Map([...before, ...after]));
      }),
      settings,
    );
  });
});
