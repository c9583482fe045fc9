// A cache on a Redis that fails when the test says so: what the breakers do for its callers.
import { afterEach, describe, expect, it } from '@jest/globals';

import { CacheStoreError, type StoreTrouble } from '../../lib/primitives/errors.js';
import { LEAST_FAILURES, LONGEST_PAUSE, LONGEST_STREAK } from '../../lib/tiers/circuit-breaker.js';
import { FILL_PATIENCE } from '../../lib/tiers/filler.js';
import { type Bench, benchesOf, benchOf, closeBenches } from '../support/caches.js';
import { breathe, failure } from '../support/deferred.js';

afterEach(closeBenches);

const trouble = (what?: StoreTrouble): CacheStoreError => new CacheStoreError('no', { trouble: what });

/** Reads until the breaker has seen enough. */
async function failOften({ cache, clock, store }: Bench, error: Error): Promise<void> {
  store.failure = error;
  for (let i = 0; i <= LEAST_FAILURES; i++) {
    await cache.get(`none:${i}`, { tiers: ['redis'] });
    clock.advance(LONGEST_STREAK);
  }
}

const breakerOf = ({ cache }: Bench): unknown => cache.stats().redis!.breaker;

describe('while Redis is given up', () => {
  it('nothing is asked but probes, and all of it is made up for when one succeeds', async () => {
    const [p, q] = (await benchesOf('memory + redis', 2)) as [Bench, Bench];
    await p.cache.set('a', 1);
    await failOften(p, trouble('silent'));
    expect(p.cache.stats().redis).toMatchObject({
      breaker: 'open',
      breakerOpened: 1,
      writeBreaker: 'closed',
    });
    const { errors } = p.cache.stats().redis!;
    const asked = p.store.calls.length;
    await p.cache.get('b');
    await expect(p.cache.getOrSet('b', () => 'loaded')).resolves.toBe('loaded');
    await p.cache.delete('a');
    expect(p.store.calls.length).toBe(asked);
    expect(p.cache.stats().redis!.errors).toBe(errors);
    expect(q.cache.stats().redis!.breaker).toBe('closed');
    p.store.failure = undefined;
    p.clock.advance(LONGEST_PAUSE);
    await breathe();
    await breathe();
    expect(breakerOf(p)).toBe('closed');
    expect(p.cache.stats().coherence!.queued).toBe(0);
    await expect(q.cache.get('a')).resolves.toBeUndefined();
  });

  it('strict calls reject at once, and say why', async () => {
    const bench = await benchOf('memory + redis', { defaults: { strict: true } });
    await failOften(bench, trouble('loading'));
    const error = await failure(bench.cache.set('a', 1));
    expect(error).toMatchObject({ code: 'CACHE_STORE_FAILED', trouble: 'given-up' });
    expect(error.cause).toMatchObject({ cause: { trouble: 'loading' } });
  });
});

describe('a breaker stays closed', () => {
  it('whatever is wrong with single keys and values', async () => {
    const bench = await benchOf('memory + redis');
    await failOften(bench, trouble());
    await failOften(bench, new Error('WRONGTYPE'));
    bench.store.failure = undefined;
    for (let i = 0; i < 20; i++) {
      bench.redis.data.set(`cache:bad:${i}`, { value: Buffer.from('?'), expiresAt: Infinity });
      await bench.cache.get(`bad:${i}`);
    }
    expect(bench.cache.stats().redis).toMatchObject({ corrupt: 20, breaker: 'closed', breakerOpened: 0 });
  });

  it.each<StoreTrouble>(['out-of-memory', 'disk', 'replicas'])(
    'for reads when Redis stores nothing: %s',
    async (what) => {
      const bench = await benchOf('memory + redis');
      const { cache, store, redis } = bench;
      await cache.set('a', 1);
      redis.refusal = trouble(what);
      for (let i = 0; i < LEAST_FAILURES; i++) {
        await expect(cache.getOrSet(`k:${i}`, () => i)).resolves.toBe(i);
      }
      expect(cache.stats().redis).toMatchObject({ breaker: 'closed', writeBreaker: 'open' });
      await expect(cache.get('a', { tiers: ['redis'] })).resolves.toBe(1);
      const claims = store.count('claim');
      await expect(cache.getOrSet('more', () => 1)).resolves.toBe(1);
      expect(store.count('claim')).toBe(claims);
      expect(cache.peek('more')).toBe(1);
      redis.refusal = undefined;
      bench.clock.advance(LONGEST_PAUSE);
      await breathe();
      expect(cache.stats().redis).toMatchObject({ writeBreaker: 'closed', writeBreakerOpened: 1 });
    },
  );
});

it('a claim that was granted without its caller hearing of it is taken back', async () => {
  const [p, q] = (await benchesOf('memory + redis', 2)) as [Bench, Bench];
  p.store.hold();
  const read = p.cache.getOrSet('k', () => 'p');
  p.store.execute();
  p.store.reply();
  await breathe();
  expect(p.store.waiting()).toStrictEqual(['claim']);
  p.store.execute();
  expect(p.redis.keys({ leases: true })).toHaveLength(1);
  p.store.lose(trouble('silent'));
  await expect(read).resolves.toBe('p');
  p.store.release();
  await breathe();
  expect(p.redis.keys({ leases: true })).toStrictEqual([]);
  // Nobody to wait for.
  await expect(q.cache.getOrSet('k', () => 'q')).resolves.toBe('q');
});

describe('a fill that Redis takes long to answer', () => {
  /** A load whose fill is on its way. */
  async function slowFill(bench: Bench): Promise<void> {
    const { cache, clock, store } = bench;
    const result = cache.getOrSet('k', async () => {
      store.hold();
      return 'loaded';
    });
    await breathe();
    expect(store.waiting()).toStrictEqual(['fill']);
    clock.advance(FILL_PATIENCE);
    await expect(result).resolves.toBe('loaded');
    expect(cache.peek('k')).toBeUndefined();
  }

  const answer = async ({ store }: Bench): Promise<void> => {
    store.release();
    await breathe();
  };

  it('does not keep its caller, and memory has the value when Redis has it', async () => {
    const bench = await benchOf('memory + redis');
    await slowFill(bench);
    await answer(bench);
    expect(bench.cache.peek('k')).toBe('loaded');
    await expect(bench.cache.get('k', { tiers: ['redis'] })).resolves.toBe('loaded');
  });

  it('is not kept in memory when Redis refuses it', async () => {
    const [p, q] = (await benchesOf('memory + redis', 2)) as [Bench, Bench];
    await slowFill(p);
    p.store.feed.hold();
    await q.cache.delete('k');
    await answer(p);
    expect(p.cache.peek('k')).toBeUndefined();
    expect(p.cache.stats().refusedFills).toBe(1);
  });

  it.each<[string, (bench: Bench) => Promise<unknown>]>([
    ['its key', ({ cache }) => cache.delete('k')],
    ['everything', ({ cache }) => cache.clear()],
  ])('is not kept in memory when %s was invalidated meanwhile', async (_, invalidate) => {
    const bench = await benchOf('memory + redis');
    await slowFill(bench);
    const invalidated = invalidate(bench);
    // Not the invalidation, which would take it out again.
    bench.store.execute();
    bench.store.reply();
    await breathe();
    expect(bench.cache.peek('k')).toBeUndefined();
    await answer(bench);
    await invalidated;
    expect(bench.cache.peek('k')).toBeUndefined();
  });

  it('does not replace what has come into memory since', async () => {
    const bench = await benchOf('memory + redis');
    await slowFill(bench);
    await expect(bench.cache.getOrSet('k', () => 'newer', { tiers: ['memory'] })).resolves.toBe('newer');
    await answer(bench);
    expect(bench.cache.peek('k')).toBe('newer');
  });
});
