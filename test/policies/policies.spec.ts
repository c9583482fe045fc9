// What single policies promise, beyond what the model in matrix.spec.ts covers.
import { afterEach, describe, expect, it } from '@jest/globals';

import { CacheLoadTimeoutError, type EntryOptions, type LoadContext } from '../../lib/index.js';
import { Events } from '../coherence/instances.js';
import { benchOf, closeBenches, redisFor, TOPOLOGIES } from '../support/caches.js';
import { breathe, Deferred, failure } from '../support/deferred.js';

const PATIENT = { maxStaleness: '30d' } as const;

afterEach(closeBenches);

describe.each(TOPOLOGIES)('%s', (topology) => {
  const open = (random?: () => number) => benchOf(topology, PATIENT, redisFor(topology), random);

  describe('context.background', () => {
    it.each<[string, EntryOptions, number, boolean]>([
      ['a miss', { ttl: 10 }, 10, false],
      ['what has expired', { ttl: 10, staleIfError: 60 }, 10, false],
      ['a stale value that is served meanwhile', { ttl: 10, staleWhileRevalidate: 60 }, 10, true],
      ['a value that is served too late for that', { ttl: 10, staleWhileRevalidate: 60 }, 70, false],
      ['a refresh ahead', { ttl: 10, refreshAhead: 0.5 }, 6, true],
    ])('says whether nobody waits: %s', async (_, options, after, expected) => {
      const { cache, clock } = await open();
      const told: boolean[] = [];
      const read = () => cache.getOrSet('k', ({ background }) => told.push(background), options);
      expect(await read()).toBe(1);
      clock.advance(after * 1_000);
      expect(await read()).toBe(expected ? 1 : 2);
      await breathe();
      expect(told).toStrictEqual([false, expected]);
    });
  });

  describe('staleWhileRevalidate', () => {
    it('has one refresh serve all callers, who wait for nothing', async () => {
      const { cache, clock } = await open();
      const options = { ttl: 10, staleWhileRevalidate: 60 };
      await cache.getOrSet('k', () => 'old', options);
      clock.advance(10_000);
      const load = new Deferred<string>();
      let loads = 0;
      const read = () => cache.getOrSet('k', () => (loads++, load.promise), options);
      expect(await Promise.all([read(), read(), read()])).toStrictEqual(['old', 'old', 'old']);
      expect(await read()).toBe('old');
      load.resolve('new');
      await breathe();
      expect([await read(), loads]).toStrictEqual(['new', 1]);
    });

    it('does not concern a caller who does not ask for it', async () => {
      const { cache, clock } = await open();
      await cache.set('k', 'old', { ttl: 10, staleWhileRevalidate: 60 });
      clock.advance(10_000);
      expect([await cache.get('k'), await cache.has('k'), cache.peek('k')]).toStrictEqual([
        undefined,
        false,
        undefined,
      ]);
      expect(await cache.getMany(['k'])).toStrictEqual(new Map());
      const load = new Deferred<string>();
      // This one starts the refresh, the other joins it.
      expect(await cache.getOrSet('k', () => load.promise, { staleWhileRevalidate: 60 })).toBe('old');
      const strict = cache.getOrSet('k', () => 'never called');
      load.resolve('new');
      expect(await strict).toBe('new');
    });

    it('leaves a failure of the refresh to the next one, which comes later and later', async () => {
      const { cache, clock } = await open();
      const options = { ttl: 10, staleWhileRevalidate: '1h' } as const;
      await cache.getOrSet('k', () => 'old', options);
      clock.advance(10_000);
      const at: number[] = [];
      const begun = clock.now();
      for (let second = 0; second < 100; second++) {
        const read = cache.getOrSet<string>('k', () => {
          at.push((clock.now() - begun) / 1_000);
          throw new Error('broken');
        }, options); // prettier-ignore
        expect(await read).toBe('old');
        await clock.pass(1_000);
      }
      expect(at).toStrictEqual([0, 1, 3, 7, 15, 31, 61, 91]);
    });

    it('is kept as long as the reader wants it, not as long as another one does', async () => {
      const { cache, clock } = await open();
      await cache.set('k', 'old', { ttl: 10, staleWhileRevalidate: 60 });
      clock.advance(10_000 + 20_000);
      expect(await cache.getOrSet('k', () => 'new', { staleWhileRevalidate: 20 })).toBe('new');
    });

    it('is counted and published', async () => {
      const { cache, clock } = await open();
      const events = new Events('default');
      const options = { ttl: 10, staleWhileRevalidate: 60 };
      await cache.getOrSet('k', () => 1, options);
      clock.advance(10_000);
      await cache.getOrSet('k', () => 2, options);
      await breathe();
      const { reads, hits, misses, coalesced, memory, redis } = cache.stats();
      expect({ reads, hits, misses, coalesced }).toStrictEqual({
        reads: 2,
        hits: 1,
        misses: 1,
        coalesced: 0,
      });
      expect((memory ?? redis)!.staleHits).toBe(1);
      expect(events.of('stale')).toStrictEqual(['stale revalidate']);
      events.close();
    });
  });

  describe('staleIfError', () => {
    it('serves the old value when a load fails, and counts it', async () => {
      const { cache, clock } = await open();
      const events = new Events('default');
      const options = { ttl: 10, staleIfError: 60 };
      await cache.getOrSet('k', () => 'old', options);
      clock.advance(10_000);
      const broken = (): string => {
        throw new Error('broken');
      };
      expect(await cache.getOrSet('k', broken, options)).toBe('old');
      expect((await failure(cache.getOrSet('other', broken, options))).message).toBe('broken');
      expect(events.of('stale', 'load-failed')).toStrictEqual(['load-failed', 'stale error', 'load-failed']);
      clock.advance(60_000);
      expect((await failure(cache.getOrSet('k', broken, options))).message).toBe('broken');
      events.close();
    });

    it('never serves what was invalidated, not even what was invalidated during the load', async () => {
      const { cache, clock } = await open();
      const options = { ttl: 10, staleIfError: 60, staleWhileRevalidate: 0, tags: ['t'] };
      for (const invalidate of [
        () => cache.delete('k:1'),
        () => cache.invalidateTags(['t']),
        () => cache.clearPattern('k:*'),
        () => cache.clearPattern('*:1'),
        () => cache.clear(),
      ]) {
        for (const during of [false, true]) {
          await cache.getOrSet('k:1', () => 'old', options);
          clock.advance(10_000);
          if (!during) await invalidate();
          const load = new Deferred<string>();
          const failed = failure(cache.getOrSet('k:1', () => load.promise, options));
          await breathe();
          if (during) await invalidate();
          load.reject(new Error('broken'));
          expect((await failed).message).toBe('broken');
          await clock.pass(60_000);
        }
      }
    });

    it('takes a load that is too slow for one that has failed', async () => {
      const { cache, clock } = await open();
      const options: EntryOptions<string> = { ttl: 10, staleIfError: 60, loadTimeout: { hard: '500ms' } };
      await cache.getOrSet('k', () => 'old', options);
      clock.advance(10_000);
      const read = cache.getOrSet('k', () => new Promise<string>(() => {}), options);
      await clock.pass(500);
      expect(await read).toBe('old');
    });
  });

  describe('loadTimeout', () => {
    it('hard rejects with a coded error, aborts the signal, and drops what comes later', async () => {
      const { cache, clock } = await open();
      const late = new Deferred<string>();
      let signal: AbortSignal | undefined;
      const read = cache.getOrSet(
        'k',
        (context) => {
          ({ signal } = context);
          return late.promise;
        },
        { loadTimeout: { hard: 2 } },
      );
      const failed = failure(read);
      await clock.pass(2_000);
      const error = await failed;
      expect(error).toBeInstanceOf(CacheLoadTimeoutError);
      expect(error).toMatchObject({ code: 'CACHE_LOAD_TIMEOUT', key: 'k' });
      expect(error.message).toContain('loadTimeout.hard');
      expect(signal).toMatchObject({ aborted: true, reason: error });
      late.resolve('late');
      await breathe();
      expect(await cache.get('k')).toBeUndefined();
      expect(cache.stats()).toMatchObject({ loads: 1, failedLoads: 1, loadsRunning: 0 });
    });

    it('hard holds for a batch', async () => {
      const { cache, clock } = await open();
      const read = cache.getOrSetMany(['a', 'b'], () => new Promise<Map<string, string>>(() => {}), {
        loadTimeout: { hard: 2 },
      });
      const failed = failure(read);
      await clock.pass(2_000);
      expect(await failed).toMatchObject({ code: 'CACHE_LOAD_TIMEOUT' });
    });

    it('an error that comes after it is nobody’s', async () => {
      const { cache, clock } = await open();
      const late = new Deferred<string>();
      const failed = failure(cache.getOrSet('k', () => late.promise, { loadTimeout: { hard: 2 } }));
      await clock.pass(2_000);
      await failed;
      late.reject(new Error('nobody listens'));
      await breathe();
      expect(cache.stats().failedLoads).toBe(1);
    });

    it('soft serves the old value, and the load is stored when it ends', async () => {
      const { cache, clock } = await open();
      const options: EntryOptions<string> = { ttl: 10, staleIfError: 60, loadTimeout: { soft: '100ms' } };
      await cache.getOrSet('k', () => 'old', options);
      clock.advance(10_000);
      const load = new Deferred<string>();
      const read = cache.getOrSet('k', () => load.promise, options);
      await clock.pass(100);
      expect(await read).toBe('old');
      load.resolve('new');
      await breathe();
      expect(await cache.get('k')).toBe('new');
    });

    it('soft does nothing where there is no old value', async () => {
      const { cache, clock } = await open();
      const load = new Deferred<string>();
      const read = cache.getOrSet('k', () => load.promise, {
        staleIfError: 60,
        loadTimeout: { soft: '100ms' },
      });
      await clock.pass(5_000);
      load.resolve('new');
      expect(await read).toBe('new');
    });
  });

  describe('refreshAhead', () => {
    it('is switched off by a call that says so', async () => {
      const { cache, clock } = await benchOf(topology, {
        ...PATIENT,
        defaults: { ttl: 100, refreshAhead: 0.5 },
      });
      let loads = 0;
      const load = (): number => ++loads;
      await cache.getOrSet('k', load);
      clock.advance(60_000);
      expect(await cache.getOrSet('k', load, { refreshAhead: false })).toBe(1);
      expect(await cache.getOrSet('k', load, { refreshAhead: false, isolation: 'clone' })).toBe(1);
      await breathe();
      expect(loads).toBe(1);
      await cache.getOrSet('k', load);
      await breathe();
      expect(loads).toBe(2);
    });

    it('with beta refreshes at random, the more likely the longer a load takes', async () => {
      let chance = 0;
      const { cache, clock } = await open(() => chance);
      const options: EntryOptions<number> = { ttl: 100, refreshAhead: { beta: 1 } };
      let value = 0;
      const load = async (): Promise<number> => {
        await clock.wait(1_000);
        return ++value;
      };
      const read = async (): Promise<number> => {
        const reading = cache.getOrSet('k', load, options);
        await clock.pass(1_000);
        return reading;
      };
      expect(await read()).toBe(1);
      // now - 1 s * ln(1 - chance) >= expiry, with -ln(1 - chance) = 5: five seconds before the end.
      chance = 1 - Math.exp(-5);
      await clock.pass(92_000);
      await read();
      expect(value).toBe(1);
      await clock.pass(2_500);
      await read();
      expect(value).toBe(2);
    });
  });

  describe('the life of a value', () => {
    it('jitter only shortens it', async () => {
      for (const [chance, life] of [
        [0, 10_000],
        [0.5, 7_500],
        [1, 5_000],
      ] as const) {
        // prettier-ignore
        const { cache, clock } = await open(() => chance);
        await cache.set('k', 1, { ttl: 10, jitter: 0.5 });
        await cache.getOrSet('l', () => 1, { ttl: 10, jitter: 0.5 });
        clock.advance(life - 1);
        expect((await cache.getMany(['k', 'l'])).size).toBe(2);
        clock.advance(2);
        expect((await cache.getMany(['k', 'l'])).size).toBe(0);
      }
    });

    it('negativeTtl is that of null, of no other value', async () => {
      const { cache, clock } = await open();
      await cache.setMany([['null', null], ['zero', 0], ['empty', '']], { ttl: 10, negativeTtl: 1 }); // prettier-ignore
      await cache.getOrSet('loaded', () => null, { ttl: 10, negativeTtl: 1 });
      await cache.getOrSet('decided', ({ setTtl }) => (setTtl(10), null), { ttl: 10, negativeTtl: 1 });
      clock.advance(1_000);
      const left = await cache.getMany(['null', 'loaded', 'decided', 'zero', 'empty']);
      expect([...left.keys()]).toStrictEqual(['decided', 'zero', 'empty']);
    });

    it('negativeTtl 0 keeps null out, also of a setMany, and removes what was there', async () => {
      const { cache } = await open();
      await cache.setMany([['a', 1], ['b', 1]]); // prettier-ignore
      await cache.setMany([['a', null], ['b', 2]], { negativeTtl: 0 }); // prettier-ignore
      expect(await cache.getMany(['a', 'b'])).toStrictEqual(new Map([['b', 2]]));
    });
  });

  describe('context.stale', () => {
    const options = { ttl: 10, staleIfError: 60, tags: ['t'] } as const;

    it('is what the load replaces, and may be said to be still right', async () => {
      const { cache, clock } = await open();
      await cache.getOrSet('k', () => ({ etag: 'a' }), options);
      clock.advance(12_000);
      const load = (context: LoadContext<{ etag: string }>): { etag: string } => {
        expect(context.stale).toStrictEqual({ value: { etag: 'a' }, age: 12 });
        context.addTags(['u']);
        return context.notModified();
      };
      expect(await cache.getOrSet('k', load, options)).toStrictEqual({ etag: 'a' });
      clock.advance(9_999);
      expect(await cache.get('k')).toStrictEqual({ etag: 'a' });
      await cache.invalidateTags(['u']);
      expect(await cache.get('k')).toBeUndefined();
    });

    it('is not there for a new key nor after an invalidation, and then nothing can be said to be unchanged', async () => {
      const { cache, clock } = await open();
      const load = (context: LoadContext<string>): string => {
        expect(context.stale).toBeUndefined();
        return context.notModified();
      };
      const error = await failure(cache.getOrSet('k', load, options));
      expect(error).toMatchObject({ code: 'CACHE_ARGUMENT_INVALID', key: 'k' });
      await cache.set('k', 'old', options);
      clock.advance(10_000);
      await cache.invalidateTags(['t']);
      expect(await failure(cache.getOrSet('k', load, options))).toMatchObject({ key: 'k' });
    });
  });

  it('closing waits for refreshes that are running, and begins none', async () => {
    const { cache, clock, close } = await open();
    const options = { ttl: 10, staleWhileRevalidate: 60 };
    await cache.setMany([['a', 'old'], ['b', 'old']], options); // prettier-ignore
    clock.advance(10_000);
    const load = new Deferred<string>();
    let signal: AbortSignal | undefined;
    const never = ({ signal: given }: LoadContext): Promise<string> => {
      signal = given;
      return new Promise(() => {});
    };
    await cache.getOrSet('a', () => load.promise, options);
    await cache.getOrSet('b', never, options);
    await breathe();
    const closing = close();
    load.resolve('new');
    await closing;
    expect(signal?.aborted).toBe(true);
    expect(await cache.getOrSet('a', () => 'loaded', options)).toBe('loaded');
    expect(cache.stats()).toMatchObject({ failedLoads: 0 });
  });
});

describe('bad input', () => {
  it.each<[string, object, RegExp]>([
    ['jitter', { jitter: 1.5 }, /^jitter must be a fraction from 0 to 1, not 1.5/],
    ['refreshAhead', { refreshAhead: 80 }, /^refreshAhead must be a fraction of the ttl/],
    ['refreshAhead', { refreshAhead: { beta: -1 } }, /^refreshAhead must be/],
    ['refreshAhead', { refreshAhead: { alpha: 1 } }, /^refreshAhead must be/],
    ['staleWhileRevalidate', { staleWhileRevalidate: '5 min' }, /^staleWhileRevalidate is '5 min'/],
    ['staleIfError', { staleIfError: -1 }, /^staleIfError is -1/],
    ['negativeTtl', { negativeTtl: NaN }, /^negativeTtl is NaN/],
    ['loadTimeout', { loadTimeout: 5 }, /^loadTimeout must be { soft, hard }, not 5/],
    ['loadTimeout', { loadTimeout: { sfot: 5 } }, /^unknown option loadTimeout.sfot/],
    ['loadTimeout', { loadTimeout: { soft: 2, hard: 1 } }, /^loadTimeout.soft must be shorter/],
    ['loadTimeout', { loadTimeout: { hard: 0 } }, /^loadTimeout must be longer than 0/],
  ])('%s %j is refused, on a hit as well', async (_, options, message) => {
    const { cache } = await benchOf('memory');
    await cache.set('k', 1);
    const error = await failure(cache.getOrSet('k', () => 1, options));
    expect(error.message).toMatch(message);
    expect(error).toMatchObject({
      code: expect.stringMatching(/^CACHE_(ARGUMENT|DURATION)_INVALID$/),
      key: 'k',
    });
    await expect(benchOf('memory', { defaults: options })).rejects.toMatchObject({
      code: 'CACHE_CONFIG_INVALID',
    });
  });
});
