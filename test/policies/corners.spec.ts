// Where policies meet each other, closing, other processes and callers who do not ask for them.
import { afterEach, describe, expect, it } from '@jest/globals';

import type { CacheManager } from '../../lib/index.js';
import { benchesOf, benchOf, closeBenches, redisFor } from '../support/caches.js';
import { breathe, Deferred, failure } from '../support/deferred.js';
import type { ManualClock } from '../support/manual-clock.js';

const PATIENT = { maxStaleness: '30d' } as const;

afterEach(closeBenches);

const broken = (): never => {
  throw new Error('x');
};

describe('beta', () => {
  it.each(['memory', 'redis', 'memory + redis'] as const)('one draw decides: %s', async (topology) => {
    const draws: number[] = [];
    let drawn = 0;
    const { cache, clock } = await benchOf(
      topology,
      PATIENT,
      redisFor(topology),
      () => (drawn++, draws.shift() ?? 0),
    );
    const options = { ttl: 100, refreshAhead: { beta: 1 } } as const;
    let value = 0;
    const load = async (): Promise<number> => {
      await clock.wait(1_000);
      return ++value;
    };
    const first = cache.getOrSet('k', load, options);
    await clock.pass(1_000);
    await first;
    await clock.pass(95_000); // 5 s before the end
    drawn = 0;
    draws.push(1 - Math.exp(-10)); // enough for a refresh 10 s before the end
    await cache.getOrSet('k', load, options);
    await clock.pass(2_000);
    expect([value, drawn]).toStrictEqual([2, 1]);
  });
});

it('who takes no expired value has his load made, whatever failed a moment ago', async () => {
  const { cache, clock } = await benchOf('redis', PATIENT);
  const options = { ttl: 10, staleIfError: 60 };
  await cache.getOrSet('k', () => 'old', options);
  clock.advance(10_000);
  expect(
    await cache.getOrSet<string>(
      'k',
      () => {
        throw new Error('first');
      },
      options,
    ),
  ).toBe('old');
  clock.advance(500);
  const a = cache.getOrSet('k', () => 'never', options);
  const strict = cache.getOrSet('k', () => 'loaded');
  expect(await a).toBe('old');
  expect(await strict).toBe('loaded');
});

it('a refresh that waits for another process does not load after close', async () => {
  const [a, b] = await benchesOf('memory + redis', 2, PATIENT);
  const options = { ttl: 10, staleWhileRevalidate: 60 };
  await a!.cache.getOrSet('k', () => 'old', options);
  await b!.cache.getOrSet('k', () => 'x', options);
  a!.clock.advance(10_000);
  expect(await a!.cache.getOrSet('k', () => new Promise<string>(() => {}), options)).toBe('old');
  await breathe();
  let loads = 0;
  let signal: AbortSignal | undefined;
  expect(
    await b!.cache.getOrSet(
      'k',
      (c) => {
        loads++;
        signal = c.signal;
        return new Promise<string>(() => {});
      },
      options,
    ),
  ).toBe('old');
  await breathe();
  expect(loads).toBe(0);
  let closed = false;
  const closing = b!.close().then(() => (closed = true));
  await a!.clock.pass(20_000);
  await closing;
  expect([closed, loads, signal?.aborted]).toStrictEqual([true, 0, undefined]);
});

it.each(['memory', 'redis', 'memory + redis'] as const)(
  'close drains a refresh that a reader of Redis began: %s',
  async (topology) => {
    const { cache, clock, close } = await benchOf(topology, PATIENT);
    const options = { ttl: 10, staleWhileRevalidate: 60 };
    await cache.getOrSet('k', () => 'old', options);
    clock.advance(10_000);
    const load = new Deferred<string>();
    let signal: AbortSignal | undefined;
    expect(
      await cache.getOrSet(
        'k',
        (c) => {
          signal = c.signal;
          return load.promise;
        },
        options,
      ),
    ).toBe('old');
    await breathe();
    const closing = close();
    await breathe();
    expect(signal?.aborted).toBe(false);
    load.resolve('new');
    await closing;
  },
);

it('while closing an expired value is served, and nothing is begun', async () => {
  const { cache, clock, close } = await benchOf('memory', PATIENT);
  const options = { ttl: 10, staleWhileRevalidate: 60 };
  await cache.setMany(
    [
      ['a', 'old'],
      ['b', 'old'],
    ],
    options,
  );
  clock.advance(10_000);
  const load = new Deferred<string>();
  await cache.getOrSet('a', () => load.promise, options);
  const closing = close();
  let loads = 0;
  const got = await cache.getOrSet(
    'b',
    () => {
      loads++;
      return new Promise<string>(() => {});
    },
    options,
  );
  const { reads, hits, misses, coalesced } = cache.stats();
  load.resolve('x');
  await closing;
  expect({ got, loads, reads, hits, misses, coalesced }).toStrictEqual({
    got: 'old',
    loads: 0,
    reads: 2,
    hits: 2,
    misses: 0,
    coalesced: 0,
  });
});

it('while closing a read of a key in its pause is counted', async () => {
  const { cache, clock, close } = await benchOf('memory', PATIENT);
  const options = { ttl: 10, staleIfError: 60, staleWhileRevalidate: 0 };
  const swr = { ttl: 10, staleWhileRevalidate: 60 };
  await cache.set('a', 'old', swr);
  await cache.set('b', 'old', options);
  clock.advance(10_000);
  await cache.getOrSet<string>(
    'b',
    () => {
      throw new Error('x');
    },
    options,
  );
  const load = new Deferred<string>();
  await cache.getOrSet('a', () => load.promise, swr);
  const closing = close();
  const before = cache.stats();
  await cache.getOrSet('b', () => 'n', options);
  const s = cache.stats();
  load.resolve('x');
  await closing;
  expect(s.reads - before.reads).toBe(
    s.hits + s.misses + s.coalesced - before.hits - before.misses - before.coalesced,
  );
});

describe('a copy that memory has held for memory.ttl', () => {
  const options = { ttl: 3_600, staleWhileRevalidate: 3_600, staleIfError: 3_600 } as const;
  const set = async () => {
    const bench = await benchOf('memory + redis', { ...PATIENT, memory: { ttl: 10 } });
    await bench.cache.getOrSet('k', () => 'old', options);
    bench.clock.advance(10_000);
    return bench;
  };

  it.each(['getOrSet', 'getOrSetMany'] as const)(
    'is not stale: %s asks Redis, which has it still',
    async (method) => {
      const { cache } = await set();
      let loads = 0;
      const load = (): string => `new ${++loads}`;
      const value =
        method === 'getOrSet'
          ? await cache.getOrSet('k', load, options)
          : (await cache.getOrSetMany(['k'], () => new Map([['k', load()]]), options)).get('k');
      await breathe();
      expect([value, loads]).toStrictEqual(['old', 0]);
      expect(cache.stats()).toMatchObject({ memory: { staleHits: 0 }, redis: { hits: 1, staleHits: 0 } });
    },
  );

  it('will do when Redis has lost it and the load fails', async () => {
    const { cache, redis } = await set();
    redis.data.delete('cache:k');
    expect(await cache.getOrSet<string>('k', broken, { ...options, staleWhileRevalidate: 0 })).toBe('old');
  });

  it('will not do for who takes no expired value', async () => {
    const { cache, redis } = await set();
    redis.data.delete('cache:k');
    await expect(cache.getOrSet<string>('k', broken)).rejects.toThrow('x');
    expect(await cache.getOrSet('k', () => 'new')).toBe('new');
  });
});

it('memory.ttl limits how long copies take room', async () => {
  const { cache, clock } = await benchOf('memory + redis', { ...PATIENT, memory: { ttl: 10 } });
  await cache.set('k', 'v', { ttl: 3600 });
  clock.advance(11_000);
  expect(cache.peek('k')).toBeUndefined();
  await cache.get('k', { tiers: ['memory'] });
  expect(cache.stats().memory!.entries).toBe(0);
});

it('a refresh of more than ten seconds is one load among processes', async () => {
  const benches = await benchesOf('memory + redis', 3, PATIENT);
  const { clock } = benches[0]!;
  const options = { ttl: 10, staleWhileRevalidate: 600 };
  for (const { cache } of benches) await cache.getOrSet('k', () => 'old', options);
  clock.advance(10_000);
  let loads = 0;
  for (const { cache } of benches) {
    await cache.getOrSet('k', () => (loads++, new Promise<string>(() => {})), options);
    await breathe();
  }
  await clock.pass(15_000);
  expect(loads).toBe(1);
});

it('a batch served after its soft limit is loaded once', async () => {
  const { cache, clock } = await benchOf('memory', PATIENT);
  const options = { ttl: 10, staleIfError: 60, refreshAhead: 0.8, loadTimeout: { soft: '100ms' } } as const;
  await cache.set('a', 'old', options);
  clock.advance(10_000);
  const asked: string[][] = [];
  const many = cache.getOrSetMany<string>(
    ['a', 'b'],
    async (keys) => {
      asked.push(keys);
      await clock.wait(200);
      return new Map(keys.map((k) => [k, 'new']));
    },
    options,
  );
  await clock.pass(500);
  await many;
  expect(asked).toStrictEqual([['a', 'b']]);
});

it.each(['memory', 'redis', 'memory + redis'] as const)(
  'a loader that skips ends the old value: nobody goes back to it: %s',
  async (topology) => {
    const { cache, clock } = await benchOf(topology, PATIENT);
    const options = { ttl: 10, staleIfError: 600 };
    await cache.set('k', 'old', options);
    await cache.set('l', 'old', options);
    clock.advance(10_000);
    const seen: string[] = [];
    for (let i = 0; i < 5; i++) {
      seen.push(await cache.getOrSet('k', (c) => (c.skip(), `new ${i}`), options));
      const batch = await cache.getOrSetMany(
        ['l'],
        (_, c) => (c.skip(), new Map([['l', `new ${i}`]])),
        options,
      );
      seen.push(batch.get('l')!);
      clock.advance(100);
    }
    expect(seen).toStrictEqual([0, 1, 2, 3, 4].flatMap((i) => [`new ${i}`, `new ${i}`]));
    await expect(cache.getOrSet<string>('k', broken, options)).rejects.toThrow('x');
  },
);

it('a loader that has nothing ends the old value', async () => {
  const { cache, clock } = await benchOf('memory', PATIENT);
  const options = { ttl: 10, staleWhileRevalidate: 600 };
  await cache.set('k', 'old', options);
  clock.advance(10_000);
  const load = () => undefined as unknown as string;
  await cache.getOrSet('k', load, options);
  await breathe();
  expect(await cache.getOrSet('k', load, options)).toBeUndefined();
});

it('what the origin has taken back is not served when a later load fails', async () => {
  const { cache, clock } = await benchOf('memory', PATIENT);
  const options = { ttl: 10, staleIfError: 600 };
  await cache.set('k', 'old', options);
  clock.advance(10_000);
  expect(await cache.getOrSet('k', () => undefined as unknown as string, options)).toBeUndefined();
  expect(
    (
      await failure(
        cache.getOrSet<string>(
          'k',
          () => {
            throw new Error('e');
          },
          options,
        ),
      )
    ).message,
  ).toBe('e');
});

it('context.stale is gone once it was invalidated', async () => {
  const { cache, clock } = await benchOf('memory', PATIENT);
  const options = { ttl: 10, staleIfError: 600 };
  await cache.set('k', 'old', options);
  clock.advance(10_000);
  const gate = new Deferred<void>();
  let stale: unknown;
  const read = cache.getOrSet<string>(
    'k',
    async (c) => {
      await gate.promise;
      stale = c.stale;
      return c.notModified();
    },
    options,
  );
  await breathe();
  await cache.delete('k');
  gate.resolve();
  const got = await read.catch((e: Error) => e.message);
  expect(stale).toBeUndefined();
  expect(got).toContain('notModified()');
});

it('refreshAhead counts from when a value was stored, however long its load took', async () => {
  const { cache, clock } = await benchOf('redis', PATIENT);
  const options = { ttl: 10, refreshAhead: 0.5 };
  let loads = 0;
  const load = async () => {
    loads++;
    await clock.wait(12_000);
    return loads;
  };
  const first = cache.getOrSet('k', load, options);
  await clock.pass(12_000);
  await first;
  void cache.getOrSet('k', load, options);
  await clock.pass(100);
  expect(loads).toBe(1);
});

it('who has to start over asks his own loader when a batch leaves the key out', async () => {
  const [a, b] = await benchesOf('memory + redis', 2, PATIENT);
  const { clock } = a!;
  void a!.cache.getOrSet('k', () => new Promise(() => {}));
  await breathe();
  const reading = b!.cache.getOrSet('k', () => 'mine');
  await breathe();
  await b!.cache.delete('k');
  const gate = new Deferred<Map<string, string>>();
  const many = b!.cache.getOrSetMany<string>(['k'], () => gate.promise);
  await clock.pass(500);
  gate.resolve(new Map());
  await clock.pass(500);
  await many;
  expect(await reading).toBe('mine');
});

it('the soft limit holds though a slow tier has the old value only afterwards', async () => {
  const { cache, clock, store } = await benchOf('redis', PATIENT);
  const options = { ttl: 10, staleIfError: 60, loadTimeout: { soft: '100ms' } } as const;
  await cache.set('a', 'old', options);
  clock.advance(10_000);
  store.hold();
  let got: unknown;
  const load = new Deferred<string>();
  void cache.getOrSet('a', () => load.promise, options).then((v) => (got = v));
  await clock.pass(150);
  store.release();
  await clock.pass(2_000);
  const before = got;
  load.resolve('new');
  await breathe();
  expect(before).toBe('old');
});

it('failures of long ago do not make the next pause longer', async () => {
  const { cache, clock } = await benchOf('memory', PATIENT);
  const options = { ttl: 10, staleWhileRevalidate: '1h' } as const;
  await cache.set('k', 'old', options);
  clock.advance(10_000);
  for (let i = 0; i < 5; i++) {
    await cache.getOrSet<string>('k', broken, options);
    await breathe();
    clock.advance(60_000);
  }
  await cache.set('k', 'new', options);
  clock.advance(10_000);
  let loads = 0;
  const read = () =>
    cache.getOrSet<string>(
      'k',
      () => {
        loads++;
        throw new Error('x');
      },
      options,
    );
  await read();
  await breathe();
  clock.advance(1_001);
  await read();
  await breathe();
  expect(loads).toBe(2);
});

it('a value set meanwhile is loaded anew when it expires', async () => {
  const { cache, clock } = await benchOf('memory', PATIENT);
  const options = { ttl: 1, staleIfError: 600 };
  await cache.set('k', 'old', options);
  clock.advance(1_000);
  for (let i = 0; i < 6; i++) {
    await cache.getOrSet<string>('k', broken, options);
    await breathe();
    clock.advance(i < 5 ? 31_000 : 0);
  }
  await cache.set('k', 'v2', options);
  clock.advance(2_000);
  expect(await cache.getOrSet('k', () => 'v3', options)).toBe('v3');
});

it('a list is no loadTimeout', async () => {
  const { cache } = await benchOf('memory', {});
  await expect(cache.getOrSet('k', () => 1, { loadTimeout: [] as never })).rejects.toThrow(
    /^loadTimeout must be/,
  );
});

it('notModified keeps maps and dates, whatever the isolation', async () => {
  for (const isolation of ['clone', 'share', 'freeze', undefined] as const) {
    for (const topology of ['memory', 'redis', 'memory + redis'] as const) {
      const { cache, clock } = await benchOf(topology, PATIENT);
      const value = { m: new Map([[1, new Date(5)]]), d: new Date(7), p: { q: 1 } };
      const options = { ttl: 10, staleIfError: 600, ...(isolation && { isolation }) };
      await cache.set('k', value, options);
      const mine = await cache.get<typeof value>('k', options);
      if (isolation === 'share' || isolation === 'clone') mine!.p.q = 9;
      clock.advance(10_000);
      const renewed = await cache.getOrSet<typeof value>(
        'k',
        (c) => {
          void c.stale!.value.m.size;
          return c.notModified();
        },
        options,
      );
      expect(renewed.m).toStrictEqual(value.m);
      expect(renewed.d).toStrictEqual(value.d);
      expect([isolation, topology, renewed.p.q]).toStrictEqual([isolation, topology, 1]);
      clock.advance(9_999);
      expect((await cache.get<typeof value>('k', options))!.m).toStrictEqual(value.m);
      await closeBenches();
    }
  }
});

describe('who is told to make do with an old value that is gone when he takes it loads', () => {
  const options = { ttl: 10, staleIfError: 60 } as const;
  const open = async () => {
    const bench = await benchOf('redis', PATIENT);
    await bench.cache.set('a', 'old', options);
    bench.clock.advance(10_000);
    expect(await bench.cache.getOrSet<string>('a', broken, options)).toBe('old');
    return bench;
  };

  it.each([
    ['deleted', (cache: CacheManager) => cache.delete('a')],
    ['beyond its window', (_: CacheManager, clock: ManualClock) => clock.pass(60_000)],
  ] as const)('in a batch: %s', async (_, end) => {
    const { cache, clock } = await open();
    const load = new Deferred<void>();
    const asked: string[][] = [];
    const batch = cache.getOrSetMany(
      ['a', 'b'],
      async (keys) => {
        asked.push(keys);
        if (asked.length === 1) await load.promise;
        return new Map(keys.map((key) => [key, `new ${key}`]));
      },
      options,
    );
    await breathe();
    await end(cache, clock);
    load.resolve();
    expect([...(await batch)]).toStrictEqual([
      ['a', 'new a'],
      ['b', 'new b'],
    ]);
    expect(asked).toStrictEqual([['b'], ['a']]);
    const { reads, hits, misses, coalesced } = cache.stats();
    expect(hits + misses + coalesced).toBe(reads);
  });
});

it('a load that began after an invalidation and fails is counted for all who shared it', async () => {
  const [p, q] = await benchesOf('memory + redis', 2, PATIENT);
  const ofP = new Deferred<string>();
  const loading = p!.cache.getOrSet('k', () => ofP.promise);
  await breathe();
  const waiting = failure(q!.cache.getOrSet('k', () => 'row'));
  await q!.clock.pass(5);
  await q!.cache.delete('k');
  const slow = async (): Promise<string> => q!.clock.wait(500).then(broken);
  const second = failure(q!.cache.getOrSet('k', slow));
  await q!.clock.pass(1_000);
  await Promise.all([waiting, second]);
  ofP.resolve('late');
  await loading;
  for (const { cache } of [p!, q!]) {
    const { reads, hits, misses, coalesced } = cache.stats();
    expect(hits + misses + coalesced).toBe(reads);
  }
});

describe('loadTimeout.hard', () => {
  it('holds for those who join a load without a limit; it goes on without them', async () => {
    const { cache, clock } = await benchOf('memory');
    const load = new Deferred<string>();
    const first = cache.getOrSet('k', () => load.promise);
    const joined = failure(cache.getOrSet('k', () => 'never', { loadTimeout: { hard: '200ms' } }));
    const batch = failure(cache.getOrSetMany(['k'], () => new Map(), { loadTimeout: { hard: '200ms' } }));
    await clock.pass(200);
    expect([await joined, await batch]).toMatchObject([
      { code: 'CACHE_LOAD_TIMEOUT' },
      { code: 'CACHE_LOAD_TIMEOUT' },
    ]);
    load.resolve('v');
    expect(await first).toBe('v');
    expect(await cache.get('k')).toBe('v');
  });

  it('includes the time for which another process is waited for', async () => {
    const [p, q] = await benchesOf('redis', 2);
    void p!.cache.getOrSet('k', () => new Promise<string>(() => {}));
    await breathe();
    let loads = 0;
    const waiting = failure(q!.cache.getOrSet('k', () => ++loads, { loadTimeout: { hard: '500ms' } }));
    await q!.clock.pass(750);
    expect(await waiting).toMatchObject({ code: 'CACHE_LOAD_TIMEOUT', key: 'k' });
    expect(loads).toBe(0);
  });

  it('runs what is no promise and begins when it is awaited only once', async () => {
    const { cache } = await benchOf('memory');
    let begun = 0;
    const lazy = { then: (resolve: (value: string) => void) => (begun++, resolve('v')) };
    expect(await cache.getOrSet('k', () => lazy as never, { loadTimeout: { hard: '1s' } })).toBe('v');
    expect(begun).toBe(1);
  });
});

it('a soft limit serves no more than its own caller takes', async () => {
  const { cache, clock } = await benchOf('memory');
  await cache.set('k', 'old', { ttl: 10, staleIfError: 600 });
  clock.advance(20_000);
  const load = new Deferred<string>();
  const options = { ttl: 10, staleIfError: 5, loadTimeout: { soft: '100ms' } } as const;
  const read = cache.getOrSet('k', () => load.promise, options);
  await clock.pass(1_000);
  load.resolve('new');
  expect(await read).toBe('new');
});

describe('notModified()', () => {
  const options = { ttl: 10, staleIfError: 60 } as const;

  it.each(['deleted', 'beyond its window'] as const)(
    'loads anew when the old value is %s meanwhile',
    async (how) => {
      const { cache, clock } = await benchOf('memory + redis', PATIENT);
      await cache.set('k', 'old', options);
      clock.advance(10_000);
      const asked = new Deferred<void>();
      const seen: unknown[] = [];
      const read = cache.getOrSet(
        'k',
        async (context) => {
          seen.push(context.stale?.value);
          if (context.stale === undefined) return 'new';
          await asked.promise;
          return context.notModified();
        },
        options,
      );
      await breathe();
      if (how === 'deleted') await cache.delete('k');
      else clock.advance(60_000);
      asked.resolve();
      expect(await read).toBe('new');
      expect(seen).toStrictEqual(['old', undefined]);
    },
  );
});

it('a refresh whose result cannot be kept is a load that failed', async () => {
  const { cache, clock } = await benchOf('memory', PATIENT);
  const options = { ttl: 10, staleWhileRevalidate: 600 };
  await cache.set<unknown>('k', 'old', options);
  clock.advance(10_000);
  expect(await cache.getOrSet<unknown>('k', () => () => 'a function', options)).toBe('old');
  await breathe();
  expect(cache.stats()).toMatchObject({ loads: 1, failedLoads: 1, loadsRunning: 0 });
});

it('a value that was set is loaded when it expires, whatever failed before', async () => {
  const { cache, clock } = await benchOf('memory', PATIENT);
  const options = { ttl: 10, staleIfError: 600 };
  await cache.set('k', 'v1', options);
  clock.advance(10_000);
  expect(await cache.getOrSet<string>('k', broken, options)).toBe('v1');
  await cache.set('k', 'v2', { ...options, ttl: '100ms' });
  clock.advance(200);
  expect(await cache.getOrSet('k', () => 'v3', options)).toBe('v3');
});
