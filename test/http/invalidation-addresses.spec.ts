// An address is invalidated in whatever form, and by whatever host, it is written to.
import { Controller, Get, Param, Post, Put, Res, Search } from '@nestjs/common';
import { APP_INTERCEPTOR } from '@nestjs/core';
import { connect } from 'node:net';
import { text } from 'node:stream/consumers';
import { afterEach, describe, expect, it } from '@jest/globals';

import {
  CacheResponse,
  InvalidatesResponses,
  NoCache,
  ResponseCacheInterceptor,
  ResponseCacheModule,
} from '../../lib/http/index.js';
import { ADAPTERS, type AnyResponse, HttpApp, isHit } from './apps.js';

@Controller('x')
@CacheResponse({ ttl: '1h' })
class Things {
  @Get(':id') get(@Param('id') id: string) {
    return id;
  }
  @Put(':id') put() {}
  @Post(':id') @NoCache() post() {}
  @Search(':id') search() {
    return 'found';
  }
  @Post() create(@Res({ passthrough: true }) response: AnyResponse) {
    response.header('Location', '/x/1');
  }
}

@Controller('y')
class Listed {
  @Get(':id') @CacheResponse({ ttl: '1h', hosts: ['shop.example', 'Other.example:3000'] }) get() {}
  @Put(':id') @InvalidatesResponses() put() {}
  @Post('paths') @InvalidatesResponses({ paths: ['/y/1?a=1'] }) paths() {}
  @Post('place') @InvalidatesResponses() place(@Res({ passthrough: true }) response: AnyResponse) {
    response.header('Location', 'https://shop.example/y/1');
  }
}

@Controller('z')
class Open {
  @Get() get() {}
}

@Controller('z')
@NoCache()
class Writes {
  @Put() put() {}
}

describe.each(ADAPTERS)('on %s', (adapter) => {
  let app: HttpApp;
  afterEach(() => app.close());

  /** What no client of Node sends. */
  const written = (line: string, host?: string): Promise<string> => {
    const socket = connect(app.port, '127.0.0.1');
    const field = host === undefined ? '' : `Host: ${host}\r\n`;
    socket.write(`${line}\r\n${field}Connection: close\r\nContent-Length: 0\r\n\r\n`);
    return text(socket);
  };
  const fill = async (path: string, host: string) => {
    await app.get(path, { host });
    expect(isHit(await app.get(path, { host }))).toBe(true);
  };

  const forms = [
    '/x/1#part',
    '/x/1#part?a=1',
    '/x/1?#a',
    'http://shop.example/x/1',
    'http://shop.example/x/1?a=1',
  ];
  it.each(adapter === 'express' ? [...forms, '/x\\1#'] : forms)('as %s', async (target) => {
    app = await HttpApp.start(adapter, [Things]);
    await fill('/x/1', 'shop.example');
    await fill('/x/2', 'shop.example');
    expect(await written(`PUT ${target} HTTP/1.1`, 'shop.example')).toMatch(/^HTTP\/1.1 200 OK/);
    expect(isHit(await app.get('/x/1', { host: 'shop.example' }))).toBe(false);
    expect(isHit(await app.get('/x/2', { host: 'shop.example' }))).toBe(true);
  });

  it.each(['shop.example:80', 'shop.example:443', 'shop.example.', 'SHOP.EXAMPLE.:80'])(
    'of a host that is written %s',
    async (host) => {
      app = await HttpApp.start(adapter, [Things]);
      await fill('/x/1', 'shop.example');
      await app.send('PUT', '/x/1', { host: 'shop.example:8080' });
      expect(isHit(await app.get('/x/1', { host: 'shop.example' }))).toBe(true);
      await app.send('PUT', '/x/1', { host });
      expect(isHit(await app.get('/x/1', { host: 'shop.example' }))).toBe(false);
    },
  );

  it.each([
    ['PUT', '/y/1', 'internal:3000'],
    ['PUT', '/y/1', 'shop.example'],
    ['POST', '/y/paths', 'internal:3000'],
    ['POST', '/y/place', 'internal:3000'],
  ])('of all hosts for which responses are kept: %s %s at %s', async (method, path, host) => {
    app = await HttpApp.start(adapter, [Listed]);
    const hosts = ['shop.example', 'other.example:3000'];
    for (const one of hosts) await fill('/y/1', one);
    await fill('/y/2', 'shop.example');
    await app.send(method, path, { host });
    for (const one of hosts) expect(isHit(await app.get('/y/1', { host: one }))).toBe(false);
    expect(isHit(await app.get('/y/2', { host: 'shop.example' }))).toBe(true);
  });

  it.each([
    ['no host', 'HTTP/1.0', undefined],
    ['a host that no address can have', 'HTTP/1.1', 'a b'],
  ])('that a response names for the same host, with %s', async (_, version, host) => {
    app = await HttpApp.start(adapter, [Things]);
    const get = () => written(`GET /x/1 ${version}`, host);
    await get();
    expect(await get()).toMatch(/; hit; /);
    expect(await written(`POST /x ${version}`, host)).toMatch(/ 201 Created/);
    expect(await get()).not.toMatch(/; hit; /);
  });

  it('not by a method that is known to change nothing', async () => {
    app = await HttpApp.start(adapter, [Things]);
    await fill('/x/1', 'shop.example');
    expect((await app.send('SEARCH', '/x/1', { host: 'shop.example' })).text).toBe('found');
    expect(isHit(await app.get('/x/1', { host: 'shop.example' }))).toBe(true);
  });

  it.each([
    ['/api/x/1', false],
    ['/x/1', true],
  ])('as clients ask for it, behind a global prefix: %s', async (path, isKept) => {
    @Controller('z')
    class Elsewhere {
      @Post() @InvalidatesResponses({ paths: [path] }) post() {}
    }
    app = await HttpApp.start(adapter, [Things, Elsewhere], {
      prepare: (nest) => nest.setGlobalPrefix('api'),
    });
    await fill('/api/x/1', 'shop.example');
    expect((await app.send('POST', '/api/z', { host: 'shop.example' })).status).toBe(201);
    expect(isHit(await app.get('/api/x/1', { host: 'shop.example' }))).toBe(isKept);
  });

  it('by a handler that is not cached itself', async () => {
    app = await HttpApp.start(adapter, [Things]);
    await fill('/x/1', 'shop.example');
    await app.send('POST', '/x/1', { host: 'shop.example' });
    expect(isHit(await app.get('/x/1', { host: 'shop.example' }))).toBe(false);
  });

  it('by a controller that is not cached itself, in an application that is', async () => {
    app = await HttpApp.start(adapter, [Open, Writes], {
      imports: [ResponseCacheModule.forRoot({ ttl: '1h' })],
      providers: [{ provide: APP_INTERCEPTOR, useClass: ResponseCacheInterceptor }],
    });
    await fill('/z', 'shop.example');
    await app.send('PUT', '/z', { host: 'shop.example' });
    expect(isHit(await app.get('/z', { host: 'shop.example' }))).toBe(false);
  });
});
