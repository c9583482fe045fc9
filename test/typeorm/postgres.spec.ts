// What only a real database has to show: who sees what when, and what is left in the cache.
import { afterAll, afterEach, beforeAll, describe, expect, it } from '@jest/globals';
import type { DataSource, DataSourceOptions } from 'typeorm';

import { closeBenches, redisFor } from '../support/caches.js';
import { Deferred } from '../support/deferred.js';
import { describePostgres } from '../support/postgres-server.js';
import { openShop } from './open-shop.js';
import { ENTITIES, User } from './shop.js';
import { type Shop, writing } from './writing.js';

describePostgres('repositories on PostgreSQL', (server) => {
  let shop: Shop;
  let options: DataSourceOptions;

  beforeAll(async () => {
    const { url } = await server().createDatabase();
    options = { type: 'postgres', url, synchronize: true, dropSchema: true, entities: ENTITIES };
  });
  beforeEachShop(async (topology) => {
    shop = await openShop(options, topology);
  });
});
