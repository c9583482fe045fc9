import { afterAll, afterEach, beforeAll, describe, expect, it, jest } from '@jest/globals';
import { Redis, type RedisOptions as ServerOptions } from 'ioredis';

import { invalidationOf } from '../../lib/coherence/invalidation.js';
import { createRedisStore } from '../../lib/stores/redis/redis-store.js';
import type { RedisOptions } from '../../lib/stores/redis/redis-options.js';
import { SET } from '../../lib/stores/redis/scripts.js';
import type { RemoteStore } from '../../lib/stores/store.js';
import { type RedisServer, startRedis, until } from '../support/redis-server.js';
import { callsOf, Stores, SETTINGS } from './redis-helpers.js';
import { describeStoreContract } from './store-contract.js';
import { bytes, collect, entry, failure, checkOrder, setMany, deleteMany } from './store-helpers.js';

let server: RedisServer;
const stores = new Stores();
const clients: Redis[] = [];

beforeAll(async () => {
  server = await startRedis();
});
afterEach(async () => {
  jest.restoreAllMocks();
  await stores.close();
  for (const each of clients.splice(0)) each.disconnect();
});
afterAll(() => server.stop());

const open = (options: RedisOptions = {}): Promise<RemoteStore> =>
  stores.open({ port: server.port, ...options } as RedisOptions);

function client(options: ServerOptions = {}): Redis {
  const made = new Redis({ port: server.port, ...options });
  clients.push(made);
  return made;
}

describeStoreContract('a Redis server', () => open());
describeStoreContract('a Redis server with keyPrefix', () => open({ keyPrefix: 'some[*]:app:' }));
describeStoreContract('a client with automatic pipelining', () =>
  stores.open({ client: client({ enableAutoPipelining: true }) }),
);
describeStoreContract('a server given by URL', () => stores.open({ url: server.url }));
describeStoreContract('a client on RESP2 with numbers as strings', () =>
  stores.open({ client: client({ protocol: 2, stringNumbers: true }) }),
);

describe('what travels together', () => {
  it('sends the single reads of one tick as one MGET, each key once', async () => {
    const store = await open();
    await setMany(store, [entry('a', 'A'), entry('b', 'B')]);
    await server.command('CONFIG', 'RESETSTAT');
    const found = await Promise.all(['a', 'b', 'a', 'c', 'b', 'a'].map((key) => store.getMany([key])));
    expect(found.map(([value]) => value?.toString())).toEqual(['A', 'B', 'A', undefined, 'B', 'A']);
    expect(await callsOf(server, 'mget')).toBe(1);
    expect(await callsOf(server, 'get')).toBe(0);
  });

  it('lets calls join that come later in the tick, through promises and nextTick', async () => {
    const store = await open();
    await server.command('CONFIG', 'RESETSTAT');
    const deep = async (depth: number): Promise<unknown> => {
      for (let i = 0; i < depth; i++) await Promise.resolve();
      return store.getMany([`depth:${depth}`]);
    };
    const later = new Promise((resolve) => process.nextTick(() => resolve(store.getMany(['later']))));
    await Promise.all([deep(0), deep(1), deep(5), deep(100), later]);
    expect(await callsOf(server, 'mget')).toBe(1);
  });

  it('does not send keys of several calls twice', async () => {
    const store = await open();
    const observer = client();
    const monitor = await observer.monitor();
    clients.push(monitor);
    const seen = new Promise<string[]>((resolve) =>
      monitor.on('monitor', (_time: string, args: string[]) => args[0] === 'mget' && resolve(args.slice(1))),
    );
    await Promise.all([store.getMany(['x', 'y', 'x']), store.getMany(['y', 'z']), store.getMany(['x'])]);
    expect(await seen).toEqual(['x', 'y', 'z']);
  });

  it('splits very many keys over several commands', async () => {
    const store = await open();
    const keys = Array.from({ length: 2_500 }, (_, i) => `many:${i}`);
    await setMany(
      store,
      keys.map((key) => entry(key, key)),
    );
    await server.command('CONFIG', 'RESETSTAT');
    expect(await store.getMany(keys)).toEqual(keys.map(bytes));
    expect(await callsOf(server, 'mget')).toBe(3);
  });

  it('stores values of one tick in few commands, none of which is huge', async () => {
    const store = await open();
    await server.command('CONFIG', 'RESETSTAT');
    const small = Array.from({ length: 120 }, (_, i) => entry(`small:${i}`, 'x'));
    await Promise.all(small.map((one) => setMany(store, [one])));
    expect(await callsOf(server, 'eval')).toBe(3);
    const large = Array.from({ length: 9 }, (_, i) => entry(`large:${i}`, 'x'.repeat(30_000)));
    await setMany(store, large);
    expect(await callsOf(server, 'eval')).toBe(6);
    const values = await store.getMany([...small, ...large].map(({ key }) => key));
    expect(values).toEqual([...small, ...large].map(({ value }) => value));
  });

  it('sends nothing for nothing', async () => {
    const store = await open();
    await server.command('CONFIG', 'RESETSTAT');
    await Promise.all([store.getMany([]), setMany(store, []), deleteMany(store, [])]);
    expect(await server.command('INFO', 'commandstats')).not.toMatch(/cmdstat_(mget|set|unlink)/);
  });

  it('writes with SET PX and removes with UNLINK', async () => {
    const store = await open();
    await server.command('CONFIG', 'RESETSTAT');
    await setMany(store, [entry('w', 'x', 123_456), entry('fraction', 'x', 1_000.2)]);
    const ttl = await client().pttl('w');
    expect(ttl).toBeGreaterThan(120_000);
    expect(ttl).toBeLessThanOrEqual(123_456);
    await deleteMany(store, ['w', 'fraction']);
    expect(await callsOf(server, 'set')).toBe(2);
    expect(await callsOf(server, 'unlink')).toBe(2);
    expect(await callsOf(server, 'del')).toBe(0);
  });

  it('keeps the order on a client with automatic pipelining', async () => {
    const store = await stores.open({ client: client({ enableAutoPipelining: true }) });
    await expect(
      checkOrder(store, ['auto:1', 'auto:2', 'auto:3'], 100, undefined, true),
    ).resolves.toBeUndefined();
  });
});

describe('failures of single commands', () => {
  beforeAll(async () => {
    await server.command('ACL', 'SETUSER', 'limited', 'on', '>secret', '~ok:*', '+@all');
  });
  const limited = (): Promise<RemoteStore> => open({ username: 'limited', password: 'secret' });

  it('rejects the call that was affected and no other', async () => {
    const store = await limited();
    const calls = [
      setMany(store, [entry('ok:1', '1')]),
      deleteMany(store, ['forbidden']),
      setMany(store, [entry('forbidden', 'secret value')]),
      deleteMany(store, ['ok:1']),
      setMany(store, [entry('ok:2', '2')]),
      store.getMany(['ok:2']),
    ] as const;
    const [first, second, third, fourth, fifth, sixth] = await Promise.allSettled(calls);
    expect(first.status).toBe('fulfilled');
    expect(second).toMatchObject({ reason: { code: 'CACHE_STORE_FAILED', key: 'forbidden' } });
    expect(third).toMatchObject({ reason: { code: 'CACHE_STORE_FAILED', key: 'forbidden' } });
    expect((third as PromiseRejectedResult).reason.cause.message).toMatch(/^NOPERM/);
    expect(fourth).toMatchObject({ value: [true] });
    expect(fifth.status).toBe('fulfilled');
    expect(sixth).toMatchObject({ value: [bytes('2')] });
  });

  it('stores values of one tick all or not at all', async () => {
    const store = await limited();
    const calls = [
      setMany(store, [entry('ok:3', '1')]),
      setMany(store, [entry('ok:4', '2'), entry('forbidden', 'secret value')]),
    ];
    for (const call of await Promise.allSettled(calls)) {
      const { reason } = call as PromiseRejectedResult;
      expect(reason.key).toBeUndefined();
      expect(reason.message).toMatch(/^Redis did not store 'ok:3' and 2 more: NOPERM/);
    }
    expect(await store.getMany(['ok:3', 'ok:4'])).toEqual([undefined, undefined]);
  });

  it('keeps values out of errors', async () => {
    const store = await limited();
    const error = await failure(setMany(store, [entry('forbidden', 'secret value')]));
    expect(error.cause).toMatchObject({ command: { name: 'eval' } });
    expect(error.cause).not.toHaveProperty('command.args');
  });

  it('rejects reads with the error of Redis', async () => {
    const store = await limited();
    const error = await failure(store.getMany(['forbidden']));
    expect(error).toMatchObject({ code: 'CACHE_STORE_FAILED' });
    expect(error.message).toContain('NOPERM');
    expect(await store.getMany(['ok:none'])).toEqual([undefined]);
  });

  it('fails a scan that Redis refuses', async () => {
    await server.command('ACL', 'SETUSER', 'noscan', 'on', '>secret', '~*', '+@all', '-scan');
    const store = await open({ username: 'noscan', password: 'secret' });
    expect(await failure(collect(store.scan('a')))).toMatchObject({ code: 'CACHE_STORE_FAILED' });
  });
});

describe('scans under way at once', () => {
  it('share a listener, however many they are, and leave none', async () => {
    const handed = client();
    const store = await stores.open({ client: handed });
    await setMany(
      store,
      Array.from({ length: 50 }, (_, i) => entry(`scan:${i}`, '')),
    );
    const before = handed.listenerCount('close');
    const during: number[] = [];
    const pause = async (): Promise<void> => void during.push(handed.listenerCount('close'));
    const scans = Array.from({ length: 30 }, () => collect(store.scan('scan:', pause)));
    for (const keys of await Promise.all(scans)) expect(new Set(keys).size).toBe(50);
    expect(Math.max(...during)).toBe(before + 1);
    expect(handed.listenerCount('close')).toBe(before);
  });

  it('all fail when the connection is lost on the way, and later ones do not', async () => {
    const store = await open();
    await setMany(
      store,
      Array.from({ length: 2_000 }, (_, i) => entry(`scan:${i}`, '')),
    );
    let cut: Promise<unknown> | undefined;
    const pause = async (): Promise<void> => {
      await (cut ??= server.command('CLIENT', 'KILL', 'TYPE', 'normal', 'SKIPME', 'yes'));
      await until(() => stores.errors.length > 0);
    };
    const scans = Array.from({ length: 20 }, () => failure(collect(store.scan('scan:', pause))));
    for (const error of await Promise.all(scans)) expect(error).toMatchObject({ code: 'CACHE_STORE_FAILED' });
    await until(() => stores.ready > 1);
    expect(new Set(await collect(store.scan('scan:'))).size).toBe(2_000);
  });
});

describe('keyPrefix', () => {
  it('is put before keys, and taken off those that are listed', async () => {
    const store = await open({ keyPrefix: 'p*:' });
    await setMany(store, [entry('k:1', 'x')]);
    await client().mset('k:2', 'outside', 'pq:k:3', 'outside');
    expect(await client().get('p*:k:1')).toBe('x');
    expect(await collect(store.scan('k:'))).toEqual(['k:1']);
    expect(await deleteMany(store, ['k:1'])).toEqual([true]);
    expect(await client().exists('p*:k:1')).toBe(0);
  });

  it('of a client that is handed in counts too', async () => {
    const store = await stores.open({ client: client({ keyPrefix: 'handed:' }) });
    await setMany(store, [entry('k', 'x')]);
    expect(await client().get('handed:k')).toBe('x');
    expect(await collect(store.scan('k'))).toEqual(['k']);
  });
});

describe('a client that is handed in', () => {
  it('stays open and keeps no listener', async () => {
    const handed = client();
    await handed.ping();
    const events = handed.eventNames();
    const counts = events.map((event) => handed.listenerCount(event));
    const store = await createRedisStore({ client: handed }, SETTINGS, { onError: () => undefined });
    await setMany(store, [entry('a', 'A')]);
    await store.close();
    expect(handed.status).toBe('ready');
    expect(await handed.get('a')).toBe('A');
    expect(handed.eventNames()).toEqual(events);
    expect(events.map((event) => handed.listenerCount(event))).toEqual(counts);
  });

  it('may be lazy: the first call connects it', async () => {
    const handed = client({ lazyConnect: true });
    const store = await stores.open({ client: handed });
    expect(handed.status).toBe('wait');
    await setMany(store, [entry('lazy', 'x')]);
    expect(await store.getMany(['lazy'])).toEqual([bytes('x')]);
    expect(await client().get('lazy')).toBe('x');
  });

  it('may be lazy when keys are listed first', async () => {
    await client().set('lazy-scan', 'x');
    const store = await stores.open({ client: client({ lazyConnect: true }) });
    expect(await collect(store.scan('lazy-scan'))).toEqual(['lazy-scan']);
  });

  it.each<[string, (handed: Redis, open: () => Promise<RemoteStore>) => Promise<RemoteStore>]>([
    ['before', async (handed, openStore) => (await handed.select(3), openStore())],
    ['as the first thing it has to do', (handed, openStore) => (void handed.select(3), openStore())],
    [
      'later',
      async (handed, openStore) => {
        const store = await openStore();
        await handed.select(3);
        return store;
      },
    ],
  ])('is listened to on the database that was selected %s', async (_, select) => {
    const handed = client();
    const store = await select(handed, () => stores.open({ client: handed }));
    const { epoch, clock } = await store.feed.join(undefined, false);
    await store.change([], invalidationOf({ keys: ['k'] }));
    const { reading, messages } = await store.feed.poll(clock, 10);
    expect(reading?.epoch).toBe(epoch);
    expect(messages).toMatchObject([{ epoch, clock: clock + 1 }]);
  });

  it('is reported ready at once', async () => {
    const handed = client();
    await handed.ping();
    await stores.open({ client: handed });
    expect(stores.ready).toBe(1);
  });
});

describe('a value that comes too late', () => {
  it('is not stored, by the clock of the server', async () => {
    const admin = client();
    const [seconds] = await admin.time();
    const store = async (key: string, limit: number): Promise<unknown> => [
      await admin.eval(SET, 2, key, `${key} too`, limit, 'a', 60_000, 'b', 60_000),
      await admin.mget(key, `${key} too`),
    ];
    expect(await store('late', Number(seconds) * 1000 - 1)).toEqual([0, [null, null]]);
    expect(await store('in time', Number(seconds) * 1000 + 60_000)).toEqual([1, ['a', 'b']]);
  });

  it('is one whose caller has given up, and he is told', async () => {
    const store = await open();
    await setMany(store, [entry('given-up', 'before')]);
    const real = performance.now.bind(performance);
    // As if it had been on its way for a minute.
    jest.spyOn(performance, 'now').mockImplementation(() => real() - 60_000);
    const error = await failure(setMany(store, [entry('given-up', 'after')]));
    expect(error.message).toMatch(/too late and did not store it/);
    expect(await client().get('given-up')).toBe('before');
  });
});

describe('the clock', () => {
  const timeCalls = (): Promise<number> => callsOf(server, 'time');

  it('is that of the server, not that of this machine', async () => {
    const started = Date.now();
    jest.spyOn(Date, 'now').mockReturnValue(0);
    const store = await open();
    expect(Math.abs(store.now() - started)).toBeLessThan(10_000);
    const [seconds, microseconds] = await client().time();
    expect(Math.abs(store.now() - (Number(seconds) * 1000 + Number(microseconds) / 1000))).toBeLessThan(50);
  });

  it('is measured again by a call that comes after a minute', async () => {
    const store = await open();
    await server.command('CONFIG', 'RESETSTAT');
    await store.getMany(['a']);
    expect(await timeCalls()).toBe(0);
    const real = performance.now.bind(performance);
    jest.spyOn(performance, 'now').mockImplementation(() => real() + 61_000);
    await store.getMany(['a']);
    expect(await timeCalls()).toBe(1);
    await store.getMany(['a']);
    expect(await timeCalls()).toBe(1);
    // The monotonic clock has jumped, the server's has not: the new offset makes up for it.
    expect(Math.abs(store.now() - Date.now())).toBeLessThan(1_000);
  });

  it("is this machine's while the server does not tell, which is reported", async () => {
    await server.command('ACL', 'SETUSER', 'notime', 'on', '>secret', '~*', '+@all', '-time');
    const store = await open({ username: 'notime', password: 'secret' });
    expect(stores.errors.map((error) => error.message).join()).toMatch(/clock.*NOPERM/);
    jest.spyOn(Date, 'now').mockReturnValue(12_345);
    expect(store.now()).toBe(12_345);
    expect(await store.getMany(['a'])).toBeDefined();
  });
});
