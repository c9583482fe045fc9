// In which caches something is invalidated, and by what a handler has returned, whoever else has to do with its responses.
import { Controller, Get, Injectable, Put, type Type, UseInterceptors } from '@nestjs/common';
import type { CallHandler, ExecutionContext, NestInterceptor } from '@nestjs/common';
import { APP_INTERCEPTOR } from '@nestjs/core';
import { map, type Observable } from 'rxjs';
import { afterEach, describe, expect, it } from '@jest/globals';

import {
  CacheInvalidationInterceptor,
  CacheResponse,
  InvalidatesResponses,
  ResponseCacheInterceptor,
  ResponseCacheModule,
} from '../../lib/http/index.js';
import { type CacheManager, CacheModule, getCacheToken } from '../../lib/index.js';
import { Deferred, settle } from '../support/deferred.js';
import { until } from '../support/until.js';
import { ADAPTERS, type AppOptions, HttpApp, insteadOfInvalidating, isHit, Said } from './apps.js';

/** Puts what handlers return into something else. */
@Injectable()
class Envelope implements NestInterceptor {
  intercept(_: ExecutionContext, next: CallHandler): Observable<unknown> {
    return next.handle().pipe(map((data: unknown) => ({ data })));
  }
}

@Controller('x')
@CacheResponse({ ttl: '1h' })
class Cached {
  @Get() get() {}
  @Put() @InvalidatesResponses({ cache: 'other', tags: ['tag'] }) put() {}
}

@Controller('x')
class CachedInPart {
  @Get() @CacheResponse({ ttl: '1h' }) get() {}
  @Put() @InvalidatesResponses({ cache: 'other', tags: ['tag'] }) put() {}
}

@Controller('x')
@CacheResponse({ ttl: '1h', cache: 'other' })
class CachedElsewhere {
  @Get() get() {}
  @Put() @InvalidatesResponses({ tags: ['tag'] }) put() {}
}

@Controller('x')
class NotCached {
  @Put() @InvalidatesResponses({ tags: ['tag'] }) put() {}
  @Put('plain') plain() {}
}

const forAll = (...interceptors: readonly Type<NestInterceptor>[]) =>
  interceptors.map((useClass) => ({ provide: APP_INTERCEPTOR, useClass }));

describe.each(ADAPTERS)('on %s', (adapter) => {
  let app: HttpApp;
  afterEach(() => app.close());

  const start = async (controller: Type, { imports = [], ...options }: AppOptions = {}): Promise<Said> => {
    const logger = new Said();
    const other = CacheModule.forRoot({ name: 'other' });
    app = await HttpApp.start(adapter, [controller], { imports: [other, ...imports], logger, ...options });
    return logger;
  };
  const other = () => app.app.get<CacheManager>(getCacheToken('other'));

  it.each<[string, Type, AppOptions]>([
    ['of its controller', Cached, {}],
    ['of the application', CachedInPart, { providers: forAll(CacheInvalidationInterceptor) }],
  ])('an address goes from the cache %s, whatever cache the decorator names', async (_, type, options) => {
    await start(type, options);
    await app.get('/x');
    expect(isHit(await app.get('/x'))).toBe(true);
    for (const cache of [app.cache, other()]) await cache.set('tagged', 1, { tags: ['tag'] });
    await app.send('PUT', '/x');
    expect(isHit(await app.get('/x'))).toBe(false);
    // What it names is for the one that it names.
    expect([await app.cache.has('tagged'), await other().has('tagged')]).toEqual([true, false]);
  });

  it.each<[string, Type<NestInterceptor>[]]>([
    ['nothing', []],
    ['CacheInvalidationInterceptor', [CacheInvalidationInterceptor]],
    ['ResponseCacheInterceptor', [ResponseCacheInterceptor]],
    ['both', [ResponseCacheInterceptor, CacheInvalidationInterceptor]],
  ])('functions are given what the handler has returned, with %s around', async (_, around) => {
    const results: unknown[] = [];
    @Controller('x')
    class Things {
      @Put()
      @InvalidatesResponses({ tags: (_request, result) => (results.push(result), ['tag']) })
      put() {
        return { id: 1 };
      }
    }
    await start(Things, {
      imports: [ResponseCacheModule.forRoot({ ttl: '1h' })],
      providers: forAll(...around, Envelope),
    });
    let calls = 0;
    insteadOfInvalidating(app.cache, (invalidate) => (calls++, invalidate()));
    expect((await app.send('PUT', '/x')).text).toBe('{"data":{"id":1}}');
    expect([results, calls]).toEqual([[{ id: 1 }], 1]);
  });

  it.each<[string, Type<NestInterceptor>[]]>([
    ['nothing', []],
    ['ResponseCacheInterceptor', [ResponseCacheInterceptor]],
    ['two of them', [ResponseCacheInterceptor, ResponseCacheInterceptor]],
  ])('so are those of tags, with %s around', async (_, around) => {
    const results: unknown[] = [];
    @Controller('x')
    @CacheResponse({ ttl: '1h' })
    class Things {
      @Get()
      @CacheResponse({ tags: (_request, result) => (results.push(result), ['tag']) })
      @UseInterceptors(Envelope)
      get() {
        return { id: 1 };
      }
    }
    await start(Things, {
      imports: [ResponseCacheModule.forRoot({ ttl: '1h' })],
      providers: forAll(...around, Envelope),
    });
    for (const hit of [false, true]) {
      const answer = await app.get('/x');
      expect([isHit(answer), answer.text]).toEqual([hit, '{"data":{"data":{"id":1}}}']);
    }
    expect(results).toEqual([{ id: 1 }]);
  });

  it('with responses in another cache there need not be a default one', async () => {
    const { errors } = await start(CachedElsewhere, { cache: false });
    await app.get('/x');
    expect(isHit(await app.get('/x'))).toBe(true);
    await other().set('tagged', 1, { tags: ['tag'] });
    await app.send('PUT', '/x');
    expect([isHit(await app.get('/x')), await other().has('tagged')]).toEqual([false, false]);
    expect(errors).toEqual([]);
  });

  it('one cache that cannot be told does not cost the other, and the answer waits for both', async () => {
    const { errors, reasons } = await start(CachedElsewhere);
    await app.get('/x');
    const gate = new Deferred<void>();
    insteadOfInvalidating(app.cache, () => Promise.reject(new Error('no Redis')));
    let begun = false;
    insteadOfInvalidating(other(), async (invalidate) => {
      begun = true;
      await gate.promise;
      return invalidate();
    });
    let isAnswered = false;
    const answer = app.send('PUT', '/x').then(() => (isAnswered = true));
    await until(() => begun);
    await settle();
    expect(isAnswered).toBe(false);
    gate.resolve();
    await answer;
    expect(isHit(await app.get('/x'))).toBe(false);
    expect([errors, reasons]).toEqual([
      ['PUT /x has succeeded, but not what it was to invalidate'],
      ['no Redis'],
    ]);
  });

  it('that there is no cache is said once, and requests are answered', async () => {
    const { errors } = await start(NotCached, {
      cache: false,
      providers: forAll(CacheInvalidationInterceptor),
    });
    for (const path of ['/x', '/x', '/x/plain']) expect((await app.send('PUT', path)).status).toBe(200);
    const none =
      "there is no cache without a name: import CacheModule.forRoot() in your application's module, or name another: cache: 'pages'";
    expect(errors).toEqual([
      `CacheInvalidationInterceptor invalidates nothing: ${none}`,
      `@InvalidatesResponses on NotCached.put invalidates nothing: ${none}`,
    ]);
  });
});
