// CacheInterceptor and RPC, where the other one answers payloads with each other's replies, or, beside HTTP, caches nothing.
import type { Server } from 'node:net';
import {
  Controller,
  Get,
  type INestMicroservice,
  SetMetadata,
  type Type,
  UseInterceptors,
} from '@nestjs/common';
import { type ClientProxy, ClientProxyFactory, MessagePattern, Transport } from '@nestjs/microservices';
import { afterEach, expect, it } from '@jest/globals';
import { lastValueFrom } from 'rxjs';

import {
  type Cache,
  CACHE_KEY_METADATA,
  CACHE_MANAGER,
  CacheInterceptor,
  CacheKey,
  CacheModule,
  CacheTTL,
} from '../../lib/compat/index.js';
import { CacheResponse } from '../../lib/http/index.js';
import { HttpApp, isHit } from '../http/apps.js';
import { closeRpcApps, rpcApp } from '../rpc/rpc-apps.js';

let calls = 0;

interface Reply {
  product: number;
  run: number;
}

@Controller()
@UseInterceptors(CacheInterceptor)
class Prices {
  @MessagePattern('price') @CacheKey('prices') price(product: number): Reply {
    return { product, run: ++calls };
  }
  @MessagePattern('other') other(product: number): Reply {
    return { product, run: ++calls };
  }
  @Get('prices') prices() {
    return { run: ++calls };
  }
}

@Controller()
@CacheTTL(60_000)
@CacheKey('payments')
@UseInterceptors(CacheInterceptor)
class Payments {
  @MessagePattern('of the class') pay(product: number): Reply {
    return { product, run: ++calls };
  }
  @MessagePattern('of its own') @CacheTTL(60_000) payAgain(product: number): Reply {
    return { product, run: ++calls };
  }
  @MessagePattern('written by hand')
  @SetMetadata(CACHE_KEY_METADATA, 'payments')
  @CacheTTL(60_000)
  payByHand(product: number): Reply {
    return { product, run: ++calls };
  }
  @MessagePattern('named') @CacheKey('fees') fees(product: number): Reply {
    return { product, run: ++calls };
  }
  @MessagePattern('response') @CacheResponse({ ttl: '1m' }) rates(product: number): Reply {
    return { product, run: ++calls };
  }
}

const TCP = { transport: Transport.TCP, options: { host: '127.0.0.1', port: 0 } } as const;

const closing: (() => Promise<unknown>)[] = [];
afterEach(async () => {
  for (const close of closing.splice(0)) await close();
  await closeRpcApps();
});

async function start(controller: Type) {
  let service: INestMicroservice;
  const http = await HttpApp.start('express', [controller], {
    cache: false,
    imports: [CacheModule.register({ ttl: 60_000 })],
    prepare: async (app) => {
      service = app.connectMicroservice(TCP, { inheritAppConfig: true });
      await app.startAllMicroservices();
    },
  });
  const { port } = service!.unwrap<Server>().address() as { port: number };
  const client: ClientProxy = ClientProxyFactory.create({ ...TCP, options: { host: '127.0.0.1', port } });
  closing.push(
    async () => client.close(),
    () => http.close(),
  );
  const ask = (pattern: string, product: number): Promise<Reply> =>
    lastValueFrom(client.send<Reply>(pattern, product));
  return { http, ask };
}

it('caches replies by their payload if they have a name, which del forgets, and responses beside them', async () => {
  const { http, ask } = await start(Prices);
  const first = await ask('price', 1);
  expect((await ask('price', 2)).product).toBe(2);
  expect(await ask('price', 1)).toEqual(first);
  await http.app.get<Cache>(CACHE_MANAGER, { strict: false }).del('prices');
  expect((await ask('price', 1)).run).toBeGreaterThan(first.run);
  const other = await ask('other', 1);
  expect((await ask('other', 1)).run).toBeGreaterThan(other.run);
  await http.get('/prices');
  expect(isHit(await http.get('/prices'))).toBe(true);
});

it.each([
  ['of the class', 2],
  ['of its own', 2],
  ['written by hand', 2],
  ['named', 1],
  ['response', 1],
])('runs commands as often as they are sent, whatever ttl they have: %s', async (pattern, runs) => {
  const { ask } = await start(Payments);
  const first = await ask(pattern, 5);
  expect((await ask(pattern, 5)).run - first.run).toBe(runs - 1);
});

@Controller()
class Commands {
  @MessagePattern('with a ttl') @CacheTTL(60_000) pay(): number {
    return ++calls;
  }
  @MessagePattern('with a name') @CacheKey('fees') fees(): number {
    return ++calls;
  }
}

it.each([
  ['with a ttl', 2],
  ['with a name', 1],
])('holds for ResponseCacheInterceptor, too: %s', async (pattern, runs) => {
  const { ask } = await rpcApp('pure', { controllers: [Commands], defaults: { ttl: '1m' } });
  const [[first], [second]] = [await ask(pattern, 5), await ask(pattern, 5)] as [[number], [number]];
  expect(second - first).toBe(runs - 1);
});
