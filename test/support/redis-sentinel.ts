import { REPLICATION_ARGS, startAll, stopAll } from './redis-group.js';
import type { RedisServer } from './redis-process.js';
import { until } from './until.js';

const NAME = 'tiered-cache-test';
const NODES = 3;
const SENTINELS = 3;
const QUORUM = 2;
const SETTINGS = { 'down-after-milliseconds': 1_000, 'failover-timeout': 3_000, 'parallel-syncs': NODES - 1 };

/** Longest a failover may take: Sentinels whose votes were split wait for twice their `failover-timeout`. */
const FAILOVER_TIME = 20_000;

/** Starts a master with two replicas and three Sentinels on loopback, and waits until a failover would succeed. */
export async function startSentinel(): Promise<RedisSentinel> {
  const nodes = await startAll(NODES, { args: REPLICATION_ARGS });
  const sentinels = await startAll(SENTINELS, { sentinel: true }).catch(async (error: unknown) => {
    await stopAll(nodes);
    throw error;
  });
  try {
    const [master, ...replicas] = nodes as [RedisServer, ...RedisServer[]];
    await Promise.all(replicas.map((replica) => follow(replica, master)));
    await Promise.all(sentinels.map((sentinel) => monitor(sentinel, master)));
    await Promise.all(sentinels.map(ready));
    return new RedisSentinel(nodes, sentinels);
  } catch (error) {
    await stopAll([...sentinels, ...nodes]);
    throw error;
  }
}

/** A master and its replicas under the eyes of Sentinels. */
export class RedisSentinel {
  /** Under which the Sentinels know the master. */
  readonly name = NAME;
  readonly sentinels: { host: string; port: number }[];
  /** At first the master comes first. */
  readonly nodes: readonly RedisServer[];
  readonly #sentinels: readonly RedisServer[];

  constructor(nodes: readonly RedisServer[], sentinels: readonly RedisServer[]) {
    this.nodes = nodes;
    this.#sentinels = sentinels;
    this.sentinels = sentinels.map(({ host, port }) => ({ host, port }));
  }

  /** The master that all Sentinels name, as soon as they name the same one; it may have died without their noticing yet. */
  master(): Promise<RedisServer> {
    return until(() => this.#named(), { what: 'all Sentinels naming the same master' });
  }

  /** Kills the master; resolves when all Sentinels name another one and it accepts writes. */
  async failover(): Promise<void> {
    const before = await this.master();
    await before.kill();
    await until(
      async () => {
        const now = await this.#named();
        return now !== undefined && now !== before && (await acceptsWrites(now));
      },
      { what: 'another master taking over', timeout: FAILOVER_TIME },
    );
  }

  /** Starts the nodes that were killed again, empty, as replicas of the master; resolves when they have its data. */
  async restart(): Promise<void> {
    const master = await this.master();
    if (master.pid === undefined) throw new Error('no Sentinel has named a master that is running');
    const killed = this.nodes.filter((node) => node.pid === undefined);
    await Promise.all(
      killed.map(async (node) => {
        await node.start();
        await follow(node, master);
      }),
    );
  }

  async stop(): Promise<void> {
    await stopAll([...this.#sentinels, ...this.nodes]);
  }

  async #named(): Promise<RedisServer | undefined> {
    const addresses = await Promise.all(this.#sentinels.map(masterAddress));
    if (new Set(addresses).size > 1) return undefined;
    return this.nodes.find(({ host, port }) => `${host}:${port}` === addresses[0]);
  }
}

async function follow(replica: RedisServer, master: RedisServer): Promise<void> {
  await replica.command('REPLICAOF', master.host, master.port);
  const following = async (): Promise<boolean> => {
    const info = await replica.command('INFO', 'replication');
    return info.includes(`master_port:${master.port}\r\n`) && info.includes('master_link_status:up');
  };
  await until(following, { what: `the replica on port ${replica.port} following its master` });
}

async function monitor(sentinel: RedisServer, master: RedisServer): Promise<void> {
  await sentinel.command('SENTINEL', 'MONITOR', NAME, master.host, master.port, QUORUM);
  for (const [setting, value] of Object.entries(SETTINGS)) {
    await sentinel.command('SENTINEL', 'SET', NAME, setting, value);
  }
}

/** Waits until a Sentinel knows all others and all replicas. */
async function ready(sentinel: RedisServer): Promise<void> {
  const known = `status=ok,.*,slaves=${NODES - 1},sentinels=${SENTINELS}\r\n`;
  const isReady = async (): Promise<boolean> => {
    const info = await sentinel.command('INFO', 'sentinel');
    if (!new RegExp(known).test(info)) return false;
    const quorum = sentinel.command('SENTINEL', 'CKQUORUM', NAME);
    return quorum.then(
      (reply) => reply.startsWith(`OK ${SENTINELS} `),
      () => false,
    );
  };
  await until(isReady, { what: `the Sentinel on port ${sentinel.port} knowing all there is` });
}

async function masterAddress(sentinel: RedisServer): Promise<string | undefined> {
  const info = await sentinel.command('INFO', 'sentinel');
  return new RegExp(`name=${NAME},.*address=([^,]+)`).exec(info)?.[1];
}

/** A write command that changes nothing: deleting what is not there. Replicas refuse it all the same. */
function acceptsWrites(node: RedisServer): Promise<boolean> {
  return node.command('DEL', 'nobody has this key').then(
    () => true,
    () => false,
  );
}
