// What the options of a cache do, one by one.
import 'reflect-metadata';

import { afterEach, describe, expect, it, jest } from '@jest/globals';

import type { CacheCodec, CacheManager } from '../../lib/index.js';
import { jsonCodec } from '../../lib/index.js';
import { benchOf, closeBenches, TOPOLOGIES } from '../support/caches.js';
import { Deferred, failure, settle } from '../support/deferred.js';

afterEach(closeBenches);

describe('a codec of one’s own', () => {
  function countingCodec(id: string): CacheCodec & { encoded: number; decoded: number } {
    return {
      id,
      encoded: 0,
      decoded: 0,
      encode(value) {
        this.encoded++;
        return Buffer.from(JSON.stringify({ wrapped: value }));
      },
      decode(bytes) {
        this.decoded++;
        return (JSON.parse(Buffer.from(bytes).toString()) as { wrapped: unknown }).wrapped;
      },
    };
  }

  it.each(TOPOLOGIES)('is used in every tier: %s', async (topology) => {
    const codec = countingCodec('mine.1');
    const { cache, redis } = await benchOf(topology, { codec });
    await cache.set('k', { a: 1 });
    await expect(cache.get('k')).resolves.toStrictEqual({ a: 1 });
    expect([codec.encoded, codec.decoded]).toStrictEqual([1, 1]);
    if (topology !== 'memory')
      expect(redis.data.get('cache:k')!.value.toString('latin1')).toContain('mine.1');
  });

  it('takes what another codec wrote for a miss', async () => {
    const written = await benchOf('redis', { codec: countingCodec('mine.1') });
    await written.cache.set('k', 1);
    const { cache } = await benchOf('redis', { codec: countingCodec('mine.2') }, written.redis);
    await expect(cache.get('k')).resolves.toBeUndefined();
    expect(cache.stats().redis?.corrupt).toBe(1);
  });

  it('may refuse a value with any error, which names the key', async () => {
    const codec = { ...jsonCodec, encode: () => Promise.reject(new Error('unused')) as never };
    codec.encode = () => {
      throw new TypeError('too blue');
    };
    const { cache } = await benchOf('memory', { codec });
    const error = await failure(cache.set('k', 1));
    expect(error).toMatchObject({
      code: 'CACHE_VALUE_UNSUPPORTED',
      key: 'k',
      cause: { message: 'too blue' },
    });
  });
});

describe('defaults for entries', () => {
  it('tags, unless the call names its own', async () => {
    const { cache } = await benchOf('memory', { defaults: { tags: ['all'] } });
    await cache.set('a', 1);
    await cache.set('b', 1, { tags: ['own'] });
    await cache.invalidateTags(['all']);
    expect([cache.peek('a'), cache.peek('b')]).toStrictEqual([undefined, 1]);
  });

  it('tiers, unless the call names its own', async () => {
    const { cache, redis } = await benchOf('memory + redis', { defaults: { tiers: ['redis'] } });
    await cache.set('a', 1);
    await cache.set('b', 1, { tiers: ['memory'] });
    expect(redis.keys()).toStrictEqual(['cache:a']);
    await expect(cache.get('a')).resolves.toBe(1);
    expect(cache.peek('a', { tiers: ['memory'] })).toBeUndefined();
    expect(cache.peek('b', { tiers: ['memory'] })).toBe(1);
  });

  it.each(['clone', 'share'] as const)('isolation %s, which no other reader undoes', async (isolation) => {
    const { cache } = await benchOf('memory', { defaults: { isolation } });
    await cache.set('k', { list: [1] });
    for (const other of ['freeze', 'share', 'clone'] as const) {
      await cache.get('k', { isolation: other });
      expect(Object.isFrozen(await cache.get('k'))).toBe(false);
    }
    expect((await cache.get('k')) === (await cache.get('k'))).toBe(isolation === 'share');
  });

  it('type', async () => {
    class User {
      name!: string;
    }
    const { cache } = await benchOf('memory', { defaults: { type: User } });
    await cache.set('k', { name: 'Ada' });
    expect(await cache.get('k')).toBeInstanceOf(User);
    expect(await cache.get('k')).toBeInstanceOf(User);
  });

  it('a reader who shares does not change what others read', async () => {
    const { cache } = await benchOf('memory');
    await cache.set('k', { n: 1 });
    const shared = (await cache.get<{ n: number }>('k', { isolation: 'share' }))!;
    shared.n = 2;
    await expect(cache.get('k')).resolves.toStrictEqual({ n: 1 });
    await expect(cache.get('k', { isolation: 'share' })).resolves.toBe(shared);
  });
});

describe('the sweeper', () => {
  it('runs by itself, and not after the cache was closed', async () => {
    const ticks: (() => void)[] = [];
    const timer = jest.spyOn(globalThis, 'setInterval').mockImplementation((tick: () => void) => {
      ticks.push(tick);
      return setTimeout(() => {}, 0);
    });
    const cleared = jest.spyOn(globalThis, 'clearInterval');
    try {
      const { cache, clock, close } = await benchOf('memory');
      await cache.set('k', 1, { ttl: 1 });
      clock.advance(1_000);
      expect(cache.stats().memory?.entries).toBe(1);
      expect(ticks).toHaveLength(1);
      ticks[0]!();
      expect(cache.stats().memory).toMatchObject({ entries: 0, expirations: 1 });
      await close();
      expect(cleared.mock.calls[0]![0]).toBe(timer.mock.results[0]!.value);
    } finally {
      timer.mockRestore();
      cleared.mockRestore();
    }
  });
});

describe('errors', () => {
  it.each(TOPOLOGIES)('name the key as its user knows it, in views too: %s', async (topology) => {
    const { cache: root } = await benchOf(topology);
    for (const cache of [root, root.namespace('tenant'), root.namespace('a').namespace('~b:c')]) {
      const attempts: ((cache: CacheManager) => Promise<unknown>)[] = [
        (one) => one.set('user:1', () => 1),
        (one) => one.set('user:1', 1, { ttl: -1 }),
        (one) => one.get('user:1', { tl: 1 } as never),
        (one) => one.getOrSet('user:1', 5 as never),
        (one) => one.getOrSet('user:1', ({ setTtl }) => (setTtl(-1), 1)),
        (one) => one.getOrSet('user:1', () => one.getOrSet('user:1', () => 1)),
      ];
      for (const attempt of attempts) {
        const error = await failure(attempt(cache));
        expect(error.key).toBe('user:1');
        expect(error.message).toContain("'user:1'");
        expect(error.message).not.toContain('~');
      }
    }
  });

  it('say which option of a call is unknown', async () => {
    const { cache } = await benchOf('memory');
    expect((await failure(cache.set('k', 1, { tll: 5 } as never))).message).toMatch(/did you mean 'ttl'/);
  });
});

describe('loads and batches', () => {
  it.each(TOPOLOGIES)(
    'those whom a batch left without a value share the load that follows: %s',
    async (topology) => {
      const { cache } = await benchOf(topology);
      const rows = new Deferred<Map<string, number>>();
      const batch = cache.getOrSetMany(['a', 'b'], () => rows.promise);
      await settle();
      let loads = 0;
      const all = Array.from({ length: 10 }, () => cache.getOrSet('b', async () => ++loads));
      rows.resolve(new Map([['a', 1]]));
      expect(new Set(await Promise.all(all))).toStrictEqual(new Set([1]));
      await batch;
      const { reads, hits, misses, coalesced } = cache.stats();
      expect(reads).toBe(hits + misses + coalesced);
    },
  );

  it('a loader that looks at its signal only after the cache closed finds it aborted', async () => {
    const { cache, close } = await benchOf('memory');
    const go = new Deferred<void>();
    const seen = cache.getOrSet('k', async (context) => {
      await go.promise;
      return context.signal.aborted;
    });
    await close();
    go.resolve();
    await expect(seen).resolves.toBe(true);
  });

  it('a method whose result cannot be cached leaves no older value behind', async () => {
    const { cache } = await benchOf('memory + redis');
    await cache.set('k', 'old');
    const place = () => ({ key: 'k', options: {} });
    expect(await failure(cache.setResult(async () => () => 1, place))).toMatchObject({
      code: 'CACHE_VALUE_UNSUPPORTED',
    });
    await expect(cache.get('k')).resolves.toBeUndefined();
  });

  it('a method that runs through very many invalidations stores nothing, and remembers little', async () => {
    const { cache } = await benchOf('memory');
    const row = new Deferred<string>();
    const update = cache.setResult(
      () => row.promise,
      () => ({ key: 'k', options: {} }),
    );
    await settle();
    for (let i = 0; i < 11; i++)
      await cache.deleteMany(Array.from({ length: 1_000 }, (_, n) => `x${i}:${n}`));
    row.resolve('result');
    await update;
    await expect(cache.get('k')).resolves.toBeUndefined();
  });

  it('reads with bad keys leave the statistics as they were', async () => {
    const { cache } = await benchOf('memory');
    await failure(cache.getMany(['a', '\ud800']));
    await failure(cache.getOrSetMany(['a', '\ud800'], () => new Map()));
    await failure(cache.getOrSet('k', () => cache.getOrSet('k', () => 1)));
    const { reads, hits, misses, coalesced } = cache.stats();
    expect(reads).toBe(hits + misses + coalesced);
  });
});
