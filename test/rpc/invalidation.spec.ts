// What @InvalidatesResponses does where there is no HTTP: for requests and events of microservices, mutations, WebSockets.
import { Controller, type ExecutionContext, Post } from '@nestjs/common';
import { Args, Int, Mutation, Query, Resolver } from '@nestjs/graphql';
import { EventPattern, MessagePattern, RpcException } from '@nestjs/microservices';
import { afterEach, beforeEach, describe, expect, it } from '@jest/globals';
import { concat, EMPTY, lastValueFrom, of, throwError } from 'rxjs';

import { InvalidatesResponses } from '../../lib/http/index.js';
import { InvalidatesResponsesInterceptor } from '../../lib/http/invalidates-responses.interceptor.js';
import type { CacheManager } from '../../lib/index.js';
import { closeGraphQLApps, graphqlApp } from '../graphql/graphql-apps.js';
import { Said } from '../http/apps.js';
import { failure } from '../support/deferred.js';
import { until } from '../support/until.js';
import { closeRpcApps, rpcApp } from './rpc-apps.js';

/** What the functions were given. */
let given: unknown[] = [];
let said: Said;
beforeEach(() => {
  given = [];
  said = new Said();
});
afterEach(closeRpcApps);
afterEach(closeGraphQLApps);

const ofThing = ({ id }: { id: number }, result: unknown) => {
  given.push({ id }, result);
  return [`thing:${id}`];
};
const broken = () => {
  throw new Error('no such tag');
};
const FAILED = (place: string) => `${place} has succeeded, but not what it was to invalidate`;

@Controller()
class Writes {
  @MessagePattern('one') @InvalidatesResponses({ tags: ofThing }) one() {
    return 'done';
  }
  @MessagePattern('nothing') @InvalidatesResponses({ tags: ofThing }) nothing() {}
  @MessagePattern('empty') @InvalidatesResponses({ tags: ofThing }) empty() {
    return EMPTY;
  }
  @MessagePattern('several') @InvalidatesResponses({ tags: ofThing }) several() {
    return of(1, 2, 3);
  }
  @MessagePattern('refused') @InvalidatesResponses({ tags: ofThing }) refused() {
    return concat(
      of(1),
      throwError(() => new RpcException('refused')),
    );
  }
  @EventPattern('happened') @InvalidatesResponses({ tags: ofThing }) happened(_data: unknown) {}

  @MessagePattern('throws') @InvalidatesResponses({ tags: broken }) throws() {
    return 'done';
  }
  @MessagePattern('bad') @InvalidatesResponses({ tags: () => [''] }) bad() {
    return 'done';
  }
  @MessagePattern('paths') @InvalidatesResponses({ paths: ['/things'], tags: ofThing }) paths() {
    return 'done';
  }
  @Post() @MessagePattern('route') @InvalidatesResponses({ paths: ['/things'] }) route() {
    return 'done';
  }
}

async function start() {
  const { app, ask, cache, client } = await rpcApp('pure', { controllers: [Writes] });
  app.useLogger(said);
  await cache.set('thing', 1, { tags: ['thing:1'] });
  return { ask, cache, client, isKept: () => cache.has('thing') };
}

describe('a handler of a microservice', () => {
  it.each<[string, unknown[], unknown]>([
    ['one', ['done'], 'done'],
    ['nothing', [], undefined],
    ['empty', [], undefined],
    ['several', [1, 2, 3], 3],
  ])('that completes has invalidated, once: %s', async (pattern, reply, last) => {
    const { ask, isKept } = await start();
    expect(await ask(pattern, { id: 2 })).toEqual(reply);
    expect(await isKept()).toBe(true);
    await ask(pattern, { id: 1 });
    expect(await isKept()).toBe(false);
    expect(given).toEqual([{ id: 2 }, last, { id: 1 }, last]);
  });

  it('that fails has not', async () => {
    const { ask, isKept } = await start();
    expect((await failure(ask('refused', { id: 1 }))).message).toBe('refused');
    expect([await isKept(), given]).toEqual([true, []]);
  });

  it('of events does so, too', async () => {
    const { client, isKept } = await start();
    await lastValueFrom(client.emit('happened', { id: 1 }), { defaultValue: 0 });
    await until(async () => !(await isKept()));
    expect(given).toEqual([{ id: 1 }, undefined]);
  });

  it.each(['throws', 'bad', 'one'])('is answered though it could not invalidate: %s', async (pattern) => {
    const { ask, cache } = await start();
    if (pattern === 'one') cache.invalidate = () => Promise.reject(new Error('no Redis'));
    expect(await ask(pattern, { id: 1 })).toEqual(['done']);
    expect(said.errors).toEqual([FAILED(`Writes.${pattern}`)]);
  });

  it('is told once that it has no paths, unless it is a route as well', async () => {
    const { ask, isKept } = await start();
    for (let i = 0; i < 2; i++) for (const pattern of ['paths', 'route']) await ask(pattern, { id: 1 });
    expect(said.warnings).toEqual([
      expect.stringMatching(/^@InvalidatesResponses on Writes\.paths: paths have no effect/),
    ]);
    expect(await isKept()).toBe(false);
  });
});

@Resolver()
class Things {
  @Query(() => Int) count() {
    return 1;
  }
  @Mutation(() => Int) @InvalidatesResponses({ tags: ofThing }) save(
    @Args('id', { type: () => Int }) id: number,
  ) {
    return id + 1;
  }
  @Mutation(() => Int) @InvalidatesResponses({ tags: broken }) throws() {
    return 1;
  }
}

describe('a mutation', () => {
  const startGraphQL = async () => {
    const { app, ask, cache } = await graphqlApp({ providers: [Things] });
    app.useLogger(said);
    await cache.set('thing', 1, { tags: ['thing:1'] });
    return { ask, cache };
  };

  it('invalidates by its arguments', async () => {
    const { ask, cache } = await startGraphQL();
    expect(await ask('mutation { save(id: 1) }')).toEqual({ data: { save: 2 } });
    expect(await cache.has('thing')).toBe(false);
    expect(given).toEqual([{ id: 1 }, 2]);
  });

  it('is answered though it could not', async () => {
    const { ask } = await startGraphQL();
    expect(await ask('mutation { throws }')).toEqual({ data: { throws: 1 } });
    expect(said.errors).toEqual([FAILED('Things.throws')]);
  });
});

it('a WebSocket invalidates by its message', async () => {
  class Gateway {
    @InvalidatesResponses({ tags: ofThing }) save() {}
  }
  const invalidated: unknown[] = [];
  const cache: Pick<CacheManager, 'invalidate'> = {
    invalidate: async (...names) => void invalidated.push(names),
  };
  const context = {
    getType: () => 'ws',
    getClass: () => Gateway,
    getHandler: () => Gateway.prototype.save,
    getArgByIndex: (index: number) => [{ client: true }, { id: 1 }][index],
  } as unknown as ExecutionContext;
  const interceptor = new InvalidatesResponsesInterceptor({ get: () => cache } as never, new Map() as never);
  expect(await lastValueFrom(interceptor.intercept(context, { handle: () => of('done') }))).toBe('done');
  expect(invalidated).toEqual([[[], ['thing:1'], []]]);
});
