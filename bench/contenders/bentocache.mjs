import { BentoCache, bentostore } from 'bentocache';
import { memoryDriver } from 'bentocache/drivers/memory';
import { redisDriver } from 'bentocache/drivers/redis';
import { Redis } from 'ioredis';

import { TTL_MS } from '../harness/values.mjs';

const OFFERS = { get: 'get', getOrSet: 'getOrSet', set: 'set' };

export const contender = {
  name: 'BentoCache',
  package: 'bentocache',
  setups: {
    'bento-memory': {
      values: 'JSON',
      offers: OFFERS,
      open: ({ capacity }) => adapt(bentostore().useL1Layer(memoryDriver({ maxItems: capacity }))),
    },
    'bento-memory-reference': {
      name: 'BentoCache, serialize: false',
      values: 'by reference',
      offers: OFFERS,
      open: ({ capacity }) =>
        adapt(bentostore().useL1Layer(memoryDriver({ maxItems: capacity, serialize: false }))),
    },
    'bento-redis': {
      values: 'JSON',
      offers: OFFERS,
      open: ({ redisUrl }) => adapt(bentostore().useL2Layer(redis(redisUrl))),
    },
    'bento-both': {
      name: 'BentoCache, serialize: false in memory',
      values: 'by reference; JSON in Redis',
      offers: OFFERS,
      open: ({ capacity, redisUrl }) =>
        adapt(
          bentostore()
            .useL1Layer(memoryDriver({ maxItems: capacity, serialize: false }))
            .useL2Layer(redis(redisUrl)),
        ),
    },
  },
};

function redis(redisUrl) {
  return redisDriver({ connection: new Redis(redisUrl) });
}

function adapt(store) {
  const bento = new BentoCache({ default: 'cache', ttl: TTL_MS, stores: { cache: store } });
  return {
    get: (key) => bento.get({ key }),
    getOrSet: (key, loader) => bento.getOrSet({ key, factory: loader }),
    set: (key, value) => bento.set({ key, value }),
    close: () => bento.disconnectAll(),
  };
}
