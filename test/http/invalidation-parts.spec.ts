// What can be invalidated is, whatever else a handler's options name.
import { Controller, Get, Post, Put, Res, StreamableFile } from '@nestjs/common';
import { Readable } from 'node:stream';
import { APP_INTERCEPTOR } from '@nestjs/core';
import { afterEach, describe, expect, it } from '@jest/globals';

import {
  CacheInvalidationInterceptor,
  CacheResponse,
  type Invalidated,
  InvalidatesResponses,
  type InvalidatesResponsesOptions,
  ResponseCacheInterceptor,
  ResponseCacheModule,
} from '../../lib/http/index.js';
import { CacheModule } from '../../lib/index.js';
import { failure } from '../support/deferred.js';
import { ADAPTERS, type AnyResponse, HttpApp, isHit, Said } from './apps.js';

const failing = () => {
  throw new TypeError('no such thing');
};
const of = (given: unknown): Invalidated => (() => given) as Invalidated;
const FAILED = 'PUT /x has succeeded, but not what it was to invalidate';

describe.each(ADAPTERS)('on %s', (adapter) => {
  let app: HttpApp;
  afterEach(() => app.close());

  it.each<[string, InvalidatesResponsesOptions, string]>([
    ['tags that throw', { tags: failing }, 'tags: no such thing'],
    [
      'tags that are none',
      { tags: of(undefined) },
      'tags: the function gave undefined: return a list of strings',
    ],
    [
      'tags in a promise',
      { tags: of(Promise.resolve([])) },
      'tags: the function gave an object: return a list of strings',
    ],
    [
      'a tag that is none',
      { tags: of(['', 'tag']) },
      "tags: a tag must be a well-formed string of 1 to 1024 characters, not ''",
    ],
    ['keys that throw', { keys: failing }, 'keys: no such thing'],
    [
      'a key that is none',
      { keys: of([1, 'key']) },
      'keys: a key must be a string of 1 to 1024 characters, not 1',
    ],
    ['patterns that throw', { patterns: failing }, 'patterns: no such thing'],
    [
      'a pattern that is none',
      { patterns: of(['', 'pat*']) },
      'patterns: a pattern must be a well-formed string of 1 to 1024 characters',
    ],
    ['paths that throw', { paths: failing }, 'paths: no such thing'],
    [
      'a path that is none',
      { paths: of(['products', '/y']) },
      "paths: a path must be a string that begins with a slash, as '/products', not 'products'",
    ],
  ])('%s', async (name, options, reason) => {
    const all: InvalidatesResponsesOptions = {
      tags: ['tag'],
      keys: ['key'],
      patterns: ['pat*'],
      paths: ['/y'],
    };
    @Controller()
    class Things {
      @Get(['x', 'y']) @CacheResponse({ ttl: '1h' }) get() {}
      @Put('x') @InvalidatesResponses({ ...all, ...options }) put() {}
    }
    const logger = new Said();
    app = await HttpApp.start(adapter, [Things], { logger });
    await app.get('/x');
    await app.get('/y');
    await app.cache.set('tagged', 1, { tags: ['tag'] });
    await app.cache.set('key', 1);
    await app.cache.set('pattern', 1);
    expect((await app.send('PUT', '/x')).status).toBe(200);
    expect([logger.errors, logger.reasons]).toEqual([[FAILED], [reason]]);
    const left = {
      x: isHit(await app.get('/x')),
      y: isHit(await app.get('/y')),
      tagged: await app.cache.has('tagged'),
      key: await app.cache.has('key'),
      pattern: await app.cache.has('pattern'),
    };
    // Whatever function there was gave nothing, or all that was asked of it besides what is wrong.
    const lost = { tags: 'tagged', keys: 'key', patterns: 'pattern', paths: 'y' }[reason.split(':')[0]!]!;
    const gaveTheRest = name.startsWith('a ');
    expect(left).toEqual({ x: false, y: false, tagged: false, key: false, pattern: false, ...(!gaveTheRest && { [lost]: true }) }); // prettier-ignore
  });
});

it.each(ADAPTERS)('what invalidates runs each time, and is no hit: on %s', async (adapter) => {
  const results: unknown[] = [];
  @Controller('x')
  class Things {
    @Get()
    @InvalidatesResponses({ tags: (_, result) => (results.push(result), ['tag']) })
    get() {
      return `run ${results.length + 1}`;
    }
    @Put()
    @InvalidatesResponses({ tags: (_, result) => (results.push(result), ['tag']) })
    put() {
      return 'put';
    }
  }
  const app = await HttpApp.start(adapter, [Things], {
    imports: [ResponseCacheModule.forRoot({ ttl: '1h' })],
    // The first is around the second.
    providers: [CacheInvalidationInterceptor, ResponseCacheInterceptor].map((useClass) => ({
      provide: APP_INTERCEPTOR,
      useClass,
    })),
  });
  try {
    await app.get('/x');
    expect(results).toEqual(['run 1']);
    await app.cache.set('tagged', 1, { tags: ['tag'] });
    expect(isHit(await app.get('/x'))).toBe(false);
    expect(results).toEqual(['run 1', 'run 2']);
    expect(await app.cache.has('tagged')).toBe(false);
    await app.send('PUT', '/x');
    expect(results).toEqual(['run 1', 'run 2', 'put']);
  } finally {
    await app.close();
  }
});

it.each(ADAPTERS)('what is in two caches goes from both: on %s', async (adapter) => {
  @Controller('x')
  @CacheResponse({ ttl: '1h', cache: 'other' })
  class Things {
    @Get() get() {}
    @Put() @InvalidatesResponses({ tags: ['tag'] }) put(@Res() response: AnyResponse) {
      response.send('body');
      throw new Error('late');
    }
    @Post() @InvalidatesResponses({ tags: ['tag'] }) post() {
      return new StreamableFile(Readable.from(['bo', 'dy']));
    }
  }
  const imports = [CacheModule.forRoot({ name: 'other' })];
  const app = await HttpApp.start(adapter, [Things], { imports, logger: new Said() });
  try {
    for (const method of ['PUT', 'POST']) {
      await app.get('/x');
      await app.cache.set('tagged', 1, { tags: ['tag'] });
      expect(await app.send(method, '/x')).toMatchObject({ text: 'body' });
      expect(await app.cache.has('tagged')).toBe(false);
      expect(isHit(await app.get('/x'))).toBe(false);
    }
  } finally {
    await app.close();
  }
});

it.each(ADAPTERS)('a cache that does not exist is an error at start: on %s', async (adapter) => {
  class Base {
    @Put() @InvalidatesResponses({ cache: 'nope' }) put() {}
  }
  @Controller('x')
  class Things extends Base {}
  const start = failure(HttpApp.start(adapter, [Things], { logger: new Said() }));
  expect(await start).toMatchObject({
    code: 'CACHE_CONFIG_INVALID',
    option: 'Things.put',
    message:
      "@InvalidatesResponses on Things.put: there is no such cache: import CacheModule.forRoot({ name: 'nope' }) in your application's module",
  });
});
