import 'reflect-metadata';
import { subscribe } from 'node:diagnostics_channel';
import { Module } from '@nestjs/common';
import { NestFactory } from '@nestjs/core';
import { CacheManager, CacheModule } from 'nestjs-tiered-cache';

const NAMESPACE = 'check';

const NAME = 'nestjs-tiered-cache';

export const libraries = {
  [NAME]: { name: NAME, package: NAME, promises: true, entryPrefix: `${NAMESPACE}:`, open },
};

/** Whether the bookkeeping in Redis was found to be another than this process knows, and has not been read anew yet. */
function watchResyncs() {
  let outOfSync = true;
  subscribe('nestjs-tiered-cache', ({ outcome }) => {
    if (outcome === 'out-of-sync') outOfSync = true;
    else if (outcome === 'resync') outOfSync = false;
  });
  return () => outOfSync;
}

function contactOf({ redis, coherence }, outOfSync) {
  const givenUp = redis.breaker !== 'closed' || redis.writeBreaker !== 'closed';
  return {
    cutOff: outOfSync || givenUp || !coherence.inContact || coherence.queued > 0,
    failures: redis.errors,
  };
}

async function open({ redis, ttl, maxStaleness, strict }) {
  const cacheModule = CacheModule.forRoot({
    namespace: NAMESPACE,
    memory: { maxSize: 1_000 },
    redis,
    maxStaleness: `${maxStaleness}ms`,
    defaults: { ttl: `${ttl}ms`, strict },
  });
  class AppModule {}
  Module({ imports: [cacheModule] })(AppModule);
  const outOfSync = watchResyncs();
  const app = await NestFactory.createApplicationContext(AppModule, { logger: false });
  const cache = app.get(CacheManager);
  return {
    get: (key) => cache.get(key),
    getOrSet: (key, load, tags) => cache.getOrSet(key, load, { tags }),
    getMany: (keys) => cache.getMany(keys),
    getOrSetMany: (keys, load, tagsOf) =>
      cache.getOrSetMany(keys, load, { tags: (value) => tagsOf(value.key) }),
    set: (key, value, tags) => cache.set(key, value, { tags }),
    delete: (key) => cache.delete(key),
    deleteMany: (keys) => cache.deleteMany(keys),
    invalidateTags: (tag) => cache.invalidateTags([tag]),
    clearPrefix: (prefix) => cache.clearPattern(`${prefix}*`),
    clearPattern: (glob) => cache.clearPattern(glob),
    clear: () => cache.clear(),
    contact: () => contactOf(cache.stats(), outOfSync()),
    close: () => app.close(),
  };
}
