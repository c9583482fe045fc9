import { afterEach, describe, expect, it } from '@jest/globals';

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
    expect(store.count('get')).toBe(2);
    expect(store.calls.at(-1)).toStrictEqual({ kind: 'set', keys: ['cache:e', 'cache:f'] });
  });

  it('reads and writes only the tiers a call names', async () => {
    const { cache, store } = await benchOf('memory + redis');
    await cache.set('m', 1, { tiers: ['memory'] });
    await cache.set('r', 1, { tiers: ['redis'] });
    expect([cache.peek('m'), cache.peek('r')]).toStrictEqual([1, undefined]);
    expect([...store.data.keys()]).toStrictEqual(['cache:r']);
    await expect(cache.get('r', { tiers: ['memory'] })).resolves.toBeUndefined();
    await expect(cache.get('m', { tiers: ['redis'] })).resolves.toBeUndefined();
    await expect(cache.get('r', { tiers: ['redis'] })).resolves.toBe(1);
    expect(cache.peek('r')).toBeUndefined();
    await cache.getOrSet('l', () => 1, { tiers: ['memory'] });
    expect(store.data.has('cache:l')).toBe(false);
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

  it('lets writes and invalidations take effect here, and says that Redis was not told', async () => {
    const { cache, store } = await benchOf('memory + redis');
    await cache.set('a', 'old');
    await cache.set('b', 'old', { tags: ['t'] });
    store.failure = new Error('connection lost');
    const attempts = [
      cache.set('a', 'new'),
      cache.delete('x'),
      cache.invalidateTags(['t']),
      cache.clearPattern('z*'),
    ];
    for (const attempt of attempts) {
      expect(await failure(attempt)).toMatchObject({ code: 'CACHE_STORE_FAILED', cause: store.failure });
    }
    expect([cache.peek('a'), cache.peek('b')]).toStrictEqual(['new', undefined]);
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
    ['tags without end', (bytes) => (bytes.writeUInt32LE(0xffffffff, bytes.readUInt8(3) + 12), bytes)],
    ['an expiry that is no number', (bytes) => (bytes.writeDoubleLE(NaN, bytes.readUInt8(3) + 4), bytes)],
    ['garbage behind the envelope', (bytes) => bytes.fill(0xff, bytes.readUInt8(3) + 16)],
  ];

  it.each(damage)('%s is a miss, is reported, and is replaced by the next load', async (_, spoil) => {
    for (const topology of ['redis', 'memory + redis'] as const) {
      const { cache, store } = await benchOf(topology);
      await cache.set('k', { a: [1, 2, 3] }, { tiers: ['redis'] });
      const stored = store.data.get('cache:k')!;
      stored.value = spoil(Buffer.from(stored.value));
      await expect(cache.get('k')).resolves.toBeUndefined();
      await expect(cache.has('k')).resolves.toBe(false);
      await expect(cache.getMany(['k'])).resolves.toStrictEqual(new Map());
      expect(cache.stats().redis?.corrupt).toBeGreaterThanOrEqual(2);
      await expect(cache.getOrSet('k', () => 'loaded')).resolves.toBe('loaded');
      await expect(cache.get('k')).resolves.toBe('loaded');
    }
  });

  it('what cannot be read may carry any tag, and goes with each of them', async () => {
    const { cache, store } = await benchOf('redis');
    store.data.set('cache:k', { value: Buffer.from('?'), expiresAt: Infinity });
    await cache.invalidateTags(['t']);
    expect(store.data.has('cache:k')).toBe(false);
  });
});
