import 'reflect-metadata';
import { Module } from '@nestjs/common';
import { NestFactory } from '@nestjs/core';
import { CacheModule } from 'nestjs-tiered-cache';

import { TTL_MS } from '../harness/values.mjs';

/** A Nest application with the cache, these providers and these modules. */
export function openApplication(cacheOptions, providers = [], modules = []) {
  // oxlint-disable-next-line typescript/no-extraneous-class -- a Nest module is an empty class with a decorator
  class AppModule {}
  const cache = CacheModule.forRoot({ ...cacheOptions, defaults: { ttl: `${TTL_MS}ms` } });
  Module({ imports: [cache, ...modules], providers })(AppModule);
  return NestFactory.createApplicationContext(AppModule, { logger: false });
}
