// A master dies and a replica takes over, which may lack the last things that were written.
import { afterAll, beforeAll, describe, expect, it } from '@jest/globals';

import { hashSlot, HASH_SLOTS } from '../../lib/stores/redis/hash-slot.js';
import type { RedisOptions } from '../../lib/stores/redis/redis-options.js';
import {
  type RedisCluster,
  type RedisSentinel,
  startCluster,
  startSentinel,
  until,
} from '../support/redis-server.js';
import { heardBy, type Instance, Instances } from './instances.js';
import { Traffic } from './traffic-check.js';

const MAX_STALENESS = 1_000;
/** An election may have to be repeated. */
const FAILOVER = 20_000;

let sentinel: RedisSentinel;
let cluster: RedisCluster;
const instances = new Instances();

beforeAll(async () => {
  [sentinel, cluster] = await Promise.all([startSentinel(), startCluster({ replicas: true })]);
}, 60_000);
afterAll(async () => {
  await instances.close();
  await Promise.all([sentinel.stop(), cluster.stop()]);
});

async function openTwo(namespace: string, redis: RedisOptions): Promise<[Instance, Instance]> {
  const options = { namespace, maxStaleness: `${MAX_STALENESS}ms` as const, redis };
  return (await instances.openSeveral(2, options)) as [Instance, Instance];
}

/** Whether Redis takes writes again. */
async function accepts({ cache }: Instance): Promise<boolean> {
  try {
    await cache.set('probe', 1, { strict: true });
    return true;
  } catch {
    return false;
  }
}

async function failOver(p: Instance, q: Instance, kill: () => Promise<unknown>): Promise<void> {
  await kill();
  await until(async () => !(await accepts(p)), { what: 'the failure being noticed' });
  const both = async (): Promise<boolean> => (await accepts(p)) && (await accepts(q));
  await until(both, { timeout: FAILOVER, what: 'writes going on' });
}

/** Changes and reads in both all the while. @returns what should not have been read */
async function observe(p: Instance, q: Instance, kill: () => Promise<unknown>): Promise<readonly unknown[]> {
  const [there, back] = [new Traffic(p, q, MAX_STALENESS), new Traffic(q, p, MAX_STALENESS, 'back:')];
  await Promise.all([there.flow(10), back.flow(10)]);
  const failing = failOver(p, q, kill);
  await Promise.all([there.flowDuring(failing), back.flowDuring(failing)]);
  return [...(await there.settle()), ...(await back.settle())];
}

async function expectCoherent(from: Instance, to: Instance): Promise<void> {
  await from.cache.set('k', 2, { tags: ['t'] });
  await until(() => to.hasHeardOf(from) && to.coherence.inContact);
  await until(async () => (await to.inRedis('k')) === 2, { what: 'entries being shared again' });
  await heardBy([to], from, () => from.cache.invalidateTags(['t']));
  await expect(to.cache.get('k')).resolves.toBeUndefined();
}

describe('instances go on, and nobody reads what he may not, when', () => {
  let pairs: Record<'sentinel' | 'cluster', readonly [Instance, Instance]>;
  let observed: Record<'sentinel' | 'cluster', Promise<readonly unknown[]>>;

  // Side by side, since most of it is waiting for an election.
  beforeAll(async () => {
    const nodes = cluster.nodes.map(({ host, port }) => ({ host, port }));
    pairs = {
      sentinel: await openTwo('sentinel', { sentinels: sentinel.sentinels, name: sentinel.name }),
      cluster: await openTwo('cluster', { cluster: nodes }),
    };
    const owner = Math.floor((hashSlot('{cluster}~clock') * 3) / HASH_SLOTS);
    observed = {
      sentinel: observe(...pairs.sentinel, async () => (await sentinel.master()).kill()),
      cluster: observe(...pairs.cluster, () => cluster.nodes[owner]!.kill()),
    };
    await Promise.allSettled(Object.values(observed));
  }, 60_000);

  it.each<['sentinel' | 'cluster', string]>([
    ['sentinel', 'Sentinels make a replica the master'],
    ['cluster', 'a replica in a cluster takes over the clock'],
  ])('%s: %s', async (topology) => {
    const [p, q] = pairs[topology];
    await expect(observed[topology]).resolves.toStrictEqual([]);
    expect(p.eventsOf('queued').length).toBeGreaterThan(0);
    await expectCoherent(p, q);
    await expectCoherent(q, p);
  });
});
