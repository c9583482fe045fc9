// The calls of cache-manager, with what they answered there.
import { type INestApplicationContext, Injectable, Module } from '@nestjs/common';
import { Test } from '@nestjs/testing';
import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, it } from '@jest/globals';

import {
  Cache,
  CACHE_MANAGER,
  type CacheManagerOptions,
  CacheModule,
  type CacheModuleAsyncOptions,
  type CacheModuleOptions,
  type CacheOptions,
  type CacheOptionsFactory,
} from '../../lib/compat/index.js';
import { CacheManager, CacheModule as TieredCacheModule } from '../../lib/index.js';
import { Deferred } from '../support/deferred.js';
import { type RedisServer, startRedis } from '../support/redis-server.js';
import { until } from '../support/until.js';

let redis: RedisServer;
beforeAll(async () => {
  redis = await startRedis();
});
afterAll(() => redis.stop());

const running: INestApplicationContext[] = [];
afterEach(async () => {
  await Promise.all(running.splice(0).map((app) => app.close()));
  await redis.command('FLUSHALL');
});

async function start(module = CacheModule.register()): Promise<INestApplicationContext> {
  const app = await Test.createTestingModule({ imports: [module] }).compile();
  running.push(app);
  return app.init();
}

const cacheOf = async (options?: CacheModuleOptions): Promise<Cache> =>
  (await start(CacheModule.register(options))).get<Cache>(CACHE_MANAGER);

/** Of what is to expire, in milliseconds: long enough to be read before, on a machine that is busy, too. */
const SHORT = 250;

const isGone = (cache: Cache, ...keys: string[]): Promise<unknown> =>
  until(async () => (await cache.mget(keys)).every((value) => value === undefined), { what: 'their end' });

describe.each(['memory', 'memory and Redis'])('in %s', (tiers) => {
  let cache: Cache;
  beforeEach(async () => {
    cache = await cacheOf(tiers === 'memory' ? {} : { redis: { url: redis.url } });
  });

  it('gets, sets and deletes', async () => {
    expect(await cache.get('a')).toBeUndefined();
    expect(await cache.set('a', { n: 1 })).toEqual({ n: 1 });
    expect(await cache.get('a')).toEqual({ n: 1 });
    expect(await cache.del('a')).toBe(true);
    expect(await cache.del('a')).toBe(true);
    expect(await cache.get('a')).toBeUndefined();
  });

  it('keeps null, 0, the empty text and false, and takes undefined for nothing', async () => {
    for (const value of [null, 0, '', false]) {
      await cache.set('a', value);
      expect(await cache.get('a')).toBe(value);
    }
    await cache.set('a', undefined);
    expect(await cache.get('a')).toBeUndefined();
    await cache.mset(['a', 'b', 'c'].map((key) => ({ key, value: 1 })));
    await cache.mset([
      { key: 'a', value: undefined },
      { key: 'b', value: 2, ttl: 60_000 },
      { key: 'c', value: 2, ttl: 60_000 },
      { key: 'c', value: undefined },
    ]);
    expect(await cache.mget(['a', 'b', 'c'])).toEqual([undefined, 2, undefined]);
  });

  it('takes milliseconds, and 0 for ever', async () => {
    await cache.set('short', 1, SHORT);
    await cache.set('ever', 1, 0);
    await cache.set('infinite', 1, Infinity);
    await cache.mset([
      { key: 'short-too', value: 2, ttl: SHORT },
      { key: 'long', value: 3, ttl: 60_000 },
      { key: 'default', value: 4 },
    ]);
    expect(await cache.mget(['short', 'short-too'])).toEqual([1, 2]);
    await isGone(cache, 'short', 'short-too');
    expect(await cache.mget(['ever', 'long', 'default', 'infinite'])).toEqual([1, 3, 4, 1]);
  });

  it('deletes several, and everything', async () => {
    const items = ['a', 'b', 'c'].map((key) => ({ key, value: key }));
    expect(await cache.mset(items)).toEqual(items);
    expect(await cache.mdel(['a', 'b', 'x'])).toBe(true);
    expect(await cache.mget(['a', 'b', 'c'])).toEqual([undefined, undefined, 'c']);
    expect(await cache.clear()).toBe(true);
    expect(await cache.get('c')).toBeUndefined();
    await cache.set('a', 1);
    await cache.reset();
    expect(await cache.get('a')).toBeUndefined();
  });

  it('wraps: one call for all who ask, errors reach them, undefined is not kept', async () => {
    let calls = 0;
    const gate = new Deferred<void>();
    const load = async (): Promise<number> => {
      await gate.promise;
      return ++calls;
    };
    const wrapped = [1, 2, 3].map(() => cache.wrap('a', load));
    gate.resolve();
    expect(await Promise.all(wrapped)).toEqual([1, 1, 1]);
    expect(await cache.wrap('a', load, 1000)).toBe(1);
    expect(await cache.wrap('a', load, { raw: false } as object)).toBe(1);
    await expect(cache.wrap('b', () => Promise.reject(new Error('down')))).rejects.toThrow('down');
    expect(await cache.wrap('b', () => undefined)).toBeUndefined();
    expect(await cache.wrap('b', load)).toBe(2);
  });

  it('gives wrapped values the ttl that is said, or computed from them', async () => {
    const ttl = (value: string): number => (value === 'short' ? SHORT : 60_000);
    await cache.wrap('a', () => 'short', SHORT);
    await cache.wrap('b', () => 'short', { ttl });
    await cache.wrap('c', () => 'long', ttl);
    expect(await cache.mget(['a', 'b', 'c'])).toEqual(['short', 'short', 'long']);
    await isGone(cache, 'a', 'b');
    expect(await cache.get('c')).toBe('long');
  });

  it('refreshes wrapped values before their end', async () => {
    let calls = 0;
    const ask = (): Promise<number> =>
      cache.wrap('a', () => ++calls, { ttl: 10_000, refreshThreshold: 9_990 });
    expect(await ask()).toBe(1);
    await until(async () => (await ask()) === 2, { what: 'the new value' });
  });

  it('has calls that may be taken out of it', async () => {
    const { get, set, del, wrap, mget, mset } = cache;
    expect(await set('a', 1)).toBe(1);
    expect(await get('a')).toBe(1);
    expect(await wrap('b', () => 2)).toBe(2);
    await mset([{ key: 'c', value: 3 }]);
    await del('a');
    expect(await mget(['a', 'b', 'c'])).toEqual([undefined, 2, 3]);
  });

  it('lets readers change what they have read, and nobody else sees it', async () => {
    await cache.set('list', [1]);
    (await cache.get<number[]>('list'))!.push(2);
    (await cache.wrap<number[]>('list', () => [])).push(3);
    (await cache.mget<number[]>(['list']))[0]!.push(4);
    expect(await cache.get('list')).toEqual([1]);
  });
});

describe('options', () => {
  it('of the module: ttl in milliseconds, max, refreshThreshold', async () => {
    const cache = await cacheOf({ ttl: SHORT, max: 2 });
    await cache.mset(['a', 'b', 'c'].map((key) => ({ key, value: 1 })));
    expect((await cache.mget(['a', 'b', 'c'])).filter((value) => value !== undefined)).toHaveLength(2);
    await isGone(cache, 'a', 'b', 'c');
    // It holds where a function says nothing.
    await cache.wrap(
      'a',
      () => 1,
      () => undefined,
    );
    await isGone(cache, 'a');

    let calls = 0;
    const ahead = await cacheOf({ ttl: 10_000, refreshThreshold: 9_990 });
    await until(async () => (await ahead.wrap('a', () => ++calls)) === 2, { what: 'the refreshed value' });
  });

  it.each([
    [{ stores: [] }, 'redis: { url'],
    [{ store: 'memory' }, 'redis: { url'],
    [{ nonBlocking: true }, 'leave it out'],
    [{ cacheId: 'a' }, 'namespace'],
    [{ name: 'a' }, 'CacheModule.forRoot({ name })'],
    [{ ttl: '5m' }, 'a number of milliseconds'],
    [{ ttl: -1 }, 'ttl is -1: nestjs-tiered-cache/compat takes a number of milliseconds'],
    [{ ttl: 4e12 }, 'ttl is 4000000000000: '],
    [{ stores: undefined }, 'redis: { url'],
    [
      { ttll: 5 },
      "unknown option ttll (did you mean 'ttl'?): allowed are ttl, max, refreshThreshold, isGlobal",
    ],
    [null, 'must be an object'],
    [{ refreshThreshold: 10 }, 'refreshThreshold is 10'],
    [{ defaults: { ttl: '5m' } }, 'write ttl beside defaults, in milliseconds'],
    [{ tll: 5 }, 'tll'],
  ])('that cannot be taken over end the start: %j', async (options, message) => {
    const started = start(CacheModule.register(options as CacheModuleOptions));
    await expect(started).rejects.toMatchObject({
      code: 'CACHE_CONFIG_INVALID',
      message: expect.stringContaining(message),
    });
  });

  @Injectable()
  class Settings {
    createCacheOptions() {
      return { ttl: SHORT };
    }
  }
  @Module({ providers: [Settings], exports: [Settings] })
  class SettingsModule {}

  it.each([
    ['useFactory', { useFactory: () => ({ ttl: SHORT }) }],
    [
      'useFactory with inject',
      {
        imports: [SettingsModule],
        inject: [Settings],
        useFactory: async (settings: Settings) => settings.createCacheOptions(),
      },
    ],
    ['useClass', { useClass: Settings }],
    ['useExisting', { imports: [SettingsModule], useExisting: Settings }],
    [
      'extraProviders',
      { extraProviders: [Settings], inject: [Settings], useFactory: (s: Settings) => s.createCacheOptions() },
    ],
  ])('come from %s', async (_, source) => {
    const app = await start(CacheModule.registerAsync({ isGlobal: true, ...source }));
    const cache = app.get<Cache>(CACHE_MANAGER);
    await cache.set('a', 1);
    expect(await cache.get('a')).toBe(1);
    await isGone(cache, 'a');
  });

  it('come from somewhere', () => {
    expect(() => CacheModule.registerAsync({})).toThrow(
      expect.objectContaining({ code: 'CACHE_CONFIG_INVALID' }),
    );
  });
});

it('has the type parameters that are written there, which say nothing here', async () => {
  interface StoreOptions {
    url: string;
  }
  const options: CacheOptions<StoreOptions> & CacheModuleOptions<StoreOptions> & CacheManagerOptions = {
    ttl: 1000,
  };
  const source: CacheModuleAsyncOptions<StoreOptions> = { useFactory: () => options };
  class Factory implements CacheOptionsFactory<StoreOptions> {
    createCacheOptions(): CacheOptions<StoreOptions> {
      return options;
    }
  }
  for (const module of [
    CacheModule.register<StoreOptions>(options),
    CacheModule.registerAsync<StoreOptions>(source),
    CacheModule.registerAsync<StoreOptions>({ useClass: Factory }),
  ]) {
    const app = await start(module);
    expect(await app.get<Cache>(CACHE_MANAGER).set('a', 1)).toBe(1);
  }
});

describe('injection', () => {
  it('is by CACHE_MANAGER, by the class, and of the CacheManager underneath, which has the same entries', async () => {
    const app = await start(CacheModule.register({ isGlobal: true }));
    const cache = app.get<Cache>(CACHE_MANAGER);
    expect(CACHE_MANAGER).toBe('CACHE_MANAGER');
    expect(app.get(Cache)).toBe(cache);
    await cache.set('a', 1);
    expect(await app.get(CacheManager).get('a')).toBe(1);
    await app.get(CacheManager).set('b', 2, { ttl: '1m' });
    expect(await cache.get('b')).toBe(2);
  });

  it('of a cache that is not global is for those who import its module, each its own', async () => {
    @Injectable()
    class First {
      constructor(readonly cache: Cache) {}
    }
    @Injectable()
    class Second {
      constructor(readonly cache: Cache) {}
    }
    @Module({ imports: [CacheModule.register({ ttl: 1000 })], providers: [First] })
    class FirstModule {}
    @Module({ imports: [CacheModule.register({ ttl: 2000 })], providers: [Second] })
    class SecondModule {}
    @Module({ imports: [FirstModule, SecondModule] })
    class App {}
    const app = await Test.createTestingModule({ imports: [App] }).compile();
    running.push(app);
    const [first, second] = [app.get(First, { strict: false }), app.get(Second, { strict: false })];
    await first.cache.set('a', 1);
    expect(await second.cache.get('a')).toBeUndefined();
  });

  it('stands beside named caches of this package', async () => {
    const app = await Test.createTestingModule({
      imports: [CacheModule.register({ isGlobal: true }), TieredCacheModule.forRoot({ name: 'other' })],
    }).compile();
    running.push(app);
    expect(await app.get<Cache>(CACHE_MANAGER).set('a', 1)).toBe(1);
  });
});

describe('what cannot be taken over says what to do', () => {
  it.each([
    ['ttl', (cache: Cache) => cache.ttl('a'), 'when they expire'],
    [
      'wrap with raw',
      (cache: Cache) => cache.wrap('a', () => 1, { raw: true } as object),
      'when they expire',
    ],
    ['on', (cache: Cache) => cache.on('set', () => {}), 'diagnostics channel'],
    ['cacheId', (cache: Cache) => cache.cacheId(), 'by their namespace'],
    ['off', (cache: Cache) => cache.off('set', () => {}), 'diagnostics channel'],
    ['stores', (cache: Cache) => cache.stores, 'clearPattern'],
    ['store', (cache: Cache) => cache.store, 'clearPattern'],
    ['mget with several arguments', (cache: Cache) => cache.mget('a' as never), 'one list, of keys'],
    ['mset of pairs', (cache: Cache) => cache.mset([['a', 1]] as never), 'of { key, value, ttl }'],
    ['mdel with several arguments', (cache: Cache) => cache.mdel('a' as never), 'one list, of keys'],
    [
      'a threshold beyond the ttl',
      (cache: Cache) => cache.wrap('a', () => 1, 1000, 2000),
      'refreshThreshold is 2000 and ttl 1000',
    ],
    [
      'a threshold that is computed',
      (cache: Cache) => cache.wrap('a', () => 1, 1000, (() => 100) as never),
      'refreshThreshold is a function and ttl 1000',
    ],
  ])('%s', async (_, call, message) => {
    const cache = await cacheOf();
    await expect(async () => call(cache)).rejects.toMatchObject({
      code: 'CACHE_ARGUMENT_INVALID',
      message: expect.stringContaining(message),
    });
  });

  it.each([[-1], [-0.5], [NaN], [-Infinity], [4e12], ['5s']])(
    'a ttl of %p, by the value that was given',
    async (ttl) => {
      const cache = await cacheOf();
      const said = `ttl is ${typeof ttl === 'string' ? "'5s'" : ttl}: nestjs-tiered-cache/compat takes a number of milliseconds`;
      for (const call of [
        () => cache.set('a', 1, ttl as number),
        () => cache.mset([{ key: 'a', value: 1, ttl: ttl as number }]),
        () => cache.wrap('a', () => 1, ttl as number),
        () =>
          cache.wrap(
            'a',
            () => 1,
            () => ttl as number,
          ),
      ]) {
        await expect(call()).rejects.toMatchObject({
          code: 'CACHE_DURATION_INVALID',
          message: expect.stringContaining(said),
        });
      }
    },
  );

  it('a ttl that is no number of milliseconds, a bad key', async () => {
    const cache = await cacheOf();
    await expect(cache.set('a', 1, { ttl: 5 } as never)).rejects.toMatchObject({
      code: 'CACHE_DURATION_INVALID',
    });
    await expect(cache.get('')).rejects.toMatchObject({ code: 'CACHE_KEY_INVALID' });
    await expect(cache.mdel([1] as never)).rejects.toMatchObject({ code: 'CACHE_KEY_INVALID' });
    await expect(cache.del('')).rejects.toMatchObject({ code: 'CACHE_KEY_INVALID' });
    expect(await cache.disconnect()).toBeUndefined();
    expect(await cache.set('a', 1)).toBe(1);
  });
});
