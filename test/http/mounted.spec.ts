// An application inside another one: its own server does not know the addresses that clients use.
import { Controller, Get, type INestApplication, Module } from '@nestjs/common';
import { NestFactory } from '@nestjs/core';
import { ExpressAdapter } from '@nestjs/platform-express';
import { afterEach, describe, expect, it } from '@jest/globals';
import { once } from 'node:events';
import type { RequestListener, Server } from 'node:http';
import http from 'node:http';

import { CacheResponse } from '../../lib/http/index.js';
import { CacheModule } from '../../lib/index.js';
import { until } from '../support/until.js';

let calls = 0;

@Controller('things')
class Things {
  @Get()
  @CacheResponse({ ttl: '20ms', staleWhileRevalidate: '1h' })
  list() {
    return { calls: ++calls };
  }
}

@Module({ imports: [CacheModule.forRoot()], controllers: [Things] })
class AppModule {}

type Outer = RequestListener & { use(path: string, inner: unknown): unknown };

describe('mounted under a prefix of another application', () => {
  let app: INestApplication;
  let server: Server;
  afterEach(async () => {
    server.close();
    await app.close();
  });

  it('is refreshed in the background', async () => {
    const adapter = new ExpressAdapter();
    app = await NestFactory.create(AppModule, adapter, { logger: ['error', 'warn'] });
    await app.init();
    const outer = new ExpressAdapter().getInstance<Outer>();
    outer.use('/shop', adapter.getInstance());
    server = http.createServer(outer).listen(0, '127.0.0.1');
    await once(server, 'listening');
    const { port } = server.address() as { port: number };
    const get = async () => {
      const response = await fetch(`http://127.0.0.1:${port}/shop/things`, {
        headers: { connection: 'close' },
      });
      return ((await response.json()) as { calls: number }).calls;
    };
    expect(await get()).toBe(1);
    await until(async () => (await get()) > 1);
  });
});
