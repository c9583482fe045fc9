// An instance that hears nothing of the others, or finds Redis again. P and Q are instances on one Redis.
import { afterEach, describe, expect, it } from '@jest/globals';

import { jsonCodec } from '../../lib/index.js';
import { redisFor, SHARED_TOPOLOGIES } from '../support/caches.js';
import { breathe, Deferred } from '../support/deferred.js';
import { closeInstances, type Instance, openInstance } from './instances.js';

afterEach(closeInstances);

describe.each(SHARED_TOPOLOGIES)('%s', (topology) => {
  async function pair(): Promise<[p: Instance, q: Instance]> {
    const redis = redisFor(topology);
    const p = await openInstance('p', topology, redis);
    return [p, await openInstance('q', topology, redis)];
  }

  describe('silence', () => {
    it('makes an instance serve only what is younger than maxStaleness', async () => {
      const [p, q] = await pair();
      await p.cache.set('k', 'old');
      await breathe();
      await q.cache.get('k');
      q.store.feed.hold();
      await q.clock.pass(9_900);
      await q.cache.getOrSet('young', () => 1);
      await q.clock.pass(200);
      // Neither from memory nor from Redis.
      expect(q.cache.peek('k')).toBeUndefined();
      await expect(q.cache.get('k')).resolves.toBeUndefined();
      await expect(q.cache.getMany(['k', 'young'])).resolves.toStrictEqual(new Map([['young', 1]]));
      await expect(q.cache.has('young')).resolves.toBe(true);
      await q.clock.pass(9_900);
      await expect(q.cache.has('young')).resolves.toBe(false);
    });

    it('never lets it serve what was invalidated more than maxStaleness ago', async () => {
      for (const invalidate of [
        (one: Instance) => one.cache.delete('k:1'),
        (one: Instance) => one.cache.invalidateTags(['t']),
        (one: Instance) => one.cache.clearPattern('k:*'),
        (one: Instance) => one.cache.clearPattern('?:1'),
      ]) {
        const [p, q] = await pair();
        await p.cache.set('k:1', 'old', { tags: ['t'] });
        await breathe();
        await q.cache.get('k:1');
        q.store.feed.hold();
        await q.clock.pass(3_000);
        await invalidate(p);
        await q.clock.pass(10_000);
        for (let i = 0; i < 10; i++) {
          expect([q.cache.peek('k:1'), await q.cache.get('k:1')]).toStrictEqual([undefined, undefined]);
          await q.clock.pass(500);
        }
        await closeInstances();
      }
    });

    it('lets nobody join a load that began more than maxStaleness ago', async () => {
      const [p, q] = await pair();
      let loads = 0;
      const first = new Deferred<string>();
      const load = () => (++loads === 1 ? first.promise : 'new');
      q.store.feed.hold();
      await q.clock.pass(5_000);
      const early = q.cache.getOrSet('k', load);
      const batch = q.cache.getOrSetMany(['b'], async () => new Map([['b', await first.promise]]));
      await breathe();
      await p.cache.deleteMany(['k', 'b']);
      await q.clock.pass(9_900);
      const joined = q.cache.getOrSet('k', load);
      await q.clock.pass(200);
      const late = [q.cache.getOrSet('k', load), q.cache.getOrSet('b', () => 'new')];
      await q.clock.pass(15_000);
      await expect(Promise.all(late)).resolves.toStrictEqual(['new', 'new']);
      first.resolve('old');
      await expect(Promise.all([early, joined])).resolves.toStrictEqual(['old', 'old']);
      await expect(batch).resolves.toStrictEqual(new Map([['b', 'old']]));
      expect(loads).toBe(2);
    });

    it('is told of, in events and stats, and so is its end', async () => {
      const [p, q] = await pair();
      await p.clock.pass(3_000);
      expect(q.cache.stats().coherence).toMatchObject({ inContact: true });
      expect(q.cache.stats().coherence!.sinceContactMs).toBeLessThanOrEqual(1_000);
      q.store.feed.hold();
      await p.clock.pass(13_000);
      expect(q.events.story).toStrictEqual(['resync start', 'contact-lost']);
      expect(q.cache.stats().coherence!.inContact).toBe(false);
      expect(q.cache.stats().coherence!.sinceContactMs).toBeGreaterThanOrEqual(13_000);
      expect(p.events.story).toStrictEqual(['resync start']);
      q.store.feed.release();
      await p.clock.pass(1_600);
      expect(q.events.story.slice(2)).toStrictEqual(['contact-regained']);
      expect(q.cache.stats().coherence).toMatchObject({ inContact: true, resyncs: 0 });
    });

    it('makes nothing unusable for good: when it ends, what is valid is served again, without a load', async () => {
      const [p, q] = await pair();
      await p.cache.set('kept', 1);
      await p.cache.set('gone', 1);
      await breathe();
      await q.cache.getMany(['kept', 'gone']);
      const reads = q.store.count('get');
      q.store.feed.fail(new Error('cut'));
      await p.cache.delete('gone');
      await p.clock.pass(30_000);
      await expect(q.cache.getMany(['kept', 'gone'])).resolves.toStrictEqual(new Map());
      expect(p.redis.keys()).toStrictEqual(['cache:kept']);
      q.store.feed.fail(undefined);
      await p.clock.pass(600);
      await expect(q.cache.getMany(['kept', 'gone'])).resolves.toStrictEqual(new Map([['kept', 1]]));
      // One read in vain, one that had nothing but 'gone' to ask for, or both.
      expect(q.store.count('get')).toBe(reads + 2);
      expect(q.cache.peek('kept')).toBe(topology.startsWith('memory') ? 1 : undefined);
    });

    it('lets loads go on, whose results serve this instance for maxStaleness', async () => {
      const [p, q] = await pair();
      await p.cache.set('k', 'in Redis');
      q.store.feed.fail(new Error('cut'));
      await p.clock.pass(11_000);
      let loads = 0;
      const load = (): Promise<string> => q.cache.getOrSet('k', () => `load ${++loads}`);
      await expect(load()).resolves.toBe('load 1');
      await expect(load()).resolves.toBe(topology.startsWith('memory') ? 'load 1' : 'load 2');
      await p.clock.pass(10_100);
      loads = 10;
      await expect(load()).resolves.toBe('load 11');
      // What others have stored is not replaced by that.
      await expect(p.cache.get('k')).resolves.toBe('in Redis');
    });

    it('of the process itself, which slept, is silence too', async () => {
      const [p, q] = await pair();
      await q.cache.set('k', 'old');
      await breathe();
      q.clock.advance(60_000);
      expect(q.cache.peek('k')).toBeUndefined();
      await q.clock.pass(1_100);
      await expect(q.cache.get('k')).resolves.toBe('old');
      expect(p.cache.stats().coherence?.resyncs).toBe(0);
    });

    it('costs hits after what maxStaleness says', async () => {
      const redis = redisFor(topology);
      const q = await openInstance('q', topology, redis, { maxStaleness: '400ms' });
      await q.cache.set('k', 1);
      await q.clock.pass(2_000);
      await expect(q.cache.get('k')).resolves.toBe(1);
      q.store.feed.hold();
      await q.clock.pass(190);
      await expect(q.cache.get('k')).resolves.toBe(1);
      await q.clock.pass(220);
      await expect(q.cache.get('k')).resolves.toBeUndefined();
    });

    it('is not noticed by instances that were never alone: questions are answered once a second', async () => {
      const [p, q] = await pair();
      const before = q.store.feed.polls;
      await p.clock.pass(60_000);
      expect(q.store.feed.polls - before).toBeLessThanOrEqual(61);
      expect(q.events.story).toStrictEqual(['resync start']);
    });
  });

  describe('a Redis that is not there at the start', () => {
    it('is done without, and used as soon as it is there', async () => {
      const redis = redisFor(topology);
      redis.failure = new Error('connection refused');
      const q = await openInstance('q', topology, redis);
      expect(q.cache.stats().coherence).toMatchObject({ inContact: false });
      expect(q.cache.stats().coherence!.sinceContactMs).toBeUndefined();
      await expect(q.cache.getOrSet('k', () => 'loaded')).resolves.toBe('loaded');
      await expect(q.cache.get('k')).resolves.toBe(topology.startsWith('memory') ? 'loaded' : undefined);
      await q.cache.set('s', 'set');
      await q.cache.delete('d');
      expect(q.cache.stats().coherence!.queued).toBe(2);
      await q.clock.pass(5_000);
      redis.failure = undefined;
      await q.clock.pass(1_600);
      expect(q.events.story).toStrictEqual([
        'queued',
        'queued',
        'contact-lost',
        'resync start',
        'contact-regained',
        'replayed',
      ]);
      expect(q.cache.stats().coherence).toMatchObject({ inContact: true, queued: 0, resyncs: 0 });
      await q.cache.getOrSet('k2', () => 'loaded');
      expect(redis.keys()).toStrictEqual(['cache:k2']);
    });

    it('is asked no more often than every half second', async () => {
      const redis = redisFor(topology);
      redis.failure = new Error('connection refused');
      const q = await openInstance('q', topology, redis);
      await q.clock.pass(30_000);
      expect(q.store.count('join')).toBeLessThanOrEqual(65);
      expect(q.store.count('join')).toBeGreaterThan(50);
    });
  });

  it('instances that are set up differently say so', async () => {
    const redis = redisFor(topology);
    await openInstance('p', topology, redis, { slots: 1_024 });
    const q = await openInstance('q', topology, redis, { codec: { ...jsonCodec, id: 'mine' } });
    const told = q.events.all
      .filter(({ outcome }) => outcome === 'settings-differ')
      .map(({ reason }) => reason);
    expect(told).toHaveLength(2);
    expect(told[0]).toMatch(/1024 slots in Redis, this instance is set to 65536/);
    expect(told[1]).toMatch(/writes with the codec '.+', this one with 'mine'/);
    // The number that counts is that of the clock.
    await q.cache.set('k', 1, { tags: ['t'] });
    await q.cache.invalidateTags(['t']);
    await expect(q.cache.get('k')).resolves.toBeUndefined();
  });
});
