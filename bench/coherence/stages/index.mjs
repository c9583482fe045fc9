// Where a part of a run takes place: a Redis for the cache, the ways to it, and what happens to them.
import { startFaultProxy } from '../../dist/fault-proxy.js';
import { startRedis } from '../../dist/redis-process.js';
import { startSentinel } from '../../dist/redis-sentinel.js';
import { planFaults } from './faults.mjs';
import { FaultyRedis } from './faulty-redis.mjs';
import { KEYS } from '../keys.mjs';
import { Random } from '../random.mjs';
import { SentinelRedis } from './sentinel-redis.mjs';

/** One server, a proxy per process, and faults of both. */
export async function faultyStage({ seed, processes, maxStaleness, entryPrefix }) {
  return serverStage({ seed, processes, entryPrefix }, (random, milliseconds) =>
    planFaults(random, { milliseconds, processes, maxStaleness }),
  );
}

/** The same without faults. */
export async function calmStage(settings) {
  return serverStage(settings, () => []);
}

async function serverStage({ seed, processes, entryPrefix }, plan) {
  const random = new Random(seed);
  const server = await startRedis();
  const proxies = await Promise.all(
    Array.from({ length: processes }, () => startFaultProxy(server, { random: random.next })),
  );
  const entries = new Set(KEYS.map((key) => entryPrefix + key));
  const planOf = (milliseconds) => plan(new Random(seed), milliseconds);
  return new FaultyRedis({ server, proxies, random, planOf, entries });
}

/** A master and two replicas behind Sentinels, without proxies. */
export async function sentinelStage({ seed }) {
  return new SentinelRedis({ sentinel: await startSentinel(), random: new Random(seed) });
}
