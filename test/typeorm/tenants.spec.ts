// A data source for each tenant, from a provider of request scope.
import { Global, Injectable, Module, Scope } from '@nestjs/common';
import { ContextIdFactory, REQUEST } from '@nestjs/core';
import { Test, type TestingModule } from '@nestjs/testing';
import { getDataSourceToken, TypeOrmModule } from '@nestjs/typeorm';
import { afterEach, beforeEach, expect, it } from '@jest/globals';
import { DataSource } from 'typeorm';

import { CacheModule } from '../../lib/index.js';
import {
  CachedRepository,
  CachedRepositoryModule,
  type CachedRepositoryModuleOptions,
  InjectCachedRepository,
} from '../../lib/typeorm/index.js';
import { failure } from '../support/deferred.js';
import { ENTITIES, SQLJS, User } from './shop.js';

const sources = new Map<string, DataSource>();
const apps: TestingModule[] = [];

beforeEach(async () => {
  for (const tenant of ['a', 'b']) {
    const source = await new DataSource(SQLJS).initialize();
    await source.manager.save(User, { email: `${tenant}@x`, name: `of ${tenant}` });
    sources.set(tenant, source);
  }
});
afterEach(async () => {
  for (const app of apps.splice(0)) await app.close();
  for (const source of sources.values()) await source.destroy();
});

@Global()
@Module({
  providers: [
    {
      provide: getDataSourceToken(),
      scope: Scope.REQUEST,
      inject: [REQUEST],
      useFactory: ({ tenant }: { tenant: string }) => sources.get(tenant),
    },
  ],
  exports: [getDataSourceToken()],
})
class Tenants {}

@Injectable({ scope: Scope.REQUEST })
class Users {
  constructor(@InjectCachedRepository(User) readonly users: CachedRepository<User>) {}
}

async function start(options?: CachedRepositoryModuleOptions): Promise<TestingModule> {
  @Module({
    imports: [Tenants, CacheModule.forRoot(), CachedRepositoryModule.forFeature([User], 'default', options)],
    providers: [Users],
  })
  class App {}
  const app = await Test.createTestingModule({ imports: [App] }).compile();
  apps.push(app);
  return app.init();
}

async function usersOf(app: TestingModule, tenant: string): Promise<CachedRepository<User>> {
  const id = ContextIdFactory.create();
  app.registerRequestByContextId({ tenant }, id);
  return (await app.resolve(Users, id)).users;
}

it('is refused at start while its databases have no names of their own', async () => {
  const error = await failure(start());
  expect(error).toMatchObject({ code: 'CACHE_ENTITY_INVALID' });
  expect(error.message).toMatch(/'default' is not the same for every request.*\{ database: \(dataSource\)/);
});

it('with names, tenants share nothing, and requests of one tenant do', async () => {
  const nameOf = (given: DataSource): string => [...sources].find(([, source]) => source === given)![0];
  const app = await start({ database: nameOf });
  for (let i = 0; i < 2; i++) {
    for (const tenant of ['a', 'b']) {
      expect(await (await usersOf(app, tenant)).findById(1)).toMatchObject({ name: `of ${tenant}` });
    }
  }
  await sources.get('a')!.manager.update(User, 1, { name: 'changed' });
  expect(await (await usersOf(app, 'a')).findById(1)).toMatchObject({ name: 'changed' });
  expect(await (await usersOf(app, 'b')).findById(1)).toMatchObject({ name: 'of b' });
});

it.each([undefined, '', 'a:b', 5])('a name that is none is refused: %p', async (name) => {
  const app = await start({ database: () => name as string });
  await expect(usersOf(app, 'a')).rejects.toMatchObject({ code: 'CACHE_ENTITY_INVALID' });
});

it('a data source that nobody has initialized is an error that says so', async () => {
  @Module({
    imports: [
      TypeOrmModule.forRoot({ ...SQLJS, entities: ENTITIES, manualInitialization: true }),
      CacheModule.forRoot(),
      CachedRepositoryModule.forFeature([User]),
    ],
  })
  class App {}
  const error = await failure(Test.createTestingModule({ imports: [App] }).compile());
  expect(error).toMatchObject({ code: 'CACHE_ENTITY_INVALID' });
  expect(error.message).toMatch(/'default' is not initialized.*manualInitialization/);
});

it.each<[string, () => unknown, RegExp]>([
  ['no list', () => CachedRepositoryModule.forFeature(User as never), /takes a list of entities/],
  [
    'a data source instead of its name',
    () => CachedRepositoryModule.forFeature([User], sources.get('a') as never),
    /takes the name of a data source/,
  ],
  [
    'an unknown option',
    () => CachedRepositoryModule.forFeature([User], 'default', { cahce: 'x' } as never),
    /unknown option cahce.*allowed are cache, database/,
  ],
  [
    'no options',
    () => CachedRepositoryModule.forFeature([User], 'default', null as never),
    /must be an object/,
  ],
])('forFeature with %s', (_, act, message) => {
  expect(act).toThrow(expect.objectContaining({ code: 'CACHE_CONFIG_INVALID' }));
  expect(act).toThrow(message);
});
