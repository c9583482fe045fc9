import { createCache } from 'async-cache-dedupe';
import { Redis } from 'ioredis';

import { TTL_MS } from '../harness/values.mjs';

const OFFERS = { getOrSet: 'a defined function' };

/** It has one tier at a time, and neither a `get` nor a `set` of its own: functions are defined once, then called. */
export const contender = {
  name: 'async-cache-dedupe',
  package: 'async-cache-dedupe',
  setups: {
    'dedupe-memory': {
      values: 'by reference',
      offers: OFFERS,
      open: ({ capacity }) => adapt({ type: 'memory', options: { size: capacity } }, async () => {}),
    },
    'dedupe-redis': {
      values: 'JSON',
      offers: OFFERS,
      open({ redisUrl }) {
        const client = new Redis(redisUrl);
        return adapt({ type: 'redis', options: { client } }, () => client.quit());
      },
    },
  },
};

function adapt(storage, close) {
  let load;
  const cache = createCache({ ttl: TTL_MS / 1000, storage });
  cache.define('value', (key) => load(key));
  return {
    getOrSet(key, loader) {
      load = loader;
      return cache.value(key);
    },
    close,
  };
}
