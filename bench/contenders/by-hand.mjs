import { Redis } from 'ioredis';
import { LRUCache } from 'lru-cache';

import { TTL_MS } from '../harness/values.mjs';

/** What one writes without a library: lru-cache, ioredis, and a Map of the loads that are running. */
export const contender = {
  name: 'by hand',
  setups: {
    'by-hand-memory': {
      name: 'lru-cache and a Map of promises, by hand',
      values: 'by reference',
      offers: { getOrSet: '' },
      open({ capacity }) {
        const lru = new LRUCache({ max: capacity });
        const getOrSet = coalesced(async (key, loader) => {
          const value = await loader();
          lru.set(key, value);
          return value;
        });
        return {
          getOrSet: async (key, loader) => lru.get(key) ?? getOrSet(key, loader),
          close: async () => {},
        };
      },
    },
    'by-hand-both': {
      name: 'lru-cache, ioredis and a Map of promises, by hand',
      values: 'JSON in Redis',
      offers: { getOrSet: '', set: '' },
      open({ capacity, redisUrl }) {
        const lru = new LRUCache({ max: capacity });
        const client = new Redis(redisUrl);
        async function set(key, value) {
          lru.set(key, value);
          await client.set(key, JSON.stringify(value), 'PX', TTL_MS);
        }
        const getOrSet = coalesced(async (key, loader) => {
          const json = await client.get(key);
          if (json !== null) return JSON.parse(json);
          const value = await loader();
          await set(key, value);
          return value;
        });
        return {
          set,
          getOrSet: async (key, loader) => lru.get(key) ?? getOrSet(key, loader),
          close: () => client.quit(),
        };
      },
    },
  },
};

function coalesced(load) {
  const running = new Map();
  return (key, loader) => {
    let promise = running.get(key);
    if (promise === undefined) {
      promise = load(key, loader).finally(() => running.delete(key));
      running.set(key, promise);
    }
    return promise;
  };
}
