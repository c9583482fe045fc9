import { Controller, Get, type INestApplication, Module } from '@nestjs/common';
import { NestFactory } from '@nestjs/core';
import { FastifyAdapter } from '@nestjs/platform-fastify';
import { expect, it, jest } from '@jest/globals';
import { once } from 'node:events';
import http2 from 'node:http2';

import { CacheResponse } from '../../lib/http/index.js';
import { CacheModule } from '../../lib/index.js';

@Controller('things')
class Things {
  @Get()
  @CacheResponse({ ttl: '1m' })
  list() {
    return ['a thing'];
  }
}

@Module({ imports: [CacheModule.forRoot()], controllers: [Things] })
class AppModule {}

it('HTTP/2 is answered from the cache, and nothing is done that Node warns of', async () => {
  const looked = jest.spyOn(http2.Http2ServerResponse.prototype, 'statusMessage', 'get');
  const adapter = new FastifyAdapter({ http2: true } as object);
  const app: INestApplication = await NestFactory.create(AppModule, adapter, { logger: ['error', 'warn'] });
  await app.listen(0, '127.0.0.1');
  const { port } = app.getHttpServer().address() as { port: number };
  const client = http2.connect(`http://127.0.0.1:${port}`);
  try {
    const said: unknown[] = [];
    for (let i = 0; i < 2; i++) {
      const stream = client.request({ ':path': '/things' });
      const [head] = (await once(stream, 'response')) as [http2.IncomingHttpHeaders];
      stream.resume();
      await once(stream, 'end');
      said.push(head['cache-status']);
    }
    expect(said).toEqual([expect.stringContaining('stored'), expect.stringContaining('hit')]);
    expect(looked).not.toHaveBeenCalled();
  } finally {
    looked.mockRestore();
    client.close();
    await app.close();
  }
});
