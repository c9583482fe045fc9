import { afterEach, beforeEach, describe, expect, it } from '@jest/globals';
import type { DataSource } from 'typeorm';

import type { CacheManager } from '../../lib/index.js';
import { CachedRepository } from '../../lib/typeorm/cached-repository.js';
import { DataSourceCache } from '../../lib/typeorm/data-source-cache.js';
import { closeBenches } from '../support/caches.js';
import { openShop } from './open-shop.js';
import { Label, Post, SQLJS, Stock, User } from './shop.js';

let source: DataSource;
let statements: string[];
let cache: CacheManager;
let users: CachedRepository<User>;
let posts: CachedRepository<Post>;

beforeEach(async () => {
  const shop = await openShop(SQLJS, 'memory + redis');
  ({ source, statements, cache, users, posts } = shop);
});
afterEach(async () => {
  await closeBenches();
  await source.destroy();
});

const selects = (): number => statements.filter((sql) => sql.startsWith('SELECT')).length;

describe('findById', () => {
  it('asks once', async () => {
    for (let i = 0; i < 3; i++) {
      const ann = await users.findById(1);
      expect(ann).toBeInstanceOf(User);
      expect(ann).toMatchObject({ id: 1, name: 'Ann', active: true, greeting: 'I am Ann' });
      expect(ann!.passwordHash).toBeUndefined();
      expect(ann!.secret).toBeUndefined();
    }
    expect(selects()).toBe(1);
  });

  it('remembers what is not there, until it is', async () => {
    expect(await users.findById(3)).toBeNull();
    expect(await users.findById('3')).toBeNull();
    expect(selects()).toBe(1);
    await users.insert({ email: 'c@x', name: 'Cleo' });
    expect(await users.findById(3)).toMatchObject({ name: 'Cleo' });
  });

  it('sees a write', async () => {
    await users.findById(1);
    await users.update(1, { name: 'Anna' });
    expect(await users.findById(1)).toMatchObject({ name: 'Anna', greeting: 'I am Anna' });
  });

  it('is one SELECT for a hundred callers', async () => {
    await Promise.all(Array.from({ length: 100 }, () => users.findById(1)));
    expect(selects()).toBe(1);
  });
});

it('findByIds: in the order asked, null for what is not there, one statement', async () => {
  await users.findById(2);
  statements.length = 0;
  const found = await users.findByIds([2, 9, '1', 2]);
  expect(found.map((user) => user?.name)).toStrictEqual(['Bob', undefined, 'Ann', 'Bob']);
  expect(found[1]).toBeNull();
  expect(selects()).toBe(1);
});

it('composite keys', async () => {
  const stock = new CachedRepository(DataSourceCache.of('default', source, cache), Stock);
  await stock.insert({ shop: 1, product: 'a:b', amount: 5 });
  expect(await stock.findById({ shop: 1, product: 'a:b' })).toMatchObject({ amount: 5 });
  await stock.update({ shop: 1, product: 'a:b' }, { amount: 6 });
  expect(await stock.findById({ shop: 1, product: 'a:b' })).toMatchObject({ amount: 6 });
  await expect(stock.findById(1)).rejects.toThrow('has several parts');
});

describe('lists', () => {
  it('refer to instances', async () => {
    const all = await users.cached({ ttl: 60 }).find({ where: { active: true }, order: { id: 'ASC' } });
    expect(all.map(({ name }) => name)).toStrictEqual(['Ann', 'Bob']);
    expect(selects()).toBe(2);
    await users.findById(1);
    await users.cached().find({ where: { active: true }, order: { id: 'ASC' } });
    expect(selects()).toBe(2);
    await users.update(2, { active: false });
    expect(await users.cached().find({ where: { active: true }, order: { id: 'ASC' } })).toHaveLength(1);
  });

  it('of one author are not outdated by another', async () => {
    const of = (id: number) => posts.cached().find({ where: { author: { id } }, order: { id: 'ASC' } });
    expect((await of(1)).map(({ title }) => title)).toStrictEqual(['first', 'second']);
    expect(await of(2)).toHaveLength(1);
    await source.transaction(async (manager) => {
      const third = (await posts.withManager(manager).loadForUpdate(3))!;
      await posts.withManager(manager).save(Object.assign(third, { title: 'changed' }));
    });
    statements.length = 0;
    await of(1);
    expect(selects()).toBe(0);
    expect((await of(2)).map(({ title }) => title)).toStrictEqual(['changed']);
    expect(selects()).toBe(2);
  });

  it('count, exists, findAndCount, findOne', async () => {
    const cached = users.cached();
    for (let i = 0; i < 2; i++) {
      expect(await cached.count({ where: { active: true } })).toBe(2);
      expect(await cached.exists({ where: { name: 'Zoe' } })).toBe(false);
      expect(await cached.findOne({ where: { name: 'Bob' } })).toMatchObject({ id: 2 });
      const [page, count] = await cached.findAndCount({ order: { id: 'DESC' }, take: 1 });
      expect([page.map(({ id }) => id), count]).toStrictEqual([[2], 2]);
    }
  });

  it('with relations', async () => {
    for (let i = 0; i < 2; i++) {
      const [ann] = await users.cached().find({ where: { id: 1 }, relations: { posts: true } });
      expect(ann).toBeInstanceOf(User);
      expect(ann!.posts.map(({ title }) => title)).toStrictEqual(['first', 'second']);
      expect(ann!.passwordHash).toBeUndefined();
    }
    expect(selects()).toBe(1);
  });
});

it('rows that are marked as deleted are not related to anything', async () => {
  const ann = (await users.findById(1))!;
  await source.manager.save(Post, { id: 1, labels: [await source.manager.save(Label, { name: 'red' })] });
  const labels = new CachedRepository(DataSourceCache.of('default', source, cache), Label);
  const red = (await labels.findById('red'))!;
  const titles = async () =>
    [await users.relation(ann, 'posts'), await labels.relation(red, 'posts')].map((list) =>
      list.map(({ title }) => title),
    );
  expect(await titles()).toStrictEqual([['first', 'second'], ['first']]);
  await posts.softDelete(1);
  expect(await titles()).toStrictEqual([['second'], []]);
  await posts.restore(1);
  expect(await titles()).toStrictEqual([['first', 'second'], ['first']]);
});

it('relations, one by one and for lists', async () => {
  const [ann, bob] = await users.findByIds([1, 2]);
  statements.length = 0;
  const lists = await users.relation([ann!, bob!], 'posts');
  expect(lists.map((list) => list.map(({ title }) => title))).toStrictEqual([['first', 'second'], ['third']]);
  expect(selects()).toBe(2);
  expect(await posts.relation(lists[0]![0]!, 'author')).toMatchObject({ name: 'Ann' });
  expect(selects()).toBe(2);
});
