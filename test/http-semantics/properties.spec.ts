import { describe, expect, it } from '@jest/globals';
import fc from 'fast-check';
import { selectRange } from '../../lib/http-semantics/byte-range.js';
import { MAX_DELTA_SECONDS, parseCacheControl } from '../../lib/http-semantics/cache-control.js';
import { cacheGroups, cacheTag, surrogateKey } from '../../lib/http-semantics/cache-groups.js';
import { appendCacheStatus, formatCacheStatus } from '../../lib/http-semantics/cache-status.js';
import { isNotModified } from '../../lib/http-semantics/conditional.js';
import { parseEntityTags } from '../../lib/http-semantics/entity-tag.js';
import { type FieldPairs, readPairs, splitList } from '../../lib/http-semantics/fields.js';
import { freshnessOf } from '../../lib/http-semantics/freshness.js';
import { formatHttpDate, parseHttpDate } from '../../lib/http-semantics/http-date.js';
import { parseRequestDirectives, reuseOf } from '../../lib/http-semantics/request-directives.js';
import { whyNotStorable } from '../../lib/http-semantics/storable.js';
import { updatedFields } from '../../lib/http-semantics/update-stored.js';
import { parseVary, selectingValue } from '../../lib/http-semantics/vary.js';
import { NOON } from './readers.js';
import { type Bare, parseStructuredList } from './structured-fields.js';

// A failure prints the seed and the path to it; FC_SEED repeats a run.
const seed = Number(process.env['FC_SEED'] ?? Date.now() % 2 ** 31);
const settings = { seed, numRuns: 1000 } as const;

const anyText = fc.oneof(
  fc.string(),
  fc.string({ unit: 'binary' }),
  fc.stringMatching(/^["\\,=;*W/ab -]{0,12}$/),
);
// prettier-ignore
const directive = fc.constantFrom(
  'max-age=5', 's-maxage=0', 'no-store', 'no-cache', 'no-cache="a, b"', 'private', 'private="a"', 'public',
  'must-revalidate', 'stale-while-revalidate=9', 'max-stale', 'max-stale=4', 'min-fresh=3', 'x="',
);
const anyControl = fc.array(fc.oneof(directive, anyText), { maxLength: 5 }).map((parts) => parts.join(','));
const date = fc.integer({ min: 0, max: 253_402_300_799 }).map((seconds) => seconds * 1000);
const anyValue = fc.oneof(anyText, anyControl, date.map(formatHttpDate), fc.nat().map(String));
// prettier-ignore
const names = [
  'cache-control', 'vary', 'date', 'expires', 'age', 'etag', 'last-modified', 'pragma', 'connection', 'authorization',
  'set-cookie', 'range', 'if-range', 'if-none-match', 'if-modified-since', 'a', 'B',
];
const anyPairs: fc.Arbitrary<FieldPairs> = fc.array(fc.tuple(fc.constantFrom(...names), anyValue), {
  maxLength: 10,
});
const token = fc.stringMatching(/^[!#$%&'*+.^_`|~0-9A-Za-z-]{1,6}$/);
const quoted = fc
  .string({ unit: 'grapheme-ascii' })
  .map((text) => `"${text.replaceAll(/["\\]/g, String.raw`\$&`)}"`);

describe(`for anything in the header fields (seed ${seed})`, () => {
  it('nothing throws, and times are numbers that are not negative', () => {
    fc.assert(
      fc.property(anyPairs, anyPairs, fc.nat(700), (one, other, status) => {
        const [request, response] = [readPairs(one), readPairs(other)];
        whyNotStorable({ method: 'GET', status, request, response });
        const freshness = freshnessOf(response, {
          status,
          requestedAt: NOON,
          receivedAt: NOON,
          heuristic: true,
        });
        for (const name of ['lifetime', 'initialAge', 'staleWhileRevalidate', 'staleIfError'] as const) {
          expect(freshness[name]).toBeGreaterThanOrEqual(0);
          expect(freshness[name]).toBeLessThan(Infinity);
        }
        reuseOf(freshness, freshness.initialAge, parseRequestDirectives(request));
        isNotModified({ method: 'GET', status: 200, request, stored: response, receivedAt: NOON });
        selectRange({ method: 'GET', status: 200, request, stored: response, size: 10, receivedAt: NOON });
        for (const name of names) selectingValue(request, name);
      }),
      settings,
    );
  });

  it('what forbids to store is obeyed beside whatever else', () => {
    const forbidding = fc.constantFrom(
      ...([
        ['cache-control', 'no-store'],
        ['cache-control', 'private'],
        ['set-cookie', 'a=b'],
        ['vary', '*'],
      ] as const),
    );
    fc.assert(
      fc.property(anyPairs, forbidding, anyPairs, (before, pair, after) => {
        const response = readPairs([...before, pair, ...after]);
        const request = readPairs([]);
        // A quotation mark in the lines before may begin a string that ends in one after.
        fc.pre(!(response(pair[0]) ?? '').includes('"'));
        expect(whyNotStorable({ method: 'GET', status: 200, request, response })).toBeDefined();
      }),
      settings,
    );
  });

  it('an update leaves no field of the connection and no cookie, and is the same when it is done twice', () => {
    fc.assert(
      fc.property(anyPairs, anyPairs, (stored, fresh) => {
        const updated = updatedFields(stored, fresh);
        for (const [name] of updated) expect(['connection', 'set-cookie']).not.toContain(name);
        expect(updatedFields(updated, fresh)).toEqual(updated);
      }),
      settings,
    );
  });

  it('Vary is a sorted set of names, or everything', () => {
    fc.assert(
      fc.property(anyText, (text) => {
        const parsed = parseVary(text);
        if (parsed === '*') return;
        expect(parseVary(parsed.toReversed().join(' , ').toUpperCase())).toEqual(parsed);
        expect([...new Set(parsed)].toSorted()).toEqual(parsed);
      }),
      settings,
    );
  });
});

describe(`what is written is read as the same (seed ${seed})`, () => {
  it('lists of tokens and quoted strings', () => {
    const member = fc.oneof(
      token,
      quoted,
      fc.tuple(token, quoted).map((parts) => parts.join('=')),
    );
    const gap = fc.constantFrom(',', ', ', ' ,\t', ',, ,');
    fc.assert(
      fc.property(fc.array(member), gap, (members, separator) => {
        expect(splitList(members.join(separator))).toEqual(members);
      }),
      settings,
    );
  });

  it('directives and their arguments', () => {
    fc.assert(
      fc.property(token, fc.string({ unit: 'grapheme-ascii' }), (name, text) => {
        const argument = text.replaceAll(/["\\]/g, String.raw`\$&`);
        const control = parseCacheControl(`first, ${name.toUpperCase()}="${argument}"`);
        expect(control.text(name.toLowerCase())).toBe(text);
      }),
      settings,
    );
  });

  it('seconds, up to the largest', () => {
    fc.assert(
      fc.property(fc.bigInt({ min: 0n, max: 10n ** 30n }), (seconds) => {
        const expected = Math.min(Number(seconds), MAX_DELTA_SECONDS);
        expect(parseCacheControl(`max-age=${seconds}`).seconds('max-age')).toBe(expected);
      }),
      settings,
    );
  });

  it('dates', () => {
    fc.assert(
      fc.property(date, fc.nat(999), (time, milliseconds) => {
        expect(parseHttpDate(formatHttpDate(time + milliseconds), NOON)).toBe(time);
      }),
      settings,
    );
  });

  it('entity tags', () => {
    const opaque = fc.stringMatching(/^[\x21\x23-\x7e\x80-\xff]{0,8}$/);
    fc.assert(
      fc.property(fc.array(fc.record({ isWeak: fc.boolean(), opaque })), (tags) => {
        const text = tags.map((tag) => `${tag.isWeak ? 'W/' : ''}"${tag.opaque}"`).join(', ');
        expect(parseEntityTags(text)).toEqual(tags);
      }),
      settings,
    );
  });
});

/** What a text is in a structured field that has but printable ASCII. */
const printable = (text: string): string =>
  text.toWellFormed().replaceAll(/[^\x20-\x7e]+/g, (part) => encodeURIComponent(part));
const textOf = (value: Bare | undefined): Bare | undefined =>
  typeof value === 'object' ? value.token : value;

describe(`what goes out (seed ${seed})`, () => {
  const anyStatus = fc.record(
    {
      name: anyText,
      hit: fc.boolean(),
      fwd: fc.constantFrom('bypass', 'uri-miss', 'stale'),
      fwdStatus: fc.integer({ min: 200, max: 599 }),
      ttl: fc.oneof(fc.double({ noNaN: true }), fc.integer()),
      stored: fc.boolean(),
      collapsed: fc.boolean(),
      key: anyText,
      detail: anyText,
    },
    { requiredKeys: ['name'] },
  );

  it('Cache-Status parses back to what it says', () => {
    fc.assert(
      fc.property(anyStatus, (status) => {
        const [item, ...rest] = parseStructuredList(formatCacheStatus(status));
        expect(rest).toEqual([]);
        const { parameters, value } = item!;
        expect(textOf(value)).toBe(printable(status.name));
        expect(parameters.get('hit') ?? false).toBe(status.hit ?? false);
        expect(textOf(parameters.get('fwd'))).toBe(status.hit ? undefined : status.fwd);
        expect(parameters.get('fwd-status')).toBe(status.hit ? undefined : status.fwdStatus);
        expect(parameters.get('stored') ?? false).toBe(status.stored ?? false);
        expect(parameters.get('collapsed') ?? false).toBe(status.collapsed ?? false);
        expect(parameters.get('key')).toBe(status.key === undefined ? undefined : printable(status.key));
        expect(textOf(parameters.get('detail'))).toBe(
          status.detail === undefined ? undefined : printable(status.detail),
        );
        if (Number.isSafeInteger(status.ttl) && Math.abs(status.ttl!) < 1e15) {
          expect(parameters.get('ttl')).toBe(status.ttl! + 0);
        }
      }),
      settings,
    );
  });

  it('Cache-Status comes after that of others', () => {
    fc.assert(
      fc.property(anyStatus, anyStatus, (first, second) => {
        const [before, own] = [formatCacheStatus(first), formatCacheStatus(second)];
        expect(parseStructuredList(appendCacheStatus(before, second))).toEqual([
          ...parseStructuredList(before),
          ...parseStructuredList(own),
        ]);
      }),
      settings,
    );
  });

  it('is printable ASCII, whatever it is made of', () => {
    fc.assert(
      fc.property(anyText, anyStatus, fc.array(anyText), (existing, status, tags) => {
        for (const value of [
          appendCacheStatus(existing, status),
          cacheGroups(tags).value,
          cacheTag(tags).value,
          surrogateKey(tags).value,
        ]) {
          expect(value ?? '').toMatch(/^[\x20-\x7e]*$/);
        }
      }),
      settings,
    );
  });

  it('tags come back from the fields, but for those said to be left out', () => {
    fc.assert(
      fc.property(fc.uniqueArray(fc.oneof(anyText, fc.webPath())), (tags) => {
        const groups = cacheGroups(tags);
        const read = groups.value === undefined ? [] : parseStructuredList(groups.value);
        expect(read.map(({ value }) => value)).toEqual(tags.filter((tag) => !groups.omitted.includes(tag)));
        for (const [write, separator] of [
          [cacheTag, ','],
          [surrogateKey, ' '],
        ] as const) {
          const { value, omitted } = write(tags);
          expect(value?.split(separator) ?? []).toEqual(tags.filter((tag) => !omitted.includes(tag)));
        }
      }),
      settings,
    );
  });
});

it(`a range is what slicing the body gives (seed ${seed})`, () => {
  const position = fc.option(fc.nat(30), { nil: undefined });
  fc.assert(
    fc.property(position, position, fc.integer({ min: 1, max: 20 }), (first, last, size) => {
      const request = readPairs([['Range', `bytes=${first ?? ''}-${last ?? ''}`]]);
      const whole = { method: 'GET', status: 200, stored: readPairs([]), receivedAt: NOON };
      const choice = selectRange({ ...whole, request, size });
      const body = Array.from({ length: size }, (_, index) => index);
      const end = last === undefined ? size : last + 1;
      const wanted =
        first === undefined ? body.slice(Math.max(0, size - (last ?? 0))) : body.slice(first, end);
      if (choice.kind === 'part') {
        expect(body.slice(choice.first, choice.last + 1)).toEqual(wanted);
        expect(choice.contentRange).toBe(`bytes ${wanted[0]}-${wanted.at(-1)}/${size}`);
      } else {
        const isMalformed = first === undefined ? last === undefined : last !== undefined && last < first;
        expect(choice.kind).toBe(isMalformed ? 'whole' : 'unsatisfiable');
        expect(wanted).toEqual([]);
      }
    }),
    settings,
  );
});
