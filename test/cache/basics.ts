import { afterEach, beforeEach, describe, expect, it } from '@jest/globals';

import type { CacheManager } from '../../lib/index.js';

/** What every arrangement of tiers must do. @param open an empty cache; closed by `close` after each test */
export function describeBasics(
  name: string,
  open: () => Promise<CacheManager>,
  close: () => Promise<void>,
): void {
  describe(`basics: ${name}`, () => {
    let cache: CacheManager;

    beforeEach(async () => {
      cache = await open();
    });
    afterEach(close);

    describe('get and set', () => {
      it('gives undefined on a miss and what was set on a hit', async () => {
        await expect(cache.get('user:1')).resolves.toBeUndefined();
        await cache.set('user:1', { name: 'Ada' });
        await expect(cache.get('user:1')).resolves.toStrictEqual({ name: 'Ada' });
      });

      it.each([null, 0, '', false, NaN, -0, [], {}])('treats %p as a value like any other', async (value) => {
        await cache.set('k', value);
        await expect(cache.get('k')).resolves.toStrictEqual(value);
        await expect(cache.has('k')).resolves.toBe(true);
        await expect(cache.getOrSet('k', () => 'loaded')).resolves.toStrictEqual(value);
      });

      it('gives dates, maps, big integers and bytes back as what they were', async () => {
        const value = {
          at: new Date(5),
          map: new Map([['a', new Set([1n])]]),
          bytes: Buffer.from([0, 255]),
          floats: new Float64Array([1.5]),
          nothing: undefined,
        };
        await cache.set('k', value);
        await expect(cache.get('k')).resolves.toStrictEqual(value);
        await expect(cache.get('k')).resolves.toStrictEqual(value);
      });

      it('replaces a value', async () => {
        await cache.set('k', 1);
        await cache.set('k', 2);
        await expect(cache.get('k')).resolves.toBe(2);
      });

      it('keeps keys apart that are made of the same pieces', async () => {
        const keys = ['a:b', 'a', 'b', '~a:b', '~:a', '~', 'a b', 'ä', 'A', ':', '*', 'a:', '{a}b', '%3A'];
        await cache.setMany(keys.map((key) => [key, key] as const));
        for (const key of keys) await expect(cache.get(key)).resolves.toBe(key);
      });

      it('takes a key of 1,024 characters', async () => {
        const key = 'ü'.repeat(1024);
        await cache.set(key, 1);
        await expect(cache.get(key)).resolves.toBe(1);
      });

      it('stores nothing with a ttl of 0, and removes what was there', async () => {
        await cache.set('k', 'old');
        await cache.set('k', 'new', { ttl: 0 });
        await expect(cache.get('k')).resolves.toBeUndefined();
        await expect(cache.getOrSet('k', () => 'loaded', { ttl: 0 })).resolves.toBe('loaded');
        await expect(cache.has('k')).resolves.toBe(false);
      });
    });

    describe('has and delete', () => {
      it('has says whether get would find something', async () => {
        await expect(cache.has('k')).resolves.toBe(false);
        await cache.set('k', null);
        await expect(cache.has('k')).resolves.toBe(true);
      });

      it('delete says whether there was a value', async () => {
        await cache.set('k', 1);
        await expect(cache.delete('k')).resolves.toBe(true);
        await expect(cache.delete('k')).resolves.toBe(false);
        await expect(cache.get('k')).resolves.toBeUndefined();
      });

      it('deleteMany counts different keys that had a value', async () => {
        await cache.setMany([
          ['a', 1],
          ['b', 2],
          ['c', 3],
        ]);
        await expect(cache.deleteMany(['a', 'b', 'a', 'missing'])).resolves.toBe(2);
        await expect(cache.deleteMany([])).resolves.toBe(0);
        await expect(cache.getMany(['a', 'b', 'c'])).resolves.toStrictEqual(new Map([['c', 3]]));
      });
    });

    describe('getOrSet', () => {
      it('loads once and then hits', async () => {
        let loads = 0;
        const load = (): number => ++loads;
        await expect(cache.getOrSet('k', load)).resolves.toBe(1);
        await expect(cache.getOrSet('k', load)).resolves.toBe(1);
        expect(loads).toBe(1);
      });

      it('shares one load among 1,000 callers', async () => {
        let loads = 0;
        const all = await Promise.all(
          Array.from({ length: 1000 }, () => cache.getOrSet('k', async () => ++loads)),
        );
        expect(loads).toBe(1);
        expect(new Set(all)).toStrictEqual(new Set([1]));
      });

      it('shares a failure, and does not remember it', async () => {
        let loads = 0;
        const fail = async (): Promise<number> => {
          loads++;
          throw new Error('database down');
        };
        const results = await Promise.allSettled([1, 2, 3].map(() => cache.getOrSet('k', fail)));
        expect(results.map((result) => result.status)).toStrictEqual(['rejected', 'rejected', 'rejected']);
        expect(loads).toBe(1);
        await expect(cache.getOrSet('k', () => 'works again')).resolves.toBe('works again');
      });

      it('turns a loader that throws into a rejection', async () => {
        const thrown = new Error('at once');
        await expect(
          cache.getOrSet('k', () => {
            throw thrown;
          }),
        ).rejects.toBe(thrown);
      });

      it('stores nothing for undefined', async () => {
        await expect(cache.getOrSet('k', () => undefined)).resolves.toBeUndefined();
        await expect(cache.has('k')).resolves.toBe(false);
      });

      it('gives the first caller what later ones will get, and keeps the loader’s object out of it', async () => {
        class User {
          constructor(readonly first: string) {}
        }
        const own = new User('Ada');
        const first = await cache.getOrSet<object>('k', () => own);
        const second = await cache.getOrSet<object>('k', () => own);
        expect(first).toStrictEqual({ first: 'Ada' });
        expect(second).toStrictEqual(first);
        expect(Object.isFrozen(own)).toBe(false);
      });

      it('tells the loader its key, and lets it decide on ttl, tags and storing', async () => {
        const keys: string[] = [];
        await cache.getOrSet('a', ({ key, skip }) => (keys.push(key), skip(), 1));
        await cache.getOrSet('b', ({ key, setTtl }) => (keys.push(key), setTtl(0), 1));
        await cache.getOrSet('c', ({ key, addTags }) => (keys.push(key), addTags(['t']), 1));
        expect(keys).toStrictEqual(['a', 'b', 'c']);
        await expect(cache.getMany(['a', 'b', 'c'])).resolves.toStrictEqual(new Map([['c', 1]]));
        await cache.invalidateTags(['t']);
        await expect(cache.has('c')).resolves.toBe(false);
      });
    });

    describe('batches', () => {
      it('getMany gives present keys in the order asked, each once', async () => {
        await cache.setMany(
          new Map<string, unknown>([
            ['a', 1],
            ['b', null],
            ['c', 3],
          ]),
        );
        const found = await cache.getMany(['c', 'x', 'b', 'c', 'a']);
        expect([...found]).toStrictEqual([
          ['c', 3],
          ['b', null],
          ['a', 1],
        ]);
        await expect(cache.getMany([])).resolves.toStrictEqual(new Map());
      });

      it('setMany keeps the last of equal keys, and does nothing for none', async () => {
        await cache.setMany([
          ['a', 1],
          ['a', 2],
        ]);
        await cache.setMany([]);
        await expect(cache.get('a')).resolves.toBe(2);
      });

      it('getOrSetMany loads exactly what is missing, once, in order and without duplicates', async () => {
        await cache.set('b', 'stored');
        const asked: string[][] = [];
        const load = async (missing: string[]): Promise<Map<string, string>> => {
          asked.push(missing);
          return new Map(missing.filter((key) => key !== 'none').map((key) => [key, `loaded ${key}`]));
        };
        const found = await cache.getOrSetMany(['c', 'b', 'none', 'a', 'c'], load);
        expect([...found]).toStrictEqual([
          ['c', 'loaded c'],
          ['b', 'stored'],
          ['a', 'loaded a'],
        ]);
        expect(asked).toStrictEqual([['c', 'none', 'a']]);
        await cache.getOrSetMany(['c', 'a', 'b'], load);
        await expect(cache.getOrSetMany([], load)).resolves.toStrictEqual(new Map());
        expect(asked).toHaveLength(1);
        await expect(cache.has('none')).resolves.toBe(false);
      });

      it('getOrSetMany ignores what was not asked for', async () => {
        await cache.getOrSetMany(['a'], () => new Map([['a', 1], ['z', 2]])); // prettier-ignore
        await expect(cache.has('z')).resolves.toBe(false);
      });
    });

    describe('tags, patterns, clear', () => {
      beforeEach(async () => {
        await cache.set('user:1', 1, { tags: ['users', 'admins'] });
        await cache.set('user:2', 2, { tags: ['users'] });
        await cache.set('user:1:posts', 3, { tags: (value) => [`n${value}`] });
        await cache.set('users', 4);
      });

      const left = async (): Promise<unknown[]> => [
        ...(await cache.getMany(['user:1', 'user:2', 'user:1:posts', 'users'])).values(),
      ];

      it('invalidates by tag', async () => {
        await cache.invalidateTags(['admins', 'nobody']);
        expect(await left()).toStrictEqual([2, 3, 4]);
        await cache.invalidateTags(['n3']);
        expect(await left()).toStrictEqual([2, 4]);
        await cache.invalidateTags([]);
        await cache.invalidateTags(['users']);
        expect(await left()).toStrictEqual([4]);
      });

      it.each([
        ['user:*', [4]],
        ['user:1:*', [1, 2, 4]],
        ['user*', []],
        ['user:?', [3, 4]],
        ['user:[2-9]', [1, 3, 4]],
        ['*:posts', [1, 2, 4]],
        ['users', [1, 2, 3]],
        [String.raw`user\:1`, [2, 3, 4]],
        ['*', []],
        ['nobody:*', [1, 2, 3, 4]],
      ])('clears the pattern %s', async (pattern, expected) => {
        await cache.clearPattern(pattern);
        expect(await left()).toStrictEqual(expected);
      });

      it('stores again what was invalidated', async () => {
        await cache.invalidateTags(['users']);
        await cache.clearPattern('user:*');
        await cache.clear();
        expect(await left()).toStrictEqual([]);
        await cache.set('user:1', 'again', { tags: ['users'] });
        expect(await left()).toStrictEqual(['again']);
      });
    });

    describe('views', () => {
      it('have keys of their own, however their names are put together', async () => {
        const views = [
          cache,
          cache.namespace('a'),
          cache.namespace('a').namespace('b'),
          cache.namespace('a:b'),
          cache.namespace('~a'),
          cache.namespace('b'),
        ];
        for (const [i, view] of views.entries()) {
          await view.set('c', i);
          await view.set('b:c', `b${i}`);
          await view.set('~a:c', `t${i}`);
        }
        for (const [i, view] of views.entries()) {
          await expect(view.getMany(['c', 'b:c', '~a:c'])).resolves.toStrictEqual(
            new Map<string, unknown>([
              ['c', i],
              ['b:c', `b${i}`],
              ['~a:c', `t${i}`],
            ]),
          );
        }
      });

      it('clear themselves and the views inside them; the root clears all', async () => {
        const a = cache.namespace('a');
        const inner = a.namespace('b');
        for (const view of [cache, a, inner]) await view.set('k', 1);
        await a.clear();
        expect([await cache.has('k'), await a.has('k'), await inner.has('k')]).toStrictEqual([
          true,
          false,
          false,
        ]);
        await a.set('k', 1);
        await cache.clear();
        expect([await cache.has('k'), await a.has('k')]).toStrictEqual([false, false]);
      });

      it('match patterns against their own keys only', async () => {
        const a = cache.namespace('a');
        for (const view of [cache, a, a.namespace('b')]) await view.setMany([['x:1', 1], ['~y', 1]]); // prettier-ignore
        await a.clearPattern('x:*');
        expect([await cache.has('x:1'), await a.has('x:1'), await a.namespace('b').has('x:1')]).toStrictEqual(
          [true, false, true],
        );
        await a.clearPattern('?y');
        expect([await cache.has('~y'), await a.has('~y'), await a.namespace('b').has('~y')]).toStrictEqual([
          true,
          false,
          true,
        ]);
        await cache.clearPattern('~*');
        expect([await cache.has('~y'), await a.namespace('b').has('~y')]).toStrictEqual([false, true]);
      });

      it('share tags and statistics with their cache', async () => {
        const a = cache.namespace('a');
        await a.set('k', 1, { tags: ['t'] });
        await cache.invalidateTags(['t']);
        await expect(a.get('k')).resolves.toBeUndefined();
        const { coherence: own, ...counts } = a.stats();
        const { coherence: all, ...rest } = cache.stats();
        expect(counts).toStrictEqual(rest);
        expect(own?.instance).toBe(all?.instance);
      });
    });
  });
}
