import { loadTypeReviver } from './codec/class-type.js';
import { jsonCodec } from './codec/json-codec.js';
import { CacheManager } from './core/cache-manager.js';
import type { CacheEngine } from './core/cache-engine.js';
import { type CacheOptions, type ResolvedCacheOptions, resolveCacheOptions } from './core/cache-options.js';
import { PassThroughEngine } from './core/pass-through-engine.js';
import { TieredEngine } from './core/tiered-engine.js';
import { Recorder } from './observability/recorder.js';
import { type Clock, CoarseClock, processClock } from './primitives/clock.js';
import { resolveRedisOptions } from './stores/redis/redis-options.js';
import { createRedisStore } from './stores/redis/redis-store.js';
import type { RemoteStore } from './stores/store.js';
import { RemoteTier } from './tiers/remote-tier.js';
import { Values } from './tiers/values.js';

/** What the cache's surroundings may do for it. */
export interface Surroundings {
  /** Default: the process' monotonic clock. */
  readonly clock?: Clock;
  /** Told when Redis fails outside of any call: a connection that breaks or cannot be made. */
  readonly onStoreError?: (error: Error) => void;
  /** Told when Redis can be used again, or for the first time. */
  readonly onStoreReady?: () => void;
  /** Used in place of what `redis` describes; closed with the cache. */
  readonly store?: RemoteStore;
}

export interface CreatedCache {
  readonly manager: CacheManager;
  close(): Promise<void>;
}

/**
 * Puts a cache together. Knows no framework.
 * @throws CacheConfigError when an option is wrong
 */
export async function createCache(
  options: CacheOptions,
  surroundings: Surroundings = {},
): Promise<CreatedCache> {
  const resolved = resolveCacheOptions(options);
  const recorder = new Recorder(resolved.name);
  const engine = resolved.enabled
    ? await createEngine(resolved, recorder, surroundings)
    : createDisabledEngine(resolved, recorder);
  return { manager: new CacheManager(engine), close: () => engine.close() };
}

/** No store is made that would check its options. */
function createDisabledEngine({ redis, defaults }: ResolvedCacheOptions, recorder: Recorder): CacheEngine {
  if (redis !== undefined) resolveRedisOptions(redis);
  return new PassThroughEngine(defaults, recorder);
}

async function createEngine(
  { namespace, memory, redis, defaults, codec = jsonCodec }: ResolvedCacheOptions,
  recorder: Recorder,
  { clock, store: given, onStoreError, onStoreReady }: Surroundings,
): Promise<CacheEngine> {
  const values = new Values(codec, await loadTypeReviver());
  const store =
    given ?? (redis && (await createRedisStore(redis, { onError: report, onReady: onStoreReady })));
  const remote = store && new RemoteTier(store, namespace, codec.id, recorder);
  return new TieredEngine({
    memory,
    remote,
    defaults,
    values,
    time: clock ?? processClock,
    coarseTime: clock ?? new CoarseClock(processClock),
    recorder,
  });

  function report(error: Error): void {
    recorder.redisFailed(error);
    onStoreError?.(error);
  }
}
