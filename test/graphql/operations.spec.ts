import { createHash } from 'node:crypto';
import type { ApolloServerPlugin } from '@apollo/server';
import type { CanActivate, ExecutionContext } from '@nestjs/common';
import { UseGuards } from '@nestjs/common';
import {
  Args,
  Context,
  Field,
  Int,
  Mutation,
  ObjectType,
  Query,
  ResolveField,
  Resolver,
} from '@nestjs/graphql';
import { afterEach, beforeEach, describe, expect, it } from '@jest/globals';

import { CacheResolver, operationCache, type OperationCacheOptions } from '../../lib/graphql/index.js';
import type { CacheManager } from '../../lib/index.js';
import { InvalidatesCache } from '../../lib/index.js';
import { Deferred, failure, settle } from '../support/deferred.js';
import { until } from '../support/until.js';
import { closeGraphQLApps, graphqlApp, type GraphQLApp, type Question, WARNINGS } from './graphql-apps.js';

let calls: string[] = [];
let gate: Deferred<void> | undefined;
let version = 1;
beforeEach(() => {
  calls = [];
  gate = undefined;
  version = 1;
});
afterEach(closeGraphQLApps);

interface Asker {
  req: {
    headers: Record<string, string>;
    user?: { id: string };
    /** As Express has it; the context is the one that Nest makes when it is told nothing. */
    res: { setHeader(name: string, value: string): void };
  };
}

/** Lets in whoever has a key, and remembers him. */
class ByKey implements CanActivate {
  canActivate(context: ExecutionContext): boolean {
    const { req } = context.getArgByIndex<Asker>(2);
    const id = req.headers['x-api-key'];
    if (id !== undefined) req.user = { id };
    return id !== undefined;
  }
}

@ObjectType()
class Item {
  @Field(() => Int) id!: number;
}

@Resolver(() => Item)
class Items {
  @Query(() => [Item])
  async items(@Args('count', { type: () => Int, defaultValue: 1 }) count: number): Promise<Item[]> {
    calls.push(`items ${count}`);
    const found = Array.from({ length: count }, (_, i) => ({ id: version * 100 + i }));
    await gate?.promise;
    return found;
  }

  @ResolveField(() => String)
  label(): string {
    return 'an item';
  }

  @ResolveField(() => String, { nullable: true })
  broken(): string {
    throw new Error('broken');
  }

  @Query(() => String)
  me(@Context() { req }: Asker): string {
    calls.push('me');
    return req.headers['authorization'] ?? 'nobody';
  }

  @Query(() => String)
  @UseGuards(ByKey)
  keyed(@Context() { req }: Asker): string {
    calls.push('keyed');
    return `for ${req.user!.id}`;
  }

  @Query(() => String)
  login(@Context() { req }: Asker): string {
    calls.push('login');
    req.res.setHeader('set-cookie', 'session=1');
    return 'welcome';
  }

  @Query(() => String)
  total(@Context() { req }: Asker): string {
    calls.push('total');
    req.res.setHeader('x-total', '42');
    return 'counted';
  }

  @Query(() => String, { nullable: true })
  @CacheResolver({ ttl: 60, scope: 'private', identity: ({ req }: Asker) => req.headers['x-user'] })
  mine(@Context() { req }: Asker): string | null {
    calls.push('mine');
    return req.headers['x-user'] ?? null;
  }

  @Mutation(() => Int)
  @InvalidatesCache({ tags: 'items' })
  async write(): Promise<number> {
    calls.push('write');
    return ++version;
  }
}

const start = (options: OperationCacheOptions = {}, others: ApolloServerPlugin[] = []): Promise<GraphQLApp> =>
  graphqlApp({
    providers: [Items],
    plugins: (cache: CacheManager) => [operationCache(cache, { ttl: 60, ...options }), ...others],
  });

/** Asks twice, and says how often the query was executed. */
async function executions(
  app: GraphQLApp,
  one: string | Question,
  other: string | Question = one,
  headers?: [object, object],
) {
  const before = calls.length;
  const [ofOne, ofOther] = (headers ?? [{}, {}]) as Record<string, string>[];
  const first = await app.ask(one, ofOne);
  const second = await app.ask(other, ofOther);
  return { first, second, count: calls.length - before };
}

describe('an operation', () => {
  it('is executed once, and a hit equals the miss', async () => {
    const app = await start();
    const responses = [
      await app.post({ query: '{ items { id label } }' }),
      await app.post({ query: '{ items { id label } }' }),
    ];
    const [miss, hit] = await Promise.all(
      responses.map(async (response) => [
        response.status,
        response.headers.get('content-type'),
        await response.text(),
      ]),
    );
    expect(hit).toEqual(miss);
    expect(miss![2]).toBe('{"data":{"items":[{"id":100,"label":"an item"}]}}\n');
    expect(calls).toHaveLength(1);
  });

  it('is the same one however it is written', async () => {
    const { count } = await executions(await start(), '{ items { id } }', 'query { # all\n items { id, } }');
    expect(count).toBe(1);
  });

  it.each<[string, string | Question, string | Question]>([
    ['fields', '{ items { id } }', '{ items { label } }'],
    ['aliases', '{ items { id } }', '{ items { a: id } }'],
    ['arguments', '{ items { id } }', '{ items(count: 2) { id } }'],
    [
      'fragments',
      '{ items { ...F } } fragment F on Item { id }',
      '{ items { ...F } } fragment F on Item { label }',
    ],
    [
      'variables',
      { query: 'query Q($n: Int!) { items(count: $n) { id } }', variables: { n: 1 } },
      { query: 'query Q($n: Int!) { items(count: $n) { id } }', variables: { n: 2 } },
    ],
    [
      'variables of directives',
      { query: 'query Q($x: Boolean!) { items { id label @skip(if: $x) } }', variables: { x: true } },
      { query: 'query Q($x: Boolean!) { items { id label @skip(if: $x) } }', variables: { x: false } },
    ],
    [
      'operation names',
      { query: 'query A { items { id } } query B { items(count: 2) { id } }', operationName: 'A' },
      { query: 'query A { items { id } } query B { items(count: 2) { id } }', operationName: 'B' },
    ],
  ])('is told from others by its %s', async (_, one, other) => {
    const app = await start();
    const { first, second, count } = await executions(app, one, other);
    expect(count).toBe(2);
    expect(second.data).not.toEqual(first.data);
    const again = await executions(app, one, other);
    expect(again).toEqual({ first, second, count: 0 });
  });

  it('is not told from others by variables that it does not know', async () => {
    const query = '{ items { id } }';
    expect((await executions(await start(), { query, variables: { x: 1 } }, { query })).count).toBe(1);
  });

  it('is executed once for all who wait', async () => {
    const { ask } = await start();
    gate = new Deferred();
    const asked = Promise.all(Array.from({ length: 30 }, () => ask('{ items { id } }')));
    await until(() => calls.length > 0);
    gate.resolve();
    for (const answer of await asked) expect(answer).toEqual({ data: { items: [{ id: 100 }] } });
    expect(calls).toHaveLength(1);
  });

  it('may be sent with others, which end before it', async () => {
    const { app } = await graphqlApp({
      providers: [Items],
      plugins: (cache: CacheManager) => [operationCache(cache, { ttl: 60 })],
      graphql: { allowBatchedHttpRequests: true },
    });
    const url = `${await app.getUrl()}/graphql`;
    const batch = async (): Promise<unknown> => {
      const body = JSON.stringify([{ query: '{ me }' }, { query: '{ items { id } }' }]);
      const headers = { 'content-type': 'application/json' };
      return (await fetch(url, { method: 'POST', headers, body })).json();
    };
    gate = new Deferred();
    const first = batch();
    await until(() => calls.length === 2);
    await settle();
    gate.resolve();
    expect(await first).toEqual([{ data: { me: 'nobody' } }, { data: { items: [{ id: 100 }] } }]);
    expect(await batch()).toEqual(await first);
    expect(calls).toEqual(['me', 'items 1']);
  });

  it('may be persisted', async () => {
    const query = '{ items { id } }';
    const extensions = {
      persistedQuery: { version: 1, sha256Hash: createHash('sha256').update(query).digest('hex') },
    };
    const { first, second, count } = await executions(await start(), { query, extensions }, { extensions });
    expect([second, count]).toEqual([first, 1]);
  });

  it('is executed behind an older result with staleWhileRevalidate', async () => {
    const { ask } = await start({ ttl: '1ms', staleWhileRevalidate: 60 });
    expect(await ask('{ items { id } }')).toEqual({ data: { items: [{ id: 100 }] } });
    version = 2;
    gate = new Deferred();
    await until(async () => (await ask('{ items { id } }')) && calls.length === 2);
    expect(await ask('{ items { id } }')).toEqual({ data: { items: [{ id: 100 }] } });
    gate.resolve();
    await until(async () => JSON.stringify(await ask('{ items { id } }')).includes('200'));
  });
});

describe('invalidation', () => {
  it.each<[string, OperationCacheOptions['tags']]>([
    ['by a tag', ['items']],
    ['by a tag made from the data', (data: object) => Object.keys(data)],
  ])('%s', async (_, tags) => {
    const app = await start({ tags });
    expect((await executions(app, '{ items { id } }')).count).toBe(1);
    expect((await executions(app, 'mutation { write }')).count).toBe(2);
    expect(await executions(app, '{ items { id } }')).toMatchObject({
      first: { data: { items: [{ id: 300 }] } },
      count: 1,
    });
  });

  it('leaves an execution that began before it unstored', async () => {
    const { ask } = await start({ tags: ['items'] });
    gate = new Deferred();
    const late = ask('{ items { id } }');
    await until(() => calls.length > 0);
    await ask('mutation { write }');
    gate.resolve();
    expect(await late).toEqual({ data: { items: [{ id: 100 }] } });
    expect(await ask('{ items { id } }')).toEqual({ data: { items: [{ id: 200 }] } });
  });
});

describe('what is not cached', () => {
  it.each<[string, string]>([
    ['a mutation', 'mutation { write }'],
    ['a result with errors', '{ items { broken } }'],
    ['a result that sets a cookie', '{ login }'],
    ['a result that sets another header', '{ total }'],
  ])('%s', async (_, query) => {
    expect((await executions(await start(), query)).count).toBe(2);
  });

  it('a request that says no-store', async () => {
    const app = await start();
    const headers: [object, object] = [{}, { 'cache-control': 'no-store' }];
    expect((await executions(app, '{ items { id } }', '{ items { id } }', headers)).count).toBe(2);
  });

  it('what is private by its cache hints', async () => {
    const hint: ApolloServerPlugin = {
      requestDidStart: async () => ({
        executionDidStart: async ({ overallCachePolicy }) =>
          overallCachePolicy.restrict({ scope: 'PRIVATE', maxAge: 9 }),
      }),
    };
    expect((await executions(await start({}, [hint]), '{ items { id } }')).count).toBe(2);
  });
});

describe('nobody gets what is another’s', () => {
  it.each([
    [{ authorization: 'ann' }, { authorization: 'bob' }],
    [{ authorization: 'ann' }, {}],
    [{}, { authorization: 'ann' }],
    [{ cookie: 'a=1' }, {}],
  ])('%p, %p', async (one, other) => {
    const { first, second, count } = await executions(await start(), '{ me }', '{ me }', [one, other]);
    expect(count).toBe(2);
    expect(first.data).toEqual({ me: (one as { authorization?: string }).authorization ?? 'nobody' });
    expect(second.data).toEqual({ me: (other as { authorization?: string }).authorization ?? 'nobody' });
  });

  it('with an identity, each gets what is his own', async () => {
    const app = await start({ scope: 'private', identity: ({ req }: Asker) => req.headers['authorization'] });
    for (let i = 0; i < 2; i++)
      for (const user of ['ann', 'bob'])
        expect(await app.ask('{ me }', { authorization: user })).toEqual({ data: { me: user } });
    expect(calls).toHaveLength(2);
    expect((await executions(app, '{ me }')).count).toBe(2);
  });

  it('even though only a guard has found out who asks', async () => {
    const app = await start();
    const headers: [object, object] = [{ 'x-api-key': 'ann' }, { 'x-api-key': 'bob' }];
    const { first, second } = await executions(app, '{ keyed }', '{ keyed }', headers);
    expect([first, second]).toEqual([{ data: { keyed: 'for ann' } }, { data: { keyed: 'for bob' } }]);
    expect((await app.ask('{ keyed }')).errors).toHaveLength(1);
  });
});

describe('an operation in which a resolver is private', () => {
  const asUser = ({ req }: Asker): string | undefined => req.headers['x-user'];
  const each = async ({ ask }: GraphQLApp, users: (string | undefined)[]) => {
    for (const user of users)
      expect(await ask('query Q { mine }', user === undefined ? {} : { 'x-user': user })).toEqual({
        data: { mine: user ?? null },
      });
  };

  it.each<OperationCacheOptions>([
    { scope: 'auto' },
    { scope: 'public' },
    { scope: 'private', identity: () => 'tenant' },
  ])('is nobody else’s with %p, which is said once', async (options) => {
    // The second time, what is private comes from the cache.
    await each(await start(options), ['ann', 'ann', 'bob', undefined, 'ann', undefined]);
    expect(WARNINGS).toEqual([expect.stringMatching(/^results of Q are not cached: a resolver.*'private'/)]);
  });

  it('is stored for whoever is the same to both', async () => {
    let executed = 0;
    const counting: ApolloServerPlugin = {
      requestDidStart: async () => ({ executionDidStart: async () => void executed++ }),
    };
    const app = await start({ scope: 'private', identity: asUser }, [counting]);
    await each(app, ['ann', 'bob', 'ann', 'bob']);
    expect(executed).toBe(2);
    expect(WARNINGS).toEqual([]);
  });
});

describe('those who wait are let go', () => {
  /** Counts who has come, and holds the first execution up, which then fails if it is to. */
  function holding(fails: boolean) {
    const seen = { arrived: 0, executed: 0 };
    const plugin: ApolloServerPlugin = {
      requestDidStart: async () => ({
        didResolveOperation: async () => void seen.arrived++,
        executionDidStart: async () => {
          if (++seen.executed > 1) return;
          await gate?.promise;
          if (fails) throw new Error('no execution');
        },
      }),
    };
    return { seen, plugin };
  }

  it.each([
    ['when the server fails', true, '{ items { id } }', 1],
    ['when the result is incomplete', false, '{ items { id broken } }', 3],
  ])('%s', async (_, fails, query, failed) => {
    const { seen, plugin } = holding(fails);
    const { ask } = await start({}, [plugin]);
    gate = new Deferred();
    const asked = Promise.all([1, 2, 3].map(() => ask(query)));
    await until(() => seen.arrived === 3);
    expect(seen.executed).toBe(1);
    gate.resolve();
    expect((await asked).filter(({ errors }) => errors !== undefined)).toHaveLength(failed);
    expect(seen.executed).toBeGreaterThan(1);
  });
});

it.each<[object | null, string, RegExp]>([
  [{ ttl: -1 }, 'CACHE_DURATION_INVALID', /ttl/],
  [{ tll: 1 }, 'CACHE_CONFIG_INVALID', /tll.*ttl/],
  [{ type: Item }, 'CACHE_CONFIG_INVALID', /type is not for operations/],
  [{ staleIfError: '1h' }, 'CACHE_CONFIG_INVALID', /staleIfError is not for operations: .*@CacheResolver/],
  [
    { loadTimeout: { hard: 1 } },
    'CACHE_CONFIG_INVALID',
    /loadTimeout is not for operations: .*@CacheResolver/,
  ],
  [{ negativeTtl: 1 }, 'CACHE_CONFIG_INVALID', /negativeTtl is not for operations/],
  [{ scope: 'private' }, 'CACHE_CONFIG_INVALID', /needs an identity/],
  [{ name: '' }, 'CACHE_CONFIG_INVALID', /name is ''.*1 to 128/],
  [{ tags: 'all' }, 'CACHE_ARGUMENT_INVALID', /tags must be an array/],
  [null, 'CACHE_CONFIG_INVALID', /options is null/],
])('%p is refused', async (options, code, message) => {
  const { cache } = await start();
  const error = await failure((async () => operationCache(cache, options as never))());
  expect(error).toMatchObject({ code, message: expect.stringMatching(message) });
});

it.each([undefined, null, {}, 'cache'])('%p is refused as a cache', async (cache) => {
  const error = await failure((async () => operationCache(cache as never))());
  expect(error).toMatchObject({ code: 'CACHE_CONFIG_INVALID', option: 'cache' });
  expect(error.message).toMatch(/inject: \[CacheManager\]/);
});
