import { BUS_PORT_OFFSET } from './ports.js';
import { REPLICATION_ARGS, startAll, stopAll } from './redis-group.js';
import type { RedisServer } from './redis-process.js';
import { until } from './until.js';

export interface StartClusterOptions {
  /** Give each of the three masters one replica; default none. */
  replicas?: boolean;
}

export interface RedisCluster {
  /** The three masters, then their replicas in the same order. */
  readonly nodes: readonly RedisServer[];
  stop(): Promise<void>;
}

const MASTERS = 3;
const SLOTS = 16_384;
const CLUSTER_ARGS = ['--cluster-enabled', 'yes', '--cluster-node-timeout', '2000'];

/** Starts a Redis Cluster of three masters on loopback and waits until every node agrees that it is whole. */
export async function startCluster({ replicas = false }: StartClusterOptions = {}): Promise<RedisCluster> {
  const count = replicas ? MASTERS * 2 : MASTERS;
  const args = [...CLUSTER_ARGS, ...REPLICATION_ARGS];
  const nodes = await startAll(count, { args });
  const stop = (): Promise<void> => stopAll(nodes);
  try {
    await join(nodes);
    await assignSlots(nodes.slice(0, MASTERS));
    await agree(nodes, 'cluster_state:ok');
    if (replicas) await attachReplicas(nodes);
    return { nodes, stop };
  } catch (error) {
    await stop();
    throw error;
  }
}

async function join(nodes: readonly RedisServer[]): Promise<void> {
  for (const [index, node] of nodes.entries()) await node.command('CLUSTER', 'SET-CONFIG-EPOCH', index + 1);
  const pairs = nodes.flatMap((node) =>
    nodes.filter((other) => other !== node).map((other) => ({ node, other })),
  );
  await Promise.all(
    pairs.map(({ node, other }) =>
      node.command('CLUSTER', 'MEET', other.host, other.port, other.port + BUS_PORT_OFFSET),
    ),
  );
  await agree(nodes, `cluster_known_nodes:${nodes.length}`);
}

async function assignSlots(masters: readonly RedisServer[]): Promise<void> {
  for (const [index, master] of masters.entries()) {
    const first = Math.floor((SLOTS * index) / MASTERS);
    const end = Math.floor((SLOTS * (index + 1)) / MASTERS);
    const slots = Array.from({ length: end - first }, (_, offset) => first + offset);
    await master.command('CLUSTER', 'ADDSLOTS', ...slots);
  }
}

async function attachReplicas(nodes: readonly RedisServer[]): Promise<void> {
  const masters = nodes.slice(0, MASTERS);
  const ids = await Promise.all(masters.map((master) => master.command('CLUSTER', 'MYID')));
  for (const [index, replica] of nodes.slice(MASTERS).entries()) {
    const id = ids[index] as string;
    // Refused until the replica has heard from its master under its final name.
    await until(
      () =>
        replica.command('CLUSTER', 'REPLICATE', id).then(
          () => true,
          () => false,
        ),
      { what: 'a replica accepting its master' },
    );
    await until(
      async () => (await replica.command('INFO', 'replication')).includes('master_link_status:up'),
      {
        what: 'a replica following its master',
      },
    );
  }
  const allKnown = async (node: RedisServer): Promise<boolean> => {
    const lines = (await node.command('CLUSTER', 'NODES')).split('\n');
    return lines.filter((line) => /\bslave\b.*\bconnected\b/.test(line)).length === MASTERS;
  };
  for (const node of nodes) await until(() => allKnown(node), { what: 'every node knowing all replicas' });
}

async function agree(nodes: readonly RedisServer[], line: string): Promise<void> {
  for (const node of nodes) {
    await until(async () => (await node.command('CLUSTER', 'INFO')).includes(`${line}\r\n`), {
      what: `node ${node.port} reporting ${line}`,
    });
  }
}
