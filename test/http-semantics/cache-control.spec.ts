import { describe, expect, it } from '@jest/globals';
import { MAX_DELTA_SECONDS, parseCacheControl } from '../../lib/http-semantics/cache-control.js';

describe('seconds', () => {
  it.each([
    ['max-age=3600', 3600],
    ['MaX-aGe=3600', 3600],
    ['foobar, max-age=3600', 3600],
    ['max-age=003600', 3600],
    ['max-age="3600"', 3600],
    [String.raw`max-age="\360\0"`, 3600],
    ['max-age=2147483647', 2_147_483_647],
    ['max-age=2147483649', MAX_DELTA_SECONDS],
    ['max-age=99999999999', MAX_DELTA_SECONDS],
    [`max-age=${'9'.repeat(400)}`, MAX_DELTA_SECONDS],
    ['max-age=-3600', 0],
    ['max-age=3600.0', 0],
    ['max-age=36e2', 0],
    ["max-age='3600'", 0],
    ['max-age=a3600', 0],
    ['max-age=3600a', 0],
    ['max-age= 3600', 0],
    ['max-age =3600', 0],
    ['max-age\t=3600', 0],
    ['max-age=', 0],
    ['max-age', 0],
    ['max-age=٣', 0],
    ['max-age=3600, max-age=1', 1],
    ['max-age=1, max-age=3600', 1],
    ['max-age=3600, max-age', 0],
    ['extension="max-age=3600", max-age=1', 1],
    ['max-age=1, extension="max-age=3600"', 1],
    ['extension="max-age=3600"', undefined],
    ['s-maxage=3600', undefined],
    ['x-max-age=3600', undefined],
    ['', undefined],
    [undefined, undefined],
  ])('of max-age in %j: %j', (value, seconds) => {
    expect(parseCacheControl(value).seconds('max-age')).toBe(seconds);
  });
});

describe('directives', () => {
  it.each([
    ['no-store', true],
    ['No-StOrE', true],
    ['max-age=1,no-store', true],
    ['no-store=1', true],
    ['no-store =1', true],
    ['x="unfinished, no-store', true],
    ['x="no-store"', false],
    ['no-storex', false],
    ['no store', false],
  ])('%j has no-store: %j', (value, expected) => {
    expect(parseCacheControl(value).has('no-store')).toBe(expected);
  });

  it.each(['constructor', '__proto__'])('are none that every object has: %s', (name) => {
    expect(parseCacheControl('a').has(name)).toBe(false);
    expect(parseCacheControl(name).has(name)).toBe(true);
  });

  it('gives the first argument there is', () => {
    expect(parseCacheControl('x, x="a\\"b", x=c').text('x')).toBe('a"b');
    expect(parseCacheControl('x').text('x')).toBeUndefined();
  });

  it.each([
    ['no-cache', true, []],
    ['no-cache="a"', false, ['a']],
    ['no-cache="A, b"', false, ['a', 'b']],
    ['no-cache=a', false, ['a']],
    ['no-cache="a", no-cache="b"', false, ['a', 'b']],
    ['no-cache="a", no-cache', true, ['a']],
    ['no-cache=""', true, []],
    ['no-cache=", "', true, []],
    ['no-cache="a b"', true, []],
    ['no-cache="a', true, []],
    ['private="a"', false, []],
  ])('%j: no-cache concerns everything %j, and the fields %j', (value, everything, names) => {
    const control = parseCacheControl(value);
    expect(control.isUnqualified('no-cache')).toBe(everything);
    expect(control.fieldNames('no-cache')).toEqual(names);
  });
});
