// Refreshes among processes: one of them loads, the value stays readable, and no refresh undoes an invalidation.
import { afterEach, describe, expect, it } from '@jest/globals';

import type { EntryOptions } from '../../lib/index.js';
import { type Bench, benchesOf, closeBenches, SHARED_TOPOLOGIES } from '../support/caches.js';
import { breathe, Deferred } from '../support/deferred.js';

const KEY = 'user:1';
const OPTIONS = { ttl: 10, staleWhileRevalidate: 60, tags: ['t'] } as const;
const AHEAD = { ttl: 10, refreshAhead: 0.5, tags: ['t'] } as const;

afterEach(closeBenches);

describe.each(SHARED_TOPOLOGIES)('%s', (topology) => {
  interface Scene {
    readonly benches: readonly Bench[];
    /** Reads in one of them. */
    read(i: number): Promise<string>;
    readonly loads: Deferred<string>[];
    pass(ms: number): Promise<void>;
    /** What a process has that comes new. */
    inRedis(): Promise<string | undefined>;
  }

  /** Processes that have all read 'old', and then so many milliseconds. */
  async function scene(options: EntryOptions<string>, ms: number, count = 3): Promise<Scene> {
    const benches = await benchesOf(topology, count);
    const loads: Deferred<string>[] = [];
    const load = (): Promise<string> => {
      const made = new Deferred<string>();
      loads.push(made);
      return made.promise;
    };
    for (const { cache } of benches) await cache.getOrSet(KEY, () => 'old', options);
    const { clock } = benches[0]!;
    await clock.pass(ms);
    return {
      benches,
      loads,
      read: (i) => benches[i]!.cache.getOrSet(KEY, load, options),
      pass: (time) => clock.pass(time),
      inRedis: () => benches[0]!.cache.get<string>(KEY, { tiers: ['redis'] }),
    };
  }

  it.each([
    ['staleWhileRevalidate', OPTIONS, 11_000],
    ['refreshAhead', AHEAD, 6_000],
  ] as const)('%s: one of all loads, and all read the old value until it has', async (_, options, ms) => {
    const { read, loads, pass } = await scene(options, ms);
    for (let round = 0; round < 3; round++) {
      expect(await Promise.all([read(0), read(1), read(2)])).toStrictEqual(['old', 'old', 'old']);
      await pass(300);
    }
    expect(loads).toHaveLength(1);
    loads[0]!.resolve('new');
    await pass(500);
    // A memory that has the old value until it expires learns of the new one by its own refresh.
    await Promise.all([read(0), read(1), read(2)]);
    await pass(500);
    expect(await Promise.all([read(0), read(1), read(2)])).toStrictEqual(['new', 'new', 'new']);
    expect(loads).toHaveLength(1);
  });

  it('a process that dies while it refreshes keeps the others for as long as its lease from trying', async () => {
    const { benches, read, loads, pass } = await scene(OPTIONS, 11_000);
    await read(0);
    await breathe();
    expect(loads).toHaveLength(1);
    benches[0]!.store.failure = new Error('dead');
    await read(1);
    await pass(2_500);
    expect(loads).toHaveLength(1);
    await pass(1_000);
    expect(loads).toHaveLength(2);
    loads[1]!.resolve('new');
    await pass(300);
    expect(await read(1)).toBe('new');
  });

  it.each<[string, (bench: Bench) => Promise<unknown>]>([
    ['delete', ({ cache }) => cache.delete(KEY)],
    ['a tag', ({ cache }) => cache.invalidateTags(['t'])],
    ['a prefix', ({ cache }) => cache.clearPattern('user:*')],
    ['a pattern', ({ cache }) => cache.clearPattern('*:1')],
    ['clear', ({ cache }) => cache.clear()],
  ])('%s: what a refresh loaded before is not stored, and the old value is gone', async (_, invalidate) => {
    for (const [options, ms] of [
      [OPTIONS, 11_000],
      [AHEAD, 6_000],
    ] as const) {
      // prettier-ignore
      for (const by of [0, 1]) {
        const { benches, read, loads, pass, inRedis } = await scene(options, ms, 2);
        await read(0);
        await breathe();
        expect(loads).toHaveLength(1);
        await invalidate(benches[by]!);
        await breathe();
        const reads = [read(0), read(1)];
        await pass(20);
        loads[0]!.resolve('late');
        await pass(300);
        expect(await inRedis()).toBeUndefined();
        expect(loads.length).toBeGreaterThan(1);
        for (const later of loads.slice(1)) later.resolve('new');
        await pass(1_000);
        expect(await Promise.all(reads)).toStrictEqual(['new', 'new']);
        expect(await Promise.all([read(0), read(1), inRedis()])).toStrictEqual(['new', 'new', 'new']);
        await closeBenches();
      }
    }
  });

  it('a set during a refresh stays', async () => {
    const { benches, read, loads, pass, inRedis } = await scene(OPTIONS, 11_000);
    await read(0);
    await breathe();
    await benches[1]!.cache.set(KEY, 'set');
    loads[0]!.resolve('late');
    await pass(300);
    expect(await Promise.all([inRedis(), read(0), read(1)])).toStrictEqual(['set', 'set', 'set']);
  });

  it('a load that the origin calls unchanged keeps the value for everybody', async () => {
    const { benches, pass } = await scene(OPTIONS, 11_000);
    let stale: unknown;
    const unchanged = (i: number): Promise<string> =>
      benches[i]!.cache.getOrSet<string>(
        KEY,
        (context) => {
          stale = context.stale;
          return context.notModified();
        },
        OPTIONS,
      );
    expect(await unchanged(0)).toBe('old');
    await pass(100);
    expect(stale).toStrictEqual({ value: 'old', age: 11 });
    await pass(9_000);
    expect(await benches[1]!.cache.get(KEY, { tiers: ['redis'] })).toBe('old');
    await benches[2]!.cache.invalidateTags(['t']);
    expect(await benches[1]!.cache.get(KEY, { tiers: ['redis'] })).toBeUndefined();
  });
});
