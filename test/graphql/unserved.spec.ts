// Contexts that ResponseCacheInterceptor cannot serve: it does nothing, and says so once.
import type { ExecutionContext } from '@nestjs/common';
import { APP_INTERCEPTOR } from '@nestjs/core';
import { ExpressAdapter } from '@nestjs/platform-express';
import { FastifyAdapter } from '@nestjs/platform-fastify';
import { Int, Query, Resolver } from '@nestjs/graphql';
import { afterEach, expect, it } from '@jest/globals';
import { lastValueFrom, of } from 'rxjs';

import { CacheResponse, ResponseCacheInterceptor } from '../../lib/http/index.js';
import { closeGraphQLApps, graphqlApp, WARNINGS } from './graphql-apps.js';

afterEach(closeGraphQLApps);

@Resolver()
class Counts {
  #calls = 0;

  @Query(() => Int)
  count(): number {
    return ++this.#calls;
  }

  @Query(() => Int)
  @CacheResponse({ ttl: '1m' })
  decorated(): number {
    return ++this.#calls;
  }
}

const said = (type: string): unknown =>
  expect.stringContaining(`responses of the type '${type}' are not cached`);

it.each([
  ['Express', () => new ExpressAdapter()],
  ['Fastify', () => new FastifyAdapter()],
])('GraphQL, and whatever else there is, on %s', async (_, adapter) => {
  const everywhere = { provide: APP_INTERCEPTOR, useExisting: ResponseCacheInterceptor };
  const { app, ask } = await graphqlApp({
    providers: [Counts, ResponseCacheInterceptor, everywhere],
    defaults: { ttl: '1m' },
    adapter: adapter(),
  });
  expect(await ask('{ count decorated }')).toEqual({ data: { count: 1, decorated: 2 } });
  expect(await ask('{ count decorated }')).toEqual({ data: { count: 3, decorated: 4 } });
  // Though the decorator's interceptor is another one.
  expect(WARNINGS).toEqual([said('graphql')]);
  const context = { getType: () => 'ws' } as ExecutionContext;
  const interceptor = app.get(ResponseCacheInterceptor);
  for (const value of [1, 2]) {
    const answer = interceptor.intercept(context, { handle: () => of(value) });
    expect(await lastValueFrom(answer)).toBe(value);
  }
  expect(WARNINGS.slice(1)).toEqual([said('ws')]);
});
