import {
  type CallHandler,
  type ExecutionContext,
  type INestApplication,
  type INestMicroservice,
  Injectable,
  type NestInterceptor,
  type Provider,
  type Type,
} from '@nestjs/common';
import { APP_INTERCEPTOR } from '@nestjs/core';
import { type ClientProxy, ClientProxyFactory, Transport } from '@nestjs/microservices';
import { Test, type TestingModule } from '@nestjs/testing';
import type { Server } from 'node:net';
import { lastValueFrom, type Observable, toArray } from 'rxjs';

import { CacheManager, CacheModule, type CacheModuleOptions } from '../../lib/index.js';
import { ReplyCache } from '../../lib/rpc/reply-cache.js';
import type { ReplyPolicy } from '../../lib/rpc/reply-policy.js';

/** What the application says, and is not to be printed. */
export const SILENT = {
  log() {},
  error() {},
  warnings: [] as string[],
  warn(message: string) {
    this.warnings.push(message);
  },
};

const POLICIES = new Map<unknown, ReplyPolicy>();

/** Says that a handler's replies are cached. */
export function Replies(policy: Partial<ReplyPolicy> = {}): MethodDecorator {
  return (_target, _key, descriptor) => {
    POLICIES.set(descriptor.value, { options: { ttl: 60 }, scope: 'auto', ...policy });
  };
}

/** The smallest interceptor that serves several transports. */
@Injectable()
class TestInterceptor implements NestInterceptor {
  readonly #replies: ReplyCache;
  constructor(cache: CacheManager) {
    this.#replies = new ReplyCache(cache);
  }

  intercept(context: ExecutionContext, next: CallHandler): Observable<unknown> {
    const policy = POLICIES.get(context.getHandler());
    if (context.getType() !== 'rpc' || policy === undefined) return next.handle();
    context.switchToHttp = () => {
      throw new Error('there is no HTTP here');
    };
    return this.#replies.serve(context, next, policy);
  }
}

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
}

/** An application with the interceptor for all of it, in a microservice or beside HTTP. */
export async function rpcApp(kind: 'pure' | 'hybrid', options: RpcAppOptions): Promise<RpcApp> {
  const interceptor = { provide: APP_INTERCEPTOR, useClass: TestInterceptor };
  const module: TestingModule = await Test.createTestingModule({
    imports: [CacheModule.forRoot(options.cache ?? {})],
    controllers: options.controllers,
    providers: [...(options.providers ?? []), interceptor],
  }).compile();
  module.useLogger(SILENT);
  const { app, service, url } = kind === 'pure' ? await pure(module) : await hybrid(module);
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

async function hybrid(module: TestingModule): Promise<Started> {
  const app = module.createNestApplication();
  const service = app.connectMicroservice(TCP, { inheritAppConfig: true });
  await app.startAllMicroservices();
  await app.listen(0, '127.0.0.1');
  return { app, service, url: await app.getUrl() };
}
