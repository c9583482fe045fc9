import { afterEach, describe, expect, it } from '@jest/globals';

import type { CacheManager } from '../../lib/index.js';
import { benchOf, closeBenches } from '../support/caches.js';
import { failure } from '../support/deferred.js';

describe('memory in front of Redis', () => {
  afterEach(closeBenches);

  it('asks Redis once for what it then has in memory', async () => {
    const { cache, store } = await benchOf('memory + redis');
    await cache.set('k', { a: 1 }, { tiers: ['redis'] });
    await cache.get('k');
    await cache.get('k');
    await cache.getOrSet('k', () => ({ a: 2 }));
    await cache.getMany(['k']);
    expect(store.count('get')).toBe(1);
  });

  it('asks Redis for a batch with one call', async () => {
    const { cache, store } = await benchOf('memory + redis');
    await cache.set('a', 1);
    await cache.setMany([['b', 2], ['c', 3]], { tiers: ['redis'] }); // prettier-ignore
    await cache.getMany(['a', 'b', 'c', 'd']);
    expect(store.calls.filter(({ kind }) => kind === 'get').map(({ keys }) => keys)).toStrictEqual([
      ['cache:b', 'cache:c', 'cache:d'],
    ]);
    await cache.getOrSetMany(['e', 'f'], (missing) => new Map(missing.map((key) => [key, key])));
    expect(store.calls.slice(-4)).toStrictEqual([
      { kind: 'get', keys: ['cache:e', 'cache:f'] },
      { kind: 'claim', keys: ['cache:e', 'cache:f'] },
      { kind: 'fill', keys: ['cache:e'] },
      { kind: 'fill', keys: ['cache:f'] },
    ]);
  });

  it('reads and writes only the tiers a call names', async () => {
    const { cache, redis } = await benchOf('memory + redis');
    await cache.set('m', 1, { tiers: ['memory'] });
    await cache.set('r', 1, { tiers: ['redis'] });
    expect([cache.peek('m'), cache.peek('r')]).toStrictEqual([1, undefined]);
    expect(redis.keys()).toStrictEqual(['cache:r']);
    await expect(cache.get('r', { tiers: ['memory'] })).resolves.toBeUndefined();
    await expect(cache.get('m', { tiers: ['redis'] })).resolves.toBeUndefined();
    await expect(cache.get('r', { tiers: ['redis'] })).resolves.toBe(1);
    expect(cache.peek('r')).toBeUndefined();
    await cache.getOrSet('l', () => 1, { tiers: ['memory'] });
    expect(redis.data.has('cache:l')).toBe(false);
  });

  it('a set of one tier removes the older value from the other', async () => {
    const { cache } = await benchOf('memory + redis');
    await cache.set('a', 'old');
    await cache.set('a', 'new', { tiers: ['memory'] });
    await expect(cache.get('a', { tiers: ['redis'] })).resolves.toBeUndefined();
    await cache.set('b', 'old');
    await cache.set('b', 'new', { tiers: ['redis'] });
    await expect(cache.get('b')).resolves.toBe('new');
  });

  it('counts a key that only one of the tiers has', async () => {
    const { cache } = await benchOf('memory + redis');
    await cache.set('m', 1, { tiers: ['memory'] });
    await cache.set('r', 1, { tiers: ['redis'] });
    await cache.set('both', 1);
    await expect(cache.deleteMany(['m', 'r', 'both', 'none'])).resolves.toBe(3);
  });

  it('keeps a tag of an entry it brought up from Redis', async () => {
    const { cache, clock } = await benchOf('memory + redis', { memory: { ttl: 10 }, redis: { ttl: 60 } });
    await cache.set('k', 1, { tags: ['t'] });
    clock.advance(10_000);
    await cache.get('k');
    expect(cache.peek('k')).toBe(1);
    await cache.invalidateTags(['t']);
    expect(cache.peek('k')).toBeUndefined();
    await expect(cache.get('k')).resolves.toBeUndefined();
  });
});

describe('a Redis that fails', () => {
  afterEach(closeBenches);

  it('makes reads misses, and loads go on', async () => {
    const { cache, store } = await benchOf('memory + redis');
    await cache.set('r', 1, { tiers: ['redis'] });
    store.failure = new Error('connection lost');
    await expect(cache.get('r')).resolves.toBeUndefined();
    await expect(cache.has('r')).resolves.toBe(false);
    await expect(cache.getMany(['r'])).resolves.toStrictEqual(new Map());
    await expect(cache.getOrSet('k', () => 'loaded')).resolves.toBe('loaded');
    await expect(cache.getOrSetMany(['m'], () => new Map([['m', 1]]))).resolves.toStrictEqual(
      new Map([['m', 1]]),
    );
    expect([cache.peek('k'), cache.peek('m')]).toStrictEqual(['loaded', 1]);
    expect(cache.stats().redis?.errors).toBeGreaterThan(0);
  });

  const WRITES: readonly [string, (cache: CacheManager) => Promise<unknown>][] = [
    ['set', (cache) => cache.set('a', 'new')],
    ['delete', (cache) => cache.delete('a')],
    ['invalidateTags', (cache) => cache.invalidateTags(['t'])],
    ['a prefix', (cache) => cache.clearPattern('a:*')],
    ['a pattern', (cache) => cache.clearPattern('?')],
    ['clear', (cache) => cache.clear()],
  ];

  it.each(WRITES)('lets %s take effect here, and hears of it when it is back', async (name, write) => {
    const { cache, store, clock, redis } = await benchOf('memory + redis');
    await cache.set('a', 'old', { tags: ['t'] });
    await cache.set('a:1', 'old');
    store.failure = new Error('connection lost');
    await write(cache);
    const left: Readonly<Record<string, readonly unknown[]>> = {
      set: ['new', 'old'],
      'a prefix': ['old', undefined],
      clear: [undefined, undefined],
    };
    const expected = left[name] ?? [undefined, 'old'];
    expect([cache.peek('a'), cache.peek('a:1')]).toStrictEqual(expected);
    expect(cache.stats().coherence?.queued).toBe(1);

    // What Redis has may be what was invalidated: nothing is read there and nothing stored, until it has been told.
    await expect(cache.get('a', { tiers: ['redis'] })).resolves.toBeUndefined();
    await expect(cache.getOrSet('b', () => 1)).resolves.toBe(1);
    await clock.pass(5_000);
    expect(cache.stats().coherence?.queued).toBe(1);
    expect(redis.keys()).toStrictEqual(['cache:a', 'cache:a:1']);

    store.failure = undefined;
    await clock.pass(1_000);
    expect(cache.stats().coherence?.queued).toBe(0);
    const resting = [
      await cache.get('a', { tiers: ['redis'] }),
      await cache.get('a:1', { tiers: ['redis'] }),
    ];
    expect(resting).toStrictEqual(name === 'set' ? [undefined, 'old'] : expected);
    expect(cache.peek('a')).toBe(name === 'a prefix' ? 'old' : expected[0]);
  });

  it.each(WRITES)('lets %s reject as well if it is to be strict', async (name, write) => {
    const { cache, store, clock } = await benchOf('memory + redis', { defaults: { strict: true } });
    await cache.set('a', 'old', { tags: ['t'] });
    store.failure = new Error('connection lost');
    for (let i = 0; i < 2; i++) {
      const error = await failure(write(cache));
      expect(error).toMatchObject({ code: 'CACHE_STORE_FAILED', cause: store.failure });
      expect(cache.stats().coherence?.queued).toBe(1);
    }
    expect(cache.peek('a')).toBe({ set: 'new', 'a prefix': 'old' }[name]);
    store.failure = undefined;
    await write(cache);
    await clock.pass(1_000);
    expect(cache.stats().coherence?.queued).toBe(0);
  });

  it('lets a set be strict that others are not', async () => {
    const { cache, store } = await benchOf('memory + redis');
    store.failure = new Error('connection lost');
    await cache.set('a', 1);
    expect(await failure(cache.set('a', 2, { strict: true }))).toMatchObject({ code: 'CACHE_STORE_FAILED' });
    expect(cache.peek('a')).toBe(2);
    const place = () => ({ key: 'a', options: { strict: true } });
    expect(await failure(cache.setResult(async () => 3, place))).toMatchObject({
      code: 'CACHE_STORE_FAILED',
    });
    expect(cache.peek('a')).toBeUndefined();
  });
});

describe('what comes back from Redis', () => {
  afterEach(closeBenches);

  const damage: readonly [string, (bytes: Buffer) => Buffer][] = [
    ['nothing', () => Buffer.alloc(0)],
    ['text', () => Buffer.from('{"a":1}')],
    ['a cut-off envelope', (bytes) => bytes.subarray(0, 10)],
    ['a cut-off value', (bytes) => bytes.subarray(0, bytes.length - 2)],
    ['another version', (bytes) => (bytes.writeUInt8(200, 2), bytes)],
    ['another codec', (bytes) => (bytes.writeUInt8(0x41, 4), bytes)],
    ['tags without end', (bytes) => (bytes.writeUInt32LE(0xffffffff, bytes.readUInt8(3) + 56), bytes)],
    ['an expiry that is no number', (bytes) => (bytes.writeDoubleLE(NaN, bytes.readUInt8(3) + 36), bytes)],
    [
      'a clock value that is no number',
      (bytes) => (bytes.writeDoubleLE(NaN, bytes.readUInt8(3) + 20), bytes),
    ],
    ['garbage behind the envelope', (bytes) => bytes.fill(0xff, bytes.readUInt8(3) + 64)],
  ];

  it.each(damage)('%s is a miss, is reported, and is replaced by the next load', async (_, spoil) => {
    const reads: readonly ((cache: CacheManager) => Promise<unknown>)[] = [
      (cache) => cache.get('k'),
      async (cache) => ((await cache.has('k')) ? 'there' : undefined),
      async (cache) => (await cache.getMany(['k'])).get('k'),
      (cache) => cache.getOrSet('k', () => undefined),
    ];
    for (const topology of ['redis', 'memory + redis'] as const) {
      const { cache, redis } = await benchOf(topology);
      for (const [i, read] of reads.entries()) {
        await cache.set('k', { a: [1, 2, 3] }, { tiers: ['redis'] });
        const stored = redis.data.get('cache:k')!;
        stored.value = spoil(Buffer.from(stored.value));
        await expect(read(cache)).resolves.toBeUndefined();
        expect(cache.stats().redis?.corrupt).toBe(i + 1);
        // It was removed by the one who found it.
        expect(redis.keys()).toStrictEqual([]);
      }
      await expect(cache.getOrSet('k', () => 'loaded')).resolves.toBe('loaded');
      await expect(cache.get('k')).resolves.toBe('loaded');
    }
  });
});
