// What caches by URL and value get wrong: users, queries, crowds, statuses, streams, mutations, hidden fields, other transports.
import { from } from 'rxjs';
import {
  ClassSerializerInterceptor,
  Controller,
  Get,
  Header,
  HttpCode,
  Param,
  Post,
  type Provider,
  Query,
  Req,
  Res,
  Sse,
  type Type,
} from '@nestjs/common';
import { APP_INTERCEPTOR } from '@nestjs/core';
import { Field, Int, ObjectType, Query as GraphQLQuery, ResolveField, Resolver, Root } from '@nestjs/graphql';
import { MessagePattern, Payload } from '@nestjs/microservices';
import { ExpressAdapter } from '@nestjs/platform-express';
import { FastifyAdapter } from '@nestjs/platform-fastify';
import { afterEach, beforeEach, describe, expect, it } from '@jest/globals';
import { Exclude } from 'class-transformer';

import { CacheResponse, ResponseCacheInterceptor, ResponseCacheModule } from '../../lib/http/index.js';
import { closeGraphQLApps, graphqlApp, WARNINGS } from '../graphql/graphql-apps.js';
import { closeRpcApps, rpcApp, SILENT } from '../rpc/rpc-apps.js';
import { Deferred } from '../support/deferred.js';
import { NEST_MAJOR, SINCE_NEST_12 } from '../support/nest-major.js';
import { until } from '../support/until.js';
import { type AnyResponse, ADAPTERS, comparable, HttpApp, isHit } from './apps.js';

interface AnyRequest {
  headers: Record<string, string | undefined>;
}

let calls = 0;
let gate: Deferred<void> | undefined;

class Account {
  constructor(
    readonly name: string,
    readonly run: number,
    readonly password: string,
  ) {}
}
Exclude()(Account.prototype, 'password');

/** Not a word of caching: it is all up to the application. */
@Controller()
class Everything {
  @Get('me') me(@Req() { headers }: AnyRequest) {
    return { run: ++calls, who: headers['authorization'] ?? headers['cookie'] ?? 'nobody' };
  }
  @Get('search') search(@Query() query: unknown) {
    calls++;
    return query;
  }
  @Get('slow') async slow() {
    calls++;
    await gate?.promise;
    return { run: calls };
  }
  @Get('status') @HttpCode(203) @Header('X-Own', 'yes') status() {
    return { run: ++calls };
  }
  @Get('res') res(@Res() response: AnyResponse) {
    response.status(203).send({ run: ++calls });
    return { run: -1 };
  }
  @Get('web') web() {
    return new Response(`run ${++calls}`, { status: 203, headers: { 'x-own': 'yes' } });
  }
  @Get('generator') async *generator() {
    yield `run ${++calls}`;
    yield ' and more';
  }
  @Sse('events') events() {
    calls++;
    return from([{ data: 'one' }, { data: 'two' }, { data: 'three' }]);
  }
  @Post('orders') order() {
    return { order: ++calls };
  }
  @Get('item/:id') item(@Param('id') id: string) {
    return { id, run: ++calls };
  }
  @Get('null') null() {
    calls++;
    return null;
  }
  @Get('account') account() {
    return new Account('Ada', ++calls, 'secret');
  }
}

@Controller('keyed')
class Keyed {
  @Post('orders')
  @CacheResponse({ ttl: '1h', scope: 'public', key: () => 'orders' })
  order() {
    return { order: ++calls };
  }
  @Get('item/:id')
  @CacheResponse({ ttl: '1h', key: ({ params }) => params['id']! })
  item(@Param('id') id: string) {
    return { id, run: ++calls };
  }
}

/** The routes that say more than JSON; on Nest 11 only those that it knows. */
const WRITTEN = ['status', 'res', ...(NEST_MAJOR < 12 ? [] : SINCE_NEST_12)];

const GLOBAL: Provider = { provide: APP_INTERCEPTOR, useClass: ResponseCacheInterceptor };
const SERIALIZER: Provider = { provide: APP_INTERCEPTOR, useClass: ClassSerializerInterceptor };

beforeEach(() => {
  calls = 0;
  gate = undefined;
});

describe.each(ADAPTERS)('under an interceptor for all of the application, on %s', (adapter) => {
  let app: HttpApp;
  const start = async (providers: Provider[] = [GLOBAL], controllers: Type[] = [Everything, Keyed]) => {
    app = await HttpApp.start(adapter, controllers, {
      imports: [ResponseCacheModule.forRoot({ ttl: '1h' })],
      providers,
    });
  };
  afterEach(() => app.close());

  it.each(['authorization', 'cookie'])('/me is not for others: %s', async (field) => {
    await start();
    for (const [who, run] of [
      ['ada=1', 1],
      ['bob=2', 2],
      ['ada=1', 3],
    ] as const) {
      expect(JSON.parse((await app.get('/me', { [field]: who })).text)).toEqual({ run, who });
    }
    // Nor is that of nobody for somebody.
    expect(JSON.parse((await app.get('/me')).text)).toEqual({ run: 4, who: 'nobody' });
    expect(JSON.parse((await app.get('/me', { [field]: 'ada=1' })).text)).toEqual({ run: 5, who: 'ada=1' });
    expect(isHit(await app.get('/me'))).toBe(true);
  });

  it('the order of a query does not matter, its values do', async () => {
    await start();
    const miss = await app.get('/search?a=1&b=2');
    const hit = await app.get('/search?b=2&a=1');
    expect(comparable(hit)).toEqual(comparable(miss));
    expect(calls).toBe(1);
    expect((await app.get('/search?a=2&b=1')).text).toBe('{"a":"2","b":"1"}');
    // Several values of one name are a list, whose order is for the handler.
    expect((await app.get('/search?a=1&a=2')).text).toBe('{"a":["1","2"]}');
    expect((await app.get('/search?a=2&a=1')).text).toBe('{"a":["2","1"]}');
    expect(calls).toBe(4);
  });

  it('50 concurrent misses are one call', async () => {
    await start();
    gate = new Deferred();
    const asked = Promise.all(Array.from({ length: 50 }, () => app.get('/slow')));
    await until(() => calls > 0);
    gate.resolve();
    const answers = await asked;
    expect(new Set(answers.map(({ text }) => text))).toEqual(new Set(['{"run":1}']));
    expect(answers.filter(({ headers }) => String(headers['cache-status']).includes('stored'))).toHaveLength(
      1,
    );
    expect(calls).toBe(1);
  });

  it.each(WRITTEN)('a hit is the miss: %s', async (path) => {
    await start();
    const miss = await app.get(`/${path}`);
    const hit = await app.get(`/${path}`);
    expect(comparable(hit)).toEqual(comparable(miss));
    expect([isHit(miss), isHit(hit), calls]).toEqual([false, true, 1]);
    expect(miss.status).toBe(path === 'generator' ? 200 : 203);
    expect(miss.headers['x-own']).toBe(['status', 'web'].includes(path) ? 'yes' : undefined);
    expect(miss.text).toContain('1');
  });

  it.each(SINCE_NEST_12)('is what it is without a cache, whether Nest knows it or not: %s', async (path) => {
    await start([]);
    const plain = await app.get(`/${path}`);
    await app.close();
    calls = 0;
    await start();
    for (const hit of [false, true]) {
      const answer = await app.get(`/${path}`);
      expect([isHit(answer), answer.status, answer.text]).toEqual([hit, plain.status, plain.text]);
      expect(answer.headers['content-type']).toBe(plain.headers['content-type']);
    }
  });

  it('events go through as they come, each time anew', async () => {
    await start();
    for (const run of [1, 2]) {
      const { text, headers } = await app.get('/events');
      expect(text.match(/data: \w+/g)).toEqual(['data: one', 'data: two', 'data: three']);
      expect(headers['content-type']).toMatch(/^text\/event-stream/);
      expect(headers['cache-status']).toBeUndefined();
      expect(calls).toBe(run);
    }
  });

  it.each(['/orders', '/keyed/orders'])('no POST is swallowed: %s', async (path) => {
    await start();
    for (const order of [1, 2, 3]) {
      const { status, text, headers } = await app.send('POST', path);
      expect([status, JSON.parse(text), headers['cache-status']]).toEqual([201, { order }, undefined]);
    }
  });

  it.each(['/item', '/keyed/item'])('an item is not another: %s/:id', async (path) => {
    await start();
    const ids = ['1', '2', '1', '2'];
    const found = [];
    for (const id of ids) found.push(JSON.parse((await app.get(`${path}/${id}`)).text));
    expect(found).toEqual([
      { id: '1', run: 1 },
      { id: '2', run: 2 },
      { id: '1', run: 1 },
      { id: '2', run: 2 },
    ]);
  });

  it('null is an answer, and HEAD that of a GET', async () => {
    await start();
    const miss = await app.get('/null');
    expect(comparable(await app.get('/null'))).toEqual(comparable(miss));
    expect(calls).toBe(1);
    const head = await app.send('HEAD', '/null');
    const { fields, status } = comparable(miss) as { fields: string[]; status: number };
    expect(comparable(head)).toEqual({ fields, status, bytes: '' });
    expect([isHit(head), calls]).toEqual([true, 1]);
  });

  it.each([
    ['outside', [SERIALIZER, GLOBAL]],
    ['inside', [GLOBAL, SERIALIZER]],
  ])('hidden fields stay hidden, with the serializer %s', async (_, providers) => {
    await start(providers);
    const texts = [await app.get('/account'), await app.get('/account')].map(({ text }) => text);
    expect(texts).toEqual(Array(2).fill('{"name":"Ada","run":1}'));
  });
});

@ObjectType()
class Book {
  @Field(() => Int) id!: number;
  @Field(() => String) title!: string;
}

@Resolver(() => Book)
class Books {
  @GraphQLQuery(() => [Book]) books() {
    calls++;
    return [{ id: 1 }, { id: 2 }];
  }
  @ResolveField(() => String) title(@Root() { id }: Book) {
    calls++;
    return `Volume ${id}`;
  }
}

const MAKE = { express: () => new ExpressAdapter(), fastify: () => new FastifyAdapter() };

describe.each(ADAPTERS)('GraphQL under an interceptor for all of the application, on %s', (adapter) => {
  afterEach(closeGraphQLApps);

  it('is left alone, and that is said once', async () => {
    const { ask } = await graphqlApp({
      providers: [Books, GLOBAL],
      defaults: { ttl: '1h' },
      adapter: MAKE[adapter](),
    });
    for (const run of [1, 2]) {
      expect(await ask('{ books { id title } }')).toEqual({
        data: {
          books: [
            { id: 1, title: 'Volume 1' },
            { id: 2, title: 'Volume 2' },
          ],
        },
      });
      expect(calls).toBe(3 * run);
    }
    expect(WARNINGS.filter((text) => text.includes('graphql'))).toEqual([
      expect.stringMatching(/type 'graphql' are not cached by ResponseCacheInterceptor/),
    ]);
  });
});

@Controller()
class Sums {
  @MessagePattern('sum')
  @CacheResponse({ ttl: '1h' })
  sum(@Payload() numbers: number[]) {
    calls++;
    return numbers.reduce((one, other) => one + other, 0);
  }
  @MessagePattern('next')
  next() {
    return ++calls;
  }
  @Get('next') page() {
    return { run: ++calls };
  }
}

const BESIDE = ['nothing', ...ADAPTERS] as const;

describe.each(BESIDE)('RPC beside %s', (beside) => {
  afterEach(closeRpcApps);

  it('is cached by its payload where that is asked for, and only there', async () => {
    const [kind, adapter] =
      beside === 'nothing' ? (['pure'] as const) : (['hybrid', MAKE[beside]()] as const);
    const { ask, url } = await rpcApp(kind, { controllers: [Sums], defaults: { ttl: '1h' }, adapter });
    const answers = [];
    for (const numbers of [[1, 2], [3, 4], [1, 2]]) answers.push(...(await ask('sum', numbers))); // prettier-ignore
    expect(answers).toEqual([3, 7, 3]);
    expect(calls).toBe(2);
    // A command, for all anybody knows, though there is a ttl for all of the application.
    expect([...(await ask('next', 0)), ...(await ask('next', 0))]).toEqual([3, 4]);
    expect(SILENT.warnings).toEqual([]);
    if (kind === 'pure') return;
    for (let i = 0; i < 2; i++) expect(await (await fetch(`${url}/next`)).json()).toEqual({ run: 5 });
  });
});
