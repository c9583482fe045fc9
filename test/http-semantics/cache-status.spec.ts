import { expect, it } from '@jest/globals';
import {
  appendCacheStatus,
  type CacheStatus,
  formatCacheStatus,
} from '../../lib/http-semantics/cache-status.js';

it.each<[string, CacheStatus]>([
  ['cache; hit; ttl=376', { name: 'cache', hit: true, ttl: 376 }],
  ['cache; hit; ttl=-12', { name: 'cache', hit: true, ttl: -11.5 }],
  ['cache; hit', { name: 'cache', hit: true, fwd: 'miss', fwdStatus: 200 }],
  [
    'cache; fwd=uri-miss; stored; collapsed',
    { name: 'cache', fwd: 'uri-miss', stored: true, collapsed: true },
  ],
  ['cache; fwd=stale; fwd-status=304; ttl=5', { name: 'cache', fwd: 'stale', fwdStatus: 304, ttl: 5 }],
  ['cache; fwd=bypass; detail=set-cookie', { name: 'cache', fwd: 'bypass', detail: 'set-cookie' }],
  ['cache; fwd=miss; detail="two words"', { name: 'cache', fwd: 'miss', detail: 'two words' }],
  ['"a \\"b\\" \\\\"', { name: 'a "b" \\' }],
  ['"1st"', { name: '1st' }],
  ['""', { name: '' }],
  ['*a/b:c', { name: '*a/b:c' }],
  ['c; key="/a?b=c"', { name: 'c', key: '/a?b=c' }],
  ['c; key="token"', { name: 'c', key: 'token' }],
  ['c; key="a%0D%0ASet-Cookie: x%00"', { name: 'c', key: 'a\r\nSet-Cookie: x\0' }],
  ['"%C3%BC"', { name: 'ü' }],
  ['"%EF%BF%BD"', { name: '\ud800' }],
  ['c; hit', { name: 'c', hit: true, ttl: NaN }],
  ['c; ttl=0', { name: 'c', ttl: -0 }],
  ['c; ttl=999999999999999', { name: 'c', ttl: Infinity }],
  ['c; ttl=-999999999999999', { name: 'c', ttl: -1e30 }],
  ['c', { name: 'c', hit: false, stored: false, collapsed: false }],
])('writes %j', (text, status) => {
  expect(formatCacheStatus(status)).toBe(text);
});

it.each([
  ['c; hit', undefined],
  ['c; hit', ''],
  ['c; hit', '  '],
  ['upstream; hit, c; hit', 'upstream; hit'],
  ['c; hit', 'up\r\nSet-Cookie: a'],
  ['c; hit', 'ü'],
])('writes %j after %j', (text, existing) => {
  expect(appendCacheStatus(existing, { name: 'c', hit: true })).toBe(text);
});
