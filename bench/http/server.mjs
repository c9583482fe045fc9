// One application in a process of its own: a constant, and the same constant from the cache.
import 'reflect-metadata';
import { Controller, Get, Module, UseInterceptors } from '@nestjs/common';
import { NestFactory } from '@nestjs/core';
import { CacheModule } from 'nestjs-tiered-cache';
import { CacheResponse } from 'nestjs-tiered-cache/http';

import { makeValue } from '../harness/values.mjs';

const VALUE = makeValue(1, 600);
const PAGE = Array.from({ length: 100 }, (_, i) => makeValue(i, 600));

class Constants {
  constant() {
    return VALUE;
  }
  page() {
    return PAGE;
  }
  cached() {
    return VALUE;
  }
  cachedPage() {
    return PAGE;
  }
  mine() {
    return VALUE;
  }
  through() {
    return VALUE;
  }
}

/** What any interceptor costs. */
class Nothing {
  intercept(_context, next) {
    return next.handle();
  }
}

Controller()(Constants);
get('constant');
get('page');
get('through', UseInterceptors(new Nothing()));
get('cached', CacheResponse({ ttl: '1h' }));
get('cachedPage', CacheResponse({ ttl: '1h' }));
get('mine', CacheResponse({ ttl: '1h', scope: 'private', identity: ({ headers }) => headers.authorization }));

function get(name, ...decorators) {
  const descriptor = Object.getOwnPropertyDescriptor(Constants.prototype, name);
  for (const decorate of [Get(name), ...decorators]) decorate(Constants.prototype, name, descriptor);
}

// oxlint-disable-next-line typescript/no-extraneous-class -- a Nest module is an empty class with a decorator
class AppModule {}
Module({ imports: [CacheModule.forRoot()], controllers: [Constants] })(AppModule);

const { FastifyAdapter } = await import('@nestjs/platform-fastify');
const { ExpressAdapter } = await import('@nestjs/platform-express');
const adapter = process.argv[2] === 'fastify' ? new FastifyAdapter() : new ExpressAdapter();
const app = await NestFactory.create(AppModule, adapter, { logger: ['error', 'warn'] });
await app.listen(0, '127.0.0.1');
process.on('disconnect', () => process.exit());
process.send(await app.getUrl());
