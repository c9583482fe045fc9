// What operators see of invalidations between instances. P and Q are instances on one Redis.
import { afterEach, describe, expect, it } from '@jest/globals';

import type { CacheManager } from '../../lib/index.js';
import { SHARED_TOPOLOGIES } from '../support/caches.js';
import { breathe, Deferred } from '../support/deferred.js';
import { closeInstances, type Instance, openPair } from './instances.js';

afterEach(closeInstances);

describe.each(SHARED_TOPOLOGIES)('%s', (topology) => {
  const inMemory = topology.startsWith('memory');

  const pair = (): Promise<[p: Instance, q: Instance]> =>
    openPair(topology, ['k:1', 'k:2', 'other'].map((key) => [key, 1, ['t']] as const)); // prettier-ignore

  // The third is how many entries memory drops on the spot.
  it.each([
    ['keys', ['k:1'], 1, (cache: CacheManager) => cache.delete('k:1')],
    ['keys', ['k:1', 'x'], 1, (cache: CacheManager) => cache.deleteMany(['k:1', 'x'])],
    ['tags', ['t', 'u'], 3, (cache: CacheManager) => cache.invalidateTags(['t', 'u'])],
    ['prefix', ['k:*'], 2, (cache: CacheManager) => cache.clearPattern('k:*')],
    ['prefix', ['*'], 3, (cache: CacheManager) => cache.clear()],
    ['pattern', ['?:1'], 1, (cache: CacheManager) => cache.clearPattern('?:1')],
    ['prefix', ['~v:*'], 0, (cache: CacheManager) => cache.namespace('v').clear()],
    ['several', ['~v:k:1', 't', '~v:?'], 3, (cache: CacheManager) => several(cache.namespace('v'))],
  ] as const)('%s: %j', async (reason, what, dropped, invalidate) => {
    const [p, q] = await pair();
    const origin = p.cache.stats().coherence!.instance;
    expect(q.cache.stats().coherence!.instance).not.toBe(origin);
    await invalidate(p.cache);
    await breathe();
    const clock = p.redis.books.reading!.clock;
    const entries = inMemory ? dropped : 0;
    const told = { outcome: 'invalidated', reason, what, origin, clock, entries };
    expect(p.events.all.filter(({ outcome }) => outcome === 'invalidated')).toStrictEqual([
      { cache: 'p', ...told },
    ]);
    expect(q.events.all.filter(({ outcome }) => outcome === 'invalidated')).toStrictEqual([
      { cache: 'q', ...told, durationMs: 0 },
    ]);
    expect(q.cache.stats()).toMatchObject({ invalidations: 0, coherence: { received: 4 } });
  });

  it('what an invalidation concerned is counted once', async () => {
    const [p] = await pair();
    await p.cache.clearPattern('k:*');
    await p.cache.invalidateTags(['t']);
    const invalidated = p.events.all.filter(({ outcome }) => outcome === 'invalidated');
    expect(invalidated.map(({ entries }) => entries)).toStrictEqual(inMemory ? [2, 1] : [0, 0]);
  });

  it('a set is told of as a set where it is done, and as keys elsewhere', async () => {
    const [p, q] = await pair();
    await p.cache.setMany([['k:1', 2], ['k:2', 2]]); // prettier-ignore
    await breathe();
    expect(p.events.of('invalidated')).toStrictEqual(['invalidated set']);
    expect(q.events.of('invalidated')).toStrictEqual(['invalidated keys']);
  });

  it('how long messages are under way', async () => {
    const [p, q] = await pair();
    q.store.feed.hold();
    await p.cache.delete('k:1');
    q.clock.advance(40);
    q.store.feed.release();
    await breathe();
    await p.cache.delete('k:2');
    await breathe();
    expect(q.cache.stats().coherence).toMatchObject({ lagMs: 0, longestLagMs: 40, received: 5 });
    expect(p.cache.stats().coherence).toMatchObject({ lagMs: 0, longestLagMs: 0, received: 0 });
  });

  it('what looking for a pattern, and tidying up behind a prefix, costs', async () => {
    const [p] = await pair();
    await p.cache.clearPattern('*:1');
    await p.cache.clear();
    await p.clock.pass(1_000);
    const costs = p.events.all.filter(({ outcome }) => outcome === 'scanned' || outcome === 'swept');
    expect(costs).toMatchObject([
      { outcome: 'scanned', what: ['*:1'], looked: 3, entries: 1 },
      { outcome: 'swept', looked: 2, entries: 2 },
    ]);
    expect(p.redis.keys()).toStrictEqual([]);
  });

  it('waits, flights that were broken, and fills that were refused', async () => {
    const [p, q] = await pair();
    const row = new Deferred<string>();
    const load = p.cache.getOrSet('new', () => row.promise);
    await breathe();
    const waits = q.cache.getOrSet('new', () => 'row of Q');
    await p.clock.pass(100);
    await q.cache.delete('new');
    await p.clock.pass(200);
    row.resolve('row of P');
    await Promise.all([load, waits]);
    expect(p.events.of('flight-broken', 'fill-refused')).toStrictEqual(['fill-refused', 'flight-broken']);
    expect(p.cache.stats()).toMatchObject({ refusedFills: 1, brokenFlights: 1 });
    expect(q.events.of('lease-wait')).toHaveLength(1);
    expect(q.cache.stats().coherence!.leaseWaits).toBe(1);
    expect(q.cache.stats().coherence!.leaseWaitMs).toBeGreaterThanOrEqual(100);
  });
});

/** As a decorated method invalidates. */
function several(cache: CacheManager): Promise<void> {
  return cache.invalidate(['k:1'], ['t'], ['?']);
}
