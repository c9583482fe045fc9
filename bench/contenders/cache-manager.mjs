import { createKeyv as createRedisKeyv } from '@keyv/redis';
import { createCache } from 'cache-manager';
import { createKeyv } from 'cacheable';

import { TTL_MS } from '../harness/values.mjs';

const OFFERS = { get: 'get', getOrSet: 'wrap', getMany: 'mget', set: 'set' };

export const contender = {
  name: 'cache-manager',
  package: 'cache-manager',
  setups: {
    'cache-manager-map': {
      name: 'cache-manager, its default Map without bounds',
      values: 'by reference',
      offers: OFFERS,
      open: () => adapt(createCache({ ttl: TTL_MS })),
    },
    'cache-manager-memory': {
      name: 'cache-manager, CacheableMemory',
      values: 'cloned',
      offers: OFFERS,
      open: ({ capacity }) => adapt(createCache({ ttl: TTL_MS, stores: [memory(capacity)] })),
    },
    'cache-manager-redis': {
      name: 'cache-manager, @keyv/redis',
      values: 'JSON',
      offers: OFFERS,
      open: ({ redisUrl }) => adapt(createCache({ ttl: TTL_MS, stores: [createRedisKeyv(redisUrl)] })),
    },
    'cache-manager-both': {
      name: 'cache-manager, CacheableMemory and @keyv/redis',
      values: 'cloned; JSON in Redis',
      offers: OFFERS,
      open: ({ capacity, redisUrl }) =>
        adapt(createCache({ ttl: TTL_MS, stores: [memory(capacity), createRedisKeyv(redisUrl)] })),
    },
  },
};

function memory(capacity) {
  return createKeyv({ ttl: TTL_MS, lruSize: capacity });
}

function adapt(cache) {
  return {
    get: (key) => cache.get(key),
    getOrSet: (key, loader) => cache.wrap(key, loader),
    getMany: (keys) => cache.mget(keys),
    set: (key, value) => cache.set(key, value),
    close: () => cache.disconnect(),
  };
}
