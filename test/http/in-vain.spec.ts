// What is asked for and cannot be had is said, when the application starts; what was turned off pretends nothing.
import { Controller, Get, Injectable, Post, Put, Sse } from '@nestjs/common';
import { APP_INTERCEPTOR } from '@nestjs/core';
import { afterEach, describe, expect, it } from '@jest/globals';

import { CacheInterceptor, CacheModule } from '../../lib/compat/index.js';
import {
  CacheResponse,
  type CacheResponseOptions,
  InvalidatesResponses,
  type InvalidatesResponsesOptions,
  NoCache,
  ResponseCacheInterceptor,
  ResponseCacheModule,
} from '../../lib/http/index.js';
import { CacheResolver } from '../../lib/graphql/index.js';
import { ADAPTERS, HttpApp, Said } from './apps.js';

let app: HttpApp | undefined;
afterEach(async () => {
  await app?.close();
  app = undefined;
});

type Options = Parameters<typeof HttpApp.start>[2];

let runs = 0;

@Controller()
@CacheResponse({ ttl: '1h' })
class Things {
  @Get('read') read() {
    return { run: ++runs };
  }
  @Post('write') write() {
    return { run: ++runs };
  }
  @Post('meant') @CacheResponse({ ttl: '1m' }) meant() {
    return { run: ++runs };
  }
  @Sse('events') @CacheResponse({ ttl: '1m' }) events() {
    return [];
  }
}

it('options of a handler whose responses are not cached are pointed out once, those of its class are not', async () => {
  const said = new Said();
  app = await HttpApp.start('express', [Things], { logger: said });
  await app.send('POST', '/meant');
  await app.send('POST', '/meant');
  await app.send('POST', '/write');
  expect(said.warnings).toEqual([
    'the options of Things.meant have no effect: only responses to GET are cached, event streams aside',
    'the options of Things.events have no effect: only responses to GET are cached, event streams aside',
  ]);
});

@Controller()
class WithoutTtl {
  @Get('one') @CacheResponse({ scope: 'public' }) one() {
    return { run: ++runs };
  }
  @Get('off') @CacheResponse({ scope: 'public' }) @NoCache() off() {
    return { run: ++runs };
  }
}

const FOR_ALL = { provide: APP_INTERCEPTOR, useClass: ResponseCacheInterceptor };

it('options that nothing gives a lifetime are pointed out', async () => {
  const said = new Said();
  app = await HttpApp.start('express', [WithoutTtl], { logger: said });
  expect(said.warnings).toEqual([
    expect.stringMatching(/^the options of WithoutTtl\.one have no effect: nothing says for how long/),
  ]);
});

it.each([
  ['for all of an application', { providers: [FOR_ALL] }],
  ['by a decorator on what is no handler', { providers: [service()] }],
])('an interceptor that nothing tells for how long is pointed out: %s', async (_, { providers }) => {
  @Controller()
  class Plain {
    @Get('plain') plain() {
      return { run: ++runs };
    }
  }
  const said = new Said();
  app = await HttpApp.start('express', [Plain], { providers, logger: said });
  expect(said.warnings).toEqual([
    expect.stringMatching(/^ResponseCacheInterceptor caches nothing: nothing says for how long/),
  ]);
});

function service() {
  @Injectable()
  class Service {
    @CacheResponse({ ttl: '1m' }) read() {
      return { run: ++runs };
    }
  }
  return Service;
}

it.each([
  ['the application', { imports: [ResponseCacheModule.forRoot({ ttl: '1m' })] }],
  ['the responses', { imports: [ResponseCacheModule.forRoot({ freshness: 'origin' })] }],
  [
    'another interceptor',
    {
      cache: false,
      imports: [CacheModule.register({ isGlobal: true })],
      providers: [{ ...FOR_ALL, useClass: CacheInterceptor }],
    },
  ],
] as const)('%s may say how long', async (_, { imports, ...options }) => {
  const said = new Said();
  app = await HttpApp.start('express', [WithoutTtl], {
    ...options,
    imports: [...imports],
    logger: said,
  } as Options);
  expect(said.warnings).toEqual([]);
});

it('what holds for all of an application where nothing is cached is pointed out', async () => {
  @Controller()
  class Plain {
    @Get('plain') plain() {
      return { run: ++runs };
    }
  }
  const [said, heard] = [new Said(), new Said()];
  const imports = [ResponseCacheModule.forRoot({ ttl: '1m' })];
  app = await HttpApp.start('express', [Plain], { imports, logger: said });
  expect(said.warnings).toEqual([
    expect.stringMatching(
      /^the options of ResponseCacheModule have no effect: nothing is cached\. Add \{ provide: APP_INTERCEPTOR/,
    ),
  ]);
  await app.close();
  app = await HttpApp.start('express', [Plain], { imports, providers: [FOR_ALL], logger: heard });
  expect(heard.warnings).toEqual([]);
});

describe('names in lists, in which nothing is filled in', () => {
  const refused = (placeholder: string) => ({
    code: 'CACHE_DECORATOR_INVALID',
    message: expect.stringContaining(`nothing is filled in for ${placeholder} in '`),
  });

  it.each<[string, InvalidatesResponsesOptions]>([
    ['{id}', { tags: ['products', 'product:{id}'] }],
    ['{id}', { keys: ['product:{id}'] }],
    ['{product.id}', { patterns: ['product:{product.id}:*'] }],
    [':id', { paths: ['/products/:id/reviews'] }],
    ['{id}', { paths: ['/products/{id}'] }],
  ])('%s is refused in those that are invalidated: %j', (placeholder, options) => {
    const put = () => {
      class Products {
        @Put(':id') @InvalidatesResponses(options) put() {}
      }
      return Products;
    };
    expect(put).toThrow(expect.objectContaining(refused(placeholder)));
  });

  it('{id} is refused in tags of responses and of results', () => {
    expect(() => tagged(['product:{id}'])).toThrow(expect.objectContaining(refused('{id}')));
    const resolver = () => {
      class Products {
        @CacheResolver({ ttl: '1m', tags: ['product:{id}'] }) product() {}
      }
      return Products;
    };
    expect(resolver).toThrow(expect.objectContaining(refused('{id}')));
  });

  it('braces and colons that are no placeholders are as good as any', async () => {
    app = await HttpApp.start('express', [tagged(['{"a":1}', 'a:b', '{}', 'http://a:1/b', '/a:b'])]);
    const [one, two] = [await app.get('/tagged'), await app.get('/tagged')];
    expect([one.status, two.text]).toEqual([200, one.text]);
  });
});

it.each(ADAPTERS)(
  'a cache that is turned off tells clients nothing of what it does not do: %s',
  async (adapter) => {
    @Controller('off')
    class Off {
      @Get() @CacheResponse({ ttl: '1h', scope: 'public', maxAge: '1m' }) get() {
        return { run: ++runs };
      }
      @Post() @InvalidatesResponses({ tags: ['a'] }) post() {
        return { run: ++runs };
      }
    }
    app = await HttpApp.start(adapter, [Off], { cache: { enabled: false } });
    const [one, two] = [await app.get('/off'), await app.get('/off')];
    expect(two.text).not.toBe(one.text);
    expect(Object.keys(two.headers).filter((name) => /^(cache-|age|vary)/.test(name))).toEqual([]);
    expect((await app.send('POST', '/off')).status).toBe(201);
  },
);

const several = (count: number) => Array.from({ length: count }, (_, i) => `tag:${i}`);

const tagged = (tags: CacheResponseOptions['tags']) => {
  @Controller()
  class Tagged {
    @Get('tagged') @CacheResponse({ ttl: '1h', tags: tags! }) get() {
      return { run: ++runs };
    }
  }
  return Tagged;
};

it('lists of tags leave room for those that a response has of its own', async () => {
  app = await HttpApp.start('express', [tagged(several(125))]);
  const [one, two] = [await app.get('/tagged'), await app.get('/tagged')];
  expect([one.status, two.text]).toEqual([200, one.text]);
  expect(() => tagged(several(126))).toThrow(/126 tags are too many for a response: at most 125/);
});
