import { loadTypeReviver } from './codec/class-type.js';
import { jsonCodec } from './codec/json-codec.js';
import { Coherence } from './coherence/coherence.js';
import { Follower } from './coherence/follower.js';
import { differences } from './coherence/settings.js';
import { Trust } from './coherence/trust.js';
import { CacheManager } from './core/cache-manager.js';
import type { CacheEngine } from './core/cache-engine.js';
import { type CacheOptions, type ResolvedCacheOptions, resolveCacheOptions } from './core/cache-options.js';
import { PassThroughEngine } from './core/pass-through-engine.js';
import { TieredEngine } from './core/tiered-engine.js';
import type { BreakerPart, BreakerState } from './observability/breaker-recorder.js';
import { Recorder } from './observability/recorder.js';
import { openStore, startRefused } from './open-store.js';
import { type Clock, CoarseClock, processClock } from './primitives/clock.js';
import { resolveRedisOptions } from './stores/redis/redis-options.js';
import type { RemoteStore } from './stores/store.js';
import type { GuardedStore } from './tiers/guarded-store.js';
import { Invalidator } from './tiers/invalidator.js';
import { newInstance } from './tiers/leases.js';
import { MemoryTier } from './tiers/memory-tier.js';
import { RemoteTier } from './tiers/remote-tier.js';
import { TierChain } from './tiers/tier-chain.js';
import { Values } from './tiers/values.js';

/** What the cache's surroundings may do for it. */
export interface Surroundings {
  /** Default: the process' monotonic clock. */
  readonly clock?: Clock;
  /** From 0 to 1, for jitter and refreshes at random. Default: `Math.random`. */
  readonly random?: () => number;
  /** Told when Redis fails outside of any call: a connection that breaks or cannot be made. */
  readonly onStoreError?: (error: Error) => void;
  /** Told when Redis can be used again, or for the first time. It may be told so again. */
  readonly onStoreReady?: () => void;
  /** Told when Redis, or what writes to it, is given up for the time being, tried out, and used again. */
  readonly onBreaker?: (part: BreakerPart, state: BreakerState, reason: string | undefined) => void;
  /** Told when nothing was heard of other instances for longer than `maxStaleness`, and when something is again. */
  readonly onContact?: (kept: boolean) => void;
  /** Told when another instance of the namespace was set up differently, and of what a closing cache leaves undone. */
  readonly onWarning?: (message: string) => void;
  /** Used in place of what `redis` describes; closed with the cache. Given the id of this instance. */
  readonly store?: (instance: string) => RemoteStore;
}

export interface CreatedCache {
  readonly manager: CacheManager;
  close(): Promise<void>;
}

/**
 * Puts a cache together. Knows no framework.
 * @throws CacheConfigError when an option is wrong
 * @throws CacheStoreError when Redis cannot be used although `redis.required` says that it has to
 */
export async function createCache(
  options: CacheOptions,
  surroundings: Surroundings = {},
): Promise<CreatedCache> {
  const resolved = resolveCacheOptions(options);
  const recorder = new Recorder(resolved.name, newInstance());
  const engine = resolved.enabled
    ? await createEngine(resolved, recorder, surroundings)
    : createDisabledEngine(resolved, recorder);
  const close = async (): Promise<void> => {
    const untold = await engine.close();
    if (untold > 0) surroundings.onWarning?.(untoldWarning(untold));
  };
  return { manager: new CacheManager(engine), close };
}

function untoldWarning(count: number): string {
  return (
    `the cache is closed although Redis could not be told of ${count} keys, tags or patterns that were invalidated: ` +
    'other instances may serve the older values until their ttl ends'
  );
}

/** No store is made that would check its options. */
function createDisabledEngine({ redis, defaults }: ResolvedCacheOptions, recorder: Recorder): CacheEngine {
  if (redis !== undefined) resolveRedisOptions(redis);
  return new PassThroughEngine(defaults, recorder);
}

async function createEngine(
  options: ResolvedCacheOptions,
  recorder: Recorder,
  given: Surroundings,
): Promise<CacheEngine> {
  const { namespace, redis, defaults, codec = jsonCodec, slots, maxStaleness } = options;
  const { instance } = recorder.coherence;
  const time = given.clock ?? processClock;
  const coarse = given.clock ?? new CoarseClock(processClock);
  const values = new Values(codec, await loadTypeReviver());
  const start = new Start(given, redis?.required === true);
  const { surroundings } = start;
  let invalidator: Invalidator | undefined;
  const store = await openStore(options, recorder, time, coarse, {
    store: given.store,
    onError: (error) => surroundings.onStoreError?.(error),
    onBreaker: (...change) => given.onBreaker?.(...change),
    onRecovered: () => {
      invalidator?.outbox.retry();
      given.onStoreReady?.();
    },
  });
  const trust = new Trust(store === undefined ? Infinity : maxStaleness);
  const coherence = new Coherence(slots, trust);
  const memory =
    options.memory && new MemoryTier(options.memory, time, coarse, coherence.clock, trust, recorder);
  const remote =
    store && new RemoteTier({ store, namespace, codecId: codec.id, instance, coherence, time, recorder });
  const onForeignNumber = (reason: 'epoch' | 'lost'): void => follower?.doubt(reason);
  invalidator = new Invalidator(memory, remote, coherence, onForeignNumber, recorder, time);
  const chain = new TierChain(memory, remote, coherence, invalidator, values, recorder, time);
  const follower = store && followerOf(store, coherence, invalidator, time, options, recorder, surroundings);
  await follower?.start();
  if (start.required && !coherence.shared.ready) {
    follower?.stop();
    await chain.close();
    await follower?.stopped();
    throw startRefused(redis!, start.failure);
  }
  start.over();
  return new TieredEngine({
    memory,
    coherence,
    invalidator,
    chain,
    follower,
    defaults,
    values,
    time,
    random: surroundings.random,
    recorder,
  });
}

/** What goes wrong while an application starts that needs Redis is the failure of its start, and nothing to go on with. */
class Start {
  readonly surroundings: Surroundings;
  failure: Error | undefined;
  #over = false;

  constructor(
    given: Surroundings,
    readonly required: boolean,
  ) {
    const onStoreError = (error: Error): void => {
      // What comes later mostly comes of it.
      this.failure ??= error;
      if (this.#over || !required) given.onStoreError?.(error);
    };
    this.surroundings = { ...given, onStoreError };
  }

  over(): void {
    this.#over = true;
  }
}

function followerOf(
  store: GuardedStore,
  coherence: Coherence,
  invalidator: Invalidator,
  time: Clock,
  { slots, codec = jsonCodec, namespace }: ResolvedCacheOptions,
  recorder: Recorder,
  { onStoreError, onStoreReady, onWarning, onContact }: Surroundings,
): Follower {
  const warn = (message: string): void => {
    recorder.settingsDiffer(message);
    onWarning?.(message);
  };
  return new Follower(store.feed, coherence.shared, coherence.trust, time, {
    heard: (message, raw) => invalidator.hear(message, raw),
    isOwn: ({ origin }) => origin === recorder.coherence.instance,
    forget: () => invalidator.forget(),
    doubted: (reason) => recorder.coherence.outOfSync(reason),
    resynced: (reason, snapshot) => {
      recorder.coherence.resynced(reason, snapshot.clock);
      onStoreReady?.();
      for (const difference of differences(snapshot, namespace, slots, codec.id)) warn(difference);
    },
    failed: (error, joining) => {
      recorder.redisFailed(error);
      if (!joining || !(error instanceof Error)) return;
      store.doubt(error);
      onStoreError?.(error);
    },
    contact: (kept) => {
      recorder.coherence.contact(kept);
      onContact?.(kept);
    },
  });
}
