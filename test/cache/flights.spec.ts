import { afterEach, describe, expect, it } from '@jest/globals';

import { CacheReentrancyError } from '../../lib/index.js';
import { benchOf, closeBenches, TOPOLOGIES } from '../support/caches.js';
import { Deferred, failure, settle } from '../support/deferred.js';

describe.each(TOPOLOGIES)('single flight: %s', (topology) => {
  afterEach(closeBenches);

  it('a batch joins what is being loaded and loads the rest', async () => {
    const { cache } = await benchOf(topology);
    const a = new Deferred<string>();
    const single = cache.getOrSet('a', () => a.promise);
    await settle();
    const asked: string[][] = [];
    const batch = cache.getOrSetMany(['a', 'b'], (missing) => {
      asked.push(missing);
      return new Map(missing.map((key) => [key, `batch ${key}`]));
    });
    await settle();
    expect(asked).toStrictEqual([['b']]);
    a.resolve('single a');
    await expect(single).resolves.toBe('single a');
    await expect(batch).resolves.toStrictEqual(new Map([['a', 'single a'], ['b', 'batch b']])); // prettier-ignore
  });

  it('a single read joins a batch that is loading its key', async () => {
    const { cache } = await benchOf(topology);
    const rows = new Deferred<Map<string, string>>();
    const batch = cache.getOrSetMany(['a', 'b'], () => rows.promise);
    await settle();
    const a = cache.getOrSet('a', () => 'own');
    const b = cache.getOrSet('b', () => 'own');
    await settle();
    rows.resolve(new Map([['a', 'batch']]));
    await expect(a).resolves.toBe('batch');
    // The batch had nothing for b: whoever has a loader of its own asks that.
    await expect(b).resolves.toBe('own');
    await expect(batch).resolves.toStrictEqual(new Map([['a', 'batch']]));
  });

  it('the failure of a batch reaches all who joined it, and is not remembered', async () => {
    const { cache } = await benchOf(topology);
    const rows = new Deferred<Map<string, string>>();
    const batch = cache.getOrSetMany(['a', 'b'], () => rows.promise);
    await settle();
    const joined = cache.getOrSet('a', () => 'own');
    const error = new Error('database down');
    rows.reject(error);
    expect(await Promise.all([failure(batch), failure(joined)])).toStrictEqual([error, error]);
    await expect(cache.getOrSet('a', () => 'own')).resolves.toBe('own');
  });

  it('the failure of a joined load fails the batch, whose own load is stored all the same', async () => {
    const { cache } = await benchOf(topology);
    const a = new Deferred<string>();
    const single = cache.getOrSet('a', () => a.promise);
    await settle();
    const batch = cache.getOrSetMany(['a', 'b'], () => new Map([['b', 'b']]));
    await settle();
    const error = new Error('database down');
    a.reject(error);
    expect(await Promise.all([failure(single), failure(batch)])).toStrictEqual([error, error]);
    await expect(cache.get('b')).resolves.toBe('b');
  });

  it('gives every caller who joined its own copy of what cannot be shared', async () => {
    const { cache } = await benchOf(topology);
    const dates = await Promise.all([1, 2, 3].map(() => cache.getOrSet('k', () => new Date(5))));
    expect(new Set(dates).size).toBe(3);
    dates[0]!.setTime(0);
    await expect(cache.get('k')).resolves.toStrictEqual(new Date(5));
  });

  it('says so when a loader asks for the key it is loading', async () => {
    const { cache } = await benchOf(topology);
    const error = await failure(cache.getOrSet('k', () => cache.getOrSet('k', () => 1)));
    expect(error).toBeInstanceOf(CacheReentrancyError);
    expect(error).toMatchObject({ code: 'CACHE_LOAD_REENTRANT', key: 'k' });
    await expect(cache.getOrSet('k', () => 2)).resolves.toBe(2);
  });

  it('finds that out through other keys and batches as well', async () => {
    const { cache } = await benchOf('memory');
    const loop = cache.getOrSet('a', () =>
      cache.getOrSetMany(['b'], () => cache.getOrSetMany(['a'], () => new Map())),
    );
    expect(await failure(loop)).toBeInstanceOf(CacheReentrancyError);
  });

  it('does not take a loader for its own that only meets a key whose refresh is under way', async () => {
    const { cache, clock } = await benchOf(topology, { maxStaleness: '30d' });
    const options = { ttl: 10, staleWhileRevalidate: 60 };
    const a = (): Promise<string> =>
      cache.getOrSet('b', () => cache.getOrSet('a', () => 'never', options), options);
    await cache.setMany([['a', 'old a'], ['b', 'old b']], options); // prettier-ignore
    clock.advance(10_000);
    expect(await cache.getOrSet('a', a, options)).toBe('old a');
    await settle();
    expect([await cache.get('a'), await cache.get('b')]).toStrictEqual(['old b', 'old a']);
  });

  it('lets a loader ask for other keys', async () => {
    const { cache } = await benchOf(topology);
    await expect(cache.getOrSet('a', () => cache.getOrSet('b', () => 1))).resolves.toBe(1);
  });

  it('aborts running loads when the cache closes, and goes on without storing', async () => {
    const { cache, close } = await benchOf(topology);
    const aborted = new Deferred<unknown>();
    const result = cache.getOrSet('k', async ({ signal }) => {
      signal.addEventListener('abort', () => aborted.resolve(signal.reason));
      await aborted.promise;
      return 'cleaned up';
    });
    await settle();
    await close();
    await expect(result).resolves.toBe('cleaned up');
    await expect(aborted.promise).resolves.toMatchObject({ code: 'CACHE_CLOSED' });
    await expect(cache.getOrSet('k', () => 'loaded')).resolves.toBe('loaded');
    await expect(cache.get('k')).resolves.toBeUndefined();
    for (const refused of [cache.set('k', 1), cache.delete('k'), cache.clear()]) {
      expect(await failure(refused)).toMatchObject({ code: 'CACHE_CLOSED' });
    }
  });
});
