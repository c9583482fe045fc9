import { afterEach, beforeEach, expect, it } from '@jest/globals';

import { closeBenches } from '../support/caches.js';
import { Post, SQLJS } from './shop.js';
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
