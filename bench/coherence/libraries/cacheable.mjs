import { createKeyv as createRedisKeyv, createSentinel } from '@keyv/redis';
import { RedisMessageProvider } from '@qified/redis';
import { Cacheable, createKeyv } from 'cacheable';

import { nodeRedisOptions } from './node-redis.mjs';

export const libraries = {
  cacheable: { name: 'cacheable', package: 'cacheable', entryPrefix: '', open },
};

/** Memory, Redis, tags, and its sync by the publish and subscribe of Redis. */
async function open({ redis, ttl, strict }) {
  const options = nodeRedisOptions(redis);
  const secondary = createRedisKeyv(options.url ?? options, { throwOnErrors: strict });
  const cache = new Cacheable({
    primary: createKeyv({ lruSize: 1_000 }),
    secondary,
    ttl,
    tags: true,
    sync: { qified: messageProvider(options) },
  });
  for (const one of [secondary, cache, cache.sync, cache.sync.qified]) one.on('error', () => undefined);
  return {
    get: (key) => cache.get(key),
    getOrSet: (key, load, tags) =>
      tags.length === 0 ? cache.getOrSet(key, load) : tagged(cache, key, load, tags),
    getMany: async (keys) => new Map((await cache.getMany(keys)).map((value, i) => [keys[i], value])),
    set: (key, value, tags) => set(cache, key, value, tags),
    delete: (key) => cache.delete(key),
    deleteMany: (keys) => cache.deleteMany(keys),
    invalidateTags: (tag) => cache.tags.invalidateTags([tag]),
    clear: () => cache.clear(),
    close: () => cache.disconnect(),
  };
}

/** Its `getOrSet` takes no tags: its documentation sets tagged values by hand. */
async function tagged(cache, key, load, tags) {
  const hit = await cache.get(key);
  if (hit !== undefined) return hit;
  const value = await load();
  await cache.set(key, value, { tags });
  return value;
}

/** A failed set is only told by its result. */
async function set(cache, key, value, tags) {
  if (!(await cache.set(key, value, { tags }))) throw new Error('set gave false');
}

function messageProvider({ url, ...sentinels }) {
  const provider = new RedisMessageProvider({ uri: url });
  if (url === undefined) {
    // It takes no more than an address, which would not follow a master behind Sentinels.
    provider.pub = createSentinel(sentinels);
    provider.sub = createSentinel(sentinels);
  }
  // Without a listener the first connection that breaks would end the process.
  for (const client of [provider.pub, provider.sub]) client.on('error', () => undefined);
  return provider;
}
