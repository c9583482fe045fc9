// What docs/views.md says is rendered, step by step.
import { readFileSync } from 'node:fs';
import { fileURLToPath } from 'node:url';
import { afterAll, afterEach, expect, it } from '@jest/globals';

import { ViewCache } from '../../lib/views/index.js';
import { benchesOf, closeBenches } from '../support/caches.js';
import { openTheatre, removeFolders } from './theatre.js';

afterEach(closeBenches);
afterAll(removeFolders);

interface Product {
  readonly id: number;
  readonly updatedAt: Date;
  readonly name: string;
}

class ShopPages {
  constructor(private readonly views: ViewCache) {}

  card(product: Product): Promise<string> {
    return this.views.cacheFragment('card', {
      of: { key: product.id, version: product.updatedAt },
      data: product,
      tags: [`product:${product.id}`],
    });
  }

  list(products: Product[], locale: string): Promise<string> {
    return this.views.cacheFragment('list', {
      of: products.map(({ id, updatedAt }) => ({ key: id, version: updatedAt })),
      by: [locale],
      data: async () => ({
        cards: (await Promise.all(products.map((one) => this.card(one)))).join(''),
      }),
      ttl: '1d',
    });
  }
}

const TEMPLATES = {
  list: '{{!-- includes: card --}}\n<ul>{{{cards}}}</ul>{{> footer}}',
  card: '<li>{{name}} {{> price}}</li>',
  price: '5 €',
  footer: 'bye',
  other: 'other',
};

it('renders what the guide says', async () => {
  const { write, news, engine } = openTheatre(TEMPLATES);
  const [bench, other] = await benchesOf('memory + redis', 2);
  const [pages, elsewhere] = [bench!, other!].map(
    ({ cache }) => new ShopPages(new ViewCache(cache, { engine, reload: true })),
  );
  let chair = { id: 1, updatedAt: new Date(1), name: 'Chair' };
  const table = { id: 2, updatedAt: new Date(1), name: 'Table' };
  const ask = (locale = 'en', from = pages!): Promise<string> => from.list([chair, table], locale);
  const touch = (): void => void (chair = { ...chair, updatedAt: new Date(chair.updatedAt.getTime() + 1) });
  const edit = (name: keyof typeof TEMPLATES): void => write({ [name]: `${TEMPLATES[name]}!` });
  const steps: Record<string, () => Promise<unknown>> = {
    'the first request': () => ask(),
    'the same again': () => ask(),
    'the same from another instance, with Redis': () => ask('en', elsewhere),
    'a product with a new version': () => (touch(), ask()),
    "`invalidateTags(['product:1'])`": async () => {
      await bench!.cache.invalidateTags(['product:1']);
      await ask();
    },
    'another locale, which the list alone is by': () => ask('de'),
    '`list.hbs` is edited': () => (edit('list'), ask()),
    '`footer.hbs` is edited, which list includes': () => (edit('footer'), ask()),
    '`price.hbs` is edited, which card includes': () => (edit('price'), ask()),
    'another template is edited': () => (edit('other'), ask()),
    'the edits are taken back': () => (write(TEMPLATES), ask()),
    '50 requests at once, for a new version': () => (
      touch(),
      Promise.all(Array.from({ length: 50 }, () => ask()))
    ),
  };
  const seen: string[][] = [];
  for (const [step, run] of Object.entries(steps)) {
    await run();
    seen.push([step, news().join(', ') || 'nothing']);
  }
  expect(seen).toEqual(rowsOfGuide());
});

function rowsOfGuide(): string[][] {
  const page = readFileSync(fileURLToPath(new URL('../../docs/views.md', import.meta.url)), 'utf8');
  const rows = /\| step +\| rendered +\|\n\|[- |]+\|\n((?:\|.*\|\n)+)/.exec(page)![1]!;
  return rows.trim().split('\n').map((row) => row.split('|').slice(1, 3).map((cell) => cell.trim())); // prettier-ignore
}
