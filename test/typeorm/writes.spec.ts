import { afterEach, beforeEach, expect, it } from '@jest/globals';

import { closeBenches } from '../support/caches.js';
import { Deferred } from '../support/deferred.js';
import { Post, SQLJS, User } from './shop.js';
import { openShop } from './open-shop.js';
import { type Shop, writing } from './writing.js';

let shop: Shop;

beforeEach(async () => {
  shop = await openShop(SQLJS, 'memory + redis');
});
afterEach(async () => {
  await closeBenches();
  await shop.source.destroy();
});

writing(() => shop);

it('a savepoint outside of a transaction begins one', async () => {
  const { source, users } = shop;
  await users.findById(1);
  const runner = source.createQueryRunner();
  await runner.query('SAVEPOINT outer_one');
  await runner.query(`UPDATE "user" SET name = 'nobody' WHERE id = 1`);
  expect(await users.findById(1)).toMatchObject({ name: 'nobody' });
  await runner.query('ROLLBACK TO outer_one');
  await runner.query(`UPDATE "user" SET name = 'Anna' WHERE id = 1`);
  await runner.query('RELEASE outer_one');
  expect(await users.findById(1)).toMatchObject({ name: 'Anna' });
});

it('what a load reads while somebody has a transaction open on the only connection is not stored', async () => {
  const { source, users } = shop;
  const reading = new Deferred<void>();
  const looked = new Deferred<void>();
  let waits = true;
  source.subscribers.push({
    afterQuery: async ({ query }) => {
      if (!waits || !query.startsWith('SELECT')) return;
      waits = false;
      looked.resolve();
      await reading.promise;
    },
  });
  const runner = source.createQueryRunner();
  // The read begins before the transaction does, looks while it is open, and is answered when it is over.
  const early = users.findById(1);
  await runner.query('BEGIN');
  await runner.query(`UPDATE "user" SET name = 'nobody' WHERE id = 1`);
  await looked.promise;
  await runner.query('ROLLBACK');
  reading.resolve();
  await early;
  expect(await users.findById(1)).toMatchObject({ name: 'Ann' });
});

it('what is related to what came from the cache is not saved either', async () => {
  const { users, posts, source } = shop;
  const [ann] = await users.cached().find({ where: { id: 1 }, relations: { posts: true } });
  const post = ann!.posts[0] as Post;
  post.title = 'changed';
  await expect(source.manager.save(post)).rejects.toMatchObject({ code: 'CACHE_ENTITY_READ_ONLY' });
  expect(await posts.findById(1)).toMatchObject({ title: 'first' });
});

it('a new row outdates the lists of its own part of the table only, if it was saved', async () => {
  const { source, posts, statements } = shop;
  const of = (id: number) => posts.cached().find({ where: { author: { id } } });
  await of(1);
  await of(2);
  await source.manager.save(Post, { title: 'fourth', author: { id: 2 } });
  statements.length = 0;
  expect(await of(1)).toHaveLength(2);
  expect(statements).toHaveLength(0);
  expect(await of(2)).toHaveLength(2);
  await posts.insert({ title: 'fifth', author: { id: 2 } });
  statements.length = 0;
  expect(await of(1)).toHaveLength(2);
  expect(statements).toHaveLength(1);
});

it.each([
  ['does not say whom it belongs to', {}],
  ['still says whom it belonged to', { author: { id: 1 } as User }],
])('a row that is moved by saving what it belongs to, and itself %s', async (_, more) => {
  const { source, posts } = shop;
  const of = async (id: number) => (await posts.cached().find({ where: { author: { id } } })).length;
  expect([await of(1), await of(2)]).toStrictEqual([2, 1]);
  await source.transaction(async (manager) => {
    const post = (await posts.withManager(manager).loadForUpdate(1))!;
    const bob = await manager.findOneOrFail(User, { where: { id: 2 }, relations: { posts: true } });
    bob.posts.push(Object.assign(post, more));
    await manager.save(bob);
  });
  expect([await of(1), await of(2)]).toStrictEqual([1, 2]);
});
