// What must be kept apart: handlers, addresses in their forms, names; and who must not wait for whom.
import http from 'node:http';
import net from 'node:net';
import { Readable } from 'node:stream';
import {
  type CanActivate,
  Controller,
  type ExecutionContext,
  Get,
  Injectable,
  Module,
  Next,
  Param,
  Put,
  Query,
  Req,
  Res,
  StreamableFile,
  type Type,
  UseGuards,
} from '@nestjs/common';
import { RouterModule } from '@nestjs/core';
import { afterEach, describe, expect, it, jest } from '@jest/globals';
import { of } from 'rxjs';

import { CacheResponse, type HttpRequest, NoCache, ResponseCacheModule } from '../../lib/http/index.js';
import { selection } from '../../lib/http/route.js';
import { Deferred, failure } from '../support/deferred.js';
import { until } from '../support/until.js';
import {
  ADAPTERS,
  type AdapterName,
  type AnyResponse,
  type AppOptions,
  HttpApp,
  isHit,
  Said,
} from './apps.js';

const running: HttpApp[] = [];
afterEach(async () => {
  jest.restoreAllMocks();
  for (const { app } of running) app.getHttpServer().closeAllConnections();
  await Promise.all(running.splice(0).map((app) => app.close()));
});

async function start(adapter: AdapterName, controllers: Type[], options: AppOptions = {}): Promise<HttpApp> {
  const app = await HttpApp.start(adapter, controllers, options);
  running.push(app);
  return app;
}

/** Sends a request line as it is. */
function sendRaw(app: HttpApp, target: string): Promise<string> {
  return new Promise((resolve, reject) => {
    let text = '';
    const socket = net.connect(app.port, '127.0.0.1', () =>
      socket.write(`GET ${target} HTTP/1.1\r\nHost: a\r\nConnection: close\r\n\r\n`),
    );
    socket.setEncoding('utf8').on('data', (part: string) => (text += part));
    socket.on('end', () => resolve(text)).on('error', reject);
  });
}

@Injectable()
class KeyGuard implements CanActivate {
  canActivate(context: ExecutionContext) {
    const request = context.switchToHttp().getRequest<{ headers: Record<string, string>; user: unknown }>();
    request.user = { id: request.headers['x-key'] };
    return request.headers['x-key'] !== undefined;
  }
}

describe('a handler on express that leaves a request to the next one', () => {
  type PassesOn = { next: () => void };

  @Controller('p')
  class Pages {
    @Get(':slug')
    @CacheResponse({ ttl: '1h', scope: 'public' })
    page(@Param('slug') slug: string, @Req() request: PassesOn, @Res() response: AnyResponse) {
      if (slug === 'me' || slug === 'plain') request.next();
      else response.send(slug);
    }
    @Get('me')
    @UseGuards(KeyGuard)
    @CacheResponse({ ttl: '1h', scope: 'private', identity: ({ user }) => user?.id })
    me(@Req() { user }: HttpRequest) {
      return `secret of ${user.id}`;
    }
    @Get('plain')
    @UseGuards(KeyGuard)
    @NoCache()
    plain(@Req() { user }: HttpRequest) {
      return `secret of ${user.id}`;
    }
  }

  it.each(['/p/me', '/p/plain'])('stores nothing of what that one answers: %s', async (path) => {
    const app = await start('express', [Pages]);
    for (const key of ['ann', 'bob', 'ann'])
      expect((await app.get(path, { 'x-key': key })).text).toBe(`secret of ${key}`);
    expect((await app.get(path)).status).toBe(403);
    await app.get('/p/about');
    expect(isHit(await app.get('/p/about'))).toBe(true);
  });

  it.each(ADAPTERS)('is refused at start when it says so by @Next(), on %s', async (adapter) => {
    @Controller()
    class Passing {
      @Get('it')
      @CacheResponse({ ttl: '1h' })
      it(@Next() next: () => void) {
        next();
      }
    }
    const error = await failure(HttpApp.start(adapter, [Passing], { logger: new Said() }));
    expect(error).toMatchObject({
      code: 'CACHE_CONFIG_INVALID',
      message: expect.stringContaining('@Next()'),
    });
  });

  it('is left alone where only the application caches', async () => {
    @Controller()
    class Passing {
      @Get('it')
      it(@Next() _next: () => void, @Res() response: AnyResponse) {
        response.send('it');
      }
    }
    const app = await start('express', [Passing], { imports: [ResponseCacheModule.forRoot({ ttl: '1h' })] });
    expect((await app.get('/it')).headers['cache-status']).toBeUndefined();
  });
});

describe.each(ADAPTERS)('on %s', (adapter) => {
  @Controller('x')
  class Paged {
    @Get()
    @CacheResponse({ ttl: '1h', query: ['page'] })
    get(@Query('page') page = 'none') {
      return `page ${page}`;
    }
  }

  it.each(['/x?utm=1#&page=2', 'http://a/x?page=2'])(
    'a request for %s stores and finds nothing',
    async (target) => {
      const app = await start(adapter, [Paged]);
      const odd = await sendRaw(app, target);
      expect(odd).toMatch(/cache-status: nestjs-tiered-cache; fwd=bypass/i);
      const answer = await app.get('/x?page=2', { host: 'a' });
      expect([answer.text, isHit(answer)]).toEqual(['page 2', false]);
    },
  );

  it('identity without scope private ends the start; an inherited one gives way to a scope of its own', async () => {
    const identity = ({ headers }: HttpRequest) => headers['x-user'] as string;
    @Controller()
    class Unsaid {
      @Get('it')
      @CacheResponse({ ttl: '1h', identity })
      it() {}
    }
    const error = await failure(HttpApp.start(adapter, [Unsaid], { logger: new Said() }));
    expect(error).toMatchObject({ code: 'CACHE_CONFIG_INVALID', message: expect.stringContaining("scope: 'private'") }); // prettier-ignore

    @Controller()
    @CacheResponse({ ttl: '1h', scope: 'private', identity })
    class Mixed {
      @Get('mine')
      mine(@Req() { headers }: HttpRequest) {
        return `of ${String(headers['x-user'])}`;
      }
      @Get('all')
      @CacheResponse({ scope: 'public' })
      all() {
        return 'of all';
      }
    }
    const app = await start(adapter, [Mixed]);
    for (const user of ['a', 'b']) {
      expect((await app.get('/mine', { 'x-user': user })).text).toBe(`of ${user}`);
      expect(isHit(await app.get('/all', { 'x-user': user }))).toBe(user === 'b');
    }
  });

  it('controllers of one name and path with keys of their own end the start', async () => {
    const made = (text: string, own: boolean): Type => {
      @Controller('items')
      class ItemsController {
        @Get(':id')
        @CacheResponse({ ttl: '1h', ...(own && { key: ({ params }: HttpRequest) => params['id']! }) })
        get(@Param('id') id: string) {
          return text + id;
        }
      }
      return ItemsController;
    };
    const modules = (own: boolean) => {
      @Module({ controllers: [made('admin ', own)] })
      class Admin {}
      @Module({ controllers: [made('shop ', own)] })
      class Shop {}
      const routes = RouterModule.register([{ path: 'admin', module: Admin }, { path: 'shop', module: Shop }]); // prettier-ignore
      return { imports: [Admin, Shop, routes], logger: new Said() };
    };
    const error = await failure(HttpApp.start(adapter, [], modules(true)));
    expect(error).toMatchObject({
      code: 'CACHE_CONFIG_INVALID',
      message: expect.stringContaining('same name'),
    });
    const app = await start(adapter, [], modules(false));
    expect((await app.get('/admin/items/1')).text).toBe('admin 1');
    expect((await app.get('/shop/items/1')).text).toBe('shop 1');
  });

  it.each(['authorization', 'cookie'])('Vary: %s stores nothing that could be used to log in', (name) => {
    const selected = (value: string) => selection({ request: { headers: { [name]: value } } }, [name]);
    expect(JSON.stringify(selected('secret'))).not.toContain('secret');
    expect(selected('secret')).toEqual(selected('secret'));
    expect(selected('secret')).not.toEqual(selected('other'));
  });

  it.each(['constructor', 'Set-Cookie'])('Vary: %s selects like any other field', async (name) => {
    @Controller()
    class Varying {
      @Get('it')
      @CacheResponse({ ttl: '1h' })
      it(@Res({ passthrough: true }) response: AnyResponse) {
        response.header('Vary', name);
        return 'it';
      }
    }
    const app = await start(adapter, [Varying]);
    await app.get('/it', { [name]: 'a' });
    expect(isHit(await app.get('/it', { [name]: 'a' }))).toBe(true);
    const other = await app.get('/it', { [name]: 'b' });
    expect([other.status, isHit(other)]).toEqual([200, false]);
  });

  it('tags are those of the last value, which is the one that is sent', async () => {
    @Controller()
    class Several {
      @Get('it')
      @CacheResponse({ ttl: '1h', tags: (_, result) => [`id:${(result as { id: number }).id}`] })
      it() {
        return of({ id: 0 }, { id: 7 });
      }
    }
    const app = await start(adapter, [Several]);
    expect((await app.get('/it')).headers['cache-groups']).toBe('"id:7"');
    await app.cache.invalidateTags(['id:0']);
    expect(isHit(await app.get('/it'))).toBe(true);
    await app.cache.invalidateTags(['id:7']);
    expect(isHit(await app.get('/it'))).toBe(false);
  });

  it('a client that does not read holds up nobody', async () => {
    const bytes = Buffer.alloc(16 * 1024 * 1024, 'x');
    const parts = Array.from({ length: 256 }, (_, i) => bytes.subarray(i << 16, (i + 1) << 16));
    let calls = 0;
    @Controller()
    class Large {
      @Get('it')
      @CacheResponse({ ttl: '1h', maxBodySize: '20mb' })
      it() {
        calls++;
        return new StreamableFile(Readable.from(parts));
      }
    }
    const app = await start(adapter, [Large]);
    const begun = new Deferred<http.IncomingMessage>();
    const idle = http.get({ port: app.port, host: '127.0.0.1', path: '/it', agent: false }, begun.resolve);
    const response = await begun.promise;
    const other = await app.get('/it');
    expect([other.bytes.length, calls]).toEqual([bytes.length, 1]);
    response.on('error', () => {});
    idle.destroy();
  });

  it('nobody who comes after an invalidation waits for a handler from before it', async () => {
    const gates: Deferred<string>[] = [];
    @Controller('it')
    @CacheResponse({ ttl: '1h', tags: ['its'] })
    class Slow {
      @Get()
      get() {
        gates.push(new Deferred<string>());
        return gates.at(-1)!.promise;
      }
      @Put()
      put() {}
    }
    const app = await start(adapter, [Slow]);
    const invalidations = [() => app.send('PUT', '/it'), () => app.cache.invalidateTags(['its'])];
    for (const invalidate of invalidations) {
      const before = gates.length;
      const old = app.get('/it');
      await until(() => gates.length === before + 1, { what: 'the first run' });
      await invalidate();
      const fresh = app.get('/it');
      await until(() => gates.length === before + 2, { what: 'a run of its own' });
      gates[before + 1]!.resolve('new');
      expect((await fresh).text).toBe('new');
      gates[before]!.resolve('old');
      expect((await old).text).toBe('old');
      expect((await app.get('/it')).text).toBe('new');
      await app.cache.clear();
    }
  });

  it('a refresh in the background that is never answered is given up', async () => {
    const timers: (() => void)[] = [];
    const { setTimeout: real } = globalThis;
    jest.spyOn(globalThis, 'setTimeout').mockImplementation(((run: () => void, ms: number, ...args: []) => {
      if (ms === 30_000) timers.push(run);
      return real(run, ms, ...args);
    }) as typeof setTimeout);
    let calls = 0;
    @Controller()
    class Hanging {
      @Get('it')
      @CacheResponse({ ttl: '1ms', staleWhileRevalidate: '1h' })
      it() {
        return ++calls === 2 ? new Promise(() => {}) : `run ${calls}`;
      }
    }
    const app = await start(adapter, [Hanging]);
    await app.get('/it');
    await until(async () => (await app.get('/it')) && calls === 2, { what: 'a refresh' });
    expect((await app.get('/it')).text).toBe('run 1');
    await until(() => timers.length > 0);
    for (const run of timers) run();
    await until(async () => (await app.get('/it')).text === 'run 3', { what: 'another refresh' });
  });
});
