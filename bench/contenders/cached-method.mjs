import { Injectable } from '@nestjs/common';
import { CachedMethod, CacheManager } from 'nestjs-tiered-cache';

import { makeValue } from '../harness/values.mjs';
import { openApplication } from './nest-application.mjs';

const NAME = 'nestjs-tiered-cache';
const VALUES = 'frozen, shared';
const POLICIES = {
  ttl: '10m',
  staleWhileRevalidate: '1h',
  staleIfError: '1d',
  loadTimeout: { soft: '200ms', hard: '5s' },
};

/** This library through a method of a provider, as an application calls it. */
export const contender = {
  name: NAME,
  package: NAME,
  setups: {
    'decorated-number': decorated('key: `user:{id}`, a number', CachedMethod({ key: 'user:{id}' }), (i) => i),
    'decorated-string': decorated(
      'key: `user:{id}`, a string',
      CachedMethod({ key: 'user:{id}' }),
      (i) => `u-${i}`,
    ),
    'decorated-function': decorated('key: a function', CachedMethod({ key: (id) => `user:${id}` }), (i) => i),
    'decorated-hash': decorated('no key: a hash of a number', CachedMethod(), (i) => i),
    'decorated-object': decorated('no key: a hash of an object', CachedMethod(), (i) => ({
      page: i,
      sort: 'name',
    })),
    'decorated-policies': decorated(
      'with ttl and policies',
      CachedMethod({ key: 'user:{id}', ...POLICIES }),
      (i) => i,
    ),
    undecorated: byHand('getOrSet in the method, by hand', (cache, id, load) =>
      cache.getOrSet(`user:${id}`, load),
    ),
    'undecorated-options': byHand("likewise, { ttl: '10m', tags: […] }", (cache, id, load) =>
      cache.getOrSet(`user:${id}`, load, { ttl: '10m', tags: ['users'] }),
    ),
    'undecorated-policies': byHand('likewise, with ttl and policies', (cache, id, load) =>
      cache.getOrSet(`user:${id}`, load, { ...POLICIES }),
    ),
  },
};

function byHand(note, call) {
  return {
    name: `${NAME}, ${note}`,
    values: VALUES,
    offers: { get: '' },
    open: ({ capacity, bytes }) =>
      open(capacity, (app) => {
        const cache = app.get(CacheManager);
        return (id) => call(cache, id, () => makeValue(id, bytes));
      }),
    argumentOf: (i) => i,
  };
}

function decorated(note, decorator, argumentOf) {
  return {
    name: `${NAME} @CachedMethod, ${note}`,
    values: VALUES,
    offers: { get: '' },
    argumentOf,
    open({ capacity, bytes }) {
      class Users {
        async find(id) {
          return makeValue(indexOf(id), bytes);
        }
      }
      Reflect.decorate([Injectable()], Users);
      const method = Reflect.getOwnPropertyDescriptor(Users.prototype, 'find');
      const replaced = Reflect.decorate([decorator], Users.prototype, 'find', method);
      Object.defineProperty(Users.prototype, 'find', replaced);
      return open(
        capacity,
        (app) => {
          const users = app.get(Users);
          return (id) => users.find(id);
        },
        [Users],
      );
    },
  };
}

function indexOf(id) {
  if (typeof id === 'object') return id.page;
  return typeof id === 'string' ? Number(id.slice(2)) : id;
}

async function open(capacity, callerOf, providers = []) {
  const app = await openApplication({ memory: { maxSize: capacity } }, providers);
  return { get: callerOf(app), close: () => app.close() };
}
