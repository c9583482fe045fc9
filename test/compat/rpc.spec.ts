// CacheInterceptor in a hybrid application, where the other one answered payloads with each other's replies.
import type { Server } from 'node:net';
import { Controller, Get, type INestMicroservice, UseInterceptors } from '@nestjs/common';
import { ClientProxyFactory, MessagePattern, Transport } from '@nestjs/microservices';
import { expect, it } from '@jest/globals';
import { lastValueFrom } from 'rxjs';

import {
  type Cache,
  CACHE_MANAGER,
  CacheInterceptor,
  CacheKey,
  CacheModule,
} from '../../lib/compat/index.js';
import { HttpApp, isHit } from '../http/apps.js';

let calls = 0;

@Controller()
@UseInterceptors(CacheInterceptor)
class Prices {
  @MessagePattern('price') @CacheKey('prices') price(product: number) {
    return { product, run: ++calls };
  }
  @MessagePattern('other') other(product: number) {
    return { product, run: ++calls };
  }
  @Get('prices') prices() {
    return { run: ++calls };
  }
}

const TCP = { transport: Transport.TCP, options: { host: '127.0.0.1', port: 0 } } as const;

it('caches replies by their payload if they have a name, which del forgets, and responses beside them', async () => {
  let service: INestMicroservice;
  const http = await HttpApp.start('express', [Prices], {
    cache: false,
    imports: [CacheModule.register({ ttl: 60_000 })],
    prepare: async (app) => {
      service = app.connectMicroservice(TCP, { inheritAppConfig: true });
      await app.startAllMicroservices();
    },
  });
  const { port } = service!.unwrap<Server>().address() as { port: number };
  const client = ClientProxyFactory.create({ ...TCP, options: { host: '127.0.0.1', port } });
  const ask = (pattern: string, product: number) =>
    lastValueFrom(client.send<{ product: number; run: number }>(pattern, product));
  try {
    const first = await ask('price', 1);
    expect((await ask('price', 2)).product).toBe(2);
    expect(await ask('price', 1)).toEqual(first);
    await http.app.get<Cache>(CACHE_MANAGER, { strict: false }).del('prices');
    expect((await ask('price', 1)).run).toBeGreaterThan(first.run);
    const other = await ask('other', 1);
    expect((await ask('other', 1)).run).toBeGreaterThan(other.run);
    await http.get('/prices');
    expect(isHit(await http.get('/prices'))).toBe(true);
  } finally {
    await client.close();
    await http.close();
  }
});
