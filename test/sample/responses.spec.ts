// The cached pages and routes of the sample, and what makes them anew.
import { afterEach, beforeEach, expect, it } from '@jest/globals';

import { type Answer, Sample } from './apps.js';

const REVIEW = { author: 'Ada', rating: 1, text: 'One leg is short.' };

let sample: Sample;
beforeEach(async () => {
  sample = await Sample.start();
});
afterEach(() => sample.close());

const as = (user: string): Record<string, string> => ({ authorization: `Bearer ${user}` });
const said = ({ headers }: Answer): string => String(headers.get('cache-status')).split('; ')[1]!;

it('keeps the page and the categories for everybody, whoever asks', async () => {
  const page = await sample.get('/shop');
  expect(page.headers.get('content-type')).toBe('text/html; charset=utf-8');
  expect(page.body).toContain('<li>Oak desk, 449.00 EUR, rated 4.3</li>');
  const again = await sample.counted(() => sample.get('/shop', { cookie: 'seen=1' }));
  expect([said(page), said(again), again.queries, again.body]).toEqual(['fwd=uri-miss', 'hit', 0, page.body]);
  await sample.get('/shop/categories');
  const categories = await sample.get('/shop/categories');
  expect([said(categories), categories.body.desks]).toEqual(['hit', 3]);
});

it('answers a client that has the page already with 304, and says how long that took', async () => {
  const { headers } = await sample.get('/shop');
  const same = await sample.get('/shop', { 'if-none-match': headers.get('etag')! });
  expect([same.status, same.body]).toEqual([304, '']);
  expect(same.headers.get('x-took-ms')).toMatch(/^\d+\.\d$/);
});

it.each([
  ['PATCH', '/products/1', { name: 'Ash desk' }, '<li>Ash desk, 449.00 EUR, rated 4.3</li>'],
  ['POST', '/products/1/reviews', REVIEW, '<li>Oak desk, 449.00 EUR, rated 3.9</li>'],
])('makes the page anew after %s %s, and renders one card', async (method, path, body, card) => {
  await sample.get('/shop');
  const renderings = async (): Promise<number> => (await sample.stats()).memory!.writes;
  await sample.send(method, path, body);
  const before = await renderings();
  const page = await sample.get('/shop');
  expect(page.body).toContain(card);
  expect(said(page)).toBe('fwd=uri-miss');
  // Far fewer than twelve cards: the rows that changed, the lists of them, one card, the page.
  expect((await renderings()) - before).toBeLessThan(6);
});

it('keeps the page as it is when a write is refused', async () => {
  await sample.get('/shop');
  await sample.send('PATCH', '/products/99', { name: 'Boat' });
  expect(said(await sample.get('/shop'))).toBe('hit');
});

it('gives each user a list of his own, and makes anew that of who adds to it', async () => {
  const list = (user: string): Promise<Answer> => sample.get('/wishlist', as(user));
  for (const user of ['ada', 'bob']) {
    await sample.send('PUT', '/wishlist/1', undefined, as(user));
    await list(user);
    expect(said(await list(user))).toBe('hit');
  }
  await sample.send('PUT', '/wishlist/2', undefined, as('ada'));
  const [ada, bob] = [await list('ada'), await list('bob')];
  expect([ada.body.length, said(ada)]).toEqual([2, 'fwd=uri-miss']);
  expect([bob.body.length, said(bob), bob.headers.get('cache-control')]).toEqual([
    1,
    'hit',
    'private, no-cache',
  ]);
  await sample.send('PATCH', '/products/1', { name: 'Ash desk' });
  expect((await list('bob')).body[0].name).toBe('Ash desk');
});

it('tells nobody anything who does not say who he is, hit or not', async () => {
  await sample.get('/wishlist', as('ada'));
  expect((await sample.get('/wishlist')).status).toBe(401);
  expect(await sample.send('PUT', '/wishlist/99', undefined, as('ada'))).toMatchObject({ status: 404 });
});
