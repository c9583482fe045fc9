// Two servers in one application, with resolvers of one name: each process may hear of the one or of the other first.
import { ApolloDriver, type ApolloDriverConfig } from '@nestjs/apollo';
import { type INestApplication, Module, type Type } from '@nestjs/common';
import { GraphQLModule, Query, Resolver } from '@nestjs/graphql';
import { Test } from '@nestjs/testing';
import { afterAll, afterEach, beforeAll, expect, it } from '@jest/globals';

import { CacheResolver } from '../../lib/graphql/index.js';
import { CacheModule } from '../../lib/index.js';
import { type RedisServer, startRedis } from '../support/redis-server.js';

let redis: RedisServer;
beforeAll(async () => {
  redis = await startRedis();
});
afterAll(() => redis.stop());

const open: INestApplication[] = [];
afterEach(async () => {
  await Promise.all(open.splice(0).map((app) => app.close()));
});

const warnings: string[] = [];
const LOGGER = { log() {}, error() {}, warn: (message: string) => void warnings.push(message) };

function moduleFor(audience: string): Type {
  @Resolver()
  class Prices {
    @Query(() => String) @CacheResolver({ ttl: 60 }) price(): string {
      return `for ${audience}`;
    }
  }
  @Module({ providers: [Prices] })
  class PricesModule {}
  return PricesModule;
}

/** One of several processes. */
async function start(): Promise<(path: string) => Promise<unknown>> {
  const modules = { '/public': moduleFor('all'), '/staff': moduleFor('staff') };
  const servers = Object.entries(modules).map(([path, module]) =>
    GraphQLModule.forRoot<ApolloDriverConfig>({
      driver: ApolloDriver,
      autoSchemaFile: true,
      path,
      include: [module],
    }),
  );
  const cache = CacheModule.forRoot({ redis: { url: redis.url } });
  const testing = Test.createTestingModule({ imports: [cache, ...Object.values(modules), ...servers] });
  const app = (await testing.compile()).createNestApplication({ logger: LOGGER });
  open.push(app);
  await app.listen(0, '127.0.0.1');
  const url = await app.getUrl();
  return async (path) => {
    const headers = { 'content-type': 'application/json' };
    const body = JSON.stringify({ query: '{ price }' });
    const response = await fetch(`${url}${path}`, { method: 'POST', headers, body });
    return ((await response.json()) as { data: { price: unknown } }).data.price;
  };
}

it('neither is given what the other has resolved, in whatever order they are asked', async () => {
  const [first, second] = [await start(), await start()];
  expect(await first('/public')).toBe('for all');
  expect(await second('/staff')).toBe('for staff');
  expect(await first('/staff')).toBe('for staff');
  expect(await second('/public')).toBe('for all');
  expect(warnings).toContainEqual(
    expect.stringMatching(/^results of Query.price are not cached: two resolver/),
  );
});
