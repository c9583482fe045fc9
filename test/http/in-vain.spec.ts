// What is asked for and cannot be had is said, when the application starts; what was turned off pretends nothing.
import { Controller, Get, Post } from '@nestjs/common';
import { afterEach, expect, it } from '@jest/globals';

import { CacheResponse, type CacheResponseOptions, InvalidatesResponses } from '../../lib/http/index.js';
import { ADAPTERS, HttpApp, Said } from './apps.js';

let app: HttpApp | undefined;
afterEach(async () => {
  await app?.close();
  app = undefined;
});

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
}

it('options of a handler whose responses are not cached are pointed out once, those of its class are not', async () => {
  const said = new Said();
  app = await HttpApp.start('express', [Things], { logger: said });
  await app.send('POST', '/meant');
  await app.send('POST', '/meant');
  await app.send('POST', '/write');
  expect(said.warnings).toEqual([
    'the options of Things.meant have no effect: only responses to GET are cached',
  ]);
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
