import { describe, expect, it } from '@jest/globals';
import {
  type Exchange,
  isHeuristicallyCacheable,
  type NotStorable,
  type StoragePolicy,
  whyNotStorable,
} from '../../lib/http-semantics/storable.js';
import { fields, none } from './readers.js';

type Headers = Readonly<Record<string, string>>;

/** What is asked of a GET with 200, but for what a case says. */
function why(
  response: Headers,
  rest: { request?: Headers } & Partial<Omit<Exchange, 'request' | 'response'>> = {},
  policy?: StoragePolicy,
): NotStorable | undefined {
  const { request = {}, method = 'GET', status = 200 } = rest;
  return whyNotStorable({ method, status, request: fields(request), response: fields(response) }, policy);
}

const fresh = { 'cache-control': 'max-age=60' };
const authorized = { request: { authorization: 'x' } };

describe('a response', () => {
  it.each<[NotStorable | undefined, Headers]>([
    [undefined, fresh],
    [undefined, {}],
    [undefined, { 'cache-control': 'no-cache' }],
    ['no-store', { 'cache-control': 'no-store' }],
    ['no-store', { 'cache-control': 'max-age=60, No-StOrE' }],
    ['no-store', { 'cache-control': 'max-age=60, no-store, must-understand' }],
    ['private', { 'cache-control': 'private, max-age=60' }],
    ['private', { 'cache-control': 'max-age=60, private="x-user"' }],
    ['set-cookie', { ...fresh, 'set-cookie': 'a=b' }],
    ['set-cookie', { ...fresh, 'set-cookie': '' }],
    ['set-cookie', { ...fresh, 'set-cookie2': 'a=b' }],
    ['set-cookie', { 'cache-control': 'no-cache="set-cookie", max-age=60', 'set-cookie': 'a=b' }],
    ['vary-star', { ...fresh, vary: '*' }],
    ['vary-star', { ...fresh, vary: 'accept, *' }],
    [undefined, { ...fresh, vary: 'accept' }],
  ])('is not stored because of %j: %j', (reason, response) => {
    expect(why(response)).toBe(reason);
  });

  it.each<[NotStorable | undefined, number, Headers]>([
    ['status', 100, fresh],
    ['status', 103, fresh],
    ['status', 206, fresh],
    ['status', 304, fresh],
    ['status', 600, fresh],
    ['status', NaN, fresh],
    [undefined, 299, fresh],
    [undefined, 599, fresh],
    [undefined, 302, { expires: '0' }],
    [undefined, 500, { 'cache-control': 's-maxage=1' }],
    [undefined, 599, { 'cache-control': 'public' }],
    ['no-freshness', 201, {}],
    ['no-freshness', 302, { 'cache-control': 'no-cache' }],
    ['no-freshness', 403, { 'last-modified': 'Sun, 06 Nov 1994 08:49:37 GMT' }],
    ['no-freshness', 503, {}],
    ['must-understand', 599, { 'cache-control': 'max-age=60, must-understand' }],
    [undefined, 200, { 'cache-control': 'max-age=60, must-understand' }],
    [undefined, 404, {}],
  ])('is not stored because of %j: with status %j and %j', (reason, status, response) => {
    expect(why(response, { status })).toBe(reason);
  });

  it.each(['HEAD', 'POST', 'PUT', 'OPTIONS', 'get', ''])('to %j is not stored', (method) => {
    expect(why(fresh, { method })).toBe('method');
  });

  it('is not stored when the client does not want it', () => {
    expect(why(fresh, { request: { 'cache-control': 'no-store' } })).toBe('request-no-store');
    expect(why(fresh, { request: { 'cache-control': 'no-cache' } })).toBeUndefined();
  });

  it.each<[NotStorable | undefined, string]>([
    ['authorization', 'max-age=60'],
    ['authorization', 'no-cache'],
    ['authorization', 'max-age=60, proxy-revalidate'],
    [undefined, 'max-age=60, public'],
    [undefined, 's-maxage=60'],
    [undefined, 'max-age=60, must-revalidate'],
    ['private', 'public, private'],
  ])('to a request with Authorization is not stored because of %j: %j', (reason, control) => {
    expect(why({ 'cache-control': control }, authorized)).toBe(reason);
    expect(why({ 'cache-control': control }, { request: { authorization: '' } })).toBe(reason);
  });
});

describe('what was decided elsewhere', () => {
  it('lets responses in that are one user’s, but for what is never stored', () => {
    const own = { scope: 'private' } as const;
    expect(why({ 'cache-control': 'private' }, { ...authorized, status: 403 }, own)).toBeUndefined();
    expect(why({ 'cache-control': 'private, no-store' }, authorized, own)).toBe('no-store');
    expect(why({ 'cache-control': 'private', 'set-cookie': 'a=b' }, authorized, own)).toBe('set-cookie');
    expect(why({ 'cache-control': 'private', vary: '*' }, authorized, own)).toBe('vary-star');
    expect(why({ 'cache-control': 's-maxage=1' }, { status: 403 }, own)).toBe('no-freshness');
  });

  it('covers Authorization, and nothing else', () => {
    const covered = { authorizationIsCovered: true };
    expect(why(fresh, authorized, covered)).toBeUndefined();
    expect(why({ 'cache-control': 'private' }, authorized, covered)).toBe('private');
  });

  it('gives a lifetime, and nothing else', () => {
    expect(why({}, { status: 403 }, { lifetimeIsGiven: true })).toBeUndefined();
    expect(why({}, { status: 206 }, { lifetimeIsGiven: true })).toBe('status');
    expect(why(fresh, authorized, { lifetimeIsGiven: true })).toBe('authorization');
  });
});

it('knows the statuses that are cacheable by default, those of parts aside', () => {
  const statuses = Array.from({ length: 600 }, (_, status) => status).filter(isHeuristicallyCacheable);
  expect(statuses).toEqual([200, 203, 204, 300, 301, 308, 404, 405, 410, 414, 501]);
  expect(whyNotStorable({ method: 'GET', status: 414, request: none, response: none })).toBeUndefined();
});
