import type { CacheOptions } from '../../lib/core/cache-options.js';
import { type CreatedCache, createCache } from '../../lib/create-cache.js';
import type { CacheManager } from '../../lib/index.js';
import { ManualClock } from './manual-clock.js';
import { SteppedStore } from './stepped-store.js';

/** The arrangements of tiers that every behaviour is tested in. */
export const TOPOLOGIES = ['memory', 'redis', 'memory + redis'] as const;
export type Topology = (typeof TOPOLOGIES)[number];

export interface Bench {
  readonly cache: CacheManager;
  readonly clock: ManualClock;
  /** Stands for Redis; unused by a memory cache. */
  readonly store: SteppedStore;
  close(): Promise<void>;
}

const open: CreatedCache[] = [];

/** A cache on a clock and a store that the test moves by hand. */
export async function benchOf(topology: Topology, options: CacheOptions = {}): Promise<Bench> {
  const clock = new ManualClock();
  const store = new SteppedStore(clock);
  const tiers: CacheOptions = {
    ...(topology === 'redis' ? { memory: false } : {}),
    ...(topology === 'memory' ? {} : { redis: {} }),
  };
  const created = await createCache(
    { ...tiers, ...options },
    topology === 'memory' ? { clock } : { clock, store },
  );
  open.push(created);
  return { cache: created.manager, clock, store, close: () => created.close() };
}

/** Closes what {@link benchOf} opened; for `afterEach`. */
export async function closeBenches(): Promise<void> {
  await Promise.all(open.splice(0).map((created) => created.close()));
}
