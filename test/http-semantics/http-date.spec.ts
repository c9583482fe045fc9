import { expect, it } from '@jest/globals';
import { formatHttpDate, parseHttpDate } from '../../lib/http-semantics/http-date.js';
import { NOON } from './readers.js';

const EXAMPLE = Date.UTC(1994, 10, 6, 8, 49, 37);
const LATER = Date.UTC(2050, 7, 18, 2, 1, 18);

it.each([
  ['Sun, 06 Nov 1994 08:49:37 GMT', EXAMPLE],
  ['Sunday, 06-Nov-94 08:49:37 GMT', EXAMPLE],
  ['Sun Nov  6 08:49:37 1994', EXAMPLE],
  ['Sun Nov 16 08:49:37 1994', Date.UTC(1994, 10, 16, 8, 49, 37)],
  ['THU, 18 AUG 2050 02:01:18 gMT', LATER],
  ['Thursday, 18-Aug-50 02:01:18 GMT', LATER],
  ['Wednesday, 18-Aug-76 02:01:18 GMT', Date.UTC(2076, 7, 18, 2, 1, 18)],
  ['Thursday, 18-Aug-77 02:01:18 GMT', Date.UTC(1977, 7, 18, 2, 1, 18)],
  ['Sun, 21 Nov 2286 04:46:39 GMT', Date.UTC(2286, 10, 21, 4, 46, 39)],
  ['Thu, 29 Feb 2024 00:00:00 GMT', Date.UTC(2024, 1, 29)],
  ['Sat, 31 Dec 2016 23:59:60 GMT', Date.UTC(2017, 0, 1)],
  ['Sat, 01 Jan 0050 00:00:00 GMT', Date.parse('0050-01-01T00:00:00Z')],
])('reads %j', (text, time) => {
  expect(parseHttpDate(text, NOON)).toBe(time);
});

it('reads years of two digits by the present', () => {
  const text = 'Friday, 01-Jan-10 00:00:00 GMT';
  expect(parseHttpDate(text, Date.UTC(2099, 0))).toBe(Date.UTC(2110, 0));
  expect(parseHttpDate(text, Date.UTC(1999, 0))).toBe(Date.UTC(2010, 0));
  expect(parseHttpDate('Wednesday, 01-Jan-49 00:00:00 GMT', Date.UTC(2099, 0))).toBe(Date.UTC(2149, 0));
  expect(parseHttpDate('Saturday, 01-Jan-50 00:00:00 GMT', Date.UTC(2099, 0))).toBe(Date.UTC(2050, 0));
});

it.each([
  undefined,
  '',
  '0',
  '-1',
  'foo',
  '2050-08-18T02:01:18Z',
  'Thu, 18 Aug 2050 02:01:18 UTC',
  'Thu, 18 Aug 2050 02:01:18 AEST',
  'Thu, 18 Aug 2050 02:01:18 +0000',
  'Thu, 18 Aug 2050 02:01:18',
  'Thu, 18 Aug 50 02:01:18 GMT',
  'Thu 18 Aug 2050 02:01:18 GMT',
  'Thu, 18  Aug  2050 02:01:18 GMT',
  'Thu, 18-Aug-2050 02:01:18 GMT',
  'Thu, 18 Aug 2050 02.01.18 GMT',
  'Thu, 18 Aug 2050 2:01:18 GMT',
  'Thu, 18 Aug 2050 02:01:18 GMT, Thu, 18 Aug 2050 02:01:19 GMT',
  'Thu, 8 Aug 2050 02:01:18 GMT',
  'Thu, 31 Apr 2050 02:01:18 GMT',
  'Wed, 29 Feb 2023 02:01:18 GMT',
  'Thu, 00 Aug 2050 02:01:18 GMT',
  'Thu, 18 Aug 2050 24:00:00 GMT',
  'Thu, 18 Aug 2050 02:60:18 GMT',
  'Thu, 18 Aug 2050 02:01:61 GMT',
  'Xxx, 18 Aug 2050 02:01:18 GMT',
  'Thu, 18 Xxx 2050 02:01:18 GMT',
  'Thu Aug 8 02:01:18 2050',
  ' Sun, 06 Nov 1994 08:49:37 GMT',
  'Sun, 06 Nov 1994 08:49:37 GMT\n',
])('refuses %j', (text) => {
  expect(parseHttpDate(text, NOON)).toBeUndefined();
});

it('writes dates as RFC 9110 does', () => {
  expect(formatHttpDate(EXAMPLE)).toBe('Sun, 06 Nov 1994 08:49:37 GMT');
  expect(formatHttpDate(EXAMPLE + 999)).toBe('Sun, 06 Nov 1994 08:49:37 GMT');
});
