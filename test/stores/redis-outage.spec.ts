import { inspect } from 'node:util';

import { afterEach, beforeEach, describe, expect, it, jest } from '@jest/globals';
import { Redis } from 'ioredis';

import type { RedisOptions } from '../../lib/stores/redis/redis-options.js';
import type { RemoteStore } from '../../lib/stores/store.js';
import { type RedisServer, startRedis, until } from '../support/redis-server.js';
import { Timers } from '../support/timers.js';
import { Stores } from './redis-helpers.js';
import { bytes, collect, entry, failure, setMany, deleteMany } from './store-helpers.js';

/** What a call may take that cannot succeed, in milliseconds; far less than ioredis' own patience. */
const FAST = 250;

let server: RedisServer;
let stores: Stores;
let logged: ReturnType<typeof jest.spyOn>;
const unhandled: unknown[] = [];
const onUnhandled = (error: unknown): unknown => unhandled.push(error);

beforeEach(async () => {
  process.on('unhandledRejection', onUnhandled);
  logged = jest.spyOn(console, 'error');
  stores = new Stores();
  server = await startRedis();
});
afterEach(async () => {
  await stores.close();
  await server.stop();
  await new Promise((resolve) => setImmediate(resolve));
  process.off('unhandledRejection', onUnhandled);
  expect(unhandled.splice(0)).toEqual([]);
  // ioredis writes there when nobody listens for errors.
  expect(logged).not.toHaveBeenCalled();
  jest.restoreAllMocks();
});

const open = (options: RedisOptions = {}): Promise<RemoteStore> =>
  stores.open({ port: server.port, host: '127.0.0.1', ...options } as RedisOptions);

async function expectFast(call: () => Promise<unknown>): Promise<Error> {
  const began = performance.now();
  const error = await failure(call());
  expect(performance.now() - began).toBeLessThan(FAST);
  expect(error).toMatchObject({ code: 'CACHE_STORE_FAILED' });
  return error;
}

async function expectAllFast(store: RemoteStore): Promise<void> {
  await expectFast(() => store.getMany(['a']));
  await expectFast(() => store.getMany(['a', 'b']));
  await expectFast(() => setMany(store, [entry('a', 'x')]));
  await expectFast(() => deleteMany(store, ['a']));
}

const works = async (store: RemoteStore): Promise<boolean> => {
  try {
    await setMany(store, [entry('works', 'yes')]);
    return (await store.getMany(['works']))[0]?.toString() === 'yes';
  } catch {
    return false;
  }
};

describe('Redis absent at start', () => {
  it('is reported; calls fail fast; the store joins when Redis appears', async () => {
    await server.kill();
    const began = performance.now();
    const store = await open();
    expect(performance.now() - began).toBeLessThan(3_000);
    expect(stores.errors[0]).toMatchObject({ code: 'CACHE_STORE_FAILED' });
    expect(stores.errors[0]!.message).toContain('ECONNREFUSED');
    expect(stores.ready).toBe(0);
    await expectAllFast(store);
    expect(Math.abs(store.now() - Date.now())).toBeLessThan(100);
    await server.start();
    await until(() => works(store));
    expect(stores.ready).toBe(1);
  });

  it('says why in words even where the system gives several reasons', async () => {
    await server.kill();
    await open({ host: 'localhost' });
    expect(stores.errors[0]!.message).toMatch(/ECONNREFUSED/);
  });

  it('is reported as well when Redis accepts the connection and says nothing', async () => {
    server.pause();
    const store = await open();
    expect(stores.errors.map((error) => error.message)).toEqual([
      expect.stringContaining('not ready after 1000 ms'),
    ]);
    await expectAllFast(store);
    server.resume();
    await until(() => works(store));
  });

  it('does not keep the process waiting when the store is closed', async () => {
    await server.kill();
    const store = await open();
    const began = performance.now();
    await store.close();
    expect(performance.now() - began).toBeLessThan(1_000);
  });
});

describe('Redis lost while in use', () => {
  it('fails calls fast until it is back', async () => {
    const store = await open();
    expect(await works(store)).toBe(true);
    await server.kill();
    await until(async () => !(await works(store)));
    await expectAllFast(store);
    await expectFast(() => collect(store.scan('a')));
    await server.start();
    await until(() => works(store));
    await until(() => stores.ready === 2);
    expect(stores.errors.length).toBeGreaterThan(0);
  });

  it('fails what is under way when the connection breaks, and does not send it again', async () => {
    const store = await open();
    server.pause();
    const calls = [
      setMany(store, [entry('k', 'late')]),
      store.getMany(['k']),
      deleteMany(store, ['k2', 'k3']),
      collect(store.scan('k')),
    ].map((call) => failure(call));
    await new Promise((resolve) => setImmediate(resolve));
    // Not server.kill(), which lets a paused server go on for a moment.
    process.kill(server.pid!, 'SIGKILL');
    await until(() => server.pid === undefined);
    for (const error of await Promise.all(calls)) expect(error).toMatchObject({ code: 'CACHE_STORE_FAILED' });
    await server.start();
    await until(() => works(store));
    expect(await store.getMany(['k'])).toEqual([undefined]);
  });

  it('makes no write wait longer than commandTimeout when Redis hangs, reads far shorter, and the next calls not at all', async () => {
    const store = await open({ commandTimeout: 300 });
    server.pause();
    const began = performance.now();
    const write = failure(setMany(store, [entry('a', 'x')]));
    for (const keys of [['a'], ['b', 'c']]) {
      expect(await failure(store.getMany(keys))).toMatchObject({ trouble: 'silent' });
    }
    expect(performance.now() - began).toBeLessThan(200);
    // Nothing is read behind what is overdue.
    const next = performance.now();
    expect(await failure(store.getMany(['a']))).toMatchObject({ trouble: 'silent' });
    expect(performance.now() - next).toBeLessThan(20);
    expect((await write).message).toContain('redis.commandTimeout');
    const took = performance.now() - began;
    expect(took).toBeGreaterThan(250);
    expect(took).toBeLessThan(900);
    await expectAllFast(store);
    server.resume();
    await until(() => works(store));
  });

  it('bounds listing keys, too', async () => {
    const store = await open({ commandTimeout: 300 });
    server.pause();
    expect(await failure(collect(store.scan('a')))).toMatchObject({ code: 'CACHE_STORE_FAILED' });
    server.resume();
  });

  it('bounds calls over a client that is handed in, and leaves it alone', async () => {
    const handed = new Redis({ port: server.port, commandTimeout: 300 });
    const store = await stores.open({ client: handed });
    server.pause();
    expect(await failure(store.getMany(['a']))).toMatchObject({ code: 'CACHE_STORE_FAILED' });
    expect(await failure(setMany(store, [entry('a', 'x')]))).toMatchObject({ code: 'CACHE_STORE_FAILED' });
    expect(handed.status).toBe('ready');
    server.resume();
    await until(() => works(store));
    await store.close();
    expect(await handed.ping()).toBe('PONG');
    handed.disconnect();
  });

  it('fails fast over a client that waits for its connection to come back', async () => {
    const handed = new Redis({ port: server.port, retryStrategy: () => 60_000 });
    handed.on('error', () => undefined);
    const store = await stores.open({ client: handed });
    await server.kill();
    await until(() => handed.status === 'reconnecting');
    await expectAllFast(store);
    handed.disconnect();
  });

  it('measures the clock of the server that comes next', async () => {
    const store = await open();
    await server.restart();
    await until(() => stores.ready === 2);
    await server.command('CONFIG', 'RESETSTAT');
    await until(() => works(store));
    expect(Math.abs(store.now() - Date.now())).toBeLessThan(1_000);
  });

  it('connects anew when the server has become a replica', async () => {
    const store = await open();
    await server.command('REPLICAOF', '127.0.0.1', 1);
    expect((await failure(setMany(store, [entry('a', 'x')]))).message).toContain('READONLY');
    await server.command('REPLICAOF', 'NO', 'ONE');
    await until(() => works(store));
    expect(stores.ready).toBe(2);
  });
});

describe('credentials', () => {
  it('are never part of an error', async () => {
    await server.stop();
    server = await startRedis({ password: 'right' });
    await open({ username: 'default', password: 'hunter2' });
    await until(() => stores.errors.some((error) => error.message.includes('WRONGPASS')));
    expect(inspect(stores.errors, { depth: 10, showHidden: true })).not.toContain('hunter2');
  });

  it('are used', async () => {
    await server.stop();
    server = await startRedis({ password: 'right' });
    expect(await works(await stores.open({ url: server.url }))).toBe(true);
    expect(await works(await open({ password: 'right' }))).toBe(true);
    expect(stores.errors).toEqual([]);
  });
});

describe('after close', () => {
  const sockets = (): number =>
    process.getActiveResourcesInfo().filter((name) => name === 'TCPSocketWrap').length;

  it.each<[string, () => Promise<RemoteStore>]>([
    ['in use', () => open()],
    ['that never connected', () => open({ lazyConnect: true })],
    [
      'while Redis is away',
      async () => {
        const store = await open();
        await server.kill();
        await until(async () => !(await works(store)));
        return store;
      },
    ],
    [
      'while Redis hangs',
      async () => {
        const store = await open({ commandTimeout: 200 });
        server.pause();
        await failure(store.getMany(['a']));
        return store;
      },
    ],
  ])('of a store %s no handle stays open', async (_name, opened) => {
    await until(() => sockets() === 0);
    const timers = new Timers();
    const store = await opened();
    await works(store);
    await store.close();
    expect(sockets()).toBe(0);
    expect(await timers.stop()).toEqual([]);
    expect(await failure(store.getMany(['a']))).toMatchObject({ code: 'CACHE_CLOSED' });
  });

  it('errors are not reported any more', async () => {
    const store = await open();
    await server.kill();
    await until(async () => !(await works(store)));
    await store.close();
    const { length } = stores.errors;
    await new Promise((resolve) => setImmediate(resolve));
    expect(stores.errors).toHaveLength(length);
  });

  it('the last replies were waited for', async () => {
    const store = await open();
    const read = store.getMany(['a']);
    const written = setMany(store, [entry('b', 'B')]);
    await store.close();
    expect(await read).toEqual([undefined]);
    await written;
    const other = await open();
    expect(await other.getMany(['b'])).toEqual([bytes('B')]);
  });
});
