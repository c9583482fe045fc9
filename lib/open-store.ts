import { jsonCodec } from './codec/json-codec.js';
import type { ResolvedCacheOptions } from './core/cache-options.js';
import type { BreakerPart, BreakerState } from './observability/breaker-recorder.js';
import type { Recorder } from './observability/recorder.js';
import type { Clock } from './primitives/clock.js';
import { CacheStoreError } from './primitives/errors.js';
import { addressOf } from './stores/redis/address.js';
import type { RedisOptions } from './stores/redis/redis-options.js';
import { createRedisStore } from './stores/redis/redis-store.js';
import type { RemoteStore } from './stores/store.js';
import { GuardedStore } from './tiers/guarded-store.js';
import { namespacePrefix } from './tiers/remote-tier.js';

/** What opening a store needs of its surroundings. */
export interface StoreSurroundings {
  /** Used in place of what the options describe. */
  readonly store: ((instance: string) => RemoteStore) | undefined;
  readonly onError: (error: Error) => void;
  readonly onBreaker: (part: BreakerPart, state: BreakerState, reason: string | undefined) => void;
  /** The store can be used again after one of these. */
  readonly onRecovered: () => void;
}

/** Opens the store that the options name, if they name one, and puts it behind its breakers. */
export async function openStore(
  { namespace, redis, codec = jsonCodec, slots, streamLength }: ResolvedCacheOptions,
  recorder: Recorder,
  time: Clock,
  coarse: Pick<Clock, 'now'>,
  { store: made, onError, onBreaker, onRecovered }: StoreSurroundings,
): Promise<GuardedStore | undefined> {
  const { instance } = recorder.coherence;
  const prefix = namespacePrefix(namespace);
  const guard = (store: RemoteStore): GuardedStore =>
    new GuardedStore({ store, prefix, time, coarse, recorder, onBreaker, onRecovered });
  if (made !== undefined) return guard(made(instance));
  if (redis === undefined) return undefined;
  let guarded: GuardedStore | undefined;
  let early = false;
  const hooks = {
    onError: (error: Error, ofNode = false): void => {
      recorder.redisFailed(error);
      if (guarded === undefined) early = true;
      else guarded.doubt(ofNode ? undefined : error);
      onError(error);
    },
    onReady: () => guarded?.connected(),
  };
  const settings = { namespace, instance, codec: codec.id, slots, streamLength };
  guarded = guard(await createRedisStore(redis, settings, hooks));
  if (early) {
    guarded.doubt();
    guarded.connected();
  }
  return guarded;
}

/** Why an application does not start that cannot do without Redis. */
export function startRefused(redis: RedisOptions, cause: unknown): CacheStoreError {
  const why = cause instanceof Error ? `: ${cause.message}` : '';
  return new CacheStoreError(
    `redis.required is true, and Redis at ${addressOf(redis)} cannot be used${why}. ` +
      'Start Redis there, correct its address or credentials in the option redis, or set redis.required to false: ' +
      'then the application starts without Redis and uses it as soon as it is there',
    { cause, trouble: cause instanceof CacheStoreError ? cause.trouble : undefined },
  );
}
