import { afterAll, afterEach, beforeAll, describe, expect, it } from '@jest/globals';
import { Cluster, type ClusterOptions, Redis } from 'ioredis';

import { hashSlot } from '../../lib/stores/redis/hash-slot.js';
import type { RemoteStore } from '../../lib/stores/store.js';
import { type RedisCluster, type RedisServer, startCluster, until } from '../support/redis-server.js';
import { callsOf, Stores } from './redis-helpers.js';
import { describeStoreContract } from './store-contract.js';
import { bytes, collect, entry, checkOrder, failure, setMany, deleteMany } from './store-helpers.js';

let cluster: RedisCluster;
const stores = new Stores();
const clients: { disconnect(): void }[] = [];

beforeAll(async () => {
  cluster = await startCluster();
});
afterEach(async () => {
  await stores.close();
  for (const each of clients.splice(0)) each.disconnect();
});
afterAll(() => cluster.stop());

const nodesOf = ({ nodes }: RedisCluster): { host: string; port: number }[] =>
  nodes.map(({ host, port }) => ({ host, port }));
const open = (options: ClusterOptions = {}): Promise<RemoteStore> =>
  stores.open({ cluster: { nodes: nodesOf(cluster), options } });

function handedIn(options: ClusterOptions = {}): Cluster {
  const made = new Cluster(nodesOf(cluster), options);
  clients.push(made);
  return made;
}

function admin({ host, port }: RedisServer): Redis {
  const made = new Redis({ host, port });
  clients.push(made);
  return made;
}

describeStoreContract('a Redis Cluster', () => open());
describeStoreContract('a Redis Cluster with keyPrefix', () => open({ keyPrefix: '{p}*:' }));
describeStoreContract('a Redis Cluster whose nodes have a keyPrefix', () =>
  open({ redisOptions: { keyPrefix: 'n?:' } }),
);
describeStoreContract('a Cluster that is handed in, with automatic pipelining', () =>
  stores.open({
    client: handedIn({ enableAutoPipelining: true, redisOptions: { enableAutoPipelining: true } }),
  }),
);

describe('hash slots', () => {
  it('are those of Redis', async () => {
    const keys = [
      '',
      'a',
      '123456789',
      'user:{42}:x',
      '{}a',
      '{}{b}',
      '{',
      '}{a}',
      '{a',
      'é',
      '日{本}語',
      'x{😀}',
      '{{a}}',
    ];
    const expected = await Promise.all(
      keys.map((key) => cluster.nodes[0]!.command('CLUSTER', 'KEYSLOT', key)),
    );
    expect(keys.map(hashSlot)).toEqual(expected.map(Number));
  });
});

describe('what travels together', () => {
  const resetAll = (): Promise<unknown> =>
    Promise.all(cluster.nodes.map((node) => node.command('CONFIG', 'RESETSTAT')));
  const callsOnAll = (command: string): Promise<number[]> =>
    Promise.all(cluster.nodes.map((node) => callsOf(node, command)));

  it('goes to each node once, whatever the slots, and never fails with CROSSSLOT', async () => {
    const store = await open();
    const keys = Array.from({ length: 600 }, (_, i) => `spread:${i}`);
    await setMany(
      store,
      keys.map((key) => entry(key, key)),
    );
    await resetAll();
    const found = await Promise.all(keys.map((key) => store.getMany([key])));
    expect(found.flat()).toEqual(keys.map(bytes));
    for (const node of cluster.nodes) {
      const stats = await node.command('INFO', 'stats');
      const reads = Number(/total_reads_processed:(\d+)/.exec(stats)?.[1]);
      // One for the lane; a large one arrives in pieces; two for CONFIG and INFO; a few when the listening connection is made.
      expect(reads).toBeLessThan(20);
      expect(await callsOf(node, 'mget')).toBeGreaterThan(100);
    }
  });

  it('reads the keys of one slot with one MGET', async () => {
    const store = await open();
    await resetAll();
    await Promise.all(['{t}1', '{t}2', '{t}1', '{t}3'].map((key) => store.getMany([key])));
    expect((await callsOnAll('mget')).toSorted((a, b) => a - b)).toEqual([0, 0, 1]);
  });

  it('asks one node for the time, the one that has slot 0', async () => {
    await resetAll();
    const [first, second] = [await open(), await open()];
    const [owner, ...others] = await callsOnAll('time');
    expect(owner).toBeGreaterThanOrEqual(2);
    expect(others).toEqual([0, 0]);
    expect(Math.abs(first.now() - second.now())).toBeLessThan(20);
  });

  it('lists the keys of all masters', async () => {
    const store = await open();
    const keys = Array.from({ length: 300 }, (_, i) => `all:${i}`);
    await setMany(
      store,
      keys.map((key) => entry(key, '')),
    );
    expect((await collect(store.scan('all:'))).toSorted()).toEqual(keys.toSorted());
    const owners = await Promise.all(cluster.nodes.map((node) => node.command('DBSIZE')));
    expect(owners.map(Number).every((size) => size > 0)).toBe(true);
  });
});

describe('a Cluster that is handed in', () => {
  it('stays open and keeps no listener', async () => {
    const handed = handedIn();
    await handed.ping();
    const counts = (): [string | symbol, number][] =>
      handed.eventNames().map((event) => [event, handed.listenerCount(event)]);
    const before = counts();
    const store = await stores.open({ client: handed });
    await setMany(store, [entry('a', 'A')]);
    await store.close();
    expect(handed.status).toBe('ready');
    expect(await handed.get('a')).toBe('A');
    expect(counts()).toEqual(before);
  });

  it('may be lazy: the first calls connect it, and keep their order', async () => {
    const store = await stores.open({ client: handedIn({ lazyConnect: true }) });
    const calls = [
      setMany(store, [entry('lazy', '1')]),
      setMany(store, [entry('lazy', '2')]),
      store.getMany(['lazy', 'none']),
    ] as const;
    expect((await Promise.all(calls))[2]).toEqual([bytes('2'), undefined]);
  });

  it('may be lazy when keys are listed first', async () => {
    await setMany(await open(), [entry('lazy-scan', '')]);
    const store = await stores.open({ client: handedIn({ lazyConnect: true }) });
    expect(await collect(store.scan('lazy-scan'))).toEqual(['lazy-scan']);
  });
});

/** Moves a slot from one node to another in small steps, as `redis-cli --cluster reshard` does. */
async function* moveSlot(slot: number, from: RedisServer, to: RedisServer): AsyncGenerator<void> {
  const [source, target] = [admin(from), admin(to)];
  const [sourceId, targetId] = [await source.cluster('MYID'), await target.cluster('MYID')];
  await target.cluster('SETSLOT', slot, 'IMPORTING', sourceId);
  yield;
  await source.cluster('SETSLOT', slot, 'MIGRATING', targetId);
  yield;
  for (;;) {
    const [key] = await source.cluster('GETKEYSINSLOT', slot, 1);
    if (key === undefined) break;
    await source.migrate(to.host, to.port, key, 0, 5_000);
    yield;
  }
  for (const node of [to, from, ...cluster.nodes])
    await admin(node).cluster('SETSLOT', slot, 'NODE', targetId);
  yield;
}

describe('while slots move', () => {
  it('every write succeeds and the order of each key is kept', async () => {
    const store = await open();
    const other = await stores.open({ client: handedIn() });
    const slot = hashSlot('{moving}');
    let owner = Math.floor((slot * 3) / 16_384);
    for (const using of [store, other, store]) {
      const [from, to] = [cluster.nodes[owner]!, cluster.nodes[(owner + 1) % 3]!];
      owner = (owner + 1) % 3;
      const steps = moveSlot(slot, from, to);
      const everyTick = async (): Promise<unknown> => {
        if (Math.random() < 0.3) return steps.next();
        return new Promise((resolve) => setImmediate(resolve));
      };
      const keys = Array.from({ length: 12 }, (_, i) => `{moving}:${Math.random()}:${i}`);
      await expect(checkOrder(using, keys, 250, everyTick, true)).resolves.toBeUndefined();
      for await (const _ of steps);
      const more = Array.from({ length: 12 }, (_, i) => `{moving}:${Math.random()}:${i}`);
      await expect(checkOrder(using, more, 20)).resolves.toBeUndefined();
    }
  });

  it('reads several keys of a slot of which some have moved', async () => {
    const store = await open();
    const keys = Array.from({ length: 6 }, (_, i) => `{torn}:${i}`);
    await setMany(
      store,
      keys.map((key) => entry(key, key)),
    );
    const slot = hashSlot('{torn}');
    const owner = Math.floor((slot * 3) / 16_384);
    for await (const _ of moveSlot(slot, cluster.nodes[owner]!, cluster.nodes[(owner + 1) % 3]!)) {
      expect(await store.getMany([...keys, '{torn}:none'])).toEqual([...keys.map(bytes), undefined]);
    }
  });
});

describe('a cluster in trouble', () => {
  const keyOn = (index: number): string => {
    for (let i = 0; ; i++) if (Math.floor((hashSlot(`on:${i}`) * 3) / 16_384) === index) return `on:${i}`;
  };
  const works = async (store: RemoteStore, key: string): Promise<boolean> => {
    try {
      await setMany(store, [entry(key, 'x')]);
      return (await store.getMany([key]))[0] !== undefined;
    } catch {
      return false;
    }
  };
  const expectFast = async (call: () => Promise<unknown>): Promise<void> => {
    const began = performance.now();
    expect(await failure(call())).toMatchObject({ code: 'CACHE_STORE_FAILED' });
    expect(performance.now() - began).toBeLessThan(300);
  };

  it('fails fast for the keys of a lost node only, until it is back', async () => {
    const store = await open();
    const [lost, kept] = [keyOn(2), keyOn(0)];
    expect(await works(store, lost)).toBe(true);
    await setMany(store, [entry(kept, 'x')]);
    const node = cluster.nodes[2]!;
    await node.kill();
    await until(async () => !(await works(store, lost)));
    await expectFast(() => store.getMany([lost]));
    await expectFast(() => deleteMany(store, [lost]));
    const [one, other] = await Promise.allSettled([store.getMany([lost]), store.getMany([kept])]);
    expect(one.status).toBe('rejected');
    expect(other).toMatchObject({ value: [bytes('x')] });
    await node.start();
    await until(() => works(store, lost), { timeout: 20_000 });
    await until(async () => (await node.command('CLUSTER', 'INFO')).includes('cluster_state:ok'));
  });

  it('fails fast for a slot that nobody has, with automatic pipelining and without', async () => {
    const [key, kept] = [keyOn(0), keyOn(1)];
    const slot = hashSlot(key);
    const onAll = (...command: (string | number)[]): Promise<unknown> =>
      Promise.all(cluster.nodes.map((node) => node.command(...command)));
    await onAll('CONFIG', 'SET', 'cluster-require-full-coverage', 'no');
    await onAll('CLUSTER', 'DELSLOTS', slot);
    for (const enableAutoPipelining of [false, true]) {
      const client = handedIn({ enableAutoPipelining });
      await until(() => client.status === 'ready' && client.slots[slot] === undefined);
      const store = await stores.open({ client });
      await expectFast(() => store.getMany([key]));
      await expectFast(() => setMany(store, [entry(key, 'x')]));
      expect(await works(store, kept)).toBe(true);
    }
    await cluster.nodes[0]!.command('CLUSTER', 'ADDSLOTS', slot);
    await onAll('CONFIG', 'SET', 'cluster-require-full-coverage', 'yes');
    for (const node of cluster.nodes) {
      await until(async () =>
        (await node.command('CLUSTER', 'INFO')).includes('cluster_slots_assigned:16384'),
      );
    }
  });

  it('bounds the calls to a node that hangs, and does not hold up the others', async () => {
    const store = await open({ redisOptions: { commandTimeout: 400 } });
    const [hung, kept] = [keyOn(1), keyOn(0)];
    expect(await works(store, hung)).toBe(true);
    expect(await works(store, kept)).toBe(true);
    cluster.nodes[1]!.pause();
    try {
      const began = performance.now();
      const late = failure(store.getMany([hung]));
      expect(await store.getMany([kept])).toEqual([bytes('x')]);
      expect(performance.now() - began).toBeLessThan(300);
      expect(await late).toMatchObject({ trouble: 'silent' });
      expect(await failure(setMany(store, [entry(hung, 'y')]))).toMatchObject({ trouble: 'silent' });
      expect(performance.now() - began).toBeLessThan(1_000);
    } finally {
      cluster.nodes[1]!.resume();
    }
    await until(() => works(store, hung), { timeout: 20_000 });
  });

  it('joins when the whole cluster appears after the start', async () => {
    const unused = await startCluster();
    await Promise.all(unused.nodes.map((node) => node.kill()));
    const store = await stores.open({ cluster: nodesOf(unused) });
    expect(stores.errors.length).toBeGreaterThan(0);
    expect(stores.ready).toBe(0);
    await expectFast(() => store.getMany(['a', 'b', 'c']));
    await expectFast(() => setMany(store, [entry('a', 'x')]));
    await Promise.all(unused.nodes.map((node) => node.start()));
    await until(() => works(store, 'a'), { timeout: 20_000 });
    expect(stores.ready).toBe(1);
    await store.close();
    await unused.stop();
  });

  it('follows a failover', async () => {
    const replicated = await startCluster({ replicas: true });
    const store = await stores.open({ cluster: nodesOf(replicated) });
    const key = keyOn(0);
    expect(await works(store, key)).toBe(true);
    await replicated.nodes[0]!.kill();
    await until(async () => !(await works(store, key)));
    await until(() => works(store, key), { timeout: 20_000 });
    expect(Math.abs(store.now() - Date.now())).toBeLessThan(1_000);
    await store.close();
    await replicated.stop();
  });

  it('leaves no handle open after close', async () => {
    const count = (): number =>
      process.getActiveResourcesInfo().filter((name) => name === 'TCPSocketWrap').length;
    await until(() => count() === 0);
    const store = await open();
    expect(await works(store, 'a')).toBe(true);
    await store.close();
    // The connection on which ioredis listens to the cluster ends by itself a moment later.
    await until(() => count() === 0, { timeout: 500 });
    expect(count()).toBe(0);
  });
});
