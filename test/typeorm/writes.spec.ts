import { afterEach, beforeEach } from '@jest/globals';

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
