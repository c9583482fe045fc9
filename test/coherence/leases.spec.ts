// One load among processes. P, Q and R are instances on one Redis.
import { afterEach, describe, expect, it } from '@jest/globals';

import { type Bench, benchesOf, closeBenches, SHARED_TOPOLOGIES } from '../support/caches.js';
import { breathe, Deferred, failure } from '../support/deferred.js';

const KEY = 'user:1';

afterEach(closeBenches);

/** A loader that counts its calls and ends when it is told to. */
class Load {
  calls = 0;
  readonly #answers: Deferred<string | undefined>[] = [];

  readonly run = (): Promise<string | undefined> => {
    this.calls++;
    const answer = new Deferred<string | undefined>();
    this.#answers.push(answer);
    return answer.promise;
  };

  async end(value: string | undefined): Promise<void> {
    for (const answer of this.#answers.splice(0)) answer.resolve(value);
    await breathe();
  }

  async fail(error: Error): Promise<void> {
    for (const answer of this.#answers.splice(0)) answer.reject(error);
    await breathe();
  }
}

interface Pair {
  readonly p: Bench;
  readonly q: Bench;
  /** P's load, which has the lease. */
  readonly loadOfP: Load;
  readonly first: Promise<string | undefined>;
  /** Q's load, which waits for it. */
  readonly loadOfQ: Load;
  readonly second: Promise<string | undefined>;
  /** Milliseconds. */
  pass(ms: number): Promise<void>;
}

describe.each(SHARED_TOPOLOGIES)('%s', (topology) => {
  async function pair(): Promise<Pair> {
    const [p, q] = (await benchesOf(topology, 2)) as [Bench, Bench];
    const [loadOfP, loadOfQ] = [new Load(), new Load()];
    const first = p.cache.getOrSet(KEY, loadOfP.run, { tags: ['t'] });
    await breathe();
    const second = q.cache.getOrSet(KEY, loadOfQ.run, { tags: ['t'] });
    await breathe();
    expect([loadOfP.calls, loadOfQ.calls]).toStrictEqual([1, 0]);
    return { p, q, loadOfP, loadOfQ, first, second, pass: (ms) => p.clock.pass(ms) };
  }

  const leases = ({ redis }: Bench): string[] => redis.keys({ leases: true });

  it('one load serves both', async () => {
    const { p, q, loadOfP, loadOfQ, second, pass } = await pair();
    await pass(1_000);
    await loadOfP.end('row');
    await pass(200);
    await expect(second).resolves.toBe('row');
    expect(loadOfQ.calls).toBe(0);
    expect(q.cache.stats()).toMatchObject({ loads: 0, misses: 0, coalesced: 1, reads: 1 });
    expect(q.cache.stats().coherence).toMatchObject({ leaseWaits: 1 });
    expect(q.cache.stats().coherence!.leaseWaitMs).toBeGreaterThanOrEqual(1_000);
    expect(q.cache.peek(KEY)).toBe(topology.startsWith('memory') ? 'row' : undefined);
    expect(leases(p)).toStrictEqual([]);
  });

  it('who waits looks less and less often', async () => {
    const { q, loadOfP, second, pass } = await pair();
    const before = q.store.count('claim');
    const looks: number[] = [];
    for (const ms of [10, 20, 40, 80, 160, 200, 200]) {
      await pass(ms);
      looks.push(q.store.count('claim') - before);
    }
    expect(looks).toStrictEqual([1, 2, 3, 4, 5, 6, 7]);
    await pass(10_000 - 710 - 200);
    expect(q.store.count('claim') - before).toBeLessThanOrEqual(55);
    await loadOfP.end('row');
    await pass(200);
    await expect(second).resolves.toBe('row');
  });

  it('all callers in the process that waits share one wait', async () => {
    const { q, loadOfP, loadOfQ, second, pass } = await pair();
    const more = [
      q.cache.getOrSet(KEY, loadOfQ.run),
      (async () => (await q.cache.getOrSetMany([KEY], () => new Map())).get(KEY))(),
    ];
    const before = q.store.count('claim');
    await pass(10);
    expect(q.store.count('claim') - before).toBe(1);
    await loadOfP.end('row');
    await pass(20);
    await expect(Promise.all([second, ...more])).resolves.toStrictEqual(['row', 'row', 'row']);
  });

  it('a load that fails leaves it to the other at once', async () => {
    const { loadOfP, loadOfQ, first, second, pass } = await pair();
    const error = new Error('database down');
    const failed = failure(first);
    await loadOfP.fail(error);
    expect(await failed).toBe(error);
    await pass(10);
    expect(loadOfQ.calls).toBe(1);
    await loadOfQ.end('row of Q');
    await expect(second).resolves.toBe('row of Q');
  });

  it.each([
    ['has nothing', undefined, () => undefined],
    ['is not to be stored', 'row', (skip: () => void) => skip()],
  ])('a load that %s gives its lease back', async (_, value, decide) => {
    const [p, q] = (await benchesOf(topology, 2)) as [Bench, Bench];
    const load = new Load();
    const first = p.cache.getOrSet(KEY, ({ skip }) => (decide(skip), load.run()));
    await breathe();
    expect(leases(p)).toStrictEqual([`cache:${KEY}`]);
    const second = q.cache.getOrSet(KEY, () => 'row of Q');
    await breathe();
    await load.end(value);
    await expect(first).resolves.toBe(value);
    expect(leases(p)).toStrictEqual([]);
    await p.clock.pass(10);
    await expect(second).resolves.toBe('row of Q');
    expect(p.redis.keys()).toStrictEqual([`cache:${KEY}`]);
  });

  it.each([
    ['ttl 0', (cache: Bench['cache']) => cache.getOrSet(KEY, () => 1, { ttl: 0 })],
    ['setTtl(0)', (cache: Bench['cache']) => cache.getOrSet(KEY, ({ setTtl }) => (setTtl(0), 1))],
    ['a value that cannot be cached', (cache: Bench['cache']) => failure(cache.getOrSet(KEY, () => () => 1))],
    ['a loader that throws', (cache: Bench['cache']) => failure(cache.getOrSet(KEY, () => JSON.parse('{')))],
    [
      'a loader that asks for its own key',
      (cache: Bench['cache']) => failure(cache.getOrSet(KEY, () => cache.getOrSet(KEY, () => 1))),
    ],
    ['a batch without rows', (cache: Bench['cache']) => cache.getOrSetMany([KEY, 'b'], () => new Map())],
    [
      'a batch with one bad row',
      (cache: Bench['cache']) =>
        failure(cache.getOrSetMany([KEY, 'b'], () => new Map<string, unknown>([[KEY, 1], ['b', () => 1]]))), // prettier-ignore
    ],
    [
      'a batch that is no Map',
      (cache: Bench['cache']) => failure(cache.getOrSetMany([KEY, 'b'], () => [] as never)),
    ],
  ])('%s leaves no lease', async (_, load) => {
    const [p] = (await benchesOf(topology, 1)) as [Bench];
    await load(p.cache);
    await breathe();
    expect(p.store.count('claim')).toBe(1);
    expect([...p.redis.data.keys()]).toStrictEqual([]);
  });

  it('a holder that dies costs no more than its lease', async () => {
    const { p, q, loadOfQ, second, pass } = await pair();
    p.store.hold();
    await pass(2_900);
    expect(loadOfQ.calls).toBe(0);
    await pass(300);
    expect(loadOfQ.calls).toBe(1);
    await loadOfQ.end('row of Q');
    await expect(second).resolves.toBe('row of Q');
    expect(q.redis.keys()).toStrictEqual([`cache:${KEY}`]);
  });

  it('a holder that turns out to be alive does not replace what has been loaded meanwhile', async () => {
    const { p, q, loadOfP, loadOfQ, first, second, pass } = await pair();
    p.store.hold();
    await pass(3_200);
    await loadOfQ.end('row of Q');
    await second;
    await loadOfP.end('row of P');
    p.store.release();
    await expect(first).resolves.toBe('row of P');
    expect(p.cache.peek(KEY)).toBeUndefined();
    for (const { cache } of [p, q]) await expect(cache.get(KEY)).resolves.toBe('row of Q');
  });

  it('a load that takes long keeps its lease', async () => {
    const { p, loadOfP, loadOfQ, second, pass } = await pair();
    await pass(9_000);
    expect(leases(p)).toStrictEqual([`cache:${KEY}`]);
    await loadOfP.end('row');
    await pass(200);
    await expect(second).resolves.toBe('row');
    expect(loadOfQ.calls).toBe(0);
    const renewals = p.store.count('renew');
    expect(renewals).toBe(9);
    await pass(5_000);
    expect(p.store.count('renew')).toBe(renewals);
  });

  it('nobody waits longer than 10 s, and what is then loaded stays out of Redis', async () => {
    const { p, q, loadOfP, loadOfQ, first, second, pass } = await pair();
    await pass(9_900);
    expect(loadOfQ.calls).toBe(0);
    await pass(300);
    expect(loadOfQ.calls).toBe(1);
    await loadOfQ.end('row of Q');
    await expect(second).resolves.toBe('row of Q');
    expect(q.redis.keys()).toStrictEqual([]);
    expect(q.cache.peek(KEY)).toBe(topology.startsWith('memory') ? 'row of Q' : undefined);
    await loadOfP.end('row of P');
    await first;
    expect(p.redis.keys()).toStrictEqual([`cache:${KEY}`]);
  });

  it.each([
    ['delete', ({ cache }: Bench) => cache.delete(KEY)],
    ['a prefix', ({ cache }: Bench) => cache.clearPattern('user:*')],
    ['a pattern', ({ cache }: Bench) => cache.clearPattern('u?er:*')],
    ['clear', ({ cache }: Bench) => cache.clear()],
  ])('after %s, who waits loads himself, and the holder stores nothing', async (_, invalidate) => {
    const { p, q, loadOfP, loadOfQ, first, second, pass } = await pair();
    const [r] = (await benchesOf(topology, 1, {}, p.redis)) as [Bench];
    await invalidate(r);
    await pass(10);
    expect(loadOfQ.calls).toBe(1);
    await loadOfP.end('old');
    await expect(first).resolves.toBe('old');
    await loadOfQ.end('new');
    await expect(second).resolves.toBe('new');
    for (const { cache } of [p, q, r]) await expect(cache.get(KEY)).resolves.not.toBe('old');
    expect(leases(p)).toStrictEqual([]);
  });

  it('after its tag was invalidated, who waits does not get what the holder has loaded', async () => {
    const { p, q, loadOfP, loadOfQ, first, second, pass } = await pair();
    const [r] = (await benchesOf(topology, 1, {}, p.redis)) as [Bench];
    await r.cache.invalidateTags(['t']);
    await pass(10);
    await loadOfP.end('old');
    await expect(first).resolves.toBe('old');
    await pass(200);
    expect(loadOfQ.calls).toBe(1);
    await loadOfQ.end('new');
    await expect(second).resolves.toBe('new');
    await expect(p.cache.get(KEY)).resolves.not.toBe('old');
    await expect(q.cache.get(KEY)).resolves.not.toBe('old');
  });

  it('a set answers those who wait', async () => {
    const { p, loadOfP, loadOfQ, first, second, pass } = await pair();
    const [r] = (await benchesOf(topology, 1, {}, p.redis)) as [Bench];
    await r.cache.set(KEY, 'set');
    await pass(10);
    await expect(second).resolves.toBe('set');
    expect(loadOfQ.calls).toBe(0);
    await loadOfP.end('old');
    await first;
    for (const { cache } of [p, r]) await expect(cache.get(KEY)).resolves.toBe('set');
  });

  it('a second holder is waited for, if it began after the key was invalidated', async () => {
    const { p, q, loadOfQ, second, pass } = await pair();
    const [r] = (await benchesOf(topology, 1, {}, p.redis)) as [Bench];
    const loadOfR = new Load();
    q.store.hold();
    await r.cache.delete(KEY);
    const third = r.cache.getOrSet(KEY, loadOfR.run);
    await breathe();
    expect(loadOfR.calls).toBe(1);
    q.store.release();
    await pass(10);
    expect(loadOfQ.calls).toBe(0);
    await loadOfR.end('row of R');
    await third;
    await pass(400);
    await expect(second).resolves.toBe('row of R');
    expect(loadOfQ.calls).toBe(0);
    expect(q.redis.keys()).toStrictEqual([`cache:${KEY}`]);
  });

  it('a lease of a load that was joined by nobody any more is no obstacle in its own process', async () => {
    const [p] = (await benchesOf(topology, 1)) as [Bench];
    const [old, fresh] = [new Load(), new Load()];
    const early = p.cache.getOrSet(KEY, old.run);
    await breathe();
    await p.cache.delete(KEY);
    const late = p.cache.getOrSet(KEY, fresh.run);
    await breathe();
    expect(fresh.calls).toBe(1);
    await old.end('old');
    await fresh.end('new');
    await expect(Promise.all([early, late])).resolves.toStrictEqual(['old', 'new']);
    await expect(p.cache.get(KEY)).resolves.toBe('new');
  });

  it('a lease is given back when Redis cannot be told of something else meanwhile', async () => {
    const { p, q, loadOfP, loadOfQ, first, second, pass } = await pair();
    p.store.failure = new Error('connection lost');
    await p.cache.delete('other');
    p.store.failure = undefined;
    await loadOfP.end('row of P');
    await expect(first).resolves.toBe('row of P');
    expect(leases(p)).toStrictEqual([]);
    await pass(10);
    await loadOfQ.end('row of Q');
    await expect(second).resolves.toBe('row of Q');
    await pass(5_000);
    expect(p.store.count('renew')).toBe(0);
    await expect(q.cache.get(KEY)).resolves.toBe('row of Q');
  });

  it('a lease whose bytes cannot be understood is nobody’s, and is not waited for', async () => {
    const [p] = (await benchesOf(topology, 1)) as [Bench];
    const foreign = Buffer.from('tl1 of another version');
    p.redis.data.set(`cache:${KEY}`, { value: foreign, expiresAt: Infinity });
    await expect(p.cache.get(KEY)).resolves.toBeUndefined();
    await expect(p.cache.getOrSet(KEY, () => 'row')).resolves.toBe('row');
    expect(p.redis.read(`cache:${KEY}`)).toStrictEqual(foreign);
    expect(p.cache.stats().redis?.corrupt).toBe(0);
  });

  describe('batches', () => {
    it('load what nobody else is loading, and wait for the rest', async () => {
      const [p, q] = (await benchesOf(topology, 2)) as [Bench, Bench];
      const asked: string[][] = [];
      const rows = new Deferred<Map<string, string>>();
      const first = p.cache.getOrSetMany(['a', 'b'], () => rows.promise);
      await breathe();
      const second = q.cache.getOrSetMany(['b', 'c', 'a'], (missing) => {
        asked.push(missing);
        return new Map(missing.map((key) => [key, `${key} of Q`]));
      });
      await breathe();
      expect(asked).toStrictEqual([['c']]);
      // What is loaded is stored before what is waited for has come.
      expect(q.redis.keys()).toStrictEqual(['cache:c']);
      rows.resolve(new Map([['a', 'a of P']]));
      await first;
      await q.clock.pass(30);
      await expect(second).resolves.toStrictEqual(
        new Map([['b', 'b of Q'], ['c', 'c of Q'], ['a', 'a of P']]), // prettier-ignore
      );
      expect(asked).toStrictEqual([['c'], ['b']]);
      expect(q.redis.keys().toSorted()).toStrictEqual(['cache:a', 'cache:b', 'cache:c']);
      expect(leases(q)).toStrictEqual([]);
    });

    it('load what they are granted while they wait for something else', async () => {
      const [p, q, r] = (await benchesOf(topology, 3)) as [Bench, Bench, Bench];
      const [a, b] = [new Load(), new Load()];
      const failed = failure(q.cache.getOrSet('a', a.run));
      const other = r.cache.getOrSet('b', b.run);
      await breathe();
      const asked: string[][] = [];
      const batch = p.cache.getOrSetMany(['a', 'b'], (missing) => {
        asked.push(missing);
        return new Map(missing.map((key) => [key, `${key} of P`]));
      });
      await p.clock.pass(5);
      await a.fail(new Error('database down'));
      await failed;
      await p.clock.pass(200);
      expect(asked).toStrictEqual([['a']]);
      await expect(q.cache.get('a')).resolves.toBe('a of P');
      await b.end('b of R');
      await other;
      await p.clock.pass(200);
      await expect(batch).resolves.toStrictEqual(new Map([['a', 'a of P'], ['b', 'b of R']])); // prettier-ignore
      expect(asked).toStrictEqual([['a']]);
    });

    it('claim their keys with one command', async () => {
      const [p] = (await benchesOf(topology, 1)) as [Bench];
      const keys = Array.from({ length: 100 }, (_, i) => `k${i}`);
      await p.cache.getOrSetMany(keys, () => new Map(keys.map((key) => [key, 1])));
      expect(p.store.count('claim')).toBe(1);
      expect(p.redis.keys()).toHaveLength(100);
    });

    it('whose later load fails say so when all is over', async () => {
      const [p, q, r] = (await benchesOf(topology, 3)) as [Bench, Bench, Bench];
      const [a, b] = [new Load(), new Load()];
      const others = [failure(q.cache.getOrSet('a', a.run)), r.cache.getOrSet('b', b.run)];
      await breathe();
      const error = new Error('database down');
      const batch = failure(p.cache.getOrSetMany(['a', 'b', 'c'], (missing) => {
        if (missing.includes('a')) throw error;
        return new Map(missing.map((key) => [key, 1]));
      })); // prettier-ignore
      await breathe();
      await a.fail(error);
      await p.clock.pass(1_000);
      await b.end('b of R');
      await Promise.all(others);
      await p.clock.pass(200);
      expect(await batch).toBe(error);
      expect(leases(p)).toStrictEqual([]);
      expect(p.redis.keys().toSorted()).toStrictEqual(['cache:b', 'cache:c']);
    });

    it('that fail give back all their leases, whatever comes of those they wait for', async () => {
      const { q, loadOfP, pass } = await pair();
      const error = new Error('database down');
      const batch = failure(q.cache.getOrSetMany([KEY, 'b', 'c'], () => Promise.reject(error)));
      await breathe();
      expect(leases(q)).toStrictEqual([`cache:${KEY}`]);
      await loadOfP.end('row');
      await pass(100);
      expect(await batch).toBe(error);
      expect(leases(q)).toStrictEqual([]);
    });
  });
});
