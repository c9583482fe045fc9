import type { CacheModuleFactoryOptions, MemoryOptions } from 'nestjs-tiered-cache';

import type { Settings } from './settings.js';

/** Memory alone, or memory in front of the Redis that `REDIS_URL` names. */
export function cacheOptions({ redisUrl }: Settings): CacheModuleFactoryOptions {
  const namespace = 'catalogue';
  const memory: MemoryOptions = { maxSize: 1000, maxBytes: '16mb' };
  if (redisUrl === undefined) return { namespace, memory };
  // A minute is the longest that a copy in this process' memory is used before Redis is asked again.
  return { namespace, memory: { ...memory, ttl: '1m' }, redis: { url: redisUrl } };
}
