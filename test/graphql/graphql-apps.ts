import { ApolloDriver, type ApolloDriverConfig } from '@nestjs/apollo';
import type { ApolloServerPlugin } from '@apollo/server';
import type { INestApplication, Provider } from '@nestjs/common';
import type { AbstractHttpAdapter } from '@nestjs/core';
import { GraphQLModule } from '@nestjs/graphql';
import { ExpressAdapter } from '@nestjs/platform-express';
import { Test } from '@nestjs/testing';

import { type CacheResponseOptions, ResponseCacheModule } from '../../lib/http/index.js';
import { CacheManager, CacheModule, type CacheModuleOptions } from '../../lib/index.js';

/** What the applications have said. */
export const WARNINGS: string[] = [];

const LOGGER = {
  log() {},
  info() {},
  debug() {},
  error() {},
  warn: (message: string) => void WARNINGS.push(message),
};

export interface Answer {
  readonly data?: Record<string, unknown>;
  readonly errors?: readonly { readonly message: string }[];
}

export interface Question {
  readonly query?: string;
  readonly variables?: Record<string, unknown>;
  readonly operationName?: string;
  readonly extensions?: Record<string, unknown>;
}

export interface GraphQLApp {
  readonly app: INestApplication;
  readonly cache: CacheManager;
  ask(question: string | Question, headers?: Record<string, string>): Promise<Answer>;
  /** The whole response. */
  post(question: Question, headers?: Record<string, string>): Promise<Response>;
}

export interface GraphQLAppOptions {
  readonly providers: Provider[];
  readonly plugins?: (cache: CacheManager) => ApolloServerPlugin[];
  readonly graphql?: Partial<ApolloDriverConfig>;
  readonly cache?: CacheModuleOptions;
  /** Of responses, for all of the application. */
  readonly defaults?: CacheResponseOptions;
  /** Default: Express. */
  readonly adapter?: AbstractHttpAdapter;
}

const open: INestApplication[] = [];

/** Closes what was started, and forgets what was said; for `afterEach`. */
export async function closeGraphQLApps(): Promise<void> {
  await Promise.all(open.splice(0).map((app) => app.close()));
  WARNINGS.length = 0;
}

/** An application that serves GraphQL by Apollo. */
export async function graphqlApp(options: GraphQLAppOptions): Promise<GraphQLApp> {
  const module = await Test.createTestingModule({
    imports: [
      CacheModule.forRoot(options.cache ?? {}),
      ResponseCacheModule.forRoot(options.defaults),
      GraphQLModule.forRootAsync<ApolloDriverConfig>({
        driver: ApolloDriver,
        inject: [CacheManager],
        useFactory: (cache: CacheManager) => ({
          autoSchemaFile: true,
          fieldResolverEnhancers: ['interceptors'],
          logger: LOGGER,
          includeStacktraceInErrorResponses: false,
          plugins: options.plugins?.(cache) ?? [],
          ...options.graphql,
        }),
      }),
    ],
    providers: options.providers,
  }).compile();
  module.useLogger(LOGGER);
  const app = module.createNestApplication(options.adapter ?? new ExpressAdapter(), { logger: LOGGER });
  open.push(app);
  await app.listen(0, '127.0.0.1');
  const url = `${await app.getUrl()}/graphql`;
  const post = (question: Question, headers: Record<string, string> = {}): Promise<Response> =>
    fetch(url, {
      method: 'POST',
      headers: { 'content-type': 'application/json', ...headers },
      body: JSON.stringify(question),
    });
  return {
    app,
    cache: module.get(CacheManager),
    post,
    async ask(question, headers) {
      const response = await post(typeof question === 'string' ? { query: question } : question, headers);
      return (await response.json()) as Answer;
    },
  };
}
