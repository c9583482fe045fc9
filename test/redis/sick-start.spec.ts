// Applications that start while Redis is absent, locked or silent.
import { afterEach, beforeEach, describe, expect, it } from '@jest/globals';
import { Logger } from '@nestjs/common';
import { Test } from '@nestjs/testing';

import { type CreatedCache, createCache } from '../../lib/create-cache.js';
import { CacheModule, type RedisOptions } from '../../lib/index.js';
import { failure } from '../support/deferred.js';
import { type RedisServer, startRedis, until } from '../support/redis-server.js';

/** In milliseconds, and what a busy machine adds. */
const PATIENCE = 3_000;
const SLACK = 1_500;

let server: RedisServer;
const open: CreatedCache[] = [];

beforeEach(async () => {
  server = await startRedis({ password: 'right' });
  await until(() => sockets() === 0);
});
afterEach(async () => {
  await Promise.all(open.splice(0).map((cache) => cache.close()));
  server.resume();
  await server.stop();
});

const sockets = (): number =>
  process.getActiveResourcesInfo().filter((name) => name === 'TCPSocketWrap').length;

async function start(redis: RedisOptions): Promise<CreatedCache> {
  const cache = await createCache({ redis });
  open.push(cache);
  return cache;
}

const address = (): RedisOptions => ({ host: server.host, port: server.port, password: 'right' });

describe('with redis.required the start fails', () => {
  const there = (): string => `${server.host}:${server.port}`;

  it.each<[string, () => unknown, () => RedisOptions, string]>([
    ['is not there', () => server.kill(), address, 'ECONNREFUSED'],
    ['accepts connections and says nothing', () => server.pause(), address, 'not ready'],
    ['wants another password', () => undefined, () => ({ ...address(), password: 'hunter2' }), 'WRONGPASS'],
    ['wants a password', () => undefined, () => ({ ...address(), password: undefined }), 'NOAUTH'],
    ['is a URL away, and not there', () => server.kill(), () => ({ url: server.url }), 'ECONNREFUSED'],
    [
      'is a replica',
      async () => {
        await server.command('REPLICAOF', '127.0.0.1', 1);
      },
      address,
      'READONLY',
    ],
  ])('if Redis %s, says why, and leaves nothing open', async (_, begin, options, why) => {
    await begin();
    const begun = performance.now();
    const error = await failure(createCache({ redis: { ...options(), required: true } }));
    expect(performance.now() - begun).toBeLessThan(PATIENCE + SLACK);
    expect(error).toMatchObject({ code: 'CACHE_STORE_FAILED' });
    for (const part of [there(), why, 'redis.required']) expect(error.message).toContain(part);
    expect(error.message).not.toMatch(/right|hunter2/);
    await until(() => sockets() === 0, { what: 'all connections being closed' });
  });

  it('of a Nest application with several caches, and leaves none of them connected', async () => {
    const lines: string[] = [];
    const say = (message: string): unknown => lines.push(message);
    Logger.overrideLogger({ log: say, warn: say, error: say });
    const absent = await startRedis();
    await absent.kill();
    const compiled = Test.createTestingModule({
      imports: [
        CacheModule.forRoot({ redis: address() }),
        CacheModule.forRoot({ name: 'b', redis: { port: absent.port, host: absent.host, required: true } }),
      ],
    }).compile();
    expect(await failure(compiled)).toMatchObject({ code: 'CACHE_STORE_FAILED' });
    await until(() => sockets() === 0, { what: 'all connections being closed' });
    // That the start failed is said by whoever started it.
    expect(lines.filter((line) => line.includes('goes on without it'))).toStrictEqual([]);
    Logger.overrideLogger(['error', 'warn']);
    await absent.stop();
  });

  it('and not otherwise', async () => {
    const { manager } = await start({ ...address(), required: true });
    await manager.set('a', 1);
    await expect(manager.get('a', { tiers: ['redis'] })).resolves.toBe(1);
  });

  it('nor for an option that is no boolean without naming it', async () => {
    const redis = { ...address(), required: 'yes' } as unknown as RedisOptions;
    expect(await failure(start(redis))).toMatchObject({ option: 'redis.required' });
  });
});

describe('without redis.required the application starts', () => {
  it.each<[string, () => unknown, () => unknown]>([
    ['is not there', () => server.kill(), () => server.start()],
    ['accepts connections and says nothing', () => server.pause(), () => server.resume()],
  ])('soon when Redis %s, and uses it soon when it appears', async (_, begin, end) => {
    await begin();
    const begun = performance.now();
    const { manager } = await start(address());
    expect(performance.now() - begun).toBeLessThan(1_000 + SLACK);
    await expect(manager.getOrSet('a', () => 'loaded')).resolves.toBe('loaded');
    await manager.invalidateTags(['t']);
    await end();
    const returned = performance.now();
    await until(async () => {
      const { coherence, redis } = manager.stats();
      if (coherence!.queued > 0 || redis!.breaker !== 'closed' || !coherence!.inContact) return false;
      await manager.set('b', 1);
      return (await manager.get('b', { tiers: ['redis'] })) === 1;
    });
    expect(performance.now() - returned).toBeLessThan(2_000);
  });
});
