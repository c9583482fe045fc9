import { jsonCodec } from '../../lib/codec/json-codec.js';
import type { CacheOptions } from '../../lib/core/cache-options.js';
import { DEFAULTS } from '../../lib/core/defaults.js';
import { type CreatedCache, createCache } from '../../lib/create-cache.js';
import type { CacheManager } from '../../lib/index.js';
import { breathe } from './deferred.js';
import { ManualClock } from './manual-clock.js';
import { SteppedConnection } from './stepped-connection.js';
import { SteppedRedis } from './stepped-redis.js';

/** The arrangements of tiers that every behaviour is tested in. */
export const TOPOLOGIES = ['memory', 'redis', 'memory + redis'] as const;

/** Those in which instances share something. */
export const SHARED_TOPOLOGIES = ['redis', 'memory + redis', 'cluster', 'memory + cluster'] as const;

/** All arrangements, for what depends on the order in which things happen. */
export const ALL_TOPOLOGIES = ['memory', ...SHARED_TOPOLOGIES] as const;

/** In a cluster, entries and clock are on different nodes. */
export type Topology = (typeof TOPOLOGIES | typeof SHARED_TOPOLOGIES)[number];

/** One instance of a cache, as one process has it. */
export interface Bench {
  readonly cache: CacheManager;
  /** Shared by all instances, and by the server. */
  readonly clock: ManualClock;
  /** This instance's connection to the server; unused by a memory cache. */
  readonly store: SteppedConnection;
  /** Stands for Redis, shared by all instances. */
  readonly redis: SteppedRedis;
  close(): Promise<void>;
}

const open: Bench[] = [];

/** A server for instances of this topology. */
export function redisFor(topology: Topology, clock = new ManualClock()): SteppedRedis {
  return new SteppedRedis(clock, { separateNodes: topology.endsWith('cluster') });
}

/** A cache on a clock and a Redis that the test moves by hand. It has joined the others, and hears of them at once. */
export async function benchOf(
  topology: Topology,
  options: CacheOptions = {},
  redis = redisFor(topology),
  random?: () => number,
): Promise<Bench> {
  const { clock } = redis;
  const { codec = jsonCodec, slots = DEFAULTS.slots, streamLength = DEFAULTS.streamLength } = options;
  const connect = (instance: string): SteppedConnection =>
    new SteppedConnection(redis, { instance, codec: codec.id, slots, streamLength });
  let store: SteppedConnection | undefined;
  const tiers: CacheOptions = {
    ...(topology === 'redis' || topology === 'cluster' ? { memory: false } : {}),
    ...(topology === 'memory' ? {} : { redis: {} }),
  };
  const surroundings =
    topology === 'memory' ? {} : { store: (instance: string) => (store = connect(instance)) };
  const created = await createCache(
    { ...tiers, ...options },
    { clock, ...surroundings, ...(random && { random }) },
  );
  await breathe();
  store ??= connect('0000000000000000');
  const bench = { cache: created.manager, clock, store, redis, close: () => closeInTime(created, clock) };
  open.push(bench);
  return bench;
}

/** Several instances on one Redis. */
export async function benchesOf(
  topology: Topology,
  count: number,
  options: CacheOptions = {},
  redis = redisFor(topology),
  random?: () => number,
): Promise<Bench[]> {
  const benches: Bench[] = [];
  for (let i = 0; i < count; i++) benches.push(await benchOf(topology, options, redis, random));
  return benches;
}

/** Closes what was opened; for `afterEach`. */
export async function closeBenches(): Promise<void> {
  for (const { store, close } of open.splice(0)) {
    store.release();
    store.feed.release();
    await close();
  }
}

/** Whoever pauses before he tries again does so by the clock, which has to move for him to see that all is over. */
async function closeInTime(created: CreatedCache, clock: ManualClock): Promise<void> {
  let closed = false;
  const closing = created.close().finally(() => (closed = true));
  for (let i = 0; i < 100; i++) {
    await breathe();
    if (closed) break;
    clock.advance(1_000);
  }
  return closing;
}
