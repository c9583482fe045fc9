import { describe, expect, it } from '@jest/globals';
import type { CacheScope } from '../../lib/http-semantics/fields.js';
import { currentAge, freshnessOf, type FreshnessOptions } from '../../lib/http-semantics/freshness.js';
import { formatHttpDate } from '../../lib/http-semantics/http-date.js';
import { fields, NOON } from './readers.js';

type Headers = Readonly<Record<string, string>>;

const SECOND = 1000;
const arrival = { status: 200, requestedAt: NOON, receivedAt: NOON };
const at = (seconds: number): string => formatHttpDate(NOON + seconds * SECOND);
const control = (value: string): Headers => ({ 'cache-control': value });
const of = (headers: Headers, options: Partial<FreshnessOptions> = {}) =>
  freshnessOf(fields(headers), { ...arrival, ...options });

describe('the lifetime', () => {
  it.each<[number, Headers]>([
    [0, {}],
    [3600, control('max-age=3600')],
    [0, control('max-age=0')],
    [0, control('max-age=-3600')],
    [3600, control('s-maxage=3600')],
    [1, control('max-age=3600, s-maxage=1')],
    [1, control('s-maxage=1, max-age=3600')],
    [3600, { ...control('max-age=0, s-maxage=3600'), expires: at(-10) }],
    [0, { ...control('max-age=3600, s-maxage=x') }],
    [3600, { ...control('max-age=3600'), expires: '0' }],
    [0, { ...control('max-age=0'), expires: at(3600), date: at(0) }],
    [300, { expires: at(300), date: at(0) }],
    [0, { expires: at(0), date: at(0) }],
    [0, { expires: at(300), date: at(400) }],
    [310, { expires: at(300), date: at(-10) }],
    [10, { expires: at(10) }],
    [10, { expires: at(10), date: 'foo' }],
    [0, { expires: '0', date: at(0) }],
    [0, { expires: `${at(10)}, ${at(20)}`, date: at(0) }],
    [2 ** 31, { expires: at(10 * 2 ** 31), date: at(0) }],
  ])('is %j seconds for %j', (seconds, headers) => {
    expect(of(headers).lifetime).toBe(seconds * SECOND);
  });

  it('of a response for one user does not know s-maxage', () => {
    expect(of(control('max-age=5, s-maxage=10'), { scope: 'private' }).lifetime).toBe(5 * SECOND);
    expect(of(control('s-maxage=10'), { scope: 'private' }).lifetime).toBe(0);
  });
});

describe('a guessed lifetime', () => {
  const modified = { 'last-modified': at(-1000), date: at(0) };

  it.each<[number, number, Headers]>([
    [100, 200, modified],
    [100, 404, modified],
    [100, 599, { ...modified, ...control('public') }],
    [0, 599, modified],
    [0, 302, modified],
    [0, 200, { 'last-modified': at(10), date: at(0) }],
    [0, 200, { 'last-modified': 'foo', date: at(0) }],
    [0, 200, {}],
    [90, 200, { 'last-modified': at(-1000), date: at(-100) }],
    [86_400, 200, { 'last-modified': at(-86_400 * 400) }],
    [0, 200, { ...modified, expires: '0' }],
    [5, 200, { ...modified, ...control('max-age=5') }],
  ])('is %j seconds for %j and %j', (seconds, status, headers) => {
    expect(of(headers, { status, heuristic: true }).lifetime).toBe(seconds * SECOND);
  });

  it('is only used if that was asked for', () => {
    expect(of(modified).lifetime).toBe(0);
  });
});

describe('the age on arrival', () => {
  it.each<[number, Headers]>([
    [0, {}],
    [0, { date: at(0) }],
    [7200, { date: at(-7200) }],
    [0, { date: at(100) }],
    [0, { date: 'foo' }],
    [25, { date: at(-10), age: '25' }],
    [15, { date: at(10), age: '15' }],
    [30, { date: at(-30), age: '25' }],
    [0, { age: 'abc' }],
    [0, { age: '-7200' }],
    [0, { age: '7200.0' }],
    [0, { age: '' }],
    [2 ** 31 - 1, { age: '2147483647' }],
    [2 ** 31, { age: '2147483649' }],
    [2 ** 31, { age: '9'.repeat(400) }],
    [7200, { age: '7200, 0' }],
    [0, { age: '0, 7200' }],
    [0, { age: '0, 0' }],
    [3600, { age: '3600, 3600' }],
    [7200, { age: '7200;foo=bar' }],
    [7200, { age: '7200;foo=111' }],
  ])('is %j seconds for %j', (seconds, headers) => {
    expect(of(headers).initialAge).toBe(seconds * SECOND);
  });

  it('contains the time the response took', () => {
    expect(of({ age: '5' }, { receivedAt: NOON + 1500 }).initialAge).toBe(6500);
    expect(of({ age: '5' }, { requestedAt: NOON + 1500 }).initialAge).toBe(5000);
  });

  it('does not contain the part of a second that Date leaves out', () => {
    const late = { requestedAt: NOON + 900, receivedAt: NOON + 900 };
    expect(of({ date: at(0) }, late).initialAge).toBe(0);
    expect(of({ date: at(-1) }, late).initialAge).toBe(1000);
  });

  it('grows with the clock, and does not shrink with one that is put back', () => {
    expect(currentAge(1000, NOON, NOON + 2500)).toBe(3500);
    expect(currentAge(1000, NOON, NOON - 2500)).toBe(1000);
  });
});

describe('stale use', () => {
  it.each<[boolean, boolean, CacheScope, string]>([
    [false, false, 'shared', 'max-age=1'],
    [true, false, 'shared', 'max-age=1, must-revalidate'],
    [true, false, 'private', 'max-age=1, must-revalidate'],
    [true, false, 'shared', 'max-age=1, proxy-revalidate'],
    [false, false, 'private', 'max-age=1, proxy-revalidate'],
    [true, false, 'shared', 'max-age=1, s-maxage=1'],
    [false, false, 'private', 'max-age=1, s-maxage=1'],
    [true, true, 'shared', 'max-age=1, no-cache'],
    [true, true, 'shared', 'max-age=1, No-CaChE'],
    [true, true, 'private', 'max-age=1, no-cache'],
    [false, false, 'shared', 'max-age=1, no-cache="x"'],
    [true, true, 'shared', 'max-age=1, no-cache=""'],
  ])('is forbidden %j, validation always needed %j: %s, %j', (forbidden, always, scope, value) => {
    const freshness = of(control(`${value}, stale-while-revalidate=7, stale-if-error=9`), { scope });
    expect(freshness).toMatchObject({
      forbidsStale: forbidden,
      alwaysValidate: always,
      staleWhileRevalidate: forbidden ? 0 : 7 * SECOND,
      staleIfError: forbidden ? 0 : 9 * SECOND,
    });
  });

  it.each([
    'max-age=1',
    'stale-while-revalidate, stale-if-error',
    'stale-while-revalidate=x, stale-if-error=-1',
  ])('has no window without a number: %j', (value) => {
    expect(of(control(value))).toMatchObject({ staleWhileRevalidate: 0, staleIfError: 0 });
  });
});
