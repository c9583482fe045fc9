import { isDeepStrictEqual } from 'node:util';
import { describe, expect, it } from '@jest/globals';
import { jsonCodec } from '../../lib/codec/json-codec.js';
import { jsonWithOwn, nested, roundTrip } from './values.js';

describe('what goes in comes out equal', () => {
  const NUMBERS = [0, -0, 1, -1.5, 1e-7, 1e21, NaN, Infinity, -Infinity, Number.MAX_SAFE_INTEGER, 5e-324];
  const BIGINTS = [0n, 1n, -1n, 2n ** 53n, -(2n ** 53n) - 1n, 2n ** 64n, -(2n ** 200n), 0x123456789abcdn];
  const TIMES = [0, -1, 1, 8.64e15, -8.64e15, NaN, Date.UTC(2026, 2, 4, 5, 6, 7, 89), -62_135_596_800_001];
  const STRINGS = [
    '',
    'text',
    'é漢😀',
    '\ud800',
    'a\udfffb',
    '\u0000',
    '\x7f',
    '\x7fM',
    '\x7f\x7f',
    '\ufffd',
    '\u2028',
  ];

  it.each(NUMBERS)('the number %p', (value) => {
    expect(roundTrip(value)).toBe(value);
    expect(roundTrip([value, { value }])).toStrictEqual([value, { value }]);
  });

  it.each(STRINGS)('the string %p', (value) => {
    expect(roundTrip(value)).toBe(value);
    expect(roundTrip([value, { [value]: value }])).toStrictEqual([value, { [value]: value }]);
  });

  it.each([null, true, false, ...BIGINTS])('the primitive %p', (value) => {
    expect(roundTrip(value)).toBe(value);
  });

  it.each(TIMES)('the Date %p', (time) => {
    const { date } = roundTrip({ date: new Date(time) });
    expect(date).toBeInstanceOf(Date);
    expect(date.getTime()).toBe(time);
  });

  it('undefined in objects and arrays, and empty places', () => {
    expect(roundTrip({ a: undefined, b: [undefined, 1] })).toStrictEqual({ a: undefined, b: [undefined, 1] });
    // eslint-disable-next-line no-sparse-arrays
    expect(roundTrip([, 1, , undefined, ,])).toStrictEqual([, 1, , undefined, ,]); // prettier-ignore
    expect(roundTrip(Array(3))).toStrictEqual(Array(3));
  });

  it.each([
    new Map(),
    new Map<unknown, unknown>([[{ a: new Date(1) }, [new Set([1])]], ['k', undefined], [NaN, -0], [1n, null]]), // prettier-ignore
    new Set(),
    new Set<unknown>([undefined, 'a', new Map([['x', { y: 1n }]]), NaN]),
    new Map([['\x7fM', '\x7fS']]),
  ])('the collection %p', (value) => {
    expect(roundTrip(value)).toStrictEqual(value);
    expect(roundTrip({ a: [value] })).toStrictEqual({ a: [value] });
  });

  it.each([/a/, /[\p{L}\x7f/]+/giu, new RegExp('', 'y'), new URL('https://u:p@example.com:8080/ä?b=c#d')])(
    'the %p',
    (value) => {
      expect(roundTrip({ value })).toStrictEqual({ value });
      expect(String(roundTrip(value))).toBe(String(value));
    },
  );

  it('objects with any keys', () => {
    const keys = [
      '',
      ' ',
      '1',
      '-1',
      'constructor',
      'hasOwnProperty',
      'then',
      'length',
      '\x7fD1',
      '$',
      'type',
    ];
    const value = Object.fromEntries(keys.map((key, i) => [key, i % 2 ? new Date(i) : { nested: i }]));
    // toStrictEqual takes a property called `constructor` for the class.
    expect(isDeepStrictEqual(roundTrip(value), value)).toBe(true);
  });

  it('own properties called __proto__, and no prototype is touched', () => {
    for (const inner of [{ polluted: 1 }, new Date(5), undefined, jsonWithOwn('__proto__', new Map())]) {
      const value = jsonWithOwn('__proto__', inner);
      const result = roundTrip(value);
      expect(Object.getPrototypeOf(result)).toBe(Object.prototype);
      expect(Object.keys(result)).toEqual(['__proto__']);
      expect(Object.getOwnPropertyDescriptor(result, '__proto__')!.value).toStrictEqual(inner);
    }
    expect(({} as Record<string, unknown>)['polluted']).toBeUndefined();
  });

  it("objects that look like the codec's own marks", () => {
    for (const mark of [
      '\x7fD5',
      '\x7fI1',
      '\x7fN',
      '\x7fu',
      '\x7f_',
      '\x7fBBuffer:1',
      '\x7fUhttp://a.b',
      '\x01',
    ]) {
      expect(roundTrip([mark, { [mark]: mark }])).toStrictEqual([mark, { [mark]: mark }]);
    }
    for (const mark of ['\x7fM', '\x7fS', '\x7fR', '\x7fE']) {
      expect(roundTrip([mark, 'Error', {}, {}])).toStrictEqual([mark, 'Error', {}, {}]);
    }
  });

  it('1,024 levels', () => {
    for (const wrap of [
      (inner: unknown) => [inner],
      (inner: unknown) => ({ inner }),
      (inner: unknown) => new Map([[1, inner]]),
    ]) {
      const deep = nested(1_024, wrap, new Date(7));
      expect(Buffer.from(jsonCodec.encode(roundTrip(deep))).equals(jsonCodec.encode(deep))).toBe(true);
    }
  });
});
