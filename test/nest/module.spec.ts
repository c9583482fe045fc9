import { afterEach, beforeAll, afterAll, describe, expect, it, jest } from '@jest/globals';
import { Controller, Get, Inject, Injectable, Logger, Module, type INestApplication } from '@nestjs/common';
import { FastifyAdapter } from '@nestjs/platform-fastify';
import { Test, type TestingModule } from '@nestjs/testing';
import { Redis } from 'ioredis';

import {
  CacheConfigError,
  CacheManager,
  CacheModule,
  type CacheModuleOptions,
  type CacheOptionsFactory,
  getCacheToken,
  InjectCache,
} from '../../lib/index.js';
import { type RedisServer, startRedis, until } from '../support/redis-server.js';
import { Deferred, failure, settle } from '../support/deferred.js';

let server: RedisServer;
beforeAll(async () => {
  server = await startRedis();
});
afterAll(() => server.stop());

const open: (TestingModule | INestApplication)[] = [];
afterEach(async () => {
  await Promise.all(open.splice(0).map((app) => app.close()));
});

async function compile(
  ...imports: Parameters<typeof Test.createTestingModule>[0]['imports'] & object
): Promise<TestingModule> {
  const module = await Test.createTestingModule({ imports }).compile();
  open.push(module);
  return module;
}

describe('CacheModule.forRoot', () => {
  it('gives a memory cache without options, by its class', async () => {
    const module = await compile(CacheModule.forRoot());
    const cache = module.get(CacheManager);
    await cache.set('k', 1);
    expect(cache.peek('k')).toBe(1);
    expect(cache.stats().redis).toBeUndefined();
    expect(module.get(getCacheToken())).toBe(cache);
    expect(module.get(getCacheToken('default'))).toBe(cache);
  });

  it('is global by default: any module may inject it', async () => {
    @Injectable()
    class Service {
      constructor(
        readonly cache: CacheManager,
        @InjectCache() readonly same: CacheManager,
      ) {}
    }
    @Module({ providers: [Service] })
    class Feature {}
    const service = (await compile(CacheModule.forRoot(), Feature)).get(Service, { strict: false });
    expect(service.cache).toBeInstanceOf(CacheManager);
    expect(service.same).toBe(service.cache);
  });

  it('with isGlobal: false only where it is imported', async () => {
    @Injectable()
    class Service {
      constructor(readonly cache: CacheManager) {}
    }
    @Module({ providers: [Service] })
    class Without {}
    @Module({ imports: [CacheModule.forRoot({ isGlobal: false })], providers: [Service] })
    class With {}
    expect((await failure(compile(CacheModule.forRoot({ isGlobal: false }), Without))).message).toMatch(
      /CacheManager/,
    );
    expect((await compile(With)).get(Service, { strict: false }).cache).toBeInstanceOf(CacheManager);
  });

  it('makes several caches in one application, each with its own options', async () => {
    @Injectable()
    class Service {
      constructor(
        readonly main: CacheManager,
        @InjectCache('sessions') readonly sessions: CacheManager,
        @Inject(getCacheToken('pages')) readonly pages: CacheManager,
      ) {}
    }
    @Module({ providers: [Service] })
    class Feature {}
    const module = await compile(
      CacheModule.forRoot(),
      CacheModule.forRoot({ name: 'sessions', memory: { maxSize: 1 } }),
      CacheModule.forRootAsync({ name: 'pages', useFactory: () => ({ memory: { maxSize: 2 } }) }),
      Feature,
    );
    const { main, sessions, pages } = module.get(Service, { strict: false });
    for (const cache of [main, sessions, pages]) for (const key of ['a', 'b', 'c']) await cache.set(key, key);
    expect([main, sessions, pages].map((cache) => cache.stats().memory?.entries)).toStrictEqual([3, 1, 2]);
  });

  it('named caches on one Redis do not see each other’s keys', async () => {
    const redis = { host: server.host, port: server.port };
    const module = await compile(
      CacheModule.forRoot({ redis, memory: false }),
      CacheModule.forRoot({ redis, memory: false, name: 'sessions' }),
    );
    const [main, sessions] = [module.get(CacheManager), module.get<CacheManager>(getCacheToken('sessions'))];
    await main.set('k', 'main');
    await sessions.set('k', 'sessions');
    await main.clear();
    expect([await main.get('k'), await sessions.get('k')]).toStrictEqual([undefined, 'sessions']);
    await sessions.clear();
  });

  it('refuses two global caches of one name, and allows private ones', async () => {
    const twice = await failure(
      compile(CacheModule.forRoot(), CacheModule.forRoot({ memory: { maxSize: 2 } })),
    );
    expect(twice).toMatchObject({ code: 'CACHE_CONFIG_INVALID', option: 'name' });
    @Module({ imports: [CacheModule.forRoot({ isGlobal: false })] })
    class A {}
    @Module({ imports: [CacheModule.forRoot({ isGlobal: false })] })
    class B {}
    await compile(A, B, CacheModule.forRoot());
  });

  it('refuses wrong options when the application starts, by name', async () => {
    for (const [options, option] of [
      [{ memory: { maxSize: -1 } }, 'memory.maxSize'],
      [{ unknown: 1 }, 'unknown'],
      [{ redis: { url: 'redis://x', host: 'y' } }, 'redis'],
      [null, 'options'],
    ] as const) {
      const error = (await failure(compile(CacheModule.forRoot(options as never)))) as CacheConfigError;
      expect(error).toBeInstanceOf(CacheConfigError);
      expect(error.option).toContain(option);
    }
  });
});

describe('CacheModule.forRootAsync', () => {
  @Injectable()
  class Config implements CacheOptionsFactory {
    readonly maxSize = 7;

    createCacheOptions(): CacheModuleOptions {
      return { memory: { maxSize: this.maxSize } };
    }
  }
  @Module({ providers: [Config], exports: [Config] })
  class ConfigModule {}

  async function capacity(module: TestingModule): Promise<number | undefined> {
    const cache = module.get(CacheManager);
    await cache.setMany(Array.from({ length: 20 }, (_, i) => [`k${i}`, i] as const));
    return cache.stats().memory?.entries;
  }

  it('takes a factory with its imports and dependencies', async () => {
    const module = await compile(
      CacheModule.forRootAsync({
        imports: [ConfigModule],
        inject: [Config],
        useFactory: async (config: Config) => ({ memory: { maxSize: config.maxSize } }),
      }),
    );
    expect(await capacity(module)).toBe(7);
  });

  it('takes a class', async () => {
    expect(await capacity(await compile(CacheModule.forRootAsync({ useClass: Config })))).toBe(7);
  });

  it('takes an existing provider', async () => {
    const existing = CacheModule.forRootAsync({ imports: [ConfigModule], useExisting: Config });
    expect(await capacity(await compile(existing))).toBe(7);
  });

  it('refuses none or several sources, and a name that comes too late', async () => {
    expect(() => CacheModule.forRootAsync({})).toThrow(/exactly one of useFactory/);
    expect(() => CacheModule.forRootAsync({ useClass: Config, useFactory: () => ({}) })).toThrow(
      /exactly one/,
    );
    const late = CacheModule.forRootAsync({ useFactory: () => ({ name: 'late' }) as never });
    expect((await failure(compile(late))).message).toMatch(/forRootAsync itself/);
  });

  it('refuses wrong options and passes on the failure of a factory', async () => {
    const wrong = CacheModule.forRootAsync({ useFactory: () => ({ memory: { maxSize: 0 } }) });
    expect(await failure(compile(wrong))).toBeInstanceOf(CacheConfigError);
    const down = new Error('config server down');
    expect(await failure(compile(CacheModule.forRootAsync({ useFactory: () => Promise.reject(down) })))).toBe(
      down,
    );
    expect(
      await failure(compile(CacheModule.forRootAsync({ useFactory: () => undefined as never }))),
    ).toBeInstanceOf(CacheConfigError);
  });
});

describe('applications', () => {
  @Controller()
  class PageController {
    renders = 0;

    constructor(private readonly cache: CacheManager) {}

    @Get('page')
    page(): Promise<{ renders: number }> {
      return this.cache.getOrSet('page', () => ({ renders: ++this.renders }));
    }
  }

  async function app(
    adapter: 'express' | 'fastify',
    options: CacheModuleOptions,
  ): Promise<[INestApplication, string]> {
    const module = await Test.createTestingModule({
      imports: [CacheModule.forRoot(options)],
      controllers: [PageController],
    }).compile();
    const started: INestApplication =
      adapter === 'fastify'
        ? module.createNestApplication(new FastifyAdapter())
        : module.createNestApplication();
    open.push(started);
    await started.listen(0, '127.0.0.1');
    return [started, await started.getUrl()];
  }

  it.each(['express', 'fastify'] as const)('serve from the cache over HTTP: %s', async (adapter) => {
    const [, url] = await app(adapter, {});
    for (let i = 0; i < 3; i++) {
      const response = await fetch(`${url}/page`);
      expect(await response.json()).toStrictEqual({ renders: 1 });
    }
  });

  it('several in one process have caches of their own, and share what is in Redis', async () => {
    const redis = { host: server.host, port: server.port };
    const [[first, url], [second]] = await Promise.all([
      app('express', { redis, namespace: 'apps' }),
      app('fastify', { redis, namespace: 'apps' }),
    ]);
    await fetch(`${url}/page`);
    expect(first.get(CacheManager)).not.toBe(second.get(CacheManager));
    expect(second.get(CacheManager).peek('page')).toBeUndefined();
    await expect(second.get(CacheManager).get('page')).resolves.toStrictEqual({ renders: 1 });
    await first.get(CacheManager).clear();
  });

  it('close the cache after the HTTP server: a request that is being answered still has it', async () => {
    const entered = new Deferred<void>();
    const go = new Deferred<void>();
    @Controller()
    class SlowController {
      constructor(private readonly cache: CacheManager) {}

      @Get('slow')
      async slow(): Promise<unknown> {
        entered.resolve();
        await go.promise;
        await this.cache.set('last', 'words');
        return { found: await this.cache.get('last', { tiers: ['redis'] }) };
      }
    }
    const name = `close-${process.pid}`;
    const module = await Test.createTestingModule({
      imports: [
        CacheModule.forRoot({ redis: { host: server.host, port: server.port, connectionName: name } }),
      ],
      controllers: [SlowController],
    }).compile();
    const slow = module.createNestApplication();
    await slow.listen(0, '127.0.0.1');
    const answer = fetch(`${await slow.getUrl()}/slow`, { headers: { connection: 'close' } });
    await entered.promise;
    const closed = slow.close();
    await settle();
    go.resolve();
    await expect((await answer).json()).resolves.toStrictEqual({ found: 'words' });
    await closed;
    const admin = new Redis(server.port, server.host);
    expect(String(await admin.client('LIST'))).not.toContain(`name=${name}`);
    await admin.quit();
  });

  it('never close a client they were given', async () => {
    const client = new Redis(server.port, server.host);
    const module = await compile(CacheModule.forRoot({ redis: { client }, namespace: 'given' }));
    await module.get(CacheManager).set('k', 1);
    await module.close();
    expect(await client.ping()).toBe('PONG');
    expect(await client.exists('given:k')).toBe(1);
    await client.unlink('given:k');
    await client.quit();
  });

  it('start without Redis, say so once, and serve from memory and loaders', async () => {
    const errors = jest.spyOn(Logger.prototype, 'error').mockImplementation(() => {});
    const spare = await startRedis();
    await spare.kill();
    const module = await compile(CacheModule.forRoot({ redis: { host: spare.host, port: spare.port } }));
    const cache = module.get(CacheManager);
    await expect(cache.getOrSet('k', () => 'loaded')).resolves.toBe('loaded');
    expect(cache.peek('k')).toBe('loaded');
    expect(errors).toHaveBeenCalledTimes(1);
    expect(errors.mock.calls[0]![0]).toMatch(/Redis cannot be reached/);

    const logs = jest.spyOn(Logger.prototype, 'log').mockImplementation(() => {});
    await spare.start();
    await until(() => logs.mock.calls.some(([message]) => /can be reached again/.test(String(message))));
    await cache.set('k', 'stored', { tiers: ['redis'] });
    expect(errors).toHaveBeenCalledTimes(1);
    await module.close();
    await spare.stop();
    logs.mockRestore();
    errors.mockRestore();
  });
});
