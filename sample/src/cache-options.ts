import type { CacheModuleFactoryOptions, MemoryOptions } from 'nestjs-tiered-cache';

import type { Settings } from './settings.js';

/** Memory alone, or memory in front of the Redis that `REDIS_URL` names. */
export function cacheOptions({ redisUrl }: Settings): CacheModuleFactoryOptions {
  const namespace = 'catalogue';
  const memory: MemoryOptions = { maxSize: 1000, maxBytes: '16mb' };
  if (redisUrl === undefined) return { namespace, memory };
  // What another instance changes is gone from Redis at once; a copy in this one's memory lasts as long as this at most.
  return { namespace, memory: { ...memory, ttl: '10s' }, redis: { url: redisUrl } };
}
