import type { CacheModuleFactoryOptions, MemoryOptions } from 'nestjs-tiered-cache';

import type { Settings } from './settings.js';

/** Memory alone, or memory in front of the Redis that `REDIS_URL` names. */
export function cacheOptions({ redisUrl }: Settings): CacheModuleFactoryOptions {
  const namespace = 'catalogue';
  const memory: MemoryOptions = { maxSize: 1000, maxBytes: '16mb' };
  return redisUrl === undefined ? { namespace, memory } : { namespace, memory, redis: { url: redisUrl } };
}
