// Races between processes, one by one. P and Q are instances on one Redis.
import { afterEach, describe, expect, it } from '@jest/globals';

import { type Bench, benchesOf, closeBenches, SHARED_TOPOLOGIES } from '../support/caches.js';
import { breathe, Deferred } from '../support/deferred.js';

const KEY = 'user:1';

afterEach(closeBenches);

/** Executes and answers commands up to the first fill, which is left waiting. */
async function runToFill({ store }: Bench): Promise<void> {
  await breathe();
  while (store.waiting()[0] !== 'fill' && store.execute() + store.reply() > 0) await breathe();
}

describe.each(SHARED_TOPOLOGIES)('%s', (topology) => {
  it('a message that overtakes the reply to an older read keeps it out of memory', async () => {
    const [p, q] = (await benchesOf(topology, 2)) as [Bench, Bench];
    for (const invalidate of [
      () => p.cache.delete(KEY),
      () => p.cache.set(KEY, 'new'),
      () => p.cache.invalidateTags(['t']),
      () => p.cache.clearPattern('user:*'),
      () => p.cache.clearPattern('u?er*'),
      () => p.cache.clear(),
    ]) {
      await p.cache.set(KEY, 'old', { tags: ['t'] });
      q.store.hold();
      const reads = [q.cache.get(KEY), q.cache.getMany([KEY])];
      await breathe();
      q.store.execute(Infinity);
      await invalidate();
      await breathe();
      q.store.release();
      await Promise.all(reads);
      expect(q.cache.peek(KEY)).toBeUndefined();
      await expect(q.cache.get(KEY)).resolves.not.toBe('old');
      await p.cache.clear();
    }
  });

  it('of two sets the later one stays, when its message overtakes the reply to the earlier one', async () => {
    const [p, q] = (await benchesOf(topology, 2)) as [Bench, Bench];
    p.store.hold();
    const first = p.cache.set(KEY, 'P');
    await breathe();
    p.store.execute(Infinity);
    await q.cache.set(KEY, 'Q');
    await breathe();
    p.store.release();
    await first;
    for (const { cache } of [p, q]) {
      expect(['Q', undefined]).toContain(cache.peek(KEY));
      await expect(cache.get(KEY)).resolves.toBe('Q');
    }
  });

  it('of two sets the later one stays, when the message of the earlier one comes last', async () => {
    const [p, q] = (await benchesOf(topology, 2)) as [Bench, Bench];
    p.store.feed.hold();
    await q.cache.set(KEY, 'Q');
    await p.cache.set(KEY, 'P');
    p.store.feed.release();
    await breathe();
    for (const { cache } of [p, q]) {
      expect(['P', undefined]).toContain(cache.peek(KEY));
      await expect(cache.get(KEY)).resolves.toBe('P');
    }
  });

  it('a tag that is computed from the value counts from before the load', async () => {
    const [p, q] = (await benchesOf(topology, 2)) as [Bench, Bench];
    const row = new Deferred<string>();
    p.store.feed.hold();
    const load = p.cache.getOrSet(KEY, () => row.promise, { tags: (value) => [`is ${value}`] });
    await breathe();
    await q.cache.invalidateTags(['is old']);
    row.resolve('old');
    await expect(load).resolves.toBe('old');
    expect(p.cache.stats().refusedFills).toBe(topology.endsWith('cluster') ? 0 : 1);
    await expect(q.cache.get(KEY)).resolves.toBeUndefined();
    p.store.feed.release();
    await breathe();
    expect(p.cache.peek(KEY)).toBeUndefined();
    await expect(p.cache.get(KEY)).resolves.toBeUndefined();
  });

  it('an own number that is known before the message of an earlier one is no gap', async () => {
    const [p, q] = (await benchesOf(topology, 2)) as [Bench, Bench];
    p.store.feed.hold();
    await q.cache.invalidateTags(['t']);
    await p.cache.invalidateTags(['other']);
    // It begins after both, and P knows that.
    await p.cache.getOrSet(KEY, () => 'new', { tags: ['t'] });
    p.store.feed.release();
    await breathe();
    await q.clock.pass(3_000);
    for (const { cache } of [p, q]) {
      await expect(cache.get(KEY, { tiers: ['redis'] })).resolves.toBe('new');
      expect(cache.stats().coherence?.resyncs).toBe(0);
    }
  });

  it('an own number that is known before the message of an earlier one makes no older load valid', async () => {
    for (const invalidate of [
      ({ cache }: Bench) => cache.invalidateTags(['t']),
      ({ cache }: Bench) => cache.clearPattern('user:*'),
    ]) {
      const [p, q] = (await benchesOf(topology, 2)) as [Bench, Bench];
      const row = new Deferred<string>();
      p.store.feed.hold();
      const load = p.cache.getOrSet(KEY, () => row.promise, { tags: ['t'] });
      await breathe();
      await invalidate(q);
      await p.cache.invalidateTags(['other']);
      row.resolve('old');
      await load;
      await expect(q.cache.get(KEY)).resolves.toBeUndefined();
      p.store.feed.release();
      await breathe();
      for (const { cache } of [p, q]) await expect(cache.get(KEY)).resolves.toBeUndefined();
      await closeBenches();
    }
  });

  it('whoever hears of an invalidation finds it done', async () => {
    const [p, q] = (await benchesOf(topology, 2)) as [Bench, Bench];
    for (const invalidate of [() => p.cache.delete(KEY), () => p.cache.clearPattern('?ser*')]) {
      await q.cache.set(KEY, 'old');
      await breathe();
      const before = q.cache.stats().coherence!.received;
      p.store.hold();
      const done = invalidate();
      await breathe();
      for (let steps = 0; q.cache.stats().coherence!.received === before; steps++) {
        expect(steps).toBeLessThan(10);
        // In a cluster the node of the clock is the faster one.
        if (p.store.execute(1, 'clock') === 0) p.store.execute(1);
        p.store.reply(1);
        await breathe();
      }
      expect(q.redis.keys()).toStrictEqual([]);
      p.store.release();
      await done;
    }
  });

  it('what a view invalidates is invalidated in the same view of the others', async () => {
    const [p, q] = (await benchesOf(topology, 2)) as [Bench, Bench];
    for (const invalidate of [
      (cache: Bench['cache']) => cache.delete('k:1'),
      (cache: Bench['cache']) => cache.clearPattern('k:*'),
      (cache: Bench['cache']) => cache.clearPattern('?:1'),
      (cache: Bench['cache']) => cache.clear(),
    ]) {
      const views = [q.cache, q.cache.namespace('v'), q.cache.namespace('v').namespace('w')];
      for (const view of views) await view.set('k:1', 1);
      await invalidate(p.cache.namespace('v'));
      await breathe();
      const left = await Promise.all(views.map((view) => view.has('k:1')));
      expect(left.slice(0, 2)).toStrictEqual([true, false]);
      await p.cache.clear();
      await breathe();
    }
  });

  it('fills are not announced', async () => {
    const [p, q] = (await benchesOf(topology, 2)) as [Bench, Bench];
    await p.cache.getOrSet('a', () => 1);
    await p.cache.getOrSetMany(['b', 'c'], (keys) => new Map(keys.map((key) => [key, 1])));
    await q.cache.getMany(['a', 'b', 'c']);
    await breathe();
    expect(p.store.count('announce') + q.store.count('announce')).toBe(0);
    expect(q.cache.stats().coherence?.received).toBe(0);
  });
});

describe('on one Redis', () => {
  it('a fill that arrives after an invalidation of its tag is refused', async () => {
    const [p, q] = (await benchesOf('memory + redis', 2)) as [Bench, Bench];
    for (const invalidate of [
      () => q.cache.invalidateTags(['t']),
      () => q.cache.clearPattern('user:*'),
      () => q.cache.clear(),
    ]) {
      p.store.hold();
      p.store.feed.hold();
      const load = p.cache.getOrSet(KEY, () => 'old', { tags: ['t'] });
      await runToFill(p);
      expect(p.store.waiting()).toStrictEqual(['fill']);
      const refused = p.cache.stats().refusedFills;
      await invalidate();
      p.store.release();
      await expect(load).resolves.toBe('old');
      expect(p.cache.stats().refusedFills).toBe(refused + 1);
      expect(p.cache.peek(KEY)).toBeUndefined();
      expect(q.redis.keys()).toStrictEqual([]);
      p.store.feed.release();
      await breathe();
    }
  });

  it('an invalidation that concerns something else refuses no fill', async () => {
    const [p, q] = (await benchesOf('memory + redis', 2)) as [Bench, Bench];
    p.store.feed.hold();
    const row = new Deferred<string>();
    const load = p.cache.getOrSet(KEY, () => row.promise, { tags: ['t'] });
    await breathe();
    await q.cache.invalidateTags(['other']);
    await q.cache.clearPattern('other:*');
    await q.cache.clearPattern('*other*');
    await q.cache.deleteMany(['other']);
    row.resolve('row');
    await load;
    expect(q.redis.keys()).toStrictEqual([`cache:${KEY}`]);
    p.store.feed.release();
    await breathe();
    await expect(p.cache.get(KEY)).resolves.toBe('row');
    await expect(q.cache.get(KEY)).resolves.toBe('row');
  });
});
