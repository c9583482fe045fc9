import { subscribe, unsubscribe } from 'node:diagnostics_channel';

import { afterEach, describe, expect, it } from '@jest/globals';
import fc from 'fast-check';

import { type CacheOutcome, type CacheStats, DIAGNOSTICS_CHANNEL } from '../../lib/index.js';
import { benchOf, closeBenches, type Topology, TOPOLOGIES } from '../support/caches.js';
import { Deferred, settle } from '../support/deferred.js';

afterEach(closeBenches);

describe('stats', () => {
  it('counts what happens in each tier', async () => {
    const { cache, clock } = await benchOf('memory + redis');
    await cache.get('k');
    await cache.getOrSet('k', () => 1);
    await cache.getOrSet('k', () => 1);
    await cache.get('k', { tiers: ['redis'] });
    await cache.getMany(['k', 'x']);
    clock.advance(3_600_000);
    await cache.get('k');
    const stats = cache.stats();
    expect(stats).toMatchObject({ reads: 7, hits: 3, misses: 4, coalesced: 0, loads: 1, failedLoads: 0 });
    expect(stats.memory).toMatchObject({
      hits: 2,
      misses: 4,
      staleHits: 0,
      writes: 1,
      expirations: 1,
      entries: 0,
    });
    expect(stats.redis).toMatchObject({ hits: 1, misses: 4, staleHits: 0, writes: 1, errors: 0, corrupt: 0 });
    expect(stats.hitRate).toBeCloseTo(3 / 7);
    expect(Number.isNaN(Date.parse(stats.since))).toBe(false);
  });

  it('times loads, and shows those that are running', async () => {
    const { cache, clock } = await benchOf('memory');
    const row = new Deferred<number>();
    const load = cache.getOrSet('k', () => row.promise);
    const joined = cache.getOrSet('k', () => row.promise);
    await settle();
    expect(cache.stats()).toMatchObject({ loads: 1, loadsRunning: 1, loadTimeMs: 0 });
    clock.advance(40);
    row.resolve(1);
    await Promise.all([load, joined]);
    expect(cache.stats()).toMatchObject({
      loads: 1,
      loadsRunning: 0,
      loadTimeMs: 40,
      coalesced: 1,
      misses: 1,
      reads: 2,
    });
    await expect(cache.getOrSet('f', () => Promise.reject(new Error('no')))).rejects.toThrow('no');
    expect(cache.stats()).toMatchObject({ loads: 2, failedLoads: 1, loadsRunning: 0 });
  });

  it('does not count has and peek', async () => {
    const { cache } = await benchOf('memory + redis');
    await cache.set('k', 1, { tiers: ['redis'] });
    await cache.has('k');
    cache.peek('k');
    expect(cache.stats()).toMatchObject({ reads: 0, hits: 0, misses: 0 });
    expect(cache.peek('k')).toBeUndefined();
  });

  it('is a snapshot that never changes', async () => {
    const { cache } = await benchOf('memory + redis');
    const before = cache.stats();
    const copy = structuredClone(before);
    await cache.getOrSet('k', () => 1);
    expect(before).toStrictEqual(copy);
    expect(() => Object.assign(before, { reads: 1 })).toThrow(TypeError);
    expect(() => Object.assign(before.memory!.evictions, { maxSize: 1 })).toThrow(TypeError);
  });

  it('shows only the tiers there are', async () => {
    expect((await benchOf('memory')).cache.stats().redis).toBeUndefined();
    expect((await benchOf('redis')).cache.stats().memory).toBeUndefined();
  });
});

function expectRelations(stats: CacheStats, topology: Topology): void {
  expect(stats.hits).toBe((stats.memory?.hits ?? 0) + (stats.redis?.hits ?? 0));
  expect(stats.reads).toBe(stats.hits + stats.coalesced + stats.misses);
  expect(stats.loadsRunning).toBe(0);
  if (topology === 'memory') expect(stats.memory!.hits + stats.memory!.misses).toBe(stats.reads);
  if (topology === 'memory + redis') {
    expect(stats.memory!.hits + stats.memory!.misses).toBe(stats.reads);
    // Who joins a load of this process asks Redis nothing; who finds that somebody else has filled the key asked in vain.
    const asked = stats.redis!.hits + stats.redis!.misses;
    expect(asked).toBeLessThanOrEqual(stats.memory!.misses);
    expect(asked + stats.coalesced).toBeGreaterThanOrEqual(stats.memory!.misses);
  }
}

it.each(TOPOLOGIES)(
  'a batch that joins a load which fails, and one of no use to it, is counted: %s',
  async (topology) => {
    const { cache } = await benchOf(topology);
    const broken = async (): Promise<never> => {
      throw new Error('load failed');
    };
    const calls: Promise<unknown>[] = [
      cache.getOrSet('a', async () => 1, { tags: () => ['t'] }),
      cache.getOrSetMany(['b'], broken),
      cache.invalidateTags(['t']),
      cache.getOrSetMany(['b', 'a'], async () => new Map()),
    ];
    await Promise.allSettled(calls);
    expectRelations(cache.stats(), topology);
    await closeBenches();
  },
);

it.each(TOPOLOGIES)('the relations hold after any calls: %s', async (topology) => {
  const keys = fc.constantFrom('a', 'b', 'c:1', 'c:2');
  const call = fc.oneof(
    fc.record({ op: fc.constant('get' as const), key: keys }),
    fc.record({ op: fc.constant('getOrSet' as const), key: keys, fails: fc.boolean() }),
    fc.record({ op: fc.constant('getMany' as const), keys: fc.array(keys) }),
    fc.record({
      op: fc.constant('getOrSetMany' as const),
      keys: fc.array(keys),
      fails: fc.boolean(),
      gives: fc.array(keys),
    }),
    fc.record({ op: fc.constant('set' as const), key: keys }),
    fc.record({ op: fc.constant('delete' as const), key: keys }),
    fc.record({ op: fc.constant('clearPattern' as const) }),
    fc.record({ op: fc.constant('wait' as const), ms: fc.nat(2000) }),
  );
  await fc.assert(
    fc.asyncProperty(fc.array(fc.tuple(call, fc.boolean()), { maxLength: 30 }), async (calls) => {
      const { cache, clock } = await benchOf(topology, { defaults: { ttl: 1 } });
      const pending: Promise<unknown>[] = [];
      for (const [step, waits] of calls) {
        const fail = (): never => {
          throw new Error('load failed');
        };
        if (step.op === 'get') pending.push(cache.get(step.key));
        else if (step.op === 'getOrSet')
          pending.push(cache.getOrSet(step.key, async () => (step.fails ? fail() : 1)));
        else if (step.op === 'getMany') pending.push(cache.getMany(step.keys));
        else if (step.op === 'getOrSetMany') {
          const rows = new Map(step.gives.map((key) => [key, 1]));
          pending.push(cache.getOrSetMany(step.keys, async () => (step.fails ? fail() : rows)));
        } else if (step.op === 'set') pending.push(cache.set(step.key, 1));
        else if (step.op === 'delete') pending.push(cache.delete(step.key));
        else if (step.op === 'clearPattern') pending.push(cache.clearPattern('c:*'));
        else clock.advance(step.ms);
        if (waits) await Promise.allSettled(pending);
      }
      await Promise.allSettled(pending);
      expectRelations(cache.stats(), topology);
      await closeBenches();
    }),
    { numRuns: 300, verbose: 1 },
  );
});

describe('the diagnostics channel', () => {
  it('publishes every outcome, with keys and without values', async () => {
    const outcomes: CacheOutcome[] = [];
    const listen = (message: unknown): void => void outcomes.push(message as CacheOutcome);
    subscribe(DIAGNOSTICS_CHANNEL, listen);
    try {
      const { cache, clock, store, redis } = await benchOf('memory + redis', {
        name: 'shop',
        memory: { maxSize: 1 },
        maxStaleness: '2h',
      });
      await cache.getOrSet('k', () => 'secret');
      await cache.get('k');
      await cache.set('k2', 'secret');
      await cache.delete('k2');
      clock.advance(3_600_000);
      await expect(cache.getOrSet('k', () => Promise.reject(new Error('no')))).rejects.toThrow('no');
      redis.data.set('cache-shop:bad', { value: Buffer.from('?'), expiresAt: Infinity });
      await cache.get('bad');
      store.failure = new Error('connection lost');
      await cache.get('k');
    } finally {
      unsubscribe(DIAGNOSTICS_CHANNEL, listen);
    }
    const seen = outcomes.map(({ outcome, tier, key, reason, what }) =>
      [outcome, tier ?? reason, key ?? what].filter(Boolean).join(' '),
    );
    expect(seen).toStrictEqual([
      'resync start',
      'miss memory k',
      'miss redis k',
      'load k',
      'write redis k',
      'write memory k',
      'hit memory k',
      'evicted memory k',
      'write memory k2',
      'write redis k2',
      'invalidated set k2',
      'invalidated keys k2',
      'miss memory k',
      'miss redis k',
      'load-failed k',
      'miss memory bad',
      'corrupt redis bad',
      'miss redis bad',
      'miss memory k',
      'tier-failed redis',
      'miss redis k',
    ]);
    expect(new Set(outcomes.map(({ cache }) => cache))).toStrictEqual(new Set(['shop']));
    expect(JSON.stringify(outcomes)).not.toContain('secret');
  });
});
