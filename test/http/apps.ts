import http from 'node:http';

import type {
  INestApplication,
  InjectionToken,
  LoggerService,
  LogLevel,
  ModuleMetadata,
  Type,
} from '@nestjs/common';
import type { AbstractHttpAdapter } from '@nestjs/core';
import { ExpressAdapter } from '@nestjs/platform-express';
import { FastifyAdapter } from '@nestjs/platform-fastify';
import { Test } from '@nestjs/testing';

import { CacheManager, CacheModule, type CacheModuleOptions } from '../../lib/index.js';

export const ADAPTERS = ['express', 'fastify'] as const;
export type AdapterName = (typeof ADAPTERS)[number];

/** A response as handlers write it, of Express or of Fastify. */
export interface AnyResponse {
  /** Node's own, which Express' is itself. */
  readonly raw?: http.ServerResponse;
  status(code: number): AnyResponse;
  send(body: unknown): unknown;
  header(name: string, value: string): unknown;
  /** Express'. */
  setHeader(name: string, value: string): unknown;
  render?(view: string, data: object): unknown;
  /** Fastify's. */
  view?(view: string, data: object): unknown;
}

/** The response of Node that there is in one of a framework. */
export function rawOf(response: AnyResponse | http.ServerResponse): http.ServerResponse {
  return (response as AnyResponse).raw ?? (response as http.ServerResponse);
}

/** A response as it came over the wire. */
export interface Answer {
  readonly status: number;
  readonly headers: http.IncomingHttpHeaders;
  readonly rawHeaders: readonly string[];
  readonly bytes: Buffer;
  readonly text: string;
}

export interface AppOptions extends ModuleMetadata {
  /** `false`: `imports` has one. */
  readonly cache?: CacheModuleOptions | false;
  /** Before it listens. */
  readonly prepare?: (app: INestApplication) => unknown;
  /** Providers to use in place of the application's own. */
  readonly override?: readonly (readonly [token: InjectionToken, value: unknown])[];
  /** What is said goes there; default: errors and warnings are printed. */
  readonly logger?: LoggerService | LogLevel[];
}

/** Keeps what an application says. */
export class Said implements LoggerService {
  readonly warnings: string[] = [];
  readonly errors: string[] = [];
  /** Of errors. */
  readonly reasons: string[] = [];
  log(): void {}
  warn(message: unknown): void {
    this.warnings.push(String(message));
  }
  error(message: unknown, ...reasons: unknown[]): void {
    this.errors.push(String(message));
    for (const reason of reasons) if (reason instanceof Error) this.reasons.push(reason.message);
  }
}

/** An application that listens on loopback. */
export class HttpApp {
  private constructor(
    readonly app: INestApplication,
    readonly port: number,
  ) {}

  static async start(
    adapter: AdapterName | AbstractHttpAdapter,
    controllers: readonly Type[],
    { cache, prepare, override = [], logger = ['error', 'warn'], ...metadata }: AppOptions = {},
  ): Promise<HttpApp> {
    const builder = Test.createTestingModule({
      ...metadata,
      imports: [...(cache === false ? [] : [CacheModule.forRoot(cache)]), ...(metadata.imports ?? [])],
      controllers: [...controllers],
    });
    for (const [token, value] of override) builder.overrideProvider(token).useValue(value);
    const testing = await builder.compile();
    const adapters = { express: () => new ExpressAdapter(), fastify: () => new FastifyAdapter() };
    const app = testing.createNestApplication(typeof adapter === 'string' ? adapters[adapter]() : adapter, {
      logger,
    });
    await prepare?.(app);
    await app.listen(0, '127.0.0.1');
    const { port } = app.getHttpServer().address() as { port: number };
    return new HttpApp(app, port);
  }

  get cache(): CacheManager {
    return this.app.get(CacheManager);
  }

  get(path: string, headers: http.OutgoingHttpHeaders = {}): Promise<Answer> {
    return this.send('GET', path, headers);
  }

  send(method: string, path: string, headers: http.OutgoingHttpHeaders = {}, body?: string): Promise<Answer> {
    return new Promise((resolve, reject) => {
      const request = http.request(
        { port: this.port, host: '127.0.0.1', method, path, headers, agent: false },
        (response) => {
          const chunks: Buffer[] = [];
          response.on('data', (chunk: Buffer) => chunks.push(chunk));
          response.on('error', reject);
          response.on('end', () => {
            const bytes = Buffer.concat(chunks);
            const { statusCode = 0, headers: fields, rawHeaders } = response;
            resolve({ status: statusCode, headers: fields, rawHeaders, bytes, text: bytes.toString() });
          });
        },
      );
      request.on('error', reject);
      request.end(body);
    });
  }

  async close(): Promise<void> {
    await this.app.close();
  }
}

/** Has something done in place of invalidating, by a method of the library's own. */
export function insteadOfInvalidating(
  cache: CacheManager,
  instead: (invalidate: () => Promise<void>) => Promise<void>,
): void {
  const internal = cache as unknown as { invalidate(...names: unknown[]): Promise<void> };
  const invalidate = internal.invalidate.bind(internal);
  internal.invalidate = (...names) => instead(() => invalidate(...names));
}

/** The fields that may differ between a miss and its hit. */
const OF_ONE_ANSWER = new Set(['age', 'date', 'cache-status', 'connection', 'keep-alive']);

/** What has to be the same on a hit: names as they were written, in any order. */
export function comparable({ status, rawHeaders, bytes }: Answer): unknown {
  const fields: string[] = [];
  for (let i = 0; i < rawHeaders.length; i += 2) {
    if (!OF_ONE_ANSWER.has(rawHeaders[i]!.toLowerCase()))
      fields.push(`${rawHeaders[i]!.toLowerCase()}: ${rawHeaders[i + 1]}`);
  }
  return { status, fields: fields.toSorted(), bytes: bytes.toString('latin1') };
}

export function isHit({ headers }: Answer): boolean {
  return /; hit; /.test(String(headers['cache-status']));
}
