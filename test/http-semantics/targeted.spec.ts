import { describe, expect, it } from '@jest/globals';
import fc from 'fast-check';
import { type FieldPairs, readPairs } from '../../lib/http-semantics/fields.js';
import { type Freshness, freshnessOf, type FreshnessOptions } from '../../lib/http-semantics/freshness.js';
import { formatHttpDate } from '../../lib/http-semantics/http-date.js';
import { type StoragePolicy, whyNotStorable } from '../../lib/http-semantics/storable.js';
import { storableFields } from '../../lib/http-semantics/update-stored.js';
import { NOON } from './readers.js';

// A failure prints the seed and the path to it; FC_SEED repeats a run.
const seed = Number(process.env['FC_SEED'] ?? Date.now() % 2 ** 31);
const settings = { seed, numRuns: 1000 } as const;

const CDN = 'CDN-Cache-Control';
const CC = 'Cache-Control';
const later = ['Expires', formatHttpDate(NOON + 500_000)] as const;
const arrival = { status: 200, requestedAt: NOON, receivedAt: NOON };

type Options = Partial<FreshnessOptions & StoragePolicy>;

function freshness(pairs: FieldPairs, options: Options = { targeted: true }): Freshness {
  return freshnessOf(readPairs(pairs), { ...arrival, ...options });
}

function why(pairs: FieldPairs, options: Options = { targeted: true }, request: FieldPairs = []) {
  const { status = 200 } = options;
  const exchange = { method: 'GET', status, request: readPairs(request), response: readPairs(pairs) };
  return whyNotStorable(exchange, options);
}

describe('a targeted field', () => {
  it.each<[number, string]>([
    [60, 'max-age=60'],
    [60, 'max-age=60;x=1'],
    [60, 'max-age=0, max-age=60'],
    [9, 'max-age=60, s-maxage=9'],
    [2 ** 31, 'max-age=99999999999'],
    [0, 'max-age=0'],
    [0, 'max-age=-5'],
    [0, 'foo'],
    [0, 'must-revalidate'],
    [60, 'max-age=60, expires="x", foo=(a b), bar=1.5, baz=?0'],
  ])('says alone that the lifetime is %j seconds: %j', (seconds, value) => {
    expect(freshness([[CDN, value], [CC, 'max-age=7'], later]).lifetime).toBe(seconds * 1000);
  });

  it.each([
    '',
    '  ',
    'max-age=60, &&&&&',
    'max-age=60,',
    'MAX-AGE=60',
    'max-age =60',
    'max-age="60"',
    'max-age=60.0',
    'max-age',
    'max-age=x',
    's-maxage="1", max-age=60',
    'max-age=60, stale-if-error=x',
    'max-age=60, stale-while-revalidate',
    'max-age=60, no-store=1',
    'max-age=60, public="x"',
    'max-age=60, must-revalidate=x',
    'max-age=60, private=(a)',
    'max-age=60, no-cache=1',
  ])('that is empty or wrong is as none: %j', (value) => {
    const rest = [[CC, 'max-age=7, no-store, must-revalidate'], later] as const;
    expect(freshness([[CDN, value], ...rest])).toEqual(freshness(rest));
    expect(why([[CDN, value], ...rest])).toBe('no-store');
  });

  it('is that of all its lines', () => {
    const lines: FieldPairs = [
      [CDN, 'max-age=60'],
      [CDN, 'must-revalidate'],
    ];
    expect(freshness(lines)).toMatchObject({ lifetime: 60_000, forbidsStale: true });
    expect(freshness([...lines, [CDN, '&'], [CC, 'max-age=7']]).lifetime).toBe(7000);
  });

  it.each<[string | undefined, string, string]>([
    [undefined, 'max-age=60', 'no-store'],
    [undefined, 'max-age=60', 'private'],
    [undefined, 'max-age=60, no-store=?0', 'no-store'],
    [undefined, 'foo', 'no-store'],
    ['no-store', 'no-store', 'max-age=60'],
    ['no-store', 'no-store, must-understand', 'max-age=60'],
    ['private', 'private', 'max-age=60'],
    ['private', 'private="a", max-age=60', 'public'],
    ['private', 'private=a, max-age=60', 'public'],
  ])('decides that a response is not stored because of %j: %j over %j', (reason, value, other) => {
    expect(
      why([
        [CDN, value],
        [CC, other],
      ]),
    ).toBe(reason);
  });

  it('alone says that responses may be reused that need to say so', () => {
    const odd = { targeted: true, status: 499 };
    expect(why([[CDN, 'max-age=60']], odd)).toBeUndefined();
    expect(
      why(
        [
          [CDN, 'public'],
          [CC, 'private'],
        ],
        odd,
      ),
    ).toBeUndefined();
    expect(why([[CDN, 'foo'], [CC, 'max-age=60'], later], odd)).toBe('no-freshness');
    expect(why([[CDN, 'must-understand, max-age=60']], odd)).toBe('must-understand');
    const modified = ['Last-Modified', formatHttpDate(NOON - 100_000)] as const;
    const guess = { targeted: true, heuristic: true };
    expect(freshness([[CDN, 'foo'], [CC, 'max-age=60'], modified], guess).lifetime).toBe(10_000);
  });

  it('alone lets responses to requests with Authorization in', () => {
    const authorized = [['Authorization', 'x']] as const;
    const of = (value: string, other: string) =>
      why(
        [
          [CDN, value],
          [CC, other],
        ],
        undefined,
        authorized,
      );
    expect(of('max-age=60', 'public')).toBe('authorization');
    expect(of('max-age=60, public', 'private')).toBeUndefined();
    expect(of('s-maxage=60', 'private')).toBeUndefined();
  });

  it.each(['set-cookie', 'set-cookie2'])('lets no response with %s in', (name) => {
    expect(
      why([
        [CDN, 'public, max-age=60'],
        [name, 'a=b'],
      ]),
    ).toBe('set-cookie');
  });

  it.each(['no-cache', 'no-cache="a"', 'no-cache=a', 'no-cache=""'])(
    'says that validation is always needed, with field names or without: %j',
    (value) => {
      const said = freshness([[CDN, `max-age=60, stale-if-error=9, ${value}`]]);
      expect(said).toMatchObject({ alwaysValidate: true, forbidsStale: true, staleIfError: 0 });
    },
  );

  it('has windows of its own for stale use', () => {
    const other = [CC, 'max-age=1, must-revalidate, stale-if-error=1'] as const;
    expect(freshness([[CDN, 'stale-while-revalidate=7, stale-if-error=9'], other])).toMatchObject({
      forbidsStale: false,
      alwaysValidate: false,
      staleWhileRevalidate: 7000,
      staleIfError: 9000,
    });
  });

  it('stays with the response though the connection claims it', () => {
    const pairs: FieldPairs = [
      [CDN, 'no-cache'],
      [CC, 'max-age=60'],
      ['Connection', 'cdn-cache-control'],
    ];
    expect(storableFields(pairs)).toEqual(pairs.slice(0, 2));
  });
});

describe(`a targeted field among any others (seed ${seed})`, () => {
  // prettier-ignore
  const directive = fc.constantFrom(
    'max-age=5', 's-maxage=0', 's-maxage=8', 'no-store', 'no-cache', 'private', 'public', 'must-revalidate', 'foo="bar"',
    'proxy-revalidate', 'must-understand', 'stale-while-revalidate=9', 'stale-if-error=99999999999', 'immutable',
  );
  const name = (text: string): string => text.split('=', 1)[0]!;
  const control = fc.uniqueArray(directive, { minLength: 1, selector: name }).map((all) => all.join(', '));
  const expires = fc.constantFrom('0', later[1], formatHttpDate(NOON));
  const others = fc.array(
    fc.oneof(fc.tuple(fc.constant(CC), control), fc.tuple(fc.constant('Expires'), expires)),
  );
  const options = fc.record({
    status: fc.constantFrom(200, 302, 499),
    scope: fc.constantFrom('shared', 'private'),
    heuristic: fc.boolean(),
  });
  const authorization = fc.constantFrom<FieldPairs>([], [['Authorization', 'x']]);

  it('is what Cache-Control would be with the same directives and nothing beside', () => {
    fc.assert(
      fc.property(control, others, options, authorization, (value, rest, how, request) => {
        const targeted = { ...how, targeted: true };
        const pairs: FieldPairs = [[CDN, value], ...rest];
        expect(freshness(pairs, targeted)).toEqual(freshness([[CC, value]], how));
        expect(why(pairs, targeted, request)).toBe(why([[CC, value]], how, request));
      }),
      settings,
    );
  });

  it('changes nothing where it is not asked for, or is broken', () => {
    const broken = fc.constantFrom('', '&', 'max-age="1"', 'no-store,');
    fc.assert(
      fc.property(control, broken, others, options, authorization, (value, bad, rest, how, request) => {
        const targeted = { ...how, targeted: true };
        expect(freshness([[CDN, value], ...rest], how)).toEqual(freshness(rest, how));
        expect(why([[CDN, value], ...rest], how, request)).toBe(why(rest, how, request));
        expect(freshness([[CDN, bad], ...rest], targeted)).toEqual(freshness(rest, how));
        expect(why([[CDN, bad], ...rest], targeted, request)).toBe(why(rest, how, request));
      }),
      settings,
    );
  });
});
