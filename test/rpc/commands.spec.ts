// Which handlers are cached at all: requests of microservices may be commands, and each of those has to run.
import { All, Controller, Get, Post } from '@nestjs/common';
import { MessagePattern } from '@nestjs/microservices';
import { afterEach, beforeEach, describe, expect, it } from '@jest/globals';

import {
  CacheResponse,
  type CacheResponseOptions,
  InvalidatesResponses,
  NoCache,
} from '../../lib/http/index.js';
import { failure } from '../support/deferred.js';
import { closeRpcApps, rpcApp } from './rpc-apps.js';

let calls = 0;
beforeEach(() => void (calls = 0));
afterEach(closeRpcApps);

@Controller('orders')
@CacheResponse({ ttl: '1h', tags: ['of-the-class'] })
class Orders {
  @MessagePattern('pay') pay() {
    return ++calls;
  }
  @MessagePattern('list') @CacheResponse({ scope: 'public' }) list() {
    return ++calls;
  }
  @MessagePattern('cancel') @InvalidatesResponses({ tags: ['others'] }) cancel() {
    return ++calls;
  }
  @MessagePattern('off') @NoCache() @CacheResponse({}) off() {
    return ++calls;
  }
  @Get() page() {
    return { run: ++calls };
  }
  @Get('unsubscribe') @InvalidatesResponses({ tags: ['others'] }) unsubscribe() {
    return { run: ++calls };
  }
  @All('anything') @InvalidatesResponses({ tags: ['others'] }) anything() {
    return { run: ++calls };
  }
}

describe('options of a class, and of the application,', () => {
  it.each(['pay', 'cancel', 'off'])('do not make replies cached: %s', async (pattern) => {
    const { ask } = await rpcApp('pure', { controllers: [Orders], defaults: { ttl: '1h' } });
    expect([await ask(pattern, 5), await ask(pattern, 5)]).toEqual([[1], [2]]);
  });

  it('hold for handlers that have some of their own', async () => {
    const { ask, cache } = await rpcApp('pure', { controllers: [Orders] });
    expect([await ask('list', 5), await ask('list', 5)]).toEqual([[1], [1]]);
    await cache.invalidateTags(['of-the-class']);
    expect(await ask('list', 5)).toEqual([2]);
  });

  it('make responses cached beside them, but not of what invalidates', async () => {
    const { url } = await rpcApp('hybrid', { controllers: [Orders] });
    const get = async (path: string) =>
      ((await (await fetch(`${url}${path}`)).json()) as { run: number }).run;
    expect([await get('/orders'), await get('/orders')]).toEqual([1, 1]);
    for (const path of ['/orders/unsubscribe', '/orders/anything']) {
      const first = await get(path);
      expect([path, await get(path)]).toEqual([path, first + 1]);
    }
    expect(await get('/orders')).toBe(1);
  });
});

describe('a handler that is both cached and invalidates', () => {
  it.each<[string, MethodDecorator]>([
    ['@MessagePattern', MessagePattern('both')],
    ['@Get', Get()],
    ['@All', All()],
  ])('does not start with %s', async (_, kind) => {
    class Both {
      @CacheResponse({ ttl: '1h' }) @InvalidatesResponses({ tags: ['t'] }) both() {}
    }
    kind(Both.prototype, 'both', Object.getOwnPropertyDescriptor(Both.prototype, 'both')!);
    Controller()(Both);
    const error = await failure(rpcApp('pure', { controllers: [Both] }));
    expect(error).toMatchObject({
      code: 'CACHE_DECORATOR_INVALID',
      message: expect.stringMatching(/^Both\.both is both cached and @InvalidatesResponses/),
    });
  });

  it('starts where there is nothing to cache', async () => {
    @Controller()
    class Posts {
      @Post() @CacheResponse({ ttl: '1h' }) @InvalidatesResponses({ tags: ['t'] }) post() {
        return { run: ++calls };
      }
    }
    const { url } = await rpcApp('hybrid', { controllers: [Posts] });
    for (const run of [1, 2]) expect(await (await fetch(url, { method: 'POST' })).json()).toEqual({ run });
  });
});

describe('options that are about HTTP', () => {
  const HTTP: CacheResponseOptions = {
    query: ['a'],
    vary: ['x-a'],
    hosts: ['a.example'],
    key: () => 'one',
    negativeTtl: 1,
    maxBodySize: '1kb',
    maxAge: 1,
    sharedMaxAge: 1,
    tagField: false,
    freshness: 'origin',
  };

  it.each(Object.keys(HTTP) as (keyof CacheResponseOptions)[])('%s ends the start', async (name) => {
    @Controller()
    class Prices {
      @MessagePattern('price') @CacheResponse({ ttl: '1h', [name]: HTTP[name] }) price() {}
    }
    expect(await failure(rpcApp('pure', { controllers: [Prices] }))).toMatchObject({
      code: 'CACHE_DECORATOR_INVALID',
      message: expect.stringContaining(
        `@CacheResponse on Prices.price: a reply of a microservice has no ${name}`,
      ),
    });
  });

  it('hold for routes alone, where a handler is one, too, or its class says so', async () => {
    @Controller()
    @CacheResponse(HTTP)
    class Prices {
      @MessagePattern('own') @CacheResponse({ ttl: '1h' }) own() {
        return ++calls;
      }
      @Get() @MessagePattern('both') @CacheResponse({ ...HTTP, ttl: '1h' }) both() {
        return ++calls;
      }
      @MessagePattern('without-ttl') @CacheResponse({ tags: ['t'] }) withoutTtl() {
        return ++calls;
      }
    }
    const { ask } = await rpcApp('pure', { controllers: [Prices], defaults: { freshness: 'origin' } });
    for (const [pattern, first] of [
      ['own', 1],
      ['both', 3],
    ] as const) {
      const asked = [await ask(pattern, 1), await ask(pattern, 1), await ask(pattern, 2)];
      expect(asked).toEqual([[first], [first], [first + 1]]);
    }
    // There is no response that could say for how long.
    expect([await ask('without-ttl', 1), await ask('without-ttl', 1)]).toEqual([[5], [6]]);
  });
});
