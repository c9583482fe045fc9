import { LRUCache } from 'lru-cache';

/** The baseline of everything in memory: the least that an asynchronous cache can do. */
export const contender = {
  name: 'lru-cache',
  package: 'lru-cache',
  setups: {
    'lru-cache': {
      values: 'by reference',
      offers: { get: 'get' },
      open({ capacity }) {
        const lru = new LRUCache({ max: capacity });
        return {
          get: async (key) => lru.get(key),
          set: async (key, value) => void lru.set(key, value),
          close: async () => {},
        };
      },
    },
  },
};
