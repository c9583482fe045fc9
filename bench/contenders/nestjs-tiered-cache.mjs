import { CacheManager } from 'nestjs-tiered-cache';

import { openApplication } from './nest-application.mjs';

const NAME = 'nestjs-tiered-cache';
const VALUES = 'frozen, shared';

/** This library, from a Nest application, with its defaults. */
export const contender = {
  name: NAME,
  package: NAME,
  setups: {
    'tiered-memory': {
      values: VALUES,
      offers: { get: 'get', getOrSet: 'getOrSet' },
      open: ({ capacity }) => open({ memory: { maxSize: capacity } }),
    },
    'tiered-redis': {
      values: VALUES,
      offers: { get: 'get', getOrSet: 'getOrSet', getMany: 'getMany' },
      open: ({ redisUrl }) => open({ memory: false, redis: { url: redisUrl } }),
    },
    'tiered-both': {
      values: VALUES,
      offers: { getOrSet: 'getOrSet', set: 'set' },
      open: ({ capacity, redisUrl }) => open({ memory: { maxSize: capacity }, redis: { url: redisUrl } }),
    },
  },
};

async function open(options) {
  const app = await openApplication(options);
  const cache = app.get(CacheManager);
  return {
    get: (key) => cache.get(key),
    getOrSet: (key, loader) => cache.getOrSet(key, loader),
    getMany: async (keys) => [...(await cache.getMany(keys)).values()],
    set: (key, value) => cache.set(key, value),
    close: () => app.close(),
  };
}
