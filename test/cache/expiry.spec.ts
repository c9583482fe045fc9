import { afterEach, describe, expect, it } from '@jest/globals';

import { benchOf, closeBenches, TOPOLOGIES } from '../support/caches.js';

/** The clock jumps here, as if nothing were heard of others for so long. */
const PATIENT = { maxStaleness: '30d' } as const;

describe.each(TOPOLOGIES)('expiry: %s', (topology) => {
  afterEach(closeBenches);

  it.each([
    [2, 2_000],
    [0.5, 500],
    ['250ms', 250],
    ['3s', 3_000],
    ['5m', 300_000],
    ['1.5h', 5_400_000],
    ['7d', 604_800_000],
  ] as const)('an entry with ttl %p lives for %d ms', async (ttl, ms) => {
    const { cache, clock } = await benchOf(topology, PATIENT);
    await cache.set('k', 'v', { ttl });
    clock.advance(ms - 1);
    await expect(cache.get('k')).resolves.toBe('v');
    await expect(cache.has('k')).resolves.toBe(true);
    clock.advance(1);
    await expect(cache.has('k')).resolves.toBe(false);
    expect(cache.peek('k')).toBeUndefined();
    await expect(cache.get('k')).resolves.toBeUndefined();
    await expect(cache.getOrSet('k', () => 'loaded')).resolves.toBe('loaded');
  });

  it('lives for an hour when nobody says otherwise', async () => {
    const { cache, clock } = await benchOf(topology, PATIENT);
    await cache.set('k', 'v');
    clock.advance(3_599_999);
    await expect(cache.has('k')).resolves.toBe(true);
    clock.advance(1);
    await expect(cache.has('k')).resolves.toBe(false);
  });

  it('is not prolonged by reads', async () => {
    const { cache, clock } = await benchOf(topology, PATIENT);
    await cache.getOrSet('k', () => 'v', { ttl: 10 });
    for (let i = 0; i < 9; i++) {
      clock.advance(1_000);
      await cache.getOrSet('k', () => 'later', { ttl: 10 });
    }
    clock.advance(1_000);
    await expect(cache.get('k')).resolves.toBeUndefined();
  });

  it('the loader’s ttl wins over the call’s, the call’s over the defaults', async () => {
    const { cache, clock } = await benchOf(topology, { ...PATIENT, defaults: { ttl: 30 } });
    await cache.getOrSet('loader', ({ setTtl }) => (setTtl(10), 1), { ttl: 20 });
    await cache.getOrSet('call', () => 1, { ttl: 20 });
    await cache.getOrSet('default', () => 1);
    const left = async (): Promise<string[]> => [
      ...(await cache.getMany(['loader', 'call', 'default'])).keys(),
    ];
    clock.advance(9_999);
    expect(await left()).toStrictEqual(['loader', 'call', 'default']);
    clock.advance(1);
    expect(await left()).toStrictEqual(['call', 'default']);
    clock.advance(10_000);
    expect(await left()).toStrictEqual(['default']);
    clock.advance(10_000);
    expect(await left()).toStrictEqual([]);
  });

  it('a batch loader may decide for one key or for all', async () => {
    const { cache, clock } = await benchOf(topology, PATIENT);
    await cache.getOrSetMany(['a', 'b', 'c', 'd'], (missing, { setTtl, addTags, skip }) => {
      setTtl(10);
      setTtl(20, 'b');
      setTtl(20, 'not of this batch');
      addTags(['t'], 'c');
      skip('d');
      return new Map(missing.map((key) => [key, key]));
    });
    await expect(cache.has('d')).resolves.toBe(false);
    await cache.invalidateTags(['t']);
    await expect(cache.has('c')).resolves.toBe(false);
    clock.advance(10_000);
    expect([...(await cache.getMany(['a', 'b'])).keys()]).toStrictEqual(['b']);
  });
});

describe('the ttl of the tiers', () => {
  afterEach(closeBenches);

  it('memory only: memory.ttl is what entries get that do not say', async () => {
    const { cache, clock } = await benchOf('memory', { memory: { ttl: 10 } });
    await cache.set('k', 1);
    await cache.set('long', 1, { ttl: 20 });
    clock.advance(10_000);
    expect([await cache.has('k'), await cache.has('long')]).toStrictEqual([false, true]);
  });

  it('both tiers: redis.ttl is what entries get, memory.ttl the longest a copy stays in memory', async () => {
    const { cache, clock } = await benchOf('memory + redis', {
      ...PATIENT,
      memory: { ttl: 10 },
      redis: { ttl: 60 },
    });
    await cache.set('k', 1);
    await cache.set('long', 1, { ttl: 120 });
    clock.advance(9_999);
    expect([cache.peek('k'), cache.peek('long')]).toStrictEqual([1, 1]);
    clock.advance(1);
    expect([cache.peek('k'), cache.peek('long')]).toStrictEqual([undefined, undefined]);
    expect([await cache.get('k'), cache.peek('k')]).toStrictEqual([1, 1]);
    clock.advance(50_000);
    expect([await cache.has('k'), await cache.has('long')]).toStrictEqual([false, true]);
  });

  it('without redis.ttl, memory.ttl stands in for it', async () => {
    const { cache, clock } = await benchOf('memory + redis', { memory: { ttl: 10 } });
    await cache.set('k', 1);
    clock.advance(10_000);
    await expect(cache.has('k')).resolves.toBe(false);
  });

  it('a copy brought up from Redis keeps the time it has left', async () => {
    const { cache, clock } = await benchOf('memory + redis', PATIENT);
    await cache.set('k', 1, { ttl: 100, tiers: ['redis'] });
    clock.advance(70_000);
    expect([cache.peek('k'), await cache.get('k'), cache.peek('k')]).toStrictEqual([undefined, 1, 1]);
    clock.advance(29_999);
    expect(cache.peek('k')).toBe(1);
    clock.advance(1);
    expect(cache.peek('k')).toBeUndefined();
  });
});
