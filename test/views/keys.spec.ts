import { describe, expect, it } from '@jest/globals';
import fc from 'fast-check';

import { CacheKeyError } from '../../lib/index.js';
import { fragmentKey, type FragmentKeyOptions } from '../../lib/views/fragment-key.js';

const tree = { name: 'card', digest: 'digest', sources: new Map<string, string>() };
const keyOf = (options: FragmentKeyOptions, template = tree): string => fragmentKey(template, options);

describe('the key of a fragment', () => {
  it('is readable, and a digest if it is long', () => {
    const options = { of: { key: 'chair:1', version: new Date(0) }, by: ['de', true], identity: 7 };
    expect(keyOf(options)).toBe('card:digest|7|de,true|chair%3A1:0');
    expect(keyOf({}, { ...tree, name: 'shop/card:*' })).toBe('shop%2Fcard%3A%2A:digest|||');
    const of = Array.from({ length: 1000 }, (_, key) => ({ key, version: 1 }));
    expect(keyOf({ of })).toMatch(/^card:~[\w-]{43}$/);
    expect(keyOf({ of: of.toReversed() })).not.toBe(keyOf({ of }));
  });

  it('is the same for a version however it is written', () => {
    const key = 'a';
    expect(keyOf({ of: { key, version: new Date(5) } })).toBe(keyOf({ of: { key, version: 5 } }));
    expect(keyOf({ of: { key, version: 5 } })).toBe(keyOf({ of: { key, version: 5n } }));
    expect(keyOf({ of: { key, version: '5' } })).toBe(keyOf({ of: { key, version: 5n } }));
  });

  it('differs where anything does', () => {
    const a = { key: 'a', version: 1 };
    const different: FragmentKeyOptions[] = [
      {},
      { of: null },
      { of: a },
      { of: [a] },
      { of: [] },
      { of: [null] },
      { of: [a, null] },
      { of: [null, a] },
      { of: { ...a, version: 2 } },
      { of: { ...a, key: 'b' } },
      { of: { key: '', version: '' } },
      { by: [null] },
      { by: [''] },
      { by: ['', ''] },
      { by: ['a', 'b'] },
      { by: ['a,b'] },
      { by: ['null'] },
      { identity: null },
      { identity: '' },
      { identity: 'a' },
      { by: ['a'] },
    ];
    const keys = different.map((options) => keyOf(options));
    keys.push(keyOf({}, { ...tree, name: 'list' }), keyOf({}, { ...tree, digest: 'other' }));
    expect(new Set(keys).size).toBe(keys.length);
  });

  it('cannot be forged by what users type', () => {
    const text = fc.oneof(
      fc.string({ unit: 'binary' }),
      fc
        .array(fc.constantFrom('|', ',', ':', '[', ']', '%', '~', '%null', 'a', '\ud800', '\udc00'))
        .map((all) => all.join('')),
      fc.constant('x'.repeat(400)),
    );
    const record = fc.option(fc.record({ key: text, version: text }));
    const options = fc.record(
      {
        of: fc.oneof(record, fc.array(record, { maxLength: 3 })),
        by: fc.array(fc.option(text), { maxLength: 3 }),
        identity: fc.option(text),
      },
      { requiredKeys: ['by'] },
    );
    const named = fc.tuple(options, fc.constantFrom('card', 'card:digest', 'card|'));
    // As an object, not as a list: what is left out is not there, and is not null.
    const shape = ([{ of, by, identity }, name]: [FragmentKeyOptions, string]): string =>
      JSON.stringify({ of, by, identity, name });
    fc.assert(
      fc.property(named, named, (one, two) => {
        const [a, b] = [one, two].map(([given, name]) => keyOf(given, { ...tree, name }));
        expect(a === b).toBe(shape(one) === shape(two));
      }),
      {
        numRuns: 2000,
        examples: [
          [
            [{ of: [], by: [], identity: null }, 'card'],
            [{ of: [], by: [] }, 'card'],
          ],
          [
            [{ of: null, by: [] }, 'card'],
            [{ by: [] }, 'card'],
          ],
        ],
      },
    );
  });

  it.each([
    ['undefined for the record', { of: undefined }, /of is undefined.*\{ key, version \}/],
    ['a scalar', { of: 5 }, /of is 5/],
    ['no version', { of: { key: 'chair' } }, /version of of \('chair'\) is undefined.*updatedAt/],
    ['null for a version', { of: { key: 1, version: null } }, /version .* null/],
    ['an invalid date', { of: { key: 1, version: new Date(NaN) } }, /an invalid Date/],
    ['NaN for a version', { of: { key: 1, version: NaN } }, /NaN/],
    ['true for a version', { of: { key: 1, version: true } }, /a boolean/],
    ['an object for a version', { of: { key: 1, version: { at: 1 } } }, /an object/],
    ['no key', { of: { version: 1 } }, /key of of is undefined/],
    ['an object for a key', { of: { key: {}, version: 1 } }, /key of of is an object/],
    ['one of a list', { of: [{ key: 1, version: 1 }, { key: 2 }] }, /of\[1\] \('2'\)/],
    ['undefined in a list', { of: [undefined] }, /of\[0\] is undefined/],
    ['a list in a list', { of: [[]] }, /key of of\[0\]/],
    ['an undefined part', { by: ['de', undefined] }, /by\[1\] is undefined/],
    ['an object as a part', { by: [{}] }, /by\[0\] is an object/],
    ['no list of parts', { by: 'de' }, /by is a string/],
    ['an undefined identity', { identity: undefined }, /identity is undefined.*null/],
  ])('is refused: %s', (_, options, message) => {
    expect(() => keyOf(options as never)).toThrow(CacheKeyError);
    expect(() => keyOf(options as never)).toThrow(message);
  });
});
