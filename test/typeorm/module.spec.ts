import { Injectable, Module } from '@nestjs/common';
import { Test, type TestingModule } from '@nestjs/testing';
import { getDataSourceToken, TypeOrmModule } from '@nestjs/typeorm';
import { afterEach, expect, it } from '@jest/globals';
import type { DataSource } from 'typeorm';

import { CacheManager, CacheModule, getCacheToken } from '../../lib/index.js';
import {
  CachedRepository,
  CachedRepositoryModule,
  type EntityClass,
  getCachedRepositoryToken,
  InjectCachedRepository,
} from '../../lib/typeorm/index.js';
import { failure } from '../support/deferred.js';
import { ENTITIES, Plain, Post, User } from './shop.js';

const database = { type: 'sqljs', synchronize: true, entities: ENTITIES } as const;

@Injectable()
class Users {
  constructor(
    @InjectCachedRepository(User) readonly users: CachedRepository<User>,
    @InjectCachedRepository(Post) readonly posts: CachedRepository<Post>,
  ) {}
}

const apps: TestingModule[] = [];
afterEach(async () => {
  for (const app of apps.splice(0)) await app.close();
});

async function start(module: unknown): Promise<TestingModule> {
  const app = await Test.createTestingModule({ imports: [module as never] }).compile();
  apps.push(app);
  return app.init();
}

it('provides repositories to the modules that import it, on the default cache and data source', async () => {
  @Module({
    imports: [CachedRepositoryModule.forFeature([User, Post])],
    providers: [Users],
    exports: [Users],
  })
  class UsersModule {}
  @Module({ imports: [CachedRepositoryModule.forFeature([User])] })
  class OtherModule {}
  @Module({ imports: [TypeOrmModule.forRoot(database), CacheModule.forRoot(), UsersModule, OtherModule] })
  class AppModule {}
  const app = await start(AppModule);
  const { users } = app.get(Users);
  expect(users).toBeInstanceOf(CachedRepository);
  await users.insert({ email: 'a@x', name: 'Ann' });
  expect(await users.findById(1)).toMatchObject({ name: 'Ann' });
  await app.get<DataSource>(getDataSourceToken()).getRepository(User).update(1, { name: 'Anna' });
  expect(await users.findById(1)).toMatchObject({ name: 'Anna' });
  expect(app.get(CacheManager).stats()).toMatchObject({ loads: 2 });
  const other = app.select(OtherModule).get<CachedRepository<User>>(getCachedRepositoryToken(User));
  expect(await other.findById(1)).toMatchObject({ name: 'Anna' });
  expect(app.get(CacheManager).stats()).toMatchObject({ loads: 2 });
});

it('other data sources and caches by their names', async () => {
  @Module({
    imports: [
      TypeOrmModule.forRoot({ ...database, name: 'crm' }),
      CacheModule.forRoot(),
      CacheModule.forRoot({ name: 'crm' }),
      CachedRepositoryModule.forFeature([User], 'crm', { cache: 'crm' }),
    ],
  })
  class AppModule {}
  const app = await start(AppModule);
  const users = app.get<CachedRepository<User>>(getCachedRepositoryToken(User, 'crm'), { strict: false });
  await users.findById(1);
  expect(app.get<CacheManager>(getCacheToken('crm')).stats()).toMatchObject({ loads: 1 });
  expect(app.get(CacheManager).stats()).toMatchObject({ loads: 0 });
  expect(getCachedRepositoryToken(User)).not.toBe(getCachedRepositoryToken(User, 'crm'));
});

it.each<[string, EntityClass, RegExp]>([
  ['without @CacheEntity', Plain, /Plain has no @CacheEntity\(\)/],
  ['of no data source', class Foreign {}, /Foreign is no entity of the data source 'default'/],
])('refuses to start with an entity %s', async (_, entity, message) => {
  @Module({
    imports: [
      TypeOrmModule.forRoot(database),
      CacheModule.forRoot(),
      CachedRepositoryModule.forFeature([entity]),
    ],
  })
  class AppModule {}
  const error = await failure(Test.createTestingModule({ imports: [AppModule] }).compile());
  expect(error).toMatchObject({ code: 'CACHE_ENTITY_INVALID' });
  expect(error.message).toMatch(message);
});

it('says so when an import in a circle leaves no entity', () => {
  expect(() => CachedRepositoryModule.forFeature([undefined as never])).toThrow(/there is no entity here/);
});
