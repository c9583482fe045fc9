import { createKeyv as createRedisKeyv } from '@keyv/redis';
import { Cacheable, createKeyv } from 'cacheable';

import { TTL_MS } from '../harness/values.mjs';

const OFFERS = { get: 'get', getOrSet: 'getOrSet', getMany: 'getMany', set: 'set' };

export const contender = {
  name: 'cacheable',
  package: 'cacheable',
  setups: {
    'cacheable-memory': {
      values: 'cloned',
      offers: OFFERS,
      open: ({ capacity }) => adapt({ primary: createKeyv({ lruSize: capacity }) }),
    },
    'cacheable-memory-reference': {
      name: 'cacheable, useClone: false',
      values: 'by reference',
      offers: OFFERS,
      open: ({ capacity }) => adapt({ primary: createKeyv({ lruSize: capacity, useClone: false }) }),
    },
    'cacheable-redis': {
      name: 'cacheable, @keyv/redis',
      values: 'JSON',
      offers: OFFERS,
      open: ({ redisUrl }) => adapt({ primary: createRedisKeyv(redisUrl) }),
    },
    'cacheable-both': {
      name: 'cacheable, memory and @keyv/redis',
      values: 'cloned; JSON in Redis',
      offers: OFFERS,
      open: ({ capacity, redisUrl }) =>
        adapt({ primary: createKeyv({ lruSize: capacity }), secondary: createRedisKeyv(redisUrl) }),
    },
  },
};

function adapt(options) {
  const cache = new Cacheable({ ...options, ttl: TTL_MS });
  return {
    get: (key) => cache.get(key),
    getOrSet: (key, loader) => cache.getOrSet(key, loader),
    getMany: (keys) => cache.getMany(keys),
    set: (key, value) => cache.set(key, value),
    close: () => cache.disconnect(),
  };
}
