// Reads and claims are given up soon when Redis does not answer, and only then.
import { afterAll, afterEach, beforeAll, describe, expect, it } from '@jest/globals';

import { patienceFor } from '../../lib/stores/redis/patience.js';
import type { RemoteStore } from '../../lib/stores/store.js';
import { type FaultProxy, startFaultProxy } from '../support/fault-proxy.js';
import { type RedisServer, startRedis, until } from '../support/redis-server.js';
import { Stores } from './redis-helpers.js';
import { bytes, entry, failure, setMany } from './store-helpers.js';

/** In milliseconds: far more than the limit on loopback. */
const BUSY = 400;

let server: RedisServer;
let proxy: FaultProxy;
const stores = new Stores();

beforeAll(async () => {
  server = await startRedis();
  proxy = await startFaultProxy(server);
});
afterEach(async () => {
  server.resume();
  await stores.close();
  await proxy.heal();
});
afterAll(async () => {
  await proxy.stop();
  await server.stop();
});

const open = (): Promise<RemoteStore> => stores.open({ port: server.port });

function block(ms: number): void {
  const end = performance.now() + ms;
  while (performance.now() < end);
}

it('the limit is four round trips, between 40 and 250 ms', () => {
  expect([0.2, 10, 15, 60, 1_000, undefined].map(patienceFor)).toStrictEqual([40, 40, 60, 240, 250, 250]);
});

describe('a read is answered', () => {
  it.each(['before', 'after'])('although the event loop was blocked %s it was sent', async (when) => {
    const store = await open();
    await setMany(store, [entry('a', 'A')]);
    for (let i = 0; i < 5; i++) {
      const read = store.getMany(['a']);
      if (when === 'after') await new Promise((resolve) => setImmediate(resolve));
      block(BUSY);
      await expect(read).resolves.toEqual([bytes('A')]);
    }
  });

  it('although it is so large that it takes longer than the limit', async () => {
    const store = await open();
    const keys = Array.from({ length: 30 }, (_, i) => `large:${i}`);
    const megabyte = 'x'.repeat(1_000_000);
    for (const key of keys) await setMany(store, [entry(key, megabyte)]);
    const values = await store.getMany(keys);
    expect(values.every((value) => value?.length === megabyte.length)).toBe(true);
    await server.command('FLUSHALL');
  });

  it('from far away if that was known', async () => {
    proxy.delay(25);
    const store = await stores.open({ port: proxy.port });
    proxy.delay(60);
    await expect(store.getMany(['none'])).resolves.toEqual([undefined]);
  });
});

describe('a read is given up', () => {
  it('when Redis drips', async () => {
    const store = await stores.open({ port: proxy.port });
    await setMany(store, [entry('long', 'x'.repeat(10_000))]);
    proxy.throttle(5_000);
    expect(await failure(store.getMany(['long']))).toMatchObject({ trouble: 'silent' });
  });

  it('and its late answer is nobody else’s', async () => {
    const store = await open();
    await setMany(store, [entry('a', 'A'), entry('b', 'B')]);
    server.pause();
    expect(await failure(store.getMany(['a']))).toMatchObject({ trouble: 'silent' });
    server.resume();
    await until(() => store.getMany(['b']).catch(() => undefined));
    await expect(store.getMany(['b', 'a'])).resolves.toEqual([bytes('B'), bytes('A')]);
  });
});
