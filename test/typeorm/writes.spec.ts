import { afterEach, beforeEach, expect, it } from '@jest/globals';

import { closeBenches } from '../support/caches.js';
import { SQLJS } from './shop.js';
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
