// CacheInterceptor, @CacheKey and @CacheTTL: what they cached there, and no wrong answers.
import {
  type CallHandler,
  Controller,
  type ExecutionContext,
  Get,
  Headers,
  Injectable,
  Module,
  Param,
  Post,
  Query,
  UseInterceptors,
} from '@nestjs/common';
import { APP_INTERCEPTOR, HttpAdapterHost, Reflector } from '@nestjs/core';
import { afterEach, describe, expect, it } from '@jest/globals';

import {
  Cache,
  CACHE_KEY_METADATA,
  CACHE_MANAGER,
  CACHE_TTL_METADATA,
  CacheInterceptor,
  CacheKey,
  CacheModule,
  type CacheModuleOptions,
  CacheTTL,
} from '../../lib/compat/index.js';
import { CacheResponse, InvalidatesResponses, NoCache, ResponseCacheModule } from '../../lib/http/index.js';
import { CacheManager, CacheModule as TieredCacheModule } from '../../lib/index.js';
import { ADAPTERS, comparable, HttpApp, isHit } from '../http/apps.js';
import { Deferred } from '../support/deferred.js';
import { until } from '../support/until.js';

let calls = 0;

/** Of what is to expire, in milliseconds: long enough to be read before, on a machine that is busy, too. */
const SHORT = 500;

@Controller('items')
@UseInterceptors(CacheInterceptor)
class Items {
  @Get() list(@Query('page') page = '1') {
    return { page, run: ++calls };
  }

  @Get('featured') @CacheKey('featured') @CacheTTL(60_000) featured(@Query('page') page = '1') {
    return { page, run: ++calls };
  }

  @Get('brief') @CacheTTL(SHORT) brief() {
    return { run: ++calls };
  }

  @Get('of-each')
  @CacheResponse({ scope: 'private', identity: ({ headers }) => headers.authorization })
  @CacheTTL(60_000)
  ofEach(@Headers('authorization') who: string) {
    return { who, run: ++calls };
  }

  @Get('never') @NoCache() never() {
    return { run: ++calls };
  }

  @Get(':id') @CacheKey('item') show(@Param('id') id: string) {
    return { id, run: ++calls };
  }

  @Post(':id') @CacheKey('item') change(@Param('id') id: string) {
    return { id, run: ++calls };
  }
}

const running: HttpApp[] = [];
afterEach(async () => {
  await Promise.all(running.splice(0).map((app) => app.close()));
});

describe.each(ADAPTERS)('on %s', (adapter) => {
  async function start(options: CacheModuleOptions = {}, more: Parameters<typeof HttpApp.start>[2] = {}) {
    const imports = [CacheModule.register(options), ...(more.imports ?? [])];
    const http = await HttpApp.start(adapter, [Items], { cache: false, ...more, imports });
    running.push(http);
    const cache = http.app.get<Cache>(CACHE_MANAGER, { strict: false });
    const twice = async (path: string): Promise<'hit' | 'miss'> => {
      await http.get(path);
      return isHit(await http.get(path)) ? 'hit' : 'miss';
    };
    return { http, cache, twice };
  }

  it('caches GET by address and query, in any order', async () => {
    const { http } = await start();
    const miss = await http.get('/items?page=2&x=1');
    expect(miss.status).toBe(200);
    const hit = await http.get('/items?x=1&page=2');
    expect(isHit(hit)).toBe(true);
    expect(comparable(hit)).toEqual(comparable(miss));
    expect(JSON.parse((await http.get('/items?page=3')).text)).toMatchObject({ page: '3' });
  });

  it('keeps what has one name apart by address and query, and never answers a POST', async () => {
    const { http } = await start();
    for (const id of ['1', '2', '1', '2']) {
      expect(JSON.parse((await http.get(`/items/${id}`)).text)).toMatchObject({ id });
    }
    expect(isHit(await http.get('/items/1'))).toBe(true);
    for (const id of ['1', '2']) {
      expect(JSON.parse((await http.send('POST', `/items/${id}`)).text)).toMatchObject({ id });
    }
    // The one that was written to, and its like.
    expect(isHit(await http.get('/items/1'))).toBe(false);
    expect(JSON.parse((await http.get('/items/featured?page=2')).text)).toMatchObject({ page: '2' });
    expect(JSON.parse((await http.get('/items/featured?page=3')).text)).toMatchObject({ page: '3' });
  });

  it('forgets by del what has this name or path, whatever the query, and by clear everything', async () => {
    const { http, cache, twice } = await start();
    const paths = ['/items?page=1', '/items?page=2', '/items/1', '/items/2', '/items/featured'];
    const hits = async (): Promise<string[]> => {
      const found: string[] = [];
      for (const path of paths) if (isHit(await http.get(path))) found.push(path);
      return found;
    };
    for (const path of paths) expect(await twice(path)).toBe('hit');
    await cache.del('item');
    expect(await hits()).toEqual(['/items?page=1', '/items?page=2', '/items/featured']);
    await cache.del('/items?page=2');
    expect(await hits()).toEqual(['/items/1', '/items/2', '/items/featured']);
    await cache.mdel(['/items/2', 'featured']);
    expect(await hits()).toEqual(['/items?page=1', '/items?page=2', '/items/1']);
    await cache.clear();
    expect(await hits()).toEqual([]);
    expect(await hits()).toEqual(paths);
  });

  it('caches for milliseconds: of the handler, of the module, or for ever', async () => {
    const ends = (http: HttpApp, path: string): Promise<unknown> =>
      until(async () => !isHit(await http.get(path)), { what: `the end of ${path}` });
    const brief = await start();
    expect(await brief.twice('/items/brief')).toBe('hit');
    await ends(brief.http, '/items/brief');
    expect(await brief.twice('/items')).toBe('hit');
    const { http, twice } = await start({ ttl: SHORT });
    expect(await twice('/items')).toBe('hit');
    await ends(http, '/items');
    expect(await twice('/items/featured')).toBe('hit');
  });

  it('never gives one user the answer of another', async () => {
    const { http } = await start();
    await http.get('/items');
    for (const headers of [{ authorization: 'ada' }, { cookie: 'session=1' }]) {
      expect(isHit(await http.get('/items', headers))).toBe(false);
      expect(isHit(await http.get('/items', headers))).toBe(false);
    }
    for (const who of ['ada', 'bob', 'ada', 'bob']) {
      const { text } = await http.get('/items/of-each', { authorization: who });
      expect(JSON.parse(text)).toMatchObject({ who });
    }
    expect(isHit(await http.get('/items/of-each', { authorization: 'ada' }))).toBe(true);
  });

  it('leaves out what says @NoCache, and follows ResponseCacheModule', async () => {
    const { twice } = await start();
    expect(await twice('/items/never')).toBe('miss');
    const open = await start({}, { imports: [ResponseCacheModule.forRoot({ scope: 'public' })] });
    await open.http.get('/items', { cookie: 'a=1' });
    expect(isHit(await open.http.get('/items', { cookie: 'b=2' }))).toBe(true);
  });

  it('forgets by del what has tags of its own as well, and by these, wherever they come from', async () => {
    @Controller('tagged')
    @UseInterceptors(CacheInterceptor)
    class Tagged {
      @Get('alone') @CacheResponse({ tags: ['own'] }) alone() {
        return { run: ++calls };
      }
      @Get('above') @CacheResponse({ tags: ['own'] }) @CacheKey('name') above() {
        return { run: ++calls };
      }
      @Get('below') @CacheKey('name') @CacheResponse({ tags: () => ['own'] }) below() {
        return { run: ++calls };
      }
      @Get('plain') @CacheKey('name') plain() {
        return { run: ++calls };
      }
    }
    const http = await HttpApp.start(adapter, [Tagged], {
      cache: false,
      imports: [
        CacheModule.register(),
        ResponseCacheModule.forRoot({ tags: ['all'], tagField: 'Cache-Tag' }),
      ],
    });
    running.push(http);
    const cache = http.app.get<Cache>(CACHE_MANAGER, { strict: false });
    const manager = http.app.get(CacheManager, { strict: false });
    const paths = ['alone', 'above', 'below', 'plain'].map((name) => `/tagged/${name}`);
    const forgotten = async (forget: () => Promise<unknown>): Promise<string[]> => {
      for (const path of paths) await http.get(path);
      await forget();
      const isKept = await Promise.all(paths.map(async (path) => isHit(await http.get(path))));
      return paths.filter((_, i) => !isKept[i]);
    };
    for (const path of paths) expect(await forgotten(() => cache.del(path))).toEqual([path]);
    expect(await forgotten(() => cache.del('name'))).toEqual(paths.slice(1));
    expect(await forgotten(() => manager.invalidateTags(['own']))).toEqual(paths.slice(0, 3));
    expect(await forgotten(() => manager.invalidateTags(['all']))).toEqual(['/tagged/plain']);
    // Names are nobody else's business.
    expect((await http.get('/tagged/above')).headers['cache-tag']).toBe('own');
  });

  it('gives nobody who asks after del what was begun before', async () => {
    const gate = new Deferred<void>();
    const runs: number[] = [];
    @Controller('slow')
    @UseInterceptors(CacheInterceptor)
    class Slow {
      @Get() async slow() {
        const run = runs.push(runs.length);
        if (run === 1) await gate.promise;
        return { run };
      }
    }
    const http = await HttpApp.start(adapter, [Slow], { cache: false, imports: [CacheModule.register()] });
    running.push(http);
    const before = http.get('/slow');
    await until(() => runs.length === 1, { what: 'the first run' });
    await http.app.get<Cache>(CACHE_MANAGER, { strict: false }).del('/slow');
    const after = http.get('/slow');
    await until(() => runs.length === 2, { what: 'a run of its own' }).finally(() => gate.resolve());
    expect(JSON.parse((await after).text)).toEqual({ run: 2 });
    expect(JSON.parse((await before).text)).toEqual({ run: 1 });
    expect(JSON.parse((await http.get('/slow')).text)).toEqual({ run: 2 });
  });

  it('works for all of an application', async () => {
    @Controller('plain')
    class Plain {
      @Get() plain() {
        return { run: ++calls };
      }
    }
    const http = await HttpApp.start(adapter, [Plain], {
      cache: false,
      imports: [CacheModule.register({ isGlobal: true, ttl: 60_000 })],
      providers: [{ provide: APP_INTERCEPTOR, useClass: CacheInterceptor }],
    });
    running.push(http);
    await http.get('/plain');
    expect(isHit(await http.get('/plain'))).toBe(true);
  });

  it('uses the cache of its own module, where each has one', async () => {
    const runs = { first: 0, second: 0 };
    @Injectable()
    class First {
      constructor(readonly cache: Cache) {}
    }
    @Injectable()
    class Second {
      constructor(readonly cache: Cache) {}
    }
    @Controller('first')
    @UseInterceptors(CacheInterceptor)
    class FirstController {
      @Get() @CacheKey('it') first() {
        return { run: ++runs.first };
      }
      @Post() change() {}
      @Post('tagged') @InvalidatesResponses({ paths: ['/first'] }) changeTagged() {}
    }
    @Controller('second')
    @UseInterceptors(CacheInterceptor)
    class SecondController {
      @Get() @CacheKey('it') second() {
        return { run: ++runs.second };
      }
    }
    @Module({
      imports: [CacheModule.register({ ttl: 60_000 })],
      controllers: [FirstController],
      providers: [First],
    })
    class FirstModule {}
    @Module({
      imports: [CacheModule.register({ ttl: 50_000 })],
      controllers: [SecondController],
      providers: [Second],
    })
    class SecondModule {}
    const http = await HttpApp.start(adapter, [], { cache: false, imports: [FirstModule, SecondModule] });
    running.push(http);
    const [first, second] = [First, Second].map((type) => http.app.get(type, { strict: false }).cache);
    const ask = async (): Promise<object> => {
      for (const path of ['/first', '/second', '/first', '/second']) await http.get(path);
      return { ...runs };
    };
    expect(await ask()).toEqual({ first: 1, second: 1 });
    expect((await http.get('/first')).headers['cache-status']).toMatch(/ttl=(60|5[1-9])\b/);
    expect((await http.get('/second')).headers['cache-status']).toMatch(/ttl=(50|4\d)\b/);
    await first!.del('/first');
    expect(await ask()).toEqual({ first: 2, second: 1 });
    await second!.del('it');
    expect(await ask()).toEqual({ first: 2, second: 2 });
    await second!.del('/first');
    await first!.del('/second');
    expect(await ask()).toEqual({ first: 2, second: 2 });
    await http.send('POST', '/first');
    expect(await ask()).toEqual({ first: 3, second: 2 });
    await http.send('POST', '/first/tagged');
    expect(await ask()).toEqual({ first: 4, second: 2 });
    await second!.clear();
    expect(await ask()).toEqual({ first: 4, second: 3 });
  });

  it('gives subclasses what they know it by', async () => {
    const seen: unknown[] = [];
    @Injectable()
    class Counting extends CacheInterceptor {
      override intercept(context: ExecutionContext, next: CallHandler) {
        const { reflector, cacheManager, httpAdapterHost } = this;
        seen.push(reflector.get(CACHE_TTL_METADATA, context.getHandler()), cacheManager, httpAdapterHost);
        return super.intercept(context, next);
      }
    }
    @Controller('counted')
    @UseInterceptors(Counting)
    class Counted {
      @Get() @CacheTTL(60_000) get() {
        return { run: ++calls };
      }
    }
    const http = await HttpApp.start(adapter, [Counted], {
      cache: false,
      imports: [CacheModule.register()],
    });
    running.push(http);
    await http.get('/counted');
    expect(isHit(await http.get('/counted'))).toBe(true);
    const cache = http.app.get<Cache>(CACHE_MANAGER, { strict: false });
    expect(seen.slice(0, 3)).toEqual([60_000, cache, http.app.get(HttpAdapterHost)]);
  });

  class ByHeader extends CacheInterceptor {
    trackBy(context: ExecutionContext): string {
      return context.switchToHttp().getRequest<{ url: string }>().url;
    }
  }
  class ByField extends CacheInterceptor {
    trackBy = (): string => 'all';
  }
  class Posts extends CacheInterceptor {
    allowedMethods = ['GET', 'POST'];
  }
  class Selective extends CacheInterceptor {
    isRequestCacheable(): boolean {
      return false;
    }
  }
  class Headed extends CacheInterceptor {
    setHeadersWhenHttp(): void {}
  }

  it.each([
    [ByHeader, 'ByHeader.trackBy is not used: write @CacheResponse({ key'],
    [ByField, 'ByField.trackBy is not used'],
    [Posts, 'Posts.allowedMethods is not used: GET and HEAD alone'],
    [Selective, 'Selective.isRequestCacheable is not used: write @NoCache()'],
    [Headed, 'Headed.setHeadersWhenHttp is not used: the field Cache-Status'],
  ])('does not start with a subclass that overrides what is not used: %p', async (subclass, message) => {
    Injectable()(subclass);
    @Controller()
    @UseInterceptors(subclass)
    class Tracked {}
    const started = HttpApp.start(adapter, [Tracked], { cache: false, imports: [CacheModule.register()] });
    await expect(started).rejects.toMatchObject({
      code: 'CACHE_CONFIG_INVALID',
      message: expect.stringContaining(message),
    });
  });

  it('does not start beside a cache without a name of the other module', async () => {
    const imports = [CacheModule.register({ ttl: 2 }), TieredCacheModule.forRoot()];
    await expect(HttpApp.start(adapter, [Items], { cache: false, imports })).rejects.toMatchObject({
      code: 'CACHE_CONFIG_INVALID',
      message: expect.stringContaining('there is another cache without a name'),
    });
  });
});

describe('decorators', () => {
  it('write what Reflector reads there', () => {
    const reflector = new Reflector();
    expect(reflector.get(CACHE_KEY_METADATA, Items.prototype.featured)).toBe('featured');
    expect(reflector.get(CACHE_TTL_METADATA, Items.prototype.featured)).toBe(60_000);
    expect([CACHE_KEY_METADATA, CACHE_TTL_METADATA]).toEqual([
      'cache_module:cache_key',
      'cache_module:cache_ttl',
    ]);
  });

  const on = (decorate: () => ClassDecorator & MethodDecorator) => () => {
    class Broken {
      handler() {}
    }
    const descriptor = Object.getOwnPropertyDescriptor(Broken.prototype, 'handler')!;
    decorate()(Broken.prototype, 'handler', descriptor);
  };

  it.each([
    ['a key that is computed', on(() => CacheKey((() => 'a') as never)), '@CacheResponse({ key'],
    ['no key', on(() => CacheKey('')), 'is no name'],
    ['a ttl that is computed', on(() => CacheTTL((() => 1) as never)), "freshness: 'origin'"],
    ['a ttl with a unit', on(() => CacheTTL('5m' as never)), 'milliseconds'],
    ['a negative ttl', on(() => CacheTTL(-1)), '@CacheTTL on Broken.handler: ttl is -1: '],
  ])('refuse %s when the class is defined', (_, define, message) => {
    expect(define).toThrow(
      expect.objectContaining({
        code: 'CACHE_DECORATOR_INVALID',
        message: expect.stringContaining(message),
      }),
    );
  });
});
