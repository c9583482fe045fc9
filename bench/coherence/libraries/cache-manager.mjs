import { createKeyv as createRedisKeyv } from '@keyv/redis';
import { createCache } from 'cache-manager';
import { createKeyv } from 'cacheable';

import { nodeRedisOptions } from './node-redis.mjs';

export const libraries = {
  'cache-manager': { name: 'cache-manager', package: 'cache-manager', entryPrefix: '', open },
};

/** Memory and Redis as its documentation has them. Nothing tells other processes. */
async function open({ redis, ttl, strict }) {
  const remote = createRedisKeyv(connection(redis), { throwOnErrors: strict });
  remote.on('error', () => undefined);
  const cache = createCache({ ttl, stores: [createKeyv({ ttl, lruSize: 1_000 }), remote] });
  return {
    get: (key) => cache.get(key),
    getOrSet: (key, load) => cache.wrap(key, load),
    getMany: async (keys) => new Map((await cache.mget(keys)).map((value, i) => [keys[i], value])),
    set: (key, value) => cache.set(key, value),
    delete: (key) => cache.del(key),
    deleteMany: (keys) => cache.mdel(keys),
    clear: () => cache.clear(),
    close: () => cache.disconnect(),
  };
}

function connection(redis) {
  const options = nodeRedisOptions(redis);
  return options.url ?? options;
}
