export { type ClassType } from './codec/class-type.js';
export { type CacheCodec } from './codec/codec.js';
export { jsonCodec } from './codec/json-codec.js';
export { CacheManager } from './core/cache-manager.js';
export { type CacheOptions, type MemoryOptions } from './core/cache-options.js';
export { type EntryOptions, type LoadTimeout } from './core/entry-options.js';
export { type BatchLoadContext, type LoadContext, type StaleValue } from './core/load-context.js';
export {
  type CacheModuleAsyncOptions,
  type CacheModuleFactoryOptions,
  type CacheModuleOptions,
  type CacheOptionsFactory,
} from './nest/cache-module-options.js';
export { CacheModule } from './nest/cache.module.js';
export { CachedMethod, type CachedMethodOptions } from './nest/decorators/cached-method.js';
export { InvalidatesCache, type InvalidatesCacheOptions } from './nest/decorators/invalidates-cache.js';
export {
  type Condition,
  type KeyFunction,
  type ResultCondition,
  type ResultFunction,
  type ResultKeyFunction,
  type Templates,
} from './nest/decorators/method-types.js';
export { UpdatesCache, type UpdatesCacheOptions } from './nest/decorators/updates-cache.js';
export { getCacheToken, InjectCache } from './nest/tokens.js';
export { type BreakerState, type BreakerStats } from './observability/breaker-recorder.js';
export { type CacheOutcome, type StaleReason, type TierName } from './observability/outcome.js';
export { DIAGNOSTICS_CHANNEL } from './observability/recorder.js';
export {
  type CacheStats,
  type CoherenceStats,
  type MemoryStats,
  type RedisStats,
  type TierStats,
} from './observability/stats.js';
export { type ByteSize } from './primitives/byte-size.js';
export { type Duration } from './primitives/duration.js';
export {
  CacheArgumentError,
  CacheClosedError,
  CacheConfigError,
  CacheDecoratorError,
  CacheDurationError,
  CacheError,
  type CacheErrorDetails,
  CacheKeyError,
  CacheLoadTimeoutError,
  CacheReentrancyError,
  CacheStoreError,
  type CacheStoreErrorDetails,
  CacheValueError,
  type StoreTrouble,
} from './primitives/errors.js';
export { escapeKeyPart } from './primitives/escape.js';
export {
  type RedisClientOptions,
  type RedisClusterOptions,
  type RedisOptions,
  type RedisServerOptions,
  type RedisUrlOptions,
} from './stores/redis/redis-options.js';
export { type RefreshAhead } from './tiers/lifetime.js';
export { type Isolation } from './tiers/values.js';
