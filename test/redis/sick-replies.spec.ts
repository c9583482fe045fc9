// A Redis that talks nonsense, or sends its callers round in circles.
import { afterAll, afterEach, beforeAll, describe, expect, it } from '@jest/globals';

import { type Answers, bulk, FakeRedis } from '../support/fake-redis.js';
import { type FaultProxy, startFaultProxy } from '../support/fault-proxy.js';
import { type RedisCluster, type RedisServer, startCluster, startRedis } from '../support/redis-server.js';
import { PRECISE } from './instances.js';
import { expectUnharmed } from './sick.js';

const SLOTS = 16_384;

describe('nobody waits for Redis, and it is used again at once, when', () => {
  let server: RedisServer;
  let proxy: FaultProxy;
  let fake: FakeRedis | undefined;

  beforeAll(async () => {
    server = await startRedis({ args: PRECISE });
    proxy = await startFaultProxy(server);
  });
  afterEach(async () => {
    // Whatever went wrong, the next one begins with a server.
    proxy.setTarget(server);
    proxy.cut();
    await fake?.stop();
    fake = undefined;
  });
  afterAll(async () => {
    await proxy.stop();
    await server.stop();
  });

  const NONSENSE: [string, Answers][] = [
    ['answers are no protocol', () => '?what\r\n'],
    ['answers are of another kind', (name) => (name === 'MGET' ? ':42\r\n' : '+OK\r\n')],
    ['there are too few answers in an answer', () => '*0\r\n'],
    ['values are numbers', (_, args) => `*${args.length}\r\n${':7\r\n'.repeat(args.length)}`],
    ['values are no entries', (_, args) => `*${args.length}\r\n${bulk('\0\xff{').repeat(args.length)}`],
    ['it says that it is loading', () => '-LOADING Redis is loading the dataset in memory\r\n'],
    ['it is a replica without a master', () => '-MASTERDOWN Link with MASTER is down\r\n'],
  ];

  it.each(NONSENSE)('%s', async (name, answers) => {
    await expectUnharmed({
      name,
      redis: { port: proxy.port },
      witness: { port: server.port },
      begin: async () => {
        fake = await new FakeRedis(answers).start();
        proxy.setTarget(fake);
        proxy.cut();
      },
      end: () => {
        expect(fake!.asked).toBeGreaterThan(0);
        proxy.setTarget(server);
        proxy.cut();
      },
      // What is wrong with single values says nothing of Redis.
      opens:
        name === 'values are no entries' ? undefined : ['garbled', 'loading', 'read-only', 'unreachable'],
    });
  });
});

describe('nobody waits for a cluster, and it is used again at once, when', () => {
  let cluster: RedisCluster;
  let proxies: FaultProxy[];
  let fakes: FakeRedis[];

  beforeAll(async () => {
    cluster = await startCluster();
    proxies = await Promise.all(cluster.nodes.map((node) => startFaultProxy(node)));
    // Each sends everybody to the next one.
    fakes = await Promise.all(
      proxies.map((_, i) =>
        new FakeRedis((name, args) => {
          if (name === 'CLUSTER') return slotsOf(cluster);
          const { host, port } = cluster.nodes[(i + 1) % 3]!;
          return args.length === 0 ? '+OK\r\n' : `-MOVED ${i} ${host}:${port}\r\n`;
        }).start(),
      ),
    );
  });
  afterEach(() => Promise.all(proxies.map((proxy) => proxy.heal())));
  afterAll(async () => {
    await Promise.all([...proxies, ...fakes].map((one) => one.stop()));
    await cluster.stop();
  });

  const redis = (): Parameters<typeof expectUnharmed>[0]['redis'] => ({
    cluster: {
      nodes: proxies.map(({ host, port }) => ({ host, port })),
      options: {
        natMap: Object.fromEntries(
          cluster.nodes.map((node, i) => [
            `${node.host}:${node.port}`,
            { host: proxies[i]!.host, port: proxies[i]!.port },
          ]),
        ),
      },
    },
  });
  const witness = (): ReturnType<typeof redis> => ({
    cluster: cluster.nodes.map(({ host, port }) => ({ host, port })),
  });

  it('its nodes send everybody round in circles (MOVED)', async () => {
    await expectUnharmed({
      name: 'a storm of MOVED',
      redis: redis(),
      witness: witness(),
      begin: () =>
        proxies.forEach((proxy, i) => {
          proxy.setTarget(fakes[i]!);
          proxy.cut();
        }),
      end: () =>
        proxies.forEach((proxy, i) => {
          proxy.setTarget(cluster.nodes[i]!);
          proxy.cut();
        }),
      opens: ['cluster-down', 'silent', 'unreachable'],
      lasts: 3_000,
    });
  });

  it('all its nodes are in a black hole', async () => {
    await expectUnharmed({
      name: 'a cluster in a black hole',
      redis: redis(),
      witness: witness(),
      begin: () => proxies.forEach((proxy) => proxy.blackHole()),
      end: () => Promise.all(proxies.map((proxy) => proxy.heal())),
      opens: ['silent', 'unreachable'],
      lasts: 4_000,
    });
  });

  it('one of its nodes is in a black hole', async () => {
    await expectUnharmed({
      name: 'one node of a cluster in a black hole',
      redis: redis(),
      witness: witness(),
      begin: () => proxies[1]!.blackHole(),
      end: () => proxies[1]!.heal(),
      opens: undefined,
      lasts: 4_000,
    });
  });
});

/** The answer to CLUSTER SLOTS. */
function slotsOf({ nodes }: RedisCluster): string {
  const ranges = nodes.map(({ host, port }, i) => {
    const [from, to] = [i, i + 1].map((part) => Math.floor((SLOTS * part) / nodes.length));
    return `*3\r\n:${from!}\r\n:${to! - 1}\r\n*2\r\n${bulk(host)}:${port}\r\n`;
  });
  return `*${nodes.length}\r\n${ranges.join('')}`;
}
