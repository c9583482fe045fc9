// What Redis keeps for all instances gets lost, or cannot be read. P and Q are instances on one Redis.
import { afterEach, describe, expect, it } from '@jest/globals';

import type { CacheOptions } from '../../lib/core/cache-options.js';
import type { CacheManager } from '../../lib/index.js';
import { type Bench, redisFor, SHARED_TOPOLOGIES } from '../support/caches.js';
import { breathe } from '../support/deferred.js';
import type { SteppedRedis } from '../support/stepped-redis.js';
import { closeInstances, type Instance, openInstance } from './instances.js';

/**
 * What has happened to the clock is found out by two questions at most, of a second each: the first one may have been on its
 * way. In milliseconds.
 */
const NOTICED = 2_100;

afterEach(closeInstances);

/** Everything that makes `k:1`, tagged `t`, unusable. */
const INVALIDATIONS: readonly [string, (cache: CacheManager) => Promise<unknown>][] = [
  ['delete', (cache) => cache.delete('k:1')],
  ['set', (cache) => cache.set('k:1', 'new')],
  ['invalidateTags', (cache) => cache.invalidateTags(['t'])],
  ['a prefix', (cache) => cache.clearPattern('k:*')],
  ['a pattern', (cache) => cache.clearPattern('?:1')],
  ['clear', (cache) => cache.clear()],
];

describe.each(SHARED_TOPOLOGIES)('%s', (topology) => {
  /** P and Q, both of which have read `k:1`, which is old, and `other`. */
  async function pair(
    options: CacheOptions = {},
  ): Promise<{ p: Instance; q: Instance; redis: SteppedRedis }> {
    const redis = redisFor(topology);
    const p = await openInstance('p', topology, redis, options);
    const q = await openInstance('q', topology, redis, options);
    await p.cache.set('k:1', 'old', { tags: ['t'] });
    await p.cache.set('other', 'other', { tags: ['u'] });
    await breathe();
    for (const { cache, events } of [p, q]) {
      expect([...(await cache.getMany(['k:1', 'other'])).values()]).toStrictEqual(['old', 'other']);
      events.forget();
    }
    await p.clock.pass(100);
    return { p, q, redis };
  }

  /** In memory, in Redis, and by whoever comes later, nothing is as it was before the invalidation. */
  async function expectGone(redis: SteppedRedis, ...instances: readonly Bench[]): Promise<void> {
    const newcomer = await openInstance('newcomer', topology, redis);
    for (const { cache } of [...instances, newcomer]) {
      expect(cache.peek('k:1')).not.toBe('old');
      await expect(cache.get('k:1')).resolves.not.toBe('old');
      await expect(cache.get('k:1', { tiers: ['redis'] })).resolves.not.toBe('old');
      await expect(cache.getOrSet('k:1', () => 'new')).resolves.toBe('new');
    }
  }

  /** Redis has given the deletion of `k:1` a number, and the answer is on its way. */
  async function startDelete({ cache, store }: Instance): Promise<{ done: Promise<unknown> }> {
    store.hold();
    const done = cache.delete('k:1');
    await breathe();
    store.execute(1);
    store.reply(1);
    await breathe();
    store.execute(1);
    return { done };
  }

  describe('what is deleted by hand', () => {
    const LOSSES: readonly [string, (redis: SteppedRedis) => void][] = [
      ['everything', (redis) => redis.flushAll()],
      ['the clock', (redis) => redis.deleteClock()],
      ['the stream', (redis) => redis.deleteStream()],
      ['clock and stream', (redis) => (redis.deleteClock(), redis.deleteStream())],
    ];

    describe.each(LOSSES)('%s', (_, lose) => {
      it.each(INVALIDATIONS)('before %s', async (_name, invalidate) => {
        const { p, q, redis } = await pair();
        lose(redis);
        await invalidate(p.cache);
        expect(p.cache.peek('k:1')).not.toBe('old');
        await expect(p.cache.get('k:1')).resolves.not.toBe('old');
        await breathe();
        await expectGone(redis, p, q);
      });

      it.each(INVALIDATIONS)('after %s, which the others did not hear of', async (_name, invalidate) => {
        const { p, q, redis } = await pair();
        q.store.feed.fail(new Error('cut'));
        await invalidate(p.cache);
        lose(redis);
        await expect(p.cache.get('k:1')).resolves.not.toBe('old');
        q.store.feed.fail(undefined);
        await p.clock.pass(NOTICED);
        await expectGone(redis, p, q);
      });

      it.each(INVALIDATIONS)('while %s is on its way', async (_name, invalidate) => {
        const { p, q, redis } = await pair();
        p.store.hold();
        const done = invalidate(p.cache);
        await breathe();
        p.store.execute(Infinity);
        lose(redis);
        p.store.release();
        await done;
        await expect(p.cache.get('k:1')).resolves.not.toBe('old');
        await p.clock.pass(NOTICED);
        await expectGone(redis, p, q);
      });

      it('while a load is on its way', async () => {
        const { p, q, redis } = await pair();
        let row = 'old';
        p.store.hold();
        const load = p.cache.getOrSet('k:2', () => row, { tags: ['t'] });
        await breathe();
        while (p.store.waiting()[0] !== 'fill') {
          p.store.execute();
          p.store.reply();
          await breathe();
        }
        row = 'new';
        lose(redis);
        await q.cache.invalidateTags(['t']);
        p.store.release();
        await expect(load).resolves.toBe('old');
        await p.clock.pass(NOTICED);
        for (const { cache } of [p, q]) await expect(cache.get('k:2')).resolves.not.toBe('old');
      });
    });

    it('a clock that is gone is noticed, and everything begins anew', async () => {
      const { p, q, redis } = await pair();
      redis.deleteClock();
      await p.clock.pass(NOTICED);
      for (const { events, cache } of [p, q]) {
        expect(events.story).toStrictEqual(['out-of-sync epoch', 'resync epoch']);
        expect(cache.stats().coherence).toMatchObject({ resyncs: 1, inContact: true });
        expect(cache.peek('other')).toBeUndefined();
        await expect(cache.get('other')).resolves.toBeUndefined();
      }
      await p.cache.getOrSet('other', () => 'again');
      await expect(q.cache.get('other')).resolves.toBe('again');
    });

    it('a stream that is gone is no loss as long as nobody has missed anything', async () => {
      const { p, q, redis } = await pair();
      redis.deleteStream();
      await p.clock.pass(NOTICED);
      await p.cache.delete('k:1');
      await breathe();
      expect(q.cache.peek('k:1')).toBeUndefined();
      expect([...p.events.story, ...q.events.story]).toStrictEqual([]);
      await expect(q.cache.get('other')).resolves.toBe('other');
    });

    it('messages that went with the stream are missed', async () => {
      const { p, q, redis } = await pair();
      q.store.feed.fail(new Error('cut'));
      await p.cache.delete('k:1');
      redis.deleteStream();
      q.store.feed.fail(undefined);
      await p.clock.pass(NOTICED);
      expect(q.events.story).toStrictEqual(['out-of-sync gap', 'resync gap']);
      await expectGone(redis, p, q);
      // What is in Redis is judged as before.
      await expect(q.cache.get('other')).resolves.toBe('other');
    });
  });

  describe('a failover', () => {
    it.each(INVALIDATIONS)(
      'that lost %s is noticed, and nothing in Redis is believed',
      async (_, invalidate) => {
        const { p, q, redis } = await pair();
        const takeOver = redis.replicate();
        await invalidate(p.cache);
        await breathe();
        takeOver();
        await p.clock.pass(NOTICED);
        for (const { events } of [p, q]) {
          expect(events.story[0]).toMatch(/out-of-sync (lost|epoch)/);
          expect(events.story[1]).toMatch(/resync (lost|epoch)/);
        }
        expect([...p.events.story, ...q.events.story].join()).toContain('lost');
        await expectGone(redis, p, q);
        await expect(q.cache.get('other')).resolves.toBeUndefined();
      },
    );

    it.each(INVALIDATIONS)('that gave its number to %s is noticed', async (_, invalidate) => {
      const { p, q, redis } = await pair();
      for (const lost of [1, 2, 3]) {
        const takeOver = redis.replicate();
        for (let i = 0; i < lost; i++) await p.cache.delete(`lost ${i}`);
        await breathe();
        p.store.feed.fail(new Error('the connection broke'));
        takeOver();
        // P has seen all these numbers, and would not ask for them again.
        for (let i = 1; i < lost; i++) await q.cache.delete(`unheard ${i}`);
        await q.cache.set('k:1', 'old', { tags: ['t'] });
        await p.cache.get('k:1');
        const before = redis.books.reading!.clock;
        await invalidate(q.cache);
        expect(redis.books.reading!.clock).toBeGreaterThan(before);
        p.store.feed.fail(undefined);
        await p.clock.pass(NOTICED);
        await expectGone(redis, p, q);
        await p.cache.set('k:1', 'old', { tags: ['t'] });
        await breathe();
      }
    });

    it('is noticed by whoever gets a number that he knows already', async () => {
      const { p, q, redis } = await pair();
      const takeOver = redis.replicate();
      await p.cache.delete('x');
      await breathe();
      for (const { store } of [p, q]) store.feed.hold();
      takeOver();
      await p.cache.invalidateTags(['t']);
      expect(p.events.story).toContain('out-of-sync lost');
      await expectGone(redis, p);
    });

    it('is noticed by whoever was told a number whose message he never got', async () => {
      const { p, q, redis } = await pair();
      const takeOver = redis.replicate();
      for (const { store } of [p, q]) store.feed.fail(new Error('dead, and nobody knows'));
      await p.cache.delete('k:1');
      takeOver();
      const r = await openInstance('r', topology, redis);
      await r.cache.delete('unrelated');
      p.store.feed.fail(undefined);
      await p.clock.pass(NOTICED);
      expect(p.events.story).toStrictEqual(['out-of-sync lost', 'resync lost']);
      await expectGone(redis, p, r);
    });

    it('is noticed by whoever is told a number after he got the message of another invalidation', async () => {
      const { p, q, redis } = await pair();
      const takeOver = redis.replicate();
      for (const { store } of [p, q]) store.feed.fail(new Error('cut'));
      const deleted = await startDelete(p);
      takeOver();
      const r = await openInstance('r', topology, redis);
      await r.cache.delete('unrelated');
      p.store.feed.fail(undefined);
      await p.clock.pass(600);
      expect(p.events.story).toStrictEqual([]);
      p.store.release();
      await deleted.done;
      await breathe();
      expect(p.events.story).toStrictEqual(['out-of-sync lost', 'resync lost']);
      await expectGone(redis, p, r);
    });

    it('that happens while the clock is being read is noticed', async () => {
      const { p, q, redis } = await pair();
      const takeOver = redis.replicate();
      for (const { store } of [p, q]) store.feed.fail(new Error('cut'));
      const deleted = await startDelete(p);
      redis.deleteStream();
      takeOver();
      const r = await openInstance('r', topology, redis);
      await r.cache.delete('unrelated');
      redis.books.rewrite('{"v":2}');
      p.store.feed.fail(undefined);
      // The message makes it ask for the clock, behind what it was told before.
      await p.clock.pass(600);
      p.store.release();
      await deleted.done;
      await p.clock.pass(NOTICED);
      expect(p.events.story).toStrictEqual([
        'out-of-sync unreadable',
        'resync unreadable',
        'out-of-sync lost',
        'resync lost',
      ]);
      await expectGone(redis, p, r);
    });

    it('that lost nothing is of no consequence', async () => {
      const { p, q, redis } = await pair();
      await p.cache.delete('k:1');
      await breathe();
      const takeOver = redis.replicate();
      for (const { store } of [p, q]) store.feed.fail(new Error('the connection broke'));
      takeOver();
      for (const { store } of [p, q]) store.feed.fail(undefined);
      await p.clock.pass(NOTICED);
      await q.cache.delete('x');
      await breathe();
      for (const { cache, events } of [p, q]) {
        expect(events.story).toStrictEqual([]);
        await expect(cache.get('other')).resolves.toBe('other');
      }
    });
  });

  describe('the stream', () => {
    it('gives whoever was cut off for a while what he has missed', async () => {
      const { p, q } = await pair();
      q.store.feed.fail(new Error('cut'));
      for (let i = 0; i < 50; i++) await p.cache.delete(`x${i}`);
      await p.cache.invalidateTags(['t']);
      await p.clock.pass(3_000);
      q.store.feed.fail(undefined);
      await p.clock.pass(600);
      expect(q.events.story).toStrictEqual([]);
      expect(q.cache.stats().coherence).toMatchObject({ resyncs: 0, received: 53 });
      expect(q.cache.peek('k:1')).toBeUndefined();
      expect(q.cache.peek('other')).toBe(topology.startsWith('memory') ? 'other' : undefined);
      await expect(q.cache.get('k:1')).resolves.toBeUndefined();
    });

    it('tells whoever was cut off for too long that something is missing', async () => {
      const { p, q, redis } = await pair({ streamLength: 100 });
      q.store.feed.fail(new Error('cut'));
      await p.cache.delete('k:1');
      for (let i = 0; i < 100; i++) await p.cache.delete(`x${i}`);
      q.store.feed.fail(undefined);
      await p.clock.pass(600);
      expect(q.events.story).toStrictEqual(['out-of-sync gap', 'resync gap']);
      await expectGone(redis, p, q);
      await expect(q.cache.get('other')).resolves.toBe('other');
    });

    it('is taken in parts, and what is old is not believed before the last one', async () => {
      const { p, q } = await pair();
      q.store.feed.fail(new Error('cut'));
      for (let i = 0; i < 600; i++) await p.cache.delete(`x${i}`);
      await p.cache.delete('k:1');
      await p.clock.pass(15_000);
      q.store.feed.hold();
      q.store.feed.fail(undefined);
      await p.clock.pass(600);
      q.store.feed.deliver(1);
      await breathe();
      expect(q.cache.stats().coherence).toMatchObject({ received: 502, inContact: false });
      expect(q.cache.peek('k:1')).toBeUndefined();
      await expect(q.cache.get('k:1')).resolves.toBeUndefined();
      q.store.feed.release();
      await breathe();
      expect(q.cache.stats().coherence).toMatchObject({ received: 603, inContact: true, resyncs: 0 });
      await expect(q.cache.get('k:1')).resolves.toBeUndefined();
      await expect(q.cache.get('other')).resolves.toBe('other');
    });

    it.each([
      ['a newer version of the library', '{"v":2,"o":"0123456789abcdef","k":["k:1"]}'],
      ['a bug', '{"v":1,"o":"0123456789abcdef","k":"k:1"}'],
      ['a bug of patterns', '{"v":1,"o":"0123456789abcdef","g":[["","["]]}'],
      ['garbage', '\u0000\ufffd{'],
      ['nothing', ''],
    ])('leads to a new beginning when it holds a message of %s', async (_, body) => {
      const { p, q, redis } = await pair();
      q.store.feed.fail(new Error('cut'));
      await p.cache.delete('k:1');
      redis.books.rewrite(body);
      q.store.feed.fail(undefined);
      await p.clock.pass(600);
      expect(q.events.story).toStrictEqual(['out-of-sync unreadable', 'resync unreadable']);
      await expectGone(redis, p, q);
      await expect(q.cache.get('other')).resolves.toBe('other');
    });

    it('of a newer version is not begun with anew all the time, and nothing is believed meanwhile', async () => {
      const { p, q, redis } = await pair();
      q.store.feed.fail(new Error('Q is the newer one, and understands itself'));
      redis.books.translate = (body) => body.replace('"v":1', '"v":2');
      const joins = p.store.count('join');
      for (let i = 0; i < 1_000; i++) {
        await q.cache.delete('x');
        await p.clock.pass(10);
      }
      expect(p.store.count('join') - joins).toBeLessThan(30);
      await q.cache.delete('k:1');
      await breathe();
      await expect(p.cache.get('other')).resolves.toBeUndefined();
      await expectGone(redis, p);
      await p.clock.pass(600);
      await expect(p.cache.get('other')).resolves.toBe('other');
      // One that is the only one for some time is not waited out.
      await p.clock.pass(2_100);
      const resyncs = p.cache.stats().coherence!.resyncs;
      await q.cache.delete('x');
      await breathe();
      expect(p.cache.stats().coherence!.resyncs).toBe(resyncs + 1);
      await expect(p.cache.get('other')).resolves.toBe('other');
    });

    it.each(['garbage', undefined])(
      'survives a message that some other program has put there: %p',
      async (body) => {
        const { p, q, redis } = await pair();
        redis.inject(body);
        await p.clock.pass(NOTICED);
        expect(q.events.story.slice(0, 2)).toStrictEqual(['out-of-sync epoch', 'resync epoch']);
        q.events.forget();
        for (const invalidate of [() => p.cache.delete('k:1'), () => p.cache.delete('other')]) {
          await invalidate();
          await breathe();
        }
        await p.clock.pass(3_000);
        expect(q.events.story).toStrictEqual([]);
        await expectGone(redis, p, q);
      },
    );
  });

  it('a newcomer knows of everything that was invalidated before', async () => {
    const { p, redis } = await pair();
    await p.cache.invalidateTags(['t']);
    await p.clock.pass(5);
    await expectGone(redis);
    const newcomer = await openInstance('late', topology, redis);
    await expect(newcomer.cache.get('other')).resolves.toBe('other');
    expect(newcomer.events.story).toStrictEqual(['resync start']);
  });
});
