import { afterEach, beforeEach, describe, expect, it } from '@jest/globals';
import { Column, type DataSource, Entity, In, PrimaryGeneratedColumn, Raw } from 'typeorm';

import { ALL_TOPOLOGIES, benchOf, closeBenches, redisFor, type Topology } from '../support/caches.js';
import { CacheEntity, type EntityClass } from '../../lib/typeorm/index.js';
import { CachedRepository } from '../../lib/typeorm/cached-repository.js';
import { DataSourceCache } from '../../lib/typeorm/data-source-cache.js';
import { breathe, failure } from '../support/deferred.js';
import { openEntities } from './open-entities.js';
import {
  Article,
  Computed,
  Content,
  Customer,
  Invoice,
  KINDS,
  Money,
  Photo,
  Profile,
  Secret,
  tenant,
} from './kinds.js';
import { ENTITIES, openSource, Plain, Post, SQLJS, Stock, User } from './shop.js';

let source: DataSource;
let statements: string[];
let cached: DataSourceCache;

async function open(
  topology: Topology = 'memory + redis',
  entities: EntityClass[] = [...KINDS, ...ENTITIES],
): Promise<void> {
  ({ source, statements } = await openSource({ ...SQLJS, entities }));
  const { cache } = await benchOf(topology);
  cached = DataSourceCache.of('default', source, cache);
}

const of = <E extends object>(entity: abstract new () => E): CachedRepository<E> =>
  new CachedRepository<E>(cached, entity);
const selects = (): number => statements.filter((sql) => sql.startsWith('SELECT')).length;

afterEach(async () => {
  tenant.current = undefined;
  await closeBenches();
  if (source.isInitialized) await source.destroy();
});

describe.each(ALL_TOPOLOGIES)('%s', (topology) => {
  beforeEach(() => open(topology));

  it('classes of one table: each reader gets the row’s own class, and a write outdates it for all', async () => {
    await source.manager.save(Photo, { title: 'sea', width: 800 });
    const [contents, photos] = [of(Content), of(Photo)];
    expect(await contents.findById(1)).toBeInstanceOf(Photo);
    expect(await photos.findById(1)).toMatchObject({ title: 'sea', width: 800 });
    expect(await of(Article).findById(1)).toBeNull();
    await photos.update(1, { title: 'lake' });
    expect([await contents.findById(1), await photos.findById(1)]).toMatchObject([
      { title: 'lake' },
      { title: 'lake' },
    ]);
  });

  it('embedded objects, transformers and dates', async () => {
    const customers = of(Customer);
    await customers.insert({ code: 'a', home: { street: 'Elm', city: 'Bern' }, balance: new Money(500) });
    const plain = await source.manager.findOneBy(Customer, { code: 'a' });
    for (let i = 0; i < 2; i++) expect(await customers.findById('a')).toStrictEqual(plain);
    expect(plain!.balance).toBeInstanceOf(Money);
    const condition = { where: { balance: In([new Money(500)]) } };
    for (let i = 0; i < 2; i++) expect(await customers.cached().find(condition)).toStrictEqual([plain]);
    expect(await customers.cached().count(condition)).toBe(1);
    await customers.update('a', { balance: new Money(400) });
    expect((await customers.findById('a'))!.balance.cents).toBe(400);
  });

  it('relations to one, both ways, and eager ones', async () => {
    const [customers, profiles, invoices] = [of(Customer), of(Profile), of(Invoice)];
    const a = await source.manager.save(Customer, { code: 'a', home: {}, balance: new Money(0) });
    const { id } = await source.manager.save(Profile, { text: 'hi', customer: a });
    await source.manager.save(Invoice, [{ total: 1, customer: a }, { total: 2, customer: null }]); // prettier-ignore
    const customer = (await customers.findById('a'))!;
    expect(await customers.relation(customer, 'profile')).toMatchObject({ id });
    expect(await profiles.relation((await profiles.findById(id))!, 'customer')).toMatchObject({
      code: 'a',
    });
    const found = await invoices.cached().find({ order: { id: 'ASC' } });
    expect(found).toMatchObject([
      { total: 1, customer: { code: 'a' } },
      { total: 2, customer: null },
    ]);
    expect(await invoices.relation(found, 'customer')).toMatchObject([{ code: 'a' }, null]);
    await customers.update('a', { home: { city: 'Bonn' } });
    expect((await invoices.cached().find({ order: { id: 'ASC' } }))[0]).toMatchObject({
      customer: { home: { city: 'Bonn' } },
    });
  });

  it('two tenants share nothing, and hear of each other’s writes', async () => {
    const secrets = of(Secret);
    await secrets.insert({ text: 'first' });
    tenant.current = 'a';
    await secrets.findById(1);
    tenant.current = 'b';
    statements.length = 0;
    await secrets.findById(1);
    expect(selects()).toBe(1);
    await secrets.update(1, { text: 'second' });
    tenant.current = 'a';
    expect(await secrets.findById(1)).toMatchObject({ text: 'second' });
  });
});

it('two data sources with entities of one name', async () => {
  await open();
  const other = await openSource(SQLJS);
  try {
    const theirs = new CachedRepository(DataSourceCache.of('other', other.source, cached.cache), User);
    await of(User).insert({ email: 'a@x', name: 'ours' });
    await theirs.insert({ email: 'a@x', name: 'theirs' });
    expect([await of(User).findById(1), await theirs.findById(1)]).toMatchObject([
      { name: 'ours' },
      { name: 'theirs' },
    ]);
    await theirs.update(1, { name: 'changed' });
    statements.length = 0;
    expect(await of(User).findById(1)).toMatchObject({ name: 'ours' });
    expect(selects()).toBe(0);
  } finally {
    await other.source.destroy();
  }
});

it('another set of columns is another entry, and a write outdates both', async () => {
  const before = (): EntityClass<{ id: number; name: string }> => {
    @CacheEntity()
    @Entity()
    class Thing {
      @PrimaryGeneratedColumn() id!: number;
      @Column() name!: string;
    }
    return Thing;
  };
  const after = (): EntityClass<{ id: number; name: string }> => {
    @CacheEntity()
    @Entity()
    class Thing {
      @PrimaryGeneratedColumn() id!: number;
      @Column() name!: string;
      @Column({ default: 5 }) size!: number;
    }
    return Thing;
  };
  const redis = redisFor('memory + redis');
  const versions = [];
  for (const entity of [before(), after()]) {
    const version = await openEntities([entity], SQLJS, redis);
    await version.source.query(`INSERT INTO thing (name) VALUES ('Ann')`);
    versions.push({ ...version, things: version.of(entity) });
  }
  const [old, fresh] = versions as [(typeof versions)[0], (typeof versions)[0]];
  expect(Object.keys((await old.things.findById(1))!)).toStrictEqual(['id', 'name']);
  expect(await fresh.things.findById(1)).toMatchObject({ name: 'Ann', size: 5 });
  fresh.selects();
  await fresh.things.findById(1);
  expect(fresh.selects()).toBe(0);
  // In its own database, past everything that could see it.
  const { databaseConnection } = fresh.source.driver as unknown as {
    databaseConnection: { run(sql: string): void };
  };
  databaseConnection.run(`UPDATE thing SET name = 'Anna'`);
  await old.source.query(`UPDATE thing SET name = 'Anna' WHERE id = 1`);
  await breathe();
  for (const { things, source: own } of versions) {
    expect(await things.findById(1)).toMatchObject({ name: 'Anna' });
    await own.destroy();
  }
});

describe('bad input is an error that says what to do', () => {
  beforeEach(() => open());

  it.each<[string, () => unknown, string, RegExp]>([
    ['no @CacheEntity', () => of(Plain), 'CACHE_ENTITY_INVALID', /Plain has no @CacheEntity\(\): put it/],
    [
      'no entity',
      () => of(class Foreign {}),
      'CACHE_ENTITY_INVALID',
      /Foreign is no entity of the data source 'default'/,
    ],
    [
      'a virtual column',
      () => of(Computed),
      'CACHE_ENTITY_INVALID',
      /Computed.one is a virtual column.*exclude/,
    ],
    [
      'a composite id as a scalar',
      () => of(Stock).findById(1),
      'CACHE_ENTITY_INVALID',
      /several parts: give an object with shop, product/,
    ],
    [
      'a part of a composite id',
      () => of(Stock).findById({ shop: 1 }),
      'CACHE_ENTITY_INVALID',
      /no id of Stock \(shop, product\)/,
    ],
    [
      'no id',
      () => of(User).findById(undefined as never),
      'CACHE_ENTITY_INVALID',
      /undefined is no id of User/,
    ],
    [
      'an object without an id',
      () => of(User).findById({ name: 'x' }),
      'CACHE_ENTITY_INVALID',
      /is no id of User/,
    ],
    [
      'a relation that is none',
      () => of(User).relation({} as User, 'pots' as 'posts'),
      'CACHE_ENTITY_INVALID',
      /no relation 'pots'.*there are posts/,
    ],
    [
      'no unique index',
      () => of(User).findByIndex({ name: 'Ann' }),
      'CACHE_ENTITY_INVALID',
      /no unique index on name: there are id; email/,
    ],
    [
      'a lock',
      () =>
        of(User)
          .cached()
          .find({ lock: { mode: 'pessimistic_write' } }),
      'CACHE_QUERY_UNSUPPORTED',
      /option lock cannot be cached: .*loadForUpdate/,
    ],
    [
      'a cache in a cache',
      () => of(User).cached().find({ cache: true }),
      'CACHE_QUERY_UNSUPPORTED',
      /leave TypeORM's own/,
    ],
    [
      'a hidden column',
      () =>
        of(User)
          .cached()
          .find({ select: { secret: true } }),
      'CACHE_QUERY_UNSUPPORTED',
      /User.secret is hidden/,
    ],
    [
      'an excluded column',
      () =>
        of(User)
          .cached()
          .find({ select: { passwordHash: true } }),
      'CACHE_QUERY_UNSUPPORTED',
      /hidden/,
    ],
    [
      'a hidden column of another',
      () =>
        of(Post)
          .cached()
          .find({ relations: { author: true }, select: { author: { secret: true } } }),
      'CACHE_QUERY_UNSUPPORTED',
      /User.secret is hidden/,
    ],
    [
      'SQL of its own',
      () =>
        of(User)
          .cached()
          .find({ where: { id: Raw((id) => `${id} IN (SELECT "authorId" FROM post)`) } }),
      'CACHE_QUERY_UNSUPPORTED',
      /which tables .* cannot be told.*cached\(\{ tables/,
    ],
    [
      'a second name of a data source',
      () => DataSourceCache.of('other', source, cached.cache),
      'CACHE_ENTITY_INVALID',
      /under two names, 'default' and 'other'/,
    ],
    ['a bad option', () => of(User).cached({ ttl: -1 }).find(), 'CACHE_DURATION_INVALID', /ttl is -1/],
  ])('%s', async (_, act, code, message) => {
    const error = await failure((async () => act())());
    expect(error).toMatchObject({ code });
    expect(error.message).toMatch(message);
  });

  it.each<[string, object, RegExp]>([
    ['an unknown option', { tll: 5 }, /@CacheEntity on Bad: there is no option 'tll'.*ttl/],
    ['a bad ttl', { ttl: 'soon' }, /@CacheEntity on Bad: ttl is 'soon'/],
    ['tags', { tags: ['x'] }, /there is no option 'tags'/],
    ['a bad name', { name: 'a:b' }, /name must be/],
    ['a bad list', { exclude: 'name' }, /exclude must be a list/],
    ['a bad context', { context: 'x' }, /context must be a function/],
  ])('@CacheEntity with %s', (_, options, message) => {
    class Bad {}
    expect(() => CacheEntity(options as never)(Bad)).toThrow(message);
  });

  it('a query with SQL of its own that names its tables', async () => {
    const users = of(User);
    await users.insert({ email: 'a@x', name: 'Ann' });
    const authors = () =>
      users
        .cached({ tables: [Post] })
        .find({ where: { id: Raw((id) => `${id} IN (SELECT "authorId" FROM post)`) } });
    expect(await authors()).toStrictEqual([]);
    await source.manager.save(Post, { title: 'first', author: { id: 1 } });
    expect(await authors()).toMatchObject([{ name: 'Ann' }]);
    expect(await users.cached().find({ where: { id: In([1]) } })).toHaveLength(1);
  });
});
