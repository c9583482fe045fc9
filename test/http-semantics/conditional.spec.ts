import { describe, expect, it } from '@jest/globals';
import {
  fieldsOfNotModified,
  hasOriginConditions,
  isNotModified,
} from '../../lib/http-semantics/conditional.js';
import { parseEntityTag, parseEntityTags, strongETag } from '../../lib/http-semantics/entity-tag.js';
import { formatHttpDate } from '../../lib/http-semantics/http-date.js';
import { fields, NOON, none } from './readers.js';

type Headers = Readonly<Record<string, string>>;

const at = (seconds: number): string => formatHttpDate(NOON + seconds * 1000);

function is304(request: Headers, stored: Headers, { method = 'GET', status = 200 } = {}): boolean {
  return isNotModified({
    method,
    status,
    request: fields(request),
    stored: fields(stored),
    receivedAt: NOON,
  });
}

describe('If-None-Match', () => {
  it.each([
    ['"abcdef"', '"abcdef"', true],
    ['W/"abcdef"', '"abcdef"', true],
    ['"abcdef"', 'W/"abcdef"', true],
    ['W/"abcdef"', 'W/"abcdef"', true],
    ['"abcdef", "1234", "5678"', '"abcdef"', true],
    ['"1234", "abcdef", "5678"', '"abcdef"', true],
    ['"1234","5678",,W/"abcdef" ,', '"abcdef"', true],
    ['"1234", "5678"', '"abcdef"', false],
    ['"ABCDEF"', '"abcdef"', false],
    ['"abcdefü"', '"abcdefü"', true],
    ['"a,b"', '"a,b"', true],
    ['"a,b"', '"a"', false],
    [String.raw`"a\"`, String.raw`"a\"`, true],
    [String.raw`"x\", "b"`, '"b"', true],
    ['""', '""', true],
    ['*', '"abcdef"', true],
    [' * ', undefined, true],
    ['*, "b"', '"a"', false],
    ['"abcdef"', undefined, false],
    ['', '"abcdef"', false],
    ['abcdef', '"abcdef"', false],
    ['abcdef', 'abcdef', false],
    ['"abcdef"', 'abcdef', false],
    ['w/"abcdef"', 'w/"abcdef"', false],
    ['W\\"abcdef"', 'W\\"abcdef"', false],
    ['W"abcdef"', 'W"abcdef"', false],
    ['"abcdef", x', '"abcdef"', false],
    ['"abcdef', '"abcdef"', false],
    ['"abcdef""b"', '"abcdef"', false],
    ['"a", "b"', '"a", "b"', false],
  ])('%j with the stored tag %j: not modified %j', (noneMatch, etag, expected) => {
    expect(is304({ 'if-none-match': noneMatch }, etag === undefined ? {} : { etag })).toBe(expected);
  });

  it('decides alone', () => {
    const stored = { etag: '"a"', 'last-modified': at(-5000) };
    expect(is304({ 'if-none-match': '"b"', 'if-modified-since': at(-1) }, stored)).toBe(false);
    expect(is304({ 'if-none-match': 'b', 'if-modified-since': at(-1) }, stored)).toBe(false);
    expect(is304({ 'if-none-match': '"a"', 'if-modified-since': at(-9000) }, stored)).toBe(true);
  });
});

describe('If-Modified-Since', () => {
  it.each<[string, Headers, boolean]>([
    [at(-3000), { 'last-modified': at(-3000) }, true],
    [at(-2000), { 'last-modified': at(-3000) }, true],
    [at(-3001), { 'last-modified': at(-3000) }, false],
    ['Wednesday, 20-May-26 11:59:59 GMT', { 'last-modified': at(-1) }, true],
    [at(0), { date: at(0) }, true],
    [at(-1), { date: at(0) }, false],
    [at(-100), { date: at(-100) }, true],
    [at(0), { date: at(5) }, false],
    [at(0), {}, true],
    [at(-1), {}, false],
    [at(0), { 'last-modified': 'foo' }, false],
    ['foo', { 'last-modified': at(-3000) }, false],
    ['', { 'last-modified': at(-3000) }, false],
  ])('%j of %j: not modified %j', (since, stored, expected) => {
    expect(is304({ 'if-modified-since': since }, stored)).toBe(expected);
  });
});

it.each([
  [true, 'GET', 200],
  [true, 'HEAD', 200],
  [true, 'GET', 203],
  [false, 'POST', 200],
  [false, 'GET', 404],
  [false, 'GET', 301],
  [false, 'GET', 199],
])('conditions hold %j for %s and a stored %j', (expected, method, status) => {
  const stored = { etag: '"a"', 'last-modified': at(-1) };
  expect(is304({ 'if-none-match': '"a"' }, stored, { method, status })).toBe(expected);
  expect(is304({ 'if-modified-since': at(0) }, stored, { method, status })).toBe(expected);
});

it('without conditions nothing is not modified', () => {
  expect(is304({}, { etag: '"a"', 'last-modified': at(-1) })).toBe(false);
});

it('leaves If-Match and If-Unmodified-Since to the handler', () => {
  expect(hasOriginConditions(none)).toBe(false);
  expect(hasOriginConditions(fields({ 'if-none-match': '"a"', 'if-range': '"a"' }))).toBe(false);
  expect(hasOriginConditions(fields({ 'if-match': '' }))).toBe(true);
  expect(hasOriginConditions(fields({ 'if-unmodified-since': at(0) }))).toBe(true);
});

it('a 304 says what the client needs to use and update its copy, and nothing of the body', () => {
  const kept = [
    ['Cache-Control', 'max-age=5'],
    ['CDN-Cache-Control', 'max-age=9'],
    ['content-location', '/a'],
    ['Date', at(0)],
    ['ETag', '"a"'],
    ['Expires', at(5)],
    ['Last-Modified', at(-5)],
    ['Vary', ['a', 'b']],
  ] as const;
  const others = [
    ['Content-Type', 'text/plain'],
    ['Content-Length', '5'],
    ['Content-Encoding', 'br'],
    ['X-Other', '1'],
  ] as const;
  expect(fieldsOfNotModified([...others, ...kept])).toEqual(kept);
});

describe('entity tags', () => {
  it('are read singly and in lists', () => {
    expect(parseEntityTag(' W/"a" ')).toEqual({ isWeak: true, opaque: 'a' });
    expect(parseEntityTag('"a",')).toBeUndefined();
    expect(parseEntityTag(undefined)).toBeUndefined();
    expect(parseEntityTags('')).toEqual([]);
    expect(parseEntityTags(' , "a" , W/""')).toEqual([
      { isWeak: false, opaque: 'a' },
      { isWeak: true, opaque: '' },
    ]);
  });

  it('are made of the bytes: 128 bits of their SHA-256', () => {
    const etag = strongETag(Buffer.from('abc'));
    // sha256('abc') is ba7816bf 8f01cfea 414140de 5dae2223 …
    expect(etag).toBe(`"${Buffer.from('ba7816bf8f01cfea414140de5dae2223', 'hex').toString('base64url')}"`);
    expect(strongETag(new Uint8Array())).toBe('"47DEQpj8HBSa-_TImW-5JA"');
    expect(parseEntityTag(etag)?.isWeak).toBe(false);
  });

  it.each([' ', '"', '"a" ', ','])('are read in time in proportion to the length: %j', (part) => {
    const start = performance.now();
    parseEntityTags(part.repeat(200_000));
    expect(performance.now() - start).toBeLessThan(1000);
  });
});
