import type { AddressInfo } from 'node:net';

import { jest } from '@jest/globals';
import type { INestApplication, LoggerService } from '@nestjs/common';
import { Test } from '@nestjs/testing';

import { DataSource } from 'typeorm';

import type { CacheStats } from '../../lib/index.js';

// The sample imports the package by its name. Here that is the source, so that the suite needs no build.
jest.unstable_mockModule('nestjs-tiered-cache', () => import('../../lib/index.js'), { virtual: true });
for (const entry of ['http', 'typeorm', 'views']) {
  jest.unstable_mockModule(`nestjs-tiered-cache/${entry}`, () => import(`../../lib/${entry}/index.js`), {
    virtual: true,
  });
}
const { AppModule } = await import('../../sample/src/app.module.js');
const { QueryLog } = await import('../../sample/src/database/query-log.js');
export const { Settings } = await import('../../sample/src/settings.js');

const SILENT: LoggerService = { log() {}, error() {}, warn() {} };

export interface Answer {
  status: number;
  headers: Headers;
  // Whatever the sample answers; the expectations are what checks it.
  // oxlint-disable-next-line typescript/no-explicit-any
  body: any;
}

export interface SampleOptions {
  redisUrl?: string | undefined;
  /** An app whose database this one uses, in place of its own, once it has started. */
  sharing?: Sample;
}

function driverOf(app: INestApplication): { databaseConnection: unknown } {
  return app.get(DataSource).driver as unknown as { databaseConnection: unknown };
}

/** The sample, listening on a port of its own, with queries that cost nothing. */
export class Sample {
  private constructor(
    private readonly app: INestApplication,
    private readonly base: string,
  ) {}

  static async start({ redisUrl, sharing }: SampleOptions = {}): Promise<Sample> {
    const testing = Test.createTestingModule({ imports: [AppModule] }).setLogger(SILENT);
    testing.overrideProvider(Settings).useValue({ port: 0, redisUrl, queryCost: 0 });
    const module = await testing.compile();
    const app = module.createNestApplication();
    try {
      await app.listen(0, '127.0.0.1');
    } catch (error) {
      await app.close();
      throw error;
    }
    if (sharing) driverOf(app).databaseConnection = driverOf(sharing.app).databaseConnection;
    const { port } = app.getHttpServer().address() as AddressInfo;
    return new Sample(app, `http://127.0.0.1:${port}`);
  }

  /** Statements that have reached the database so far. */
  get queries(): number {
    return this.app.get(QueryLog).count;
  }

  get(path: string, headers?: Record<string, string>): Promise<Answer> {
    return this.send('GET', path, undefined, headers);
  }

  async send(
    method: string,
    path: string,
    body?: unknown,
    headers: Record<string, string> = {},
  ): Promise<Answer> {
    const response = await fetch(this.base + path, {
      method,
      headers: body === undefined ? headers : { ...headers, 'content-type': 'application/json' },
      ...(body !== undefined && { body: JSON.stringify(body) }),
    });
    const isJson = response.headers.get('content-type')?.includes('json') === true;
    return {
      status: response.status,
      headers: response.headers,
      body: await (isJson ? response.json() : response.text()),
    };
  }

  async stats(): Promise<CacheStats> {
    return (await this.get('/cache/stats')).body as CacheStats;
  }

  /** What a request answers, and how many statements it took. */
  async counted(request: () => Promise<Answer>): Promise<Answer & { queries: number }> {
    const before = this.queries;
    const answer = await request();
    return { ...answer, queries: this.queries - before };
  }

  async close(): Promise<void> {
    await this.app.close();
  }
}
