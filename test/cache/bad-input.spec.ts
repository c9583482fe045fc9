import { afterEach, describe, expect, it } from '@jest/globals';

import { CacheError, type CacheManager } from '../../lib/index.js';
import { benchOf, closeBenches, TOPOLOGIES } from '../support/caches.js';
import { failure } from '../support/deferred.js';

// What TypeScript would refuse and JavaScript lets through.
const any = (value: unknown): never => value as never;

const cycle: Record<string, unknown> = {};
cycle['self'] = cycle;

const BAD_KEYS = ['', 'x'.repeat(1025), 5, null, undefined, {}, ['k'], Symbol('k')];
const BAD_TTLS = [-1, NaN, Infinity, '5', '-5s', '5 min', 'soon', '', null, {}, 1e12];
const BAD_VALUES: [string, unknown][] = [
  ['undefined', undefined],
  ['a function', () => 1],
  ['a method inside', { user: { save() {} } }],
  ['a symbol', Symbol('s')],
  ['a cycle', cycle],
  ['a promise', Promise.resolve(1)],
  ['a weak map', new WeakMap()],
];

describe.each(TOPOLOGIES)('bad input: %s', (topology) => {
  afterEach(closeBenches);

  async function expectRefused(
    attempt: (cache: CacheManager) => Promise<unknown>,
    code: string,
    message = /.{20}/,
  ): Promise<void> {
    const { cache, redis } = await benchOf(topology);
    await cache.set('k', 'before');
    const held = redis.keys();
    const error = await failure(attempt(cache));
    expect(error).toBeInstanceOf(CacheError);
    expect(error.code).toBe(code);
    expect(error.message).toMatch(message);
    await expect(cache.get('k')).resolves.toBe('before');
    expect(redis.keys()).toStrictEqual(held);
    await closeBenches();
  }

  it.each(BAD_KEYS)('key %p', async (key) => {
    const attempts: ((cache: CacheManager) => Promise<unknown>)[] = [
      (cache) => cache.get(any(key)),
      (cache) => cache.has(any(key)),
      (cache) => cache.set(any(key), 1),
      (cache) => cache.getOrSet(any(key), () => 1),
      (cache) => cache.getMany(['k', any(key)]),
      (cache) => cache.setMany([['k', 1], [any(key), 2]]), // prettier-ignore
      (cache) => cache.getOrSetMany([any(key)], () => new Map()),
      (cache) => cache.delete(any(key)),
      (cache) => cache.deleteMany(['k', any(key)]),
      async (cache) => cache.peek(any(key)),
    ];
    for (const attempt of attempts) await expectRefused(attempt, 'CACHE_KEY_INVALID', /1 to 1024 characters/);
  });

  it('half of a surrogate pair, which Redis could not keep apart from another', async () => {
    for (const attempt of [
      (cache: CacheManager) => cache.get('\ud800'),
      (cache: CacheManager) => cache.set('a\udfff', 1),
      (cache: CacheManager) => cache.getOrSet('\ud800', () => 1),
      (cache: CacheManager) => cache.getMany(['\ud800']),
      (cache: CacheManager) => cache.delete('\ud800'),
    ]) {
      await expectRefused(attempt, 'CACHE_KEY_INVALID', /surrogate/);
    }
  });

  it.each(BAD_TTLS)('ttl %p, on a hit as well as on a miss', async (ttl) => {
    const options = { ttl: any(ttl) };
    for (const attempt of [
      (cache: CacheManager) => cache.set('k', 1, options),
      (cache: CacheManager) => cache.setMany([['k', 1]], options),
      (cache: CacheManager) => cache.getOrSet('k', () => 1, options),
      (cache: CacheManager) => cache.getOrSet('absent', () => 1, options),
      (cache: CacheManager) => cache.getOrSetMany(['absent'], () => new Map([['absent', 1]]), options),
      (cache: CacheManager) => cache.getOrSet('absent', ({ setTtl }) => (setTtl(any(ttl)), 1)),
    ]) {
      await expectRefused(attempt, 'CACHE_DURATION_INVALID', /'250ms'/);
    }
  });

  it.each(BAD_VALUES)('a value that is or holds %s', async (name, value) => {
    await expectRefused((cache) => cache.set('k', value), 'CACHE_VALUE_UNSUPPORTED');
    await expectRefused((cache) => cache.setMany([['k', 1], ['l', value]]), 'CACHE_VALUE_UNSUPPORTED'); // prettier-ignore
    if (name === 'undefined' || name === 'a promise') return;
    await expectRefused((cache) => cache.getOrSet('absent', () => value), 'CACHE_VALUE_UNSUPPORTED');
    await expectRefused(
      (cache) => cache.getOrSetMany(['absent', 'l'], () => new Map([['l', 1], ['absent', value]] as never)), // prettier-ignore
      'CACHE_VALUE_UNSUPPORTED',
    );
  });

  it('says which key and where in the value', async () => {
    const { cache } = await benchOf(topology);
    const error = await failure(cache.set('user:1', { user: { save() {} } }));
    expect(error.key).toBe('user:1');
    expect(error.message).toContain('user:1');
    expect(error.message).toContain('user.save');
  });

  it('loaders that are no functions, or return no Map', async () => {
    for (const loader of [undefined, null, 5, 'x', {}, Promise.resolve(1)]) {
      await expectRefused(
        (cache) => cache.getOrSet('absent', any(loader)),
        'CACHE_ARGUMENT_INVALID',
        /function/,
      );
      await expectRefused(
        (cache) => cache.getOrSetMany(['absent'], any(loader)),
        'CACHE_ARGUMENT_INVALID',
        /function/,
      );
    }
    for (const result of [undefined, null, {}, []]) {
      await expectRefused(
        (cache) => cache.getOrSetMany(['absent'], () => any(result)),
        'CACHE_ARGUMENT_INVALID',
        /Map/,
      );
    }
  });

  it('malformed tags, patterns, lists and options', async () => {
    const attempts: ((cache: CacheManager) => Promise<unknown>)[] = [
      (cache) => cache.invalidateTags(any('t')),
      (cache) => cache.invalidateTags(['t', '']),
      (cache) => cache.invalidateTags([any(5)]),
      (cache) => cache.invalidateTags(['\ud800']),
      (cache) => cache.set('k', 1, { tags: any('t') }),
      (cache) => cache.set('k', 1, { tags: [any(null)] }),
      (cache) => cache.set('k', 1, { tags: () => any('t') }),
      (cache) => cache.set('k', 1, { tags: Array.from({ length: 129 }, (_, i) => `t${i}`) }),
      (cache) => cache.getOrSet('absent', ({ addTags }) => (addTags(any('t')), 1)),
      (cache) => cache.clearPattern(''),
      (cache) => cache.clearPattern(any(undefined)),
      (cache) => cache.clearPattern('user:[a'),
      (cache) => cache.clearPattern('user:\\'),
      (cache) => cache.getMany(any('k')),
      (cache) => cache.getMany(any(undefined)),
      (cache) => cache.deleteMany(any(5)),
      (cache) => cache.setMany(any({ k: 1 })),
      (cache) => cache.setMany(any(['kv'])),
      (cache) => cache.get('k', any('x')),
      (cache) => cache.get('k', any(null)),
      (cache) => cache.get('k', { type: any('User') }),
      (cache) => cache.get('k', { isolation: any('deep') }),
      (cache) => cache.get('k', { tiers: any(['disk']) }),
      (cache) => cache.get('k', { tiers: [] }),
      async (cache) => cache.namespace(''),
      async (cache) => cache.namespace(any(5)),
    ];
    for (const attempt of attempts) await expectRefused(attempt, 'CACHE_ARGUMENT_INVALID');
  });
});
