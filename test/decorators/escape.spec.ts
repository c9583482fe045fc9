import { runInNewContext } from 'node:vm';
import { describe, expect, it } from '@jest/globals';
import * as fc from 'fast-check';
import { CacheKeyError } from '../../lib/primitives/errors.js';
import { escapeKeyPart, MAX_KEY_PART_LENGTH } from '../../lib/primitives/escape.js';

const anyText = fc.string({
  unit: fc.integer({ min: 0, max: 0xffff }).map((code) => String.fromCharCode(code)),
});
const nastyText = fc.string({
  unit: fc.constantFrom(...'%:*?[]{}\\~,/| \n\t\u0000ab0-._@é😀\ud800\udc00'.split('')),
});
const text = fc.oneof(anyText, nastyText, fc.string({ minLength: 90, maxLength: 120 }));

describe('escapeKeyPart', () => {
  it.each([
    ['plain', 'plain'],
    ['a.b@c-d_e=f+g', 'a.b@c-d_e=f+g'],
    ['Zürich東京😀', 'Zürich東京😀'],
    ['a:b*c?d[e]f{g}h', 'a%3Ab%2Ac%3Fd%5Be%5Df%7Bg%7Dh'],
    ['a\\b~c,d/e|f%g', 'a%5Cb%7Ec%2Cd%2Fe%7Cf%25g'],
    ['a b\tc\nd\u0000e\u007f', 'a%20b%09c%0Ad%00e%7F'],
    ['a\u0085b\u00a0c\u2028d\ufeff', 'a%C2%85b%C2%A0c%E2%80%A8d%EF%BB%BF'],
    ['\ud800', '%ED%A0%80'],
    ['', '%empty'],
    ['%null', '%25null'],
    [null, '%null'],
    [undefined, '%undefined'],
    [42, '42'],
    [-0, '0'],
    [1.5e300, '1.5e+300'],
    [true, 'true'],
    [12345678901234567890n, '12345678901234567890'],
    [new Date(0), '1970-01-01T00%3A00%3A00.000Z'],
    [runInNewContext('new Date(0)'), '1970-01-01T00%3A00%3A00.000Z'],
  ])('writes %p as %s', (value, expected) => {
    expect(escapeKeyPart(value)).toBe(expected);
  });

  it.each([
    [{}, 'an object'],
    [new Map(), 'an object of class Map'],
    [Object.create(null), 'an object'],
    [['a'], 'an array'],
    [() => 'a', 'a function'],
    [Symbol('a'), 'a symbol'],
    [NaN, 'NaN'],
    [-Infinity, '-Infinity'],
    [new Date(NaN), 'an invalid Date'],
  ])('refuses %p', (value, kind) => {
    expect(() => escapeKeyPart(value)).toThrow(CacheKeyError);
    expect(() => escapeKeyPart(value)).toThrow(`${kind} cannot be part of a key`);
  });

  it('shortens what would be long', () => {
    const most = 'x'.repeat(MAX_KEY_PART_LENGTH);
    expect(escapeKeyPart(most)).toBe(most);
    expect(escapeKeyPart(`${most}x`)).toMatch(/^%~[\w-]{32}$/);
    expect(escapeKeyPart(`${most}x`)).not.toBe(escapeKeyPart(`${most}y`));
    expect(escapeKeyPart(':'.repeat(34))).toMatch(/^%~/);
    expect(escapeKeyPart('9'.repeat(200))).toBe(escapeKeyPart(BigInt('9'.repeat(200))));
  });

  it('gives different texts different parts, none of which can act as a pattern or end early', () => {
    fc.assert(
      fc.property(text, text, (a, b) => {
        const [left, right] = [escapeKeyPart(a), escapeKeyPart(b)];
        expect(left === right).toBe(a === b);
        expect(left).toMatch(/^[^:*?[\]{}\\,/|\s]+$/);
        expect(left.isWellFormed()).toBe(true);
        expect(left.length).toBeLessThanOrEqual(MAX_KEY_PART_LENGTH);
      }),
      { numRuns: 2000 },
    );
  });

  it('can be read back', () => {
    const short = fc.string({ unit: 'grapheme', minLength: 1, maxLength: 30 });
    const readBack = fc.property(short, (value) => {
      const part = escapeKeyPart(value);
      return part.startsWith('%~') || decodeURIComponent(part) === value;
    });
    expect(() => fc.assert(readBack)).not.toThrow();
  });
});
