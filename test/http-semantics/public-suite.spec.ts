import { expect, it } from '@jest/globals';
import { type FieldPairs, readPairs } from '../../lib/http-semantics/fields.js';
import { currentAge, freshnessOf } from '../../lib/http-semantics/freshness.js';
import { formatHttpDate } from '../../lib/http-semantics/http-date.js';
import { parseRequestDirectives, reuseOf } from '../../lib/http-semantics/request-directives.js';
import { whyNotStorable } from '../../lib/http-semantics/storable.js';
import { storableFields } from '../../lib/http-semantics/update-stored.js';
import { NOON } from './readers.js';

/** Seconds from now, for a date; or a text. */
type Value = string | number;
type Case = readonly [id: string, fields: readonly (readonly [string, Value])[], more?: More];
interface More {
  readonly status?: number;
  readonly request?: FieldPairs;
  readonly next?: FieldPairs;
  /** Seconds until the second request; the suite waits 3 or none. */
  readonly wait?: number;
}

const CC = 'Cache-Control';
const now = ['Date', 0] as const;
const control = (value: string): readonly [readonly [string, Value]] => [[CC, value]];
const cdn = (value: string, ...more: readonly (readonly [string, Value])[]): Case[1] => [
  ['CDN-Cache-Control', value],
  ...more,
];
const expires = (value: Value, ...more: readonly (readonly [string, Value])[]): Case[1] => [
  ['Expires', value],
  now,
  ...more,
];
const aged = (...ages: string[]): Case[1] => [
  now,
  [CC, 'max-age=3600'],
  ...ages.map((age) => ['Age', age] as const),
];

/** Whether the second of two equal requests is answered from the store, by the rules alone. */
function isReused([, values, more = {}]: Case): boolean {
  const { status = 200, request = [], wait = 3 } = more;
  // A moment within a second, as most are.
  const arrival = { requestedAt: NOON + 300, receivedAt: NOON + 310 };
  const pairs = values.map(
    ([name, value]) =>
      [name, typeof value === 'string' ? value : formatHttpDate(NOON + value * 1000)] as const,
  );
  const response = readPairs(pairs);
  const exchange = { method: 'GET', status, request: readPairs(request), response };
  if (whyNotStorable(exchange, { targeted: true }) !== undefined) return false;
  const options = { status, ...arrival, targeted: true } as const;
  const freshness = freshnessOf(readPairs(storableFields(pairs)), options);
  const age = currentAge(freshness.initialAge, arrival.receivedAt, arrival.receivedAt + wait * 1000);
  const reuse = reuseOf(freshness, age, parseRequestDirectives(readPairs(more.next ?? request)));
  return reuse !== 'stale' && reuse !== 'request';
}

const REUSED: readonly Case[] = [
  ['freshness-max-age', control('max-age=3600')],
  ['freshness-max-age-max-plus', control('max-age=99999999999')],
  ['freshness-max-age-expires-invalid', [...control('max-age=3600'), ...expires('0')]],
  ['freshness-max-age-leading-zero', control('max-age=003600')],
  ['freshness-s-maxage-shared', control('s-maxage=3600')],
  [
    'freshness-max-age-s-maxage-shared-shorter-expires',
    [
      ['Expires', -10],
      [CC, 'max-age=0, s-maxage=3600'],
    ],
  ],
  ['freshness-expires-future', expires(2_592_000)],
  [
    'freshness-expires-invalid-date',
    [
      ['Date', 'foo'],
      ['Expires', 10],
    ],
    { wait: 0 },
  ],
  ['freshness-expires-rfc850', expires('Thursday, 18-Aug-50 02:01:18 GMT')],
  ['freshness-expires-ansi-c', expires('Thu Aug  8 02:01:18 2050')],
  ['freshness-expires-wrong-case-tz', expires('Thu, 18 Aug 2050 02:01:18 gMT')],
  ['age-parse-nonnumeric', aged('abc')],
  ['age-parse-negative', aged('-7200')],
  ['age-parse-float', aged('7200.0')],
  ['age-parse-prefix', aged('0, 7200')],
  ['age-parse-prefix-twoline', aged('0', '7200')],
  ['age-parse-dup-0', aged('0, 0')],
  ['age-parse-dup-0-twoline', aged('0', '0')],
  ['age-parse-dup-old', [now, [CC, 'max-age=10000'], ['Age', '3600'], ['Age', '3600']]],
  ['cc-resp-must-revalidate-fresh', control('max-age=10000, must-revalidate'), { wait: 0 }],
  ['cc-resp-must-revalidate-stale, before', control('max-age=2, must-revalidate'), { wait: 0 }],
  ['stale-while-revalidate', control('max-age=1, stale-while-revalidate=3600')],
  ['other-authorization-public', control('max-age=3600, public'), { request: [['Authorization', 'FOO']] }],
  ['other-authorization-smaxage', control('s-maxage=3600'), { request: [['Authorization', 'FOO']] }],
  ['status-599-fresh', control('max-age=3600'), { status: 599 }],
  ['ccreq-max-stale', control('max-age=2'), { next: [[CC, 'max-stale=1000']] }],
  ['pragma-response-no-cache', [...control('max-age=3600'), ['Pragma', 'no-cache']]],
  ['cdn-max-age', cdn('max-age=3600')],
  ['cdn-max-age-max', cdn('max-age=2147483648')],
  ['cdn-max-age-max-plus', cdn('max-age=99999999999')],
  ['cdn-max-age-extension', cdn('foobar, max-age=3600')],
  ['cdn-max-age-expires', cdn('max-age=3600', ...expires(-10_000))],
  ['cdn-max-age-cc-max-age-invalid-expires', cdn('max-age=3600', ...expires('0'))],
  ['cdn-max-age-short-cc-max-age', cdn('max-age=3600', ...control('max-age=1'))],
  ['cdn-fresh-cc-nostore', cdn('max-age=10000', ...control('no-store'))],
];

const NOT_REUSED: readonly Case[] = [
  ['freshness-none', []],
  ['freshness-max-age-stale', [...control('max-age=2'), now]],
  ['freshness-max-age-0', control('max-age=0'), { wait: 0 }],
  ['freshness-max-age-age', [now, [CC, 'max-age=3600'], ['Age', '7200']]],
  ['freshness-max-age-0-expires', [['Expires', 3600], [CC, 'max-age=0'], now]],
  ['freshness-max-age-negative', control('max-age=-3600')],
  ['freshness-max-age-s-maxage-shared-longer', control('max-age=3600, s-maxage=1')],
  ['freshness-max-age-s-maxage-shared-longer-reversed', control('s-maxage=1, max-age=3600')],
  [
    'freshness-max-age-s-maxage-shared-longer-multiple',
    [...control('max-age=3600'), ...control('s-maxage=1')],
  ],
  ['freshness-max-age-ignore-quoted', control('extension="max-age=3600", max-age=1')],
  ['freshness-max-age-ignore-quoted-rev', control('max-age=1, extension="max-age=3600"')],
  ['freshness-max-age-single-quoted', control("max-age='3600'")],
  ['freshness-expires-past', expires(-2_592_000)],
  ['freshness-expires-present', expires(0), { wait: 0 }],
  [
    'freshness-expires-old-date',
    [
      ['Expires', 300],
      ['Date', 400],
    ],
  ],
  ['freshness-expires-invalid', expires('0')],
  [
    'freshness-expires-age-slow-date',
    [
      ['Date', -10],
      ['Expires', 10],
      ['Age', '25'],
    ],
    { wait: 0 },
  ],
  [
    'freshness-expires-age-fast-date',
    [
      ['Date', 10],
      ['Expires', 20],
      ['Age', '15'],
    ],
    { wait: 0 },
  ],
  ['freshness-expires-invalid-utc', expires('Thu, 18 Aug 2050 02:01:18 UTC')],
  ['freshness-expires-invalid-aest', expires('Thu, 18 Aug 2050 02:01:18 AEST')],
  ['freshness-expires-invalid-2-digit-year', expires('Thu, 18 Aug 50 02:01:18 GMT')],
  ['freshness-expires-invalid-no-comma', expires('Thu 18 Aug 2050 02:01:18 GMT')],
  ['freshness-expires-invalid-multiple-spaces', expires('Thu, 18  Aug  2050 02:01:18 GMT')],
  ['freshness-expires-invalid-date-dashes', expires('Thu, 18-Aug-2050 02:01:18 GMT')],
  ['freshness-expires-invalid-time-periods', expires('Thu, 18 Aug 2050 02.01.18 GMT')],
  ['freshness-expires-invalid-1-digit-hour', expires('Thu, 18 Aug 2050 2:01:18 GMT')],
  [
    'freshness-expires-invalid-multiple-lines',
    expires('Thu, 18 Aug 2050 2:01:18 GMT', ['Expires', 'Thu, 18 Aug 2050 2:01:19 GMT']),
  ],
  ['age-parse-large-minus-one', aged('2147483647')],
  ['age-parse-large', aged('2147483648')],
  ['age-parse-larger', aged('2147483649')],
  ['age-parse-suffix', aged('7200, 0')],
  ['age-parse-suffix-twoline', aged('7200', '0')],
  ['age-parse-parameter', aged('7200;foo=bar')],
  ['cc-resp-private-shared', control('private, max-age=3600'), { wait: 0 }],
  ['cc-resp-no-store-case-insensitive', control('No-StOrE'), { wait: 0 }],
  ['cc-resp-no-store-fresh', [[CC, 'max-age=10000, no-store'], ...expires(10_000)], { wait: 0 }],
  ['cc-resp-no-cache', [[CC, 'max-age=10000, no-cache'], ...expires(10_000)], { wait: 0 }],
  ['cc-resp-no-cache-case-insensitive', control('max-age=10000, No-CaChE'), { wait: 0 }],
  ['cc-resp-must-revalidate-stale', control('max-age=2, must-revalidate')],
  ['stale-while-revalidate-window', control('max-age=1, stale-while-revalidate=4'), { wait: 6 }],
  ['stale-close-s-maxage=2', control('max-age=2, s-maxage=2')],
  [
    'vary-syntax-empty-star-lines',
    [
      [CC, 'max-age=5000'],
      ['Vary', ''],
      ['Vary', '*'],
    ],
  ],
  ['other-authorization', [...control('max-age=100000'), now], { request: [['Authorization', 'FOO']] }],
  ['heuristic-201-not_cached', [['Last-Modified', -86_400], now], { status: 201, wait: 0 }],
  ['heuristic-599-not_cached', [['Last-Modified', -86_400], now], { status: 599, wait: 0 }],
  ['status-200-stale', expires(-5000, ['Last-Modified', -100_000]), { wait: 0 }],
  ['status-599-must-understand', control('max-age=3600, no-store, must-understand'), { status: 599 }],
  ['ccreq-ma1', control('max-age=100000'), { next: [[CC, 'max-age=1']] }],
  [
    'ccreq-min-fresh-age',
    [
      [CC, 'max-age=1500'],
      ['Age', '1000'],
    ],
    { next: [[CC, 'min-fresh=1000']] },
  ],
  ['ccreq-no-cache', control('max-age=3600'), { next: [[CC, 'no-cache']] }],
  ['cdn-max-age-age', cdn('max-age=3600', now, ['Age', '7200'])],
  ['cdn-max-age-space-before-equals', cdn('max-age =100', ...control('max-age=1'))],
  ['cdn-max-age-space-after-equals', cdn('max-age= 100', ...control('max-age=1'))],
  ['cdn-max-age-0', cdn('max-age=0')],
  ['cdn-max-age-0-expires', cdn('max-age=0', ...expires(10_000))],
  ['cdn-max-age-long-cc-max-age', cdn('max-age=1', ...control('max-age=3600'))],
  ['cdn-private', cdn('private', ...control('max-age=10000'), ...expires(10_000)), { wait: 0 }],
  ['cdn-no-cache', cdn('no-cache', ...control('max-age=10000'), ...expires(10_000)), { wait: 0 }],
  ['cdn-no-store-cc-fresh', cdn('no-store', ...control('max-age=10000'), ...expires(10_000))],
  ['cdn-cc-invalid-sh-type-unknown', cdn('max-age=10000, &&&&&', ...control('no-store'))],
  ['cdn-cc-invalid-sh-type-wrong', cdn('max-age="10000"', ...control('no-store'))],
];

it.each(REUSED)('reuses what the public suite wants reused: %s', (...one) => {
  expect(isReused(one as Case)).toBe(true);
});

it.each(NOT_REUSED)('does not reuse what the public suite wants asked for again: %s', (...one) => {
  expect(isReused(one as Case)).toBe(false);
});
