import type { INestApplication, INestMicroservice, Provider, Type } from '@nestjs/common';
import { type AbstractHttpAdapter, APP_INTERCEPTOR } from '@nestjs/core';
import { type ClientProxy, ClientProxyFactory, Transport } from '@nestjs/microservices';
import { ExpressAdapter } from '@nestjs/platform-express';
import { Test, type TestingModule } from '@nestjs/testing';
import type { Server } from 'node:net';
import { lastValueFrom, toArray } from 'rxjs';

import {
  type CacheResponseOptions,
  ResponseCacheInterceptor,
  ResponseCacheModule,
} from '../../lib/http/index.js';
import { CacheManager, CacheModule, type CacheModuleOptions } from '../../lib/index.js';

/** What the application says, and is not to be printed. */
export const SILENT = {
  log() {},
  error() {},
  warnings: [] as string[],
  warn(message: string) {
    this.warnings.push(message);
  },
};

export interface RpcApp {
  readonly app: INestApplication | INestMicroservice;
  readonly cache: CacheManager;
  readonly client: ClientProxy;
  /** All emissions of the reply to one request. */
  ask(pattern: unknown, data: unknown): Promise<unknown[]>;
  /** Where HTTP is served, by a hybrid application. */
  readonly url: string;
}

const open: RpcApp[] = [];

/** Closes what was started; for `afterEach`. */
export async function closeRpcApps(): Promise<void> {
  for (const { app, client } of open.splice(0)) {
    await client.close();
    await app.close();
  }
  SILENT.warnings.length = 0;
}

const TCP = { transport: Transport.TCP, options: { host: '127.0.0.1', port: 0 } } as const;

export interface RpcAppOptions {
  readonly controllers: Type[];
  readonly providers?: Provider[];
  readonly cache?: CacheModuleOptions;
  /** What holds where a decorator says nothing. */
  readonly defaults?: CacheResponseOptions;
  /** Of a hybrid application; default: Express. */
  readonly adapter?: AbstractHttpAdapter;
}

/** An application with the interceptor for all of it, in a microservice or beside HTTP. */
export async function rpcApp(kind: 'pure' | 'hybrid', options: RpcAppOptions): Promise<RpcApp> {
  const interceptor = { provide: APP_INTERCEPTOR, useClass: ResponseCacheInterceptor };
  const module: TestingModule = await Test.createTestingModule({
    imports: [CacheModule.forRoot(options.cache ?? {}), ResponseCacheModule.forRoot(options.defaults)],
    controllers: options.controllers,
    providers: [...(options.providers ?? []), interceptor],
  }).compile();
  module.useLogger(SILENT);
  const { app, service, url } = kind === 'pure' ? await pure(module) : await hybrid(module, options.adapter);
  const { port } = service.unwrap<Server>().address() as { port: number };
  const client = ClientProxyFactory.create({ ...TCP, options: { host: '127.0.0.1', port } });
  const ask = (pattern: unknown, data: unknown): Promise<unknown[]> =>
    lastValueFrom(client.send<unknown>(pattern, data).pipe(toArray()));
  const started = { app, cache: module.get(CacheManager), client, ask, url };
  open.push(started);
  return started;
}

interface Started {
  app: INestApplication | INestMicroservice;
  service: INestMicroservice;
  url: string;
}

async function pure(module: TestingModule): Promise<Started> {
  const service = module.createNestMicroservice(TCP);
  await service.listen();
  return { app: service, service, url: '' };
}

async function hybrid(
  module: TestingModule,
  adapter = new ExpressAdapter() as AbstractHttpAdapter,
): Promise<Started> {
  const app = module.createNestApplication(adapter);
  const service = app.connectMicroservice(TCP, { inheritAppConfig: true });
  await app.startAllMicroservices();
  await app.listen(0, '127.0.0.1');
  return { app, service, url: await app.getUrl() };
}
