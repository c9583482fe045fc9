import { BentoCache, bentostore } from 'bentocache';
import { memoryDriver } from 'bentocache/drivers/memory';
import { redisBusDriver, redisDriver } from 'bentocache/drivers/redis';

export const libraries = {
  bentocache: { name: 'BentoCache', package: 'bentocache', entryPrefix: 'bentocache:', open },
};

/** Two layers and the Redis bus, with its queue of messages that could not be sent, which is on by default. */
async function open({ redis, ttl, strict }) {
  // Since there is a memory layer, it keeps errors of Redis to itself unless it is told not to.
  const telling = strict ? { suppressL2Errors: false } : {};
  const store = bentostore()
    .useL1Layer(memoryDriver({ maxItems: 1_000 }))
    .useL2Layer(redisDriver({ connection: redis }))
    .useBus(redisBusDriver({ connection: redis }));
  const bento = new BentoCache({ default: 'check', ttl, stores: { check: store } });
  // The stores are made at the first use, and with them the subscription to the bus.
  bento.use('check');
  return {
    get: (key) => bento.get({ key }),
    getOrSet: (key, load, tags) => bento.getOrSet({ key, factory: load, tags }),
    set: (key, value, tags) => bento.set({ key, value, tags, ...telling }),
    delete: (key) => bento.delete({ key, ...telling }),
    deleteMany: (keys) => bento.deleteMany({ keys, ...telling }),
    invalidateTags: (tag) => bento.deleteByTag({ tags: [tag] }),
    clear: () => bento.clear(telling),
    close: () => bento.disconnectAll(),
  };
}
