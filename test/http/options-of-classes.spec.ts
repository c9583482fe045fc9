// The options of a class are for its routes that are cached, and need to be complete for those alone.
import { Controller, Get, Put } from '@nestjs/common';
import { afterEach, expect, it } from '@jest/globals';

import { CacheResponse } from '../../lib/http/index.js';
import { failure } from '../support/deferred.js';
import { ADAPTERS, HttpApp, isHit, Said } from './apps.js';

let app: HttpApp | undefined;
afterEach(async () => {
  await app?.close();
  app = undefined;
});

@CacheResponse({ ttl: '1h', scope: 'private' })
class Base {
  @Get('inherited') @CacheResponse({ identity: () => 'ada' }) inherited() {
    return this.name();
  }
  @Put() put() {}
  name() {
    return 'a helper';
  }
}

it.each(ADAPTERS)('each route completes them, and what is no such route need not: on %s', async (adapter) => {
  @Controller('x')
  @CacheResponse({ ttl: '1h', scope: 'private' })
  class Things extends Base {
    @Get('own') @CacheResponse({ identity: () => 'ada' }) own() {
      return this.name();
    }
  }
  app = await HttpApp.start(adapter, [Things]);
  for (const path of ['/x/inherited', '/x/own']) {
    expect((await app.get(path)).text).toBe('a helper');
    expect(isHit(await app.get(path))).toBe(true);
  }
});

it.each(ADAPTERS)('a route that does not is an error at start: on %s', async (adapter) => {
  @Controller('x')
  @CacheResponse({ ttl: '1h', scope: 'private' })
  class Things {
    @Get() get() {}
  }
  expect(await failure(HttpApp.start(adapter, [Things], { logger: new Said() }))).toMatchObject({
    code: 'CACHE_CONFIG_INVALID',
    option: 'Things.get',
  });
});
