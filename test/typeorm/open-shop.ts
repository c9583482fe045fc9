import type { DataSourceOptions } from 'typeorm';

import type { CacheManager } from '../../lib/index.js';
import { CachedRepository } from '../../lib/typeorm/cached-repository.js';
import { DataSourceCache } from '../../lib/typeorm/data-source-cache.js';
import { benchOf, redisFor, type Topology } from '../support/caches.js';
import type { SteppedConnection } from '../support/stepped-connection.js';
import type { SteppedRedis } from '../support/stepped-redis.js';
import { Label, openSource, Post, User } from './shop.js';
import type { Shop } from './writing.js';

export interface CachedShop extends Shop {
  readonly cache: CacheManager;
  readonly redis: SteppedRedis;
  readonly store: SteppedConnection;
}

/** A data source with two users and three posts, and cached repositories in a cache of their own. */
export async function openShop(
  options: DataSourceOptions,
  topology: Topology,
  redis: SteppedRedis = redisFor(topology),
): Promise<CachedShop> {
  const { source, statements } = await openSource(options);
  const { cache, store } = await benchOf(topology, {}, redis);
  const cached = DataSourceCache.of('default', source, cache);
  await source.manager.save(User, [
    { email: 'a@x', name: 'Ann', passwordHash: 'hash of Ann', secret: 'secret of Ann' },
    { email: 'b@x', name: 'Bob' },
  ]);
  await source.manager.save(Post, [
    { title: 'first', author: { id: 1 }, labels: [] },
    { title: 'second', author: { id: 1 }, labels: [] },
    { title: 'third', author: { id: 2 }, labels: [] },
  ]);
  statements.length = 0;
  return {
    source,
    statements,
    redis,
    store,
    cache,
    users: new CachedRepository(cached, User),
    posts: new CachedRepository(cached, Post),
    labels: new CachedRepository(cached, Label),
  };
}
