// Reads and claims are given up soon when Redis does not answer, and only then.
import { afterAll, afterEach, beforeAll, describe, expect, it } from '@jest/globals';

import { patienceFor } from '../../lib/stores/redis/patience.js';
import type { RemoteStore } from '../../lib/stores/store.js';
import { type FaultProxy, startFaultProxy } from '../support/fault-proxy.js';
import { type RedisServer, startRedis, until } from '../support/redis-server.js';
import { Stores } from './redis-helpers.js';
import { bytes, entry, failure, readPatiently, setMany } from './store-helpers.js';

/** In milliseconds, on loopback. */
const LIMIT = 40;
/** Far more than that. */
const BUSY = 10 * LIMIT;

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
  expect([0.2, 10, 15, 60, 1_000, undefined].map(patienceFor)).toStrictEqual([LIMIT, 40, 60, 240, 250, 250]);
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
    const store = await stores.open({ port: proxy.port });
    const large = 'x'.repeat(4_000_000);
    await setMany(store, [entry('large', large)]);
    // It is its way that takes the time, steadily, and not the server: what that takes depends on the machine.
    proxy.throttle(20_000_000);
    const begun = performance.now();
    // It never comes in time if all that counts is when it is complete.
    const [value] = await readPatiently(store, ['large']);
    expect(performance.now() - begun).toBeGreaterThan(2 * LIMIT);
    expect(value?.equals(bytes(large))).toBe(true);
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
