// The cache is told of what it cannot see, and told to look for itself.
import 'reflect-metadata';

import { afterEach, beforeEach, expect, it } from '@jest/globals';
import {
  ChildEntity,
  Column,
  Entity,
  PrimaryColumn,
  PrimaryGeneratedColumn,
  TableInheritance,
} from 'typeorm';

import { CacheEntity } from '../../lib/typeorm/index.js';
import type { CachedRepository } from '../../lib/typeorm/cached-repository.js';
import { closeBenches } from '../support/caches.js';
import { breathe } from '../support/deferred.js';
import { type OpenEntities, openEntities } from './open-entities.js';
import { ENTITIES, Post, User } from './shop.js';

@CacheEntity()
@Entity()
class Paper {
  @PrimaryColumn('varchar') id!: string;
  @Column() n!: number;
}

@CacheEntity({ name: 'item' })
@Entity()
@TableInheritance({ column: { type: 'varchar', name: 'kind' } })
class Item {
  @PrimaryGeneratedColumn() id!: number;
  @Column() n!: number;
}

@ChildEntity()
class SmallItem extends Item {}

let entities: OpenEntities;
let users: CachedRepository<User>;
let posts: CachedRepository<Post>;
beforeEach(async () => {
  entities = await openEntities([...ENTITIES, Paper, Item, SmallItem]);
  [users, posts] = [entities.of(User), entities.of(Post)];
  await entities.source.manager.save(User, [{ email: 'a@x', name: 'Ann' }, { email: 'b@x', name: 'Bob' }]); // prettier-ignore
  await entities.source.manager.save(Post, [{ title: 'first', author: { id: 1 } }]);
});
afterEach(async () => {
  await closeBenches();
  await entities.source.destroy();
});

/** As another program does. */
function elsewhere(sql: string): void {
  const { databaseConnection } = entities.source.driver as unknown as {
    databaseConnection: { run(sql: string): void };
  };
  databaseConnection.run(sql);
}

const names = async (): Promise<unknown> => ({
  rows: (await users.findByIds([1, 2])).map((user) => user?.name),
  list: await users.cached().count({ where: { name: 'Ann' } }),
  ofAuthor: (await users.relation({ id: 1 } as User, 'posts')).length,
});
const BEFORE = { rows: ['Ann', 'Bob'], list: 1, ofAuthor: 1 };

it('invalidate: one row, and the lists of its table', async () => {
  expect(await names()).toStrictEqual(BEFORE);
  elsewhere(`UPDATE user SET name = name || '!'`);
  elsewhere(`INSERT INTO post (title, authorId) VALUES ('second', 1)`);
  expect(await names()).toStrictEqual(BEFORE);
  await users.invalidate('01');
  expect(await names()).toStrictEqual({ ...BEFORE, rows: ['Ann!', 'Bob'], list: 0 });
  await posts.invalidate(2);
  expect(await names()).toStrictEqual({ rows: ['Ann!', 'Bob'], list: 0, ofAuthor: 2 });
});

it('invalidateAll: all rows of the table and all lists, for all instances', async () => {
  const other = await openEntities(ENTITIES, undefined, entities.redis);
  const theirs = other.of(User);
  await other.source.manager.save(User, { email: 'a@x', name: 'Ann' });
  await names();
  await theirs.findById(1);
  other.selects();
  await theirs.findById(1);
  expect(other.selects()).toBe(0);
  elsewhere(`UPDATE user SET name = name || '!'`);
  elsewhere(`INSERT INTO post (title, authorId) VALUES ('second', 1)`);
  await users.invalidateAll();
  expect(await names()).toStrictEqual({ rows: ['Ann!', 'Bob!'], list: 0, ofAuthor: 1 });
  await posts.invalidateAll();
  expect(await names()).toStrictEqual({ rows: ['Ann!', 'Bob!'], list: 0, ofAuthor: 2 });
  await breathe();
  expect(await theirs.findById(1)).toMatchObject({ name: 'Ann!' });
  await other.source.destroy();
});

it('invalidatePattern: the rows whose keys match, and no lists', async () => {
  await names();
  elsewhere(`UPDATE user SET name = name || '!'`);
  await users.invalidatePattern('user:2*');
  expect(await names()).toStrictEqual({ ...BEFORE, rows: ['Ann', 'Bob!'] });
  await users.invalidatePattern('user:*');
  expect(await names()).toStrictEqual({ ...BEFORE, rows: ['Ann!', 'Bob!'] });
});

it('{ cache: false } reads the database, and stores nothing', async () => {
  const past = { cache: false };
  await users.findById(1);
  elsewhere(`UPDATE user SET name = name || '!'`);
  expect(await users.findById(1, past)).toMatchObject({ name: 'Ann!' });
  expect(await users.findByIds([1], past)).toMatchObject([{ name: 'Ann!' }]);
  expect(await users.findByIndex({ email: 'a@x' }, past)).toMatchObject({ name: 'Ann!' });
  expect(await users.findById(1)).toMatchObject({ name: 'Ann' });
  expect(await users.findById(2, past)).toMatchObject({ name: 'Bob!' });
  entities.selects();
  await users.findById(2);
  expect(entities.selects()).toBe(1);
});

it('ids of any length have keys and tags', async () => {
  const papers = entities.of(Paper);
  const ids = ['x'.repeat(2_000), `${'x'.repeat(2_000)}y`, 'ü'.repeat(700), '~:*?%'];
  for (const [n, id] of ids.entries()) await papers.insert({ id, n });
  for (const [n, id] of ids.entries()) expect(await papers.findById(id)).toMatchObject({ n });
  expect((await papers.findByIds(ids)).map((paper) => paper?.n)).toStrictEqual([0, 1, 2, 3]);
  await papers.update(ids[0]!, { n: 10 });
  await papers.update(ids[2]!, { n: 12 });
  expect((await papers.findByIds(ids)).map((paper) => paper?.n)).toStrictEqual([10, 1, 12, 3]);
});

it('a class that extends one with a name has keys of its own', async () => {
  await entities.source.manager.save(Item, { n: 1 });
  await entities.source.manager.save(SmallItem, { n: 2 });
  await entities.of(Item).findById(2);
  await entities.of(SmallItem).findById(2);
  expect(await entities.of(SmallItem).findById(1)).toBeNull();
  await entities.of(Item).findById(1);
  const keys = entities.redis.keys().join('\n');
  for (const key of ['item:1', 'item:2', 'smallItem:1', 'smallItem:2']) expect(keys).toContain(key);
});
