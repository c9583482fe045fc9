// What one instance invalidates others stop serving, from memory and from Redis, however Redis is set up; and the commands
// which that takes: none newer than Redis 6.2, none that blocks Redis for long.
import { afterAll, beforeAll, beforeEach, describe, expect, it } from '@jest/globals';
import { Cluster, Redis } from 'ioredis';

import type { CacheManager } from '../../lib/index.js';
import type { RedisOptions } from '../../lib/stores/redis/redis-options.js';
import {
  majorVersion,
  type RedisCluster,
  type RedisSentinel,
  type RedisServer,
  startCluster,
  startRedis,
  startSentinel,
} from '../support/redis-server.js';
import { namesOf, useEverything } from './everything.js';
import { heardBy, type Instance, Instances } from './instances.js';

let server: RedisServer;
let cluster: RedisCluster;
let sentinel: RedisSentinel;

beforeAll(async () => {
  [server, cluster, sentinel] = await Promise.all([
    startRedis(),
    startCluster({ replicas: true }),
    startSentinel(),
  ]);
}, 60_000);
afterAll(() => Promise.all([server, cluster, sentinel].map((one) => one.stop())));

const handed: (Redis | Cluster)[] = [];
const handIn = (client: Redis | Cluster): RedisOptions => {
  handed.push(client);
  return { client };
};
const nodes = (): { host: string; port: number }[] => cluster.nodes.map(({ host, port }) => ({ host, port }));

const OWN = { enableAutoPipelining: true, lazyConnect: true };

/** What each instance connects to. */
const TOPOLOGIES: Record<string, () => RedisOptions> = {
  'one Redis': () => ({ port: server.port }),
  'one Redis with a keyPrefix': () => ({ port: server.port, keyPrefix: 'p*{:' }),
  'a cluster with replicas': () => ({ cluster: nodes() }),
  'a cluster with a keyPrefix': () => ({ cluster: { nodes: nodes(), options: { keyPrefix: 'p:' } } }),
  'a master behind Sentinels': () => ({ sentinels: sentinel.sentinels, name: sentinel.name }),
  'a client that is handed in': () => handIn(new Redis(server.port)),
  'a client with options of its own': () =>
    handIn(
      new Redis({ ...OWN, protocol: 2, port: server.port, db: 3, keyPrefix: 'x:', stringNumbers: true }),
    ),
  'a Cluster that is handed in': () => handIn(new Cluster(nodes())),
  'a Cluster with options of its own': () =>
    handIn(new Cluster(nodes(), { ...OWN, redisOptions: { protocol: 2 } })),
};

/** Stored keys: those of a view are written `view/key`. */
const ENTRIES: Record<string, readonly string[]> = {
  'user:1': ['a'],
  'user:2': ['b'],
  'user:1:posts': ['a', 'b'],
  'order:1': [],
  'view/user:1': ['a'],
  'view/order:1': [],
};

interface Kind {
  readonly name: string;
  readonly run: (cache: CacheManager) => Promise<unknown>;
  readonly gone?: readonly string[];
  readonly changed?: readonly string[];
}

const KINDS: readonly Kind[] = [
  { name: 'delete', run: (cache) => cache.delete('user:1'), gone: ['user:1'] },
  {
    name: 'deleteMany',
    run: (cache) => cache.deleteMany(['user:1', 'order:1', 'none']),
    gone: ['user:1', 'order:1'],
  },
  { name: 'set', run: (cache) => cache.set('user:1', 'new', { tags: ['a'] }), changed: ['user:1'] },
  {
    name: 'setMany',
    run: (cache) => cache.setMany(new Map([['user:1', 'new'], ['order:1', 'new']])), // prettier-ignore
    changed: ['user:1', 'order:1'],
  },
  { name: 'set with a ttl of 0', run: (cache) => cache.set('user:1', 'new', { ttl: 0 }), gone: ['user:1'] },
  {
    name: 'invalidateTags',
    run: (cache) => cache.invalidateTags(['a', 'none']),
    gone: ['user:1', 'user:1:posts', 'view/user:1'],
  },
  {
    name: 'a prefix',
    run: (cache) => cache.clearPattern('user:*'),
    gone: ['user:1', 'user:2', 'user:1:posts'],
  },
  { name: 'a longer prefix', run: (cache) => cache.clearPattern('user:1:*'), gone: ['user:1:posts'] },
  { name: 'a general pattern', run: (cache) => cache.clearPattern('user:?'), gone: ['user:1', 'user:2'] },
  {
    name: 'a pattern without a beginning',
    run: (cache) => cache.clearPattern('*:1*'),
    gone: ['user:1', 'user:1:posts', 'order:1'],
  },
  {
    name: 'keys, tags and patterns together',
    run: (cache) => cache.invalidate(['order:1'], ['b'], ['user:1:*', '*:1']),
    gone: ['user:1', 'user:2', 'user:1:posts', 'order:1'],
  },
  { name: 'clear', run: (cache) => cache.clear(), gone: Object.keys(ENTRIES) },
  {
    name: 'clear of a view',
    run: (cache) => cache.namespace('view').clear(),
    gone: ['view/user:1', 'view/order:1'],
  },
  {
    name: 'a prefix in a view',
    run: (cache) => cache.namespace('view').clearPattern('user:*'),
    gone: ['view/user:1'],
  },
  {
    name: 'a pattern in a view',
    run: (cache) => cache.namespace('view').clearPattern('*er:1'),
    gone: ['view/user:1', 'view/order:1'],
  },
  {
    name: 'delete in a view',
    run: (cache) => cache.namespace('view').delete('user:1'),
    gone: ['view/user:1'],
  },
];

function placeOf({ cache }: Instance, name: string): [view: CacheManager, key: string] {
  return name.startsWith('view/') ? [cache.namespace('view'), name.slice(5)] : [cache, name];
}

/** What memory and Redis have, as one instance sees it. */
async function seenBy(instance: Instance): Promise<Record<string, unknown>> {
  const seen: Record<string, unknown> = {};
  for (const name of Object.keys(ENTRIES)) {
    const [view, key] = placeOf(instance, name);
    const stored = await instance.answered(() => view.get(key, { tiers: ['redis'] }));
    seen[name] = [view.peek(key), stored];
  }
  return seen;
}

async function store(p: Instance): Promise<void> {
  for (const [name, tags] of Object.entries(ENTRIES)) {
    const [view, key] = placeOf(p, name);
    await view.set(key, 'old', { tags });
  }
}

/** Lets them have everything in memory. */
async function warm(instances: readonly Instance[]): Promise<void> {
  for (const instance of instances) {
    for (const name of Object.keys(ENTRIES)) {
      const [view, key] = placeOf(instance, name);
      await expect(instance.answered(() => view.get(key))).resolves.toBe('old');
    }
  }
}

/** @param set whether it is the instance that has set the changed ones, which has them in memory */
function expected({ gone = [], changed = [] }: Kind, set: boolean): Record<string, unknown> {
  const of = (name: string): unknown[] => {
    if (gone.includes(name)) return [undefined, undefined];
    return changed.includes(name) ? [set ? 'new' : undefined, 'new'] : ['old', 'old'];
  };
  return Object.fromEntries(Object.keys(ENTRIES).map((name) => [name, of(name)]));
}

describe.each(Object.keys(TOPOLOGIES))('on %s', (topology) => {
  const instances = new Instances();
  let p: Instance;
  let q: Instance;
  let r: Instance;

  beforeAll(async () => {
    const redis = TOPOLOGIES[topology]!;
    const namespace = topology.replaceAll(' ', '-');
    [p, q, r] = await Promise.all([
      instances.open({ namespace, redis: redis() }),
      instances.open({ namespace, redis: redis() }),
      instances.open({ namespace, redis: redis() }),
    ]);
  });
  beforeEach(async () => {
    await heardBy([q, r], p, () => store(p));
    await warm([q, r]);
  });
  afterAll(async () => {
    await instances.close();
    for (const client of handed.splice(0)) client.disconnect();
  });

  it.each(KINDS)('$name is a barrier for the one and followed by the others', async (kind) => {
    const atOnce = await heardBy([q, r], p, async () => {
      await kind.run(p.cache);
      return seenBy(p);
    });
    expect(atOnce).toStrictEqual(expected(kind, true));
    const others = [await seenBy(q), await seenBy(r)];
    expect(others).toStrictEqual([expected(kind, false), expected(kind, false)]);
    expect(p.coherence).toMatchObject({ received: 0, resyncs: 0, queued: 0 });
    expect(q.coherence).toMatchObject({ resyncs: 0, inContact: true });
    expect([p, q, r].map(({ failures }) => failures)).toStrictEqual([[], [], []]);
  });
});

/** ioredis tells Redis who it is, and goes on if Redis does not know what that means. */
const OF_IOREDIS = ['client|setinfo'];

/** The versions of Redis that brought commands. It can tell since 7.0; an older one has carried them out, so it knew them. */
async function sinceWhen(names: readonly string[], one: RedisServer): Promise<[string, string][]> {
  const major = await majorVersion(one);
  if (major < 7) return names.map((name) => [name, `${major}`]);
  const admin = new Redis(one.port);
  try {
    const docs = await Promise.all(names.map((name) => admin.command('DOCS', name)));
    return names.map((name, i) => [name, /"since"[,:]"([\d.]+)"/.exec(JSON.stringify(docs[i]))![1]!]);
  } finally {
    admin.disconnect();
  }
}

describe.each<[string, () => RedisOptions, () => readonly RedisServer[]]>([
  ['one Redis', () => ({ port: server.port }), () => [server]],
  ['a cluster', () => ({ cluster: nodes() }), () => cluster.nodes.slice(0, 3)],
])('%s', (_name, redis, servers) => {
  let used: ReadonlySet<string>;
  beforeAll(async () => {
    for (const one of servers()) await one.command('CONFIG', 'RESETSTAT');
    await useEverything(redis(), servers());
    used = await namesOf(servers());
  });

  it('is given what Redis 6.2 knows', async () => {
    expect(used).toContain('xadd');
    expect(used).toContain('mget');
    const since = await sinceWhen(
      [...used].filter((name) => !OF_IOREDIS.includes(name)),
      servers()[0]!,
    );
    const newer = since.filter(([, version]) => version.localeCompare('6.2.99', 'en', { numeric: true }) > 0);
    expect(newer).toStrictEqual([]);
  });

  it('is given nothing that blocks it for long, nor removes more than it should', () => {
    const harmful =
      /^(keys|del|flush.*|sort.*|smembers|hgetall|lrange|monitor|save|bgsave|config.*set|script.*)$/;
    expect([...used].filter((name) => harmful.test(name))).toStrictEqual([]);
  });
});
