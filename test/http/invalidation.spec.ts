// What responses that succeed make unusable, and when.
import {
  Body,
  ConflictException,
  Controller,
  Delete,
  Get,
  Header,
  HttpCode,
  Injectable,
  Param,
  Patch,
  Post,
  type Provider,
  Put,
  Redirect,
  Res,
  StreamableFile,
} from '@nestjs/common';
import { APP_INTERCEPTOR } from '@nestjs/core';
import { Readable } from 'node:stream';
import { afterEach, beforeEach, describe, expect, it } from '@jest/globals';

import {
  CacheInvalidationInterceptor,
  CacheResponse,
  InvalidatesResponses,
  ResponseCacheInterceptor,
  ResponseCacheModule,
} from '../../lib/http/index.js';
import { CacheModule, getCacheToken, InvalidatesCache } from '../../lib/index.js';
import type { CacheManager } from '../../lib/index.js';
import { Deferred, settle } from '../support/deferred.js';
import { until } from '../support/until.js';
import { type AnyResponse, ADAPTERS, HttpApp, insteadOfInvalidating, isHit, Said } from './apps.js';

let calls = 0;
let results: unknown[] = [];

@Injectable()
class Things {
  @InvalidatesCache({ tags: ['thing:{id}'] })
  async change(id: string) {
    calls += id.length;
  }
}

@Controller('things')
class Pages {
  constructor(private readonly things: Things) {}

  @Get()
  @CacheResponse({ ttl: '1h' })
  list() {
    return { run: ++calls };
  }
  @Get('mine')
  @CacheResponse({ ttl: '1h', scope: 'private', identity: ({ headers }) => headers['x-user'] as string })
  mine() {
    return { run: ++calls };
  }
  @Get('language')
  @CacheResponse({ ttl: '1h' })
  @Header('Vary', 'Accept-Language')
  language() {
    return { run: ++calls };
  }
  @Get(':id')
  @CacheResponse({ ttl: '1h', tags: ({ params }) => [`thing:${params['id']}`, 'things'] })
  one(@Param('id') id: string) {
    return { id, run: ++calls };
  }

  @Post() create(@Body() { at }: { at?: string }, @Res({ passthrough: true }) response: AnyResponse) {
    if (at !== undefined) (response.raw ?? response).setHeader('Location', at);
  }
  @Put('see-other') @Redirect('/things/1', 303) seeOther() {}
  @Post('content') @Header('Content-Location', '2?as=text') content() {}
  @Put('mine') putMine() {}
  @Put('language') putLanguage() {}
  @Put(':id') put() {}
  @Patch(':id') patch(@Res() response: AnyResponse) {
    response.status(200).send('changed');
  }
  @Delete(':id') @HttpCode(204) remove() {}

  @Post(':id/refused') refused() {
    throw new ConflictException();
  }
  @Post(':id/broken') broken() {
    throw new Error('broken');
  }
  @Put('written/:status') written(@Param('status') status: string, @Res() response: AnyResponse) {
    response.status(Number(status)).send('');
  }
  @Get('written/:status') @CacheResponse({ ttl: '1h' }) writtenPage() {
    return { run: ++calls };
  }

  @Post('service/:id') service(@Param('id') id: string) {
    return this.things.change(id);
  }
}

@Controller('named')
class Named {
  @Post('tags/:id') @InvalidatesResponses({ tags: ['thing:1'] }) tags() {}
  @Post('tags-of/:id')
  @InvalidatesResponses({ tags: ({ params }, result) => (results.push(result), [`thing:${params['id']}`]) })
  tagsOf() {
    return { is: 'the result' };
  }
  @Post('paths') @InvalidatesResponses({ paths: ['/things/1'] }) paths() {}
  @Post('paths-of')
  @InvalidatesResponses({ paths: (_, result) => [(result as { at: string }).at] })
  pathsOf() {
    return { at: '/things/1' };
  }
  @Post('keys') @InvalidatesResponses({ keys: ['some:key'] }) keys() {}
  @Post('keys-of') @InvalidatesResponses({ keys: () => ['some:key'] }) keysOf() {}
  @Post('patterns') @InvalidatesResponses({ patterns: ['some:*'] }) patterns() {}
  @Post('patterns-of') @InvalidatesResponses({ patterns: () => ['so*ey'] }) patternsOf() {}
  /** A safe method that is none: it changes something. */
  @Get('get') @InvalidatesResponses({ tags: ['thing:1'] }) get() {
    return 'done';
  }
  @Post('refused') @InvalidatesResponses({ tags: ['thing:1'] }) refused() {
    throw new ConflictException();
  }
  @Post('stream') @InvalidatesResponses({ tags: ['thing:1'] }) stream() {
    return new StreamableFile(Readable.from([Buffer.from('in '), Buffer.from('pieces')]));
  }
  @Post('own') @InvalidatesResponses({ tags: ['thing:1'] }) own(@Res() response: AnyResponse) {
    response.status(201).send('own');
  }
  @Post('wrong') @InvalidatesResponses({ tags: () => [''] }) wrong() {
    return 'done';
  }
  @Post('elsewhere') @InvalidatesResponses({ tags: ['thing:1'], cache: 'other' }) elsewhere() {}
}

const GLOBAL_CACHE: Provider = { provide: APP_INTERCEPTOR, useClass: ResponseCacheInterceptor };
const GLOBAL_INVALIDATION: Provider = { provide: APP_INTERCEPTOR, useClass: CacheInvalidationInterceptor };

describe.each(ADAPTERS)('on %s', (adapter) => {
  let app: HttpApp;
  let said: Said;

  beforeEach(() => {
    calls = 0;
    results = [];
    said = new Said();
  });
  afterEach(() => app.close());

  const start = async (providers: Provider[] = [GLOBAL_INVALIDATION]) => {
    app = await HttpApp.start(adapter, [Pages, Named], {
      imports: [CacheModule.forRoot({ name: 'other' }), ResponseCacheModule.forRoot()],
      providers: [Things, ...providers],
      logger: said,
    });
  };
  const JSON_BODY = { 'content-type': 'application/json' };
  const fill = async (...paths: string[]) => {
    for (const path of paths) await app.get(path);
    for (const path of paths) expect(isHit(await app.get(path))).toBe(true);
  };
  const kept = async (path: string, headers = {}) => isHit(await app.get(path, headers));

  describe.each([
    ['CacheInvalidationInterceptor', [GLOBAL_INVALIDATION]],
    ['both for all', [GLOBAL_CACHE, GLOBAL_INVALIDATION]],
  ])('an unsafe method, with %s', (_, providers) => {
    it.each([
      ['PUT', 200],
      ['PATCH', 200],
      ['DELETE', 204],
    ])('%s', async (method, status) => {
      await start(providers);
      await fill('/things/1', '/things/1?a=1', '/things/1?b=2', '/things/2', '/things');
      expect((await app.send(method, '/things/1?c=3')).status).toBe(status);
      const found = [];
      for (const path of ['/things/1', '/things/1?a=1', '/things/1?b=2', '/things/2', '/things'])
        found.push(await kept(path));
      expect(found).toEqual([false, false, false, true, true]);
    });

    it.each([400, 404, 500, 503])('that has not succeeded drops nothing: %i', async (status) => {
      await start(providers);
      const path = `/things/written/${status}`;
      await fill(path);
      expect((await app.send('PUT', path)).status).toBe(status);
      expect(await kept(path)).toBe(true);
    });

    it.each([200, 204, 303])('that has succeeded drops it: %i', async (status) => {
      await start(providers);
      const path = `/things/written/${status}`;
      await fill(path);
      expect((await app.send('PUT', path)).status).toBe(status);
      expect(await kept(path)).toBe(false);
    });
  });

  it('of an address under whatever spelling the router takes for it', async () => {
    await start();
    const spelled =
      adapter === 'express' ? ['/things/%31', '/things/1/', '/THINGS/1', '/things/1'] : ['/things/%31'];
    for (const path of spelled) {
      await fill('/things/1', '/things/2');
      expect((await app.send('PUT', path)).status).toBe(200);
      expect([path, await kept('/things/1'), await kept('/things/2')]).toEqual([path, false, true]);
    }
  });

  it('of all users', async () => {
    await start();
    const users = ['ada', 'bob'].map((user) => ({ 'x-user': user }));
    for (const user of users) await app.get('/things/mine', user);
    for (const user of users) expect(await kept('/things/mine', user)).toBe(true);
    await app.send('PUT', '/things/mine');
    for (const user of users) expect(await kept('/things/mine', user)).toBe(false);
  });

  it('of all variants', async () => {
    await start();
    const languages = ['de', 'fr'].map((language) => ({ 'accept-language': language }));
    // What it varies by has to be learned.
    for (let i = 0; i < 2; i++) for (const language of languages) await app.get('/things/language', language);
    for (const language of languages) expect(await kept('/things/language', language)).toBe(true);
    await app.send('PUT', '/things/language');
    for (const language of languages) expect(await kept('/things/language', language)).toBe(false);
  });

  describe('other addresses that a response names', () => {
    const create = (at: string) => app.send('POST', '/things', JSON_BODY, JSON.stringify({ at }));

    it.each(['/things/1', '/things/1?x=1', 'things/1', './things/1#part'])('its own: %s', async (at) => {
      await start();
      await fill('/things', '/things/1', '/things/2');
      expect((await create(at)).headers.location).toBe(at);
      expect([await kept('/things'), await kept('/things/1'), await kept('/things/2')]).toEqual([
        false,
        false,
        true,
      ]);
    });

    it('its own, in full', async () => {
      await start();
      await fill('/things/1');
      await create(`http://127.0.0.1:${app.port}/things/1`);
      expect(await kept('/things/1')).toBe(false);
    });

    it.each(['http://other.example/things/1', '//other.example/things/1', 'http://[', ''])(
      "not those of others: '%s'",
      async (at) => {
        await start();
        await fill('/things', '/things/1');
        expect((await create(at)).status).toBe(201);
        expect([await kept('/things'), await kept('/things/1')]).toEqual([false, true]);
        expect(said.errors).toEqual([]);
      },
    );

    it('of a redirect, and in Content-Location', async () => {
      await start();
      await fill('/things/1', '/things/2');
      expect((await app.send('PUT', '/things/see-other')).status).toBe(303);
      expect([await kept('/things/1'), await kept('/things/2')]).toEqual([false, true]);
      await app.send('POST', '/things/content');
      expect([await kept('/things/1'), await kept('/things/2')]).toEqual([true, false]);
    });
  });

  describe('@InvalidatesResponses, without anything for all of the application', () => {
    it.each(['tags/9', 'tags-of/1', 'paths', 'paths-of', 'stream', 'own'])('%s', async (path) => {
      await start([]);
      await fill('/things/1', '/things/2');
      const { status, text } = await app.send('POST', `/named/${path}`);
      expect([status, text]).toEqual([201, { stream: 'in pieces', own: 'own', 'tags-of/1': '{"is":"the result"}', 'paths-of': '{"at":"/things/1"}' }[path] ?? '']); // prettier-ignore
      if (path === 'stream') await until(async () => !(await kept('/things/1')));
      else expect(await kept('/things/1')).toBe(false);
      expect(await kept('/things/2')).toBe(true);
      expect(results).toEqual(path === 'tags-of/1' ? [{ is: 'the result' }] : []);
    });

    it.each(['keys', 'keys-of', 'patterns', 'patterns-of'])('%s', async (path) => {
      await start([]);
      await app.cache.set('some:key', 1);
      await app.cache.set('another:key', 1);
      await app.send('POST', `/named/${path}`);
      expect([await app.cache.has('some:key'), await app.cache.has('another:key')]).toEqual([false, true]);
    });

    it('of a GET that changes something', async () => {
      await start([]);
      await fill('/things/1');
      expect((await app.get('/named/get')).text).toBe('done');
      expect(await kept('/things/1')).toBe(false);
    });

    it('not when it has failed', async () => {
      await start([]);
      await fill('/things/1');
      expect((await app.send('POST', '/named/refused')).status).toBe(409);
      expect(await kept('/things/1')).toBe(true);
    });

    it('in another cache, if it says so', async () => {
      await start([]);
      await fill('/things/1');
      const other = app.app.get<CacheManager>(getCacheToken('other'));
      await other.set('k', 1, { tags: ['thing:1'] });
      await app.send('POST', '/named/elsewhere');
      expect([await other.has('k'), await kept('/things/1')]).toEqual([false, true]);
    });

    it('once, whatever else is there for all of the application', async () => {
      await start([GLOBAL_CACHE, GLOBAL_INVALIDATION]);
      await fill('/things/1');
      await app.send('POST', '/named/tags-of/1');
      expect(await kept('/things/1')).toBe(false);
      expect(results).toEqual([{ is: 'the result' }]);
    });
  });

  it('is over before the client has its answer', async () => {
    await start([]);
    await fill('/things/1');
    const gate = new Deferred<void>();
    let begun = false;
    insteadOfInvalidating(app.cache, async (invalidate) => {
      begun = true;
      await gate.promise;
      return invalidate();
    });
    let answered = false;
    const answer = app.send('POST', '/named/paths').then(() => (answered = true));
    await until(() => begun);
    await settle();
    expect(answered).toBe(false);
    gate.resolve();
    await answer;
    expect(await kept('/things/1')).toBe(false);
  });

  it.each(['/named/paths', '/named/own', '/named/stream', '/named/wrong'])(
    'that fails is said, and the answer goes out: %s',
    async (path) => {
      await start([]);
      if (path !== '/named/wrong')
        insteadOfInvalidating(app.cache, () => Promise.reject(new Error('no Redis')));
      const { status } = await app.send('POST', path);
      expect(status).toBe(201);
      await until(() => said.errors.length > 0);
      expect(said.errors).toEqual([`POST ${path} has succeeded, but not what it was to invalidate`]);
    },
  );

  it('services reach responses by their tags', async () => {
    await start([]);
    await fill('/things/1', '/things/2');
    await app.send('POST', '/things/service/1');
    expect([await kept('/things/1'), await kept('/things/2')]).toEqual([false, true]);
  });

  it.each(['refused', 'broken'])('a handler that throws drops nothing: %s', async (path) => {
    await start([GLOBAL_CACHE]);
    await fill('/things/1');
    await app.send('POST', `/things/1/${path}`);
    expect(await kept('/things/1')).toBe(true);
  });
});
