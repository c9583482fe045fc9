import { expect, it } from '@jest/globals';
import type { Freshness } from '../../lib/http-semantics/freshness.js';
import { parseRequestDirectives, reuseOf, type Reuse } from '../../lib/http-semantics/request-directives.js';
import { fields, none } from './readers.js';

const nothing = {
  noStore: false,
  noCache: false,
  onlyIfCached: false,
  maxAge: undefined,
  minFresh: 0,
  maxStale: 0,
};

it.each([
  ['', nothing],
  ['unknown', nothing],
  ['no-store', { ...nothing, noStore: true }],
  ['No-Cache', { ...nothing, noCache: true }],
  ['only-if-cached', { ...nothing, onlyIfCached: true }],
  ['max-age=0', { ...nothing, maxAge: 0 }],
  ['max-age=5', { ...nothing, maxAge: 5000 }],
  ['max-age=x', { ...nothing, maxAge: 0 }],
  ['min-fresh=5', { ...nothing, minFresh: 5000 }],
  ['max-stale=5', { ...nothing, maxStale: 5000 }],
  ['max-stale', { ...nothing, maxStale: Infinity }],
  ['max-stale=x', { ...nothing, maxStale: 0 }],
  ['max-stale=', { ...nothing, maxStale: 0 }],
])('reads %j', (value, directives) => {
  expect(parseRequestDirectives(fields({ 'cache-control': value }))).toEqual(directives);
});

it('reads Pragma only if there is no Cache-Control', () => {
  const noCache = (values: Record<string, string>): boolean => parseRequestDirectives(fields(values)).noCache;
  expect(noCache({ pragma: 'no-cache' })).toBe(true);
  expect(noCache({ pragma: 'other' })).toBe(false);
  expect(noCache({ pragma: 'no-cache', 'cache-control': 'max-stale' })).toBe(false);
  expect(parseRequestDirectives(none)).toEqual(nothing);
});

const minute: Freshness = {
  lifetime: 60_000,
  initialAge: 0,
  alwaysValidate: false,
  forbidsStale: false,
  staleWhileRevalidate: 0,
  staleIfError: 0,
};
const background = { ...minute, staleWhileRevalidate: 30_000 };
const strict = { ...minute, forbidsStale: true };
const validated = { ...minute, alwaysValidate: true, forbidsStale: true };

it.each<[Reuse, number, string, Freshness]>([
  ['fresh', 0, '', minute],
  ['fresh', 59_999, '', minute],
  ['stale', 60_000, '', minute],
  ['request', 0, 'no-cache', minute],
  ['request', 0, 'no-store', minute],
  ['request', 0, 'max-age=0', minute],
  ['fresh', 9_999, 'max-age=10', minute],
  ['request', 10_000, 'max-age=10', minute],
  ['fresh', 50_000, 'min-fresh=10', minute],
  ['request', 50_001, 'min-fresh=10', minute],
  ['max-stale', 61_000, 'max-stale=2', minute],
  ['stale', 62_000, 'max-stale=2', minute],
  ['max-stale', 1e12, 'max-stale', minute],
  ['stale', 61_000, 'max-stale', strict],
  ['stale', 61_000, 'max-stale, max-age=61', minute],
  ['max-stale', 61_000, 'max-stale, max-age=62', minute],
  ['stale', 61_000, 'max-stale, min-fresh=1', minute],
  ['stale-while-revalidate', 60_000, '', background],
  ['stale-while-revalidate', 89_999, '', background],
  ['stale', 90_000, '', background],
  ['stale', 61_000, 'max-age=70', background],
  ['stale', 61_000, 'min-fresh=1', background],
  ['request', 61_000, 'no-cache', background],
  ['max-stale', 61_000, 'max-stale=2', background],
  ['stale-while-revalidate', 63_000, 'max-stale=2', background],
  ['stale', 0, '', validated],
  ['stale', 0, 'max-stale', validated],
  ['stale', 0, '', { ...minute, lifetime: 0 }],
])('%j at the age of %j ms for %j', (reuse, age, value, freshness) => {
  expect(reuseOf(freshness, age, parseRequestDirectives(fields({ 'cache-control': value })))).toBe(reuse);
});
