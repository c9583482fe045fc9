import { afterAll, afterEach, describe, expect, it } from '@jest/globals';

import { type FragmentOptions, ViewCache } from '../../lib/views/index.js';
import { closeBenches } from '../support/caches.js';
import { Deferred, failure, settle } from '../support/deferred.js';
import { openStage, removeFolders, type Stage } from './theatre.js';

afterEach(closeBenches);
afterAll(removeFolders);

interface Product {
  id: number;
  version: number;
  name: string;
}

const SHOP = {
  list: '<ul>{{{cards}}}</ul>{{!-- includes: card --}}{{> footer}}',
  card: '<li>{{name}}{{> price}}</li>',
  price: ' 5 €',
  footer: '<i>bye</i>',
  other: 'other',
};

const CHAIR = { id: 1, version: 1, name: 'Chair' };
const TABLE = { id: 2, version: 1, name: 'Table & co' };

const PAGE = '<ul><li>Chair 5 €</li><li>Table &amp; co 5 €</li></ul><i>bye</i>';

const recordOf = ({ id, version }: Product): { key: number; version: number } => ({ key: id, version });

async function list(
  { views }: Stage,
  products: readonly Product[],
  options: FragmentOptions = {},
): Promise<string> {
  const card = (product: Product): Promise<string> =>
    views.cacheFragment('card', { of: recordOf(product), data: product, tags: [`product:${product.id}`] });
  return views.cacheFragment('list', {
    of: products.map(recordOf),
    data: async () => ({ cards: (await Promise.all(products.map(card))).join('') }),
    ...options,
  });
}

describe('a fragment', () => {
  it('is rendered once per record and version, with its text escaped once', async () => {
    const { views, news } = await openStage(SHOP);
    const render = (product: Product): Promise<string> =>
      views.cacheFragment('card', { of: recordOf(product), data: product });
    for (let i = 0; i < 3; i++) expect(await render(TABLE)).toBe('<li>Table &amp; co 5 €</li>');
    expect(news()).toEqual(['card']);
    expect(await render(CHAIR)).toBe('<li>Chair 5 €</li>');
    expect(await render({ ...CHAIR, version: 2, name: 'Stool' })).toBe('<li>Stool 5 €</li>');
    expect(await render(CHAIR)).toBe('<li>Chair 5 €</li>');
    expect(news()).toEqual(['card', 'card']);
  });

  it('fetches its data on a miss only', async () => {
    const { views } = await openStage(SHOP);
    let fetched = 0;
    const options = { of: recordOf(CHAIR), data: () => Promise.resolve({ name: `run ${++fetched}` }) };
    for (let i = 0; i < 2; i++) {
      expect(await views.cacheFragment('card', options)).toBe('<li>run 1 5 €</li>');
    }
    expect(fetched).toBe(1);
  });

  it('is one per locale and per user', async () => {
    const { views, news } = await openStage(SHOP);
    for (const options of [
      {},
      { by: ['de'] },
      { by: ['en'] },
      { identity: 1 },
      { identity: 2 },
      { identity: null },
    ]) {
      await views.cacheFragment('card', { ...options, data: CHAIR });
      await views.cacheFragment('card', { ...options, data: CHAIR });
    }
    expect(news()).toHaveLength(6);
  });

  it('is rendered once for all who ask at the same time', async () => {
    const stage = await openStage(SHOP);
    const gate = new Deferred<object>();
    const asked = Array.from({ length: 50 }, () =>
      stage.views.cacheFragment('card', { data: () => gate.promise }),
    );
    await settle();
    gate.resolve(CHAIR);
    expect(new Set(await Promise.all(asked))).toEqual(new Set(['<li>Chair 5 €</li>']));
    expect(stage.news()).toEqual(['card']);
  });

  it('is not stored when its tag is invalidated while it is rendered', async () => {
    const { views, cache, news } = await openStage(SHOP);
    const gate = new Deferred<object>();
    const started = new Deferred<void>();
    const data = (): Promise<object> => {
      started.resolve();
      return gate.promise;
    };
    const early = views.cacheFragment('card', { data, tags: ['products'] });
    await started.promise;
    await cache.invalidateTags(['products']);
    gate.resolve(CHAIR);
    expect(await early).toBe('<li>Chair 5 €</li>');
    expect(await views.cacheFragment('card', { data: TABLE, tags: ['products'] })).toContain('Table');
    expect(news()).toEqual(['card', 'card']);
  });

  it('takes the options of entries: ttl, tags from the HTML', async () => {
    const { views, cache, news } = await openStage(SHOP);
    const tags = (html: string): string[] => [html.includes('Chair') ? 'seats' : 'rest'];
    const render = (): Promise<string> => views.cacheFragment('card', { data: CHAIR, tags });
    await render();
    await cache.invalidateTags(['rest']);
    await render();
    expect(news()).toHaveLength(1);
    await cache.invalidateTags(['seats']);
    await render();
    expect(news()).toHaveLength(1);
    await views.cacheFragment('footer', { ttl: 0 });
    await views.cacheFragment('footer', { ttl: 0 });
    expect(news()).toHaveLength(2);
    expect(await failure(views.cacheFragment('footer', { ttl: -1 }))).toMatchObject({
      code: 'CACHE_DURATION_INVALID',
    });
  });

  it.each([
    [null, 'the options of a fragment are null'],
    ['chair', "'chair'"],
    [{ ttll: '1m' }, "unknown option ttll (did you mean 'ttl'?): allowed are of, by"],
    [{ off: { key: 1, version: 1 } }, "did you mean 'of'?"],
    [{ isolation: 'clone' }, 'unknown option isolation'],
    [{ type: Date }, 'unknown option type'],
    [{ data: Promise.resolve({ name: 'Chair' }) }, 'data is a promise: give an object, or a function'],
    [{ data: 'chair' }, "data is 'chair'"],
    [{ data: null }, 'data is null'],
  ])('is refused with the options %j, stored or not', async (options, message) => {
    const { views } = await openStage(SHOP);
    const ask = (): Promise<string> => views.cacheFragment('other', options as FragmentOptions);
    const refused = { code: 'CACHE_ARGUMENT_INVALID', message: expect.stringContaining(message) };
    expect(await failure(ask())).toMatchObject(refused);
    await views.cacheFragment('other');
    expect(await failure(ask())).toMatchObject(refused);
  });

  it('goes with the namespace it is kept in', async () => {
    const { views, cache, news } = await openStage(SHOP);
    await views.cacheFragment('footer');
    await cache.namespace('fragments').clear();
    await views.cacheFragment('footer');
    expect(news()).toEqual(['footer', 'footer']);
  });

  it('is an error when its data or its template fails, which is not stored', async () => {
    const { views } = await openStage({ broken: '{{fail}}' });
    const failing = new Error('no database');
    const data = (): never => {
      throw failing;
    };
    expect(await failure(views.cacheFragment('broken', { data }))).toBe(failing);
    expect(await views.cacheFragment('broken', { data: { fail: 'fine' } })).toBe('fine');
  });
});

describe('fragments in fragments', () => {
  it('are not looked at while the outer one is stored', async () => {
    const stage = await openStage(SHOP);
    expect(await list(stage, [CHAIR, TABLE])).toBe(PAGE);
    expect(stage.news()).toEqual(['card', 'card', 'list']);
    const { hits } = stage.cache.stats();
    expect(await list(stage, [CHAIR, TABLE])).toBe(PAGE);
    expect(stage.news()).toEqual([]);
    expect(stage.cache.stats().hits).toBe(hits + 1);
  });

  it('are rendered anew alone, with what is around them, when their record has a new version', async () => {
    const stage = await openStage(SHOP);
    await list(stage, [CHAIR, TABLE]);
    stage.news();
    const html = await list(stage, [{ ...CHAIR, version: 2, name: 'Stool' }, TABLE]);
    expect(html).toBe(PAGE.replace('Chair', 'Stool'));
    expect(stage.news()).toEqual(['card', 'list']);
  });

  it('outdate what is around them by their tags, however deep, hits included', async () => {
    const stage = await openStage({ ...SHOP, page: '{{{list}}}{{!-- includes: list --}}' });
    const page = (): Promise<string> =>
      stage.views.cacheFragment('page', {
        data: async () => ({ list: await list(stage, [CHAIR, TABLE]) }),
      });
    await list(stage, [CHAIR, TABLE]);
    stage.news();
    await page();
    expect(stage.news()).toEqual(['page']);
    await stage.cache.invalidateTags(['product:1']);
    expect(await page()).toBe(PAGE);
    expect(stage.news()).toEqual(['card', 'list', 'page']);
    await stage.cache.invalidateTags(['product:3']);
    await page();
    expect(stage.news()).toEqual([]);
  });

  it('make what is around them unstorable by more than 128 tags, and are stored themselves', async () => {
    const stage = await openStage(SHOP);
    const products = Array.from({ length: 129 }, (_, id) => ({ id, version: 1, name: `no. ${id}` }));
    await list(stage, products.slice(1));
    expect(stage.news()).toHaveLength(129);
    await list(stage, products.slice(1));
    expect(stage.news()).toEqual([]);
    for (let i = 0; i < 2; i++) await list(stage, products);
    expect(stage.news()).toEqual(['card', 'list', 'list']);
  });

  it('expire apart from what is around them, which lives as long as its own ttl says', async () => {
    const { views, clock, news } = await openStage(SHOP);
    const inner = (): Promise<string> => views.cacheFragment('card', { data: CHAIR, ttl: 10 });
    const page = (): Promise<string> =>
      views.cacheFragment('list', { data: async () => ({ cards: await inner() }), ttl: 60 });
    await page();
    clock.advance(11_000);
    await page();
    expect(news()).toEqual(['card', 'list']);
    await inner();
    clock.advance(50_000);
    await page();
    expect(news()).toEqual(['card', 'card', 'list']);
  });

  it('are refused where the outer template does not say that it includes them', async () => {
    const { views } = await openStage(SHOP);
    const inner = async (): Promise<object> => ({ cards: await views.cacheFragment('other') });
    const error = await failure(views.cacheFragment('list', { data: inner }));
    expect(error).toMatchObject({ code: 'CACHE_TEMPLATE_INVALID', template: 'list' });
    expect(error.message).toContain('{{!-- includes: other --}}');
  });

  it('are refused inside themselves, however deep, where they would wait for ever, but not for other records', async () => {
    const { views, news } = await openStage({ node: '{{!-- includes: node --}}{{name}}{{{child}}}' });
    const children: Record<string, string> = { a: 'b', b: 'c', x: 'y', y: 'x' };
    const render = (name: string): Promise<string> =>
      views.cacheFragment('node', {
        of: { key: name, version: 1 },
        data: async () => ({ name, child: name in children ? await render(children[name]!) : '' }),
      });
    expect(await render('a')).toBe('abc');
    news();
    const error = await failure(render('x'));
    expect(error).toMatchObject({ code: 'CACHE_LOAD_REENTRANT' });
    expect(error.message).toContain("'node' is rendered inside itself");
    expect(news()).toEqual([]);
  });

  it('are refused if they are one user’s and the outer one is not', async () => {
    const { views } = await openStage(SHOP);
    const render = (outer: FragmentOptions, inner: FragmentOptions): Promise<string> =>
      views.cacheFragment('list', {
        ...outer,
        data: async () => ({ cards: await views.cacheFragment('card', { ...inner, data: CHAIR }) }),
      });
    for (const [outer, inner] of [
      [{}, { identity: 1 }],
      [{ identity: 2 }, { identity: 1 }],
      [{}, { identity: null }],
      [{ identity: 'null' }, { identity: null }],
    ] as const) {
      const error = await failure(render(outer, inner));
      expect(error).toMatchObject({ code: 'CACHE_TEMPLATE_INVALID', template: 'list' });
      expect(error.message).toContain('identity');
    }
    expect(await render({ identity: 1 }, { identity: 1 })).toContain('Chair');
    expect(await render({ identity: 2 }, {})).toContain('Chair');
    expect(await render({ identity: '3' }, { identity: 3 })).toContain('Chair');
  });

  it('are seen in fragments of another cache of views as well', async () => {
    const stage = await openStage(SHOP);
    const others = new ViewCache(stage.cache.namespace('others'), { engine: stage.engine });
    const page = (): Promise<string> =>
      others.cacheFragment('list', {
        data: async () => ({ cards: await stage.views.cacheFragment('card', { data: CHAIR, tags: ['t'] }) }),
      });
    await page();
    await stage.cache.invalidateTags(['t']);
    await page();
    expect(stage.news()).toEqual(['card', 'list', 'card', 'list']);
  });
});

describe('an edit', () => {
  it.each([
    ['of the outer template', 'list', ['list']],
    ['of one that it includes', 'footer', ['list']],
    ['of the inner template', 'card', ['card', 'card', 'list']],
    ['of one that the inner template includes', 'price', ['card', 'card', 'list']],
    ['of an unrelated template', 'other', []],
  ] as const)('%s renders that chain alone anew', async (_, edited, again) => {
    const stage = await openStage(SHOP);
    await list(stage, [CHAIR, TABLE]);
    stage.news();
    stage.write({ [edited]: `${SHOP[edited]}!` });
    const html = await list(stage, [CHAIR, TABLE]);
    expect(stage.news()).toEqual(again);
    expect(html.includes('!')).toBe(again.length > 0);
    stage.write({ [edited]: SHOP[edited] });
    expect(await list(stage, [CHAIR, TABLE])).toBe(PAGE);
    expect(stage.news()).toEqual([]);
  });

  it('shows after a restart without `reload`, and templates are read once', async () => {
    const stage = await openStage(SHOP, { reload: false });
    for (let i = 0; i < 2; i++) {
      expect(await stage.views.cacheFragment('card', { data: CHAIR })).toBe('<li>Chair 5 €</li>');
    }
    await Promise.all([1, 2, 3].map((by) => stage.views.cacheFragment('list', { by: [by] })));
    expect(stage.read.toSorted()).toEqual(['card', 'card', 'footer', 'list', 'price', 'price']);
    stage.write({ price: ' 6 €' });
    stage.news();
    expect(await stage.views.cacheFragment('card', { data: CHAIR })).toBe('<li>Chair 5 €</li>');
    expect(await stage.views.cacheFragment('card', { by: ['new'], data: CHAIR })).toBe('<li>Chair 5 €</li>');
    const restarted = new ViewCache(stage.cache, { engine: stage.engine });
    expect(await restarted.cacheFragment('card', { data: CHAIR })).toBe('<li>Chair 6 €</li>');
    expect(stage.news()).toEqual(['card', 'card']);
  });

  it('that is made while a fragment is rendered is not stored as what it was before', async () => {
    const stage = await openStage(SHOP);
    const data = (): object => {
      stage.write({ footer: 'later' });
      return {};
    };
    expect(await stage.views.cacheFragment('footer', { data })).toBe('<i>bye</i>');
    expect(await stage.views.cacheFragment('footer')).toBe('later');
    stage.write({ footer: '<i>bye</i>' });
    expect(await stage.views.cacheFragment('footer')).toBe('<i>bye</i>');
    expect(stage.news()).toEqual(['footer', 'footer']);
  });
});
