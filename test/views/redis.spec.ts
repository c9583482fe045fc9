// Fragments that two processes share, on a real Redis.
import { afterAll, afterEach, beforeAll, expect, it } from '@jest/globals';

import { type CreatedCache, createCache } from '../../lib/create-cache.js';
import { ViewCache } from '../../lib/views/index.js';
import { type RedisServer, startRedis, until } from '../support/redis-server.js';
import { openTheatre, removeFolders } from './theatre.js';

let server: RedisServer;
const open: CreatedCache[] = [];

beforeAll(async () => {
  server = await startRedis();
}, 60_000);
afterEach(async () => {
  await Promise.all(open.splice(0).map((created) => created.close()));
});
afterAll(async () => {
  await server.stop();
  removeFolders();
});

async function openCache(): Promise<CreatedCache> {
  const created = await createCache({ redis: { host: server.host, port: server.port } });
  open.push(created);
  return created;
}

it('is rendered once for two instances of one release, apart from those of the next one, and outdated in both', async () => {
  const [one, two] = [(await openCache()).manager, (await openCache()).manager];
  const templates = { list: '<ul>{{{card}}}</ul>{{!-- includes: card --}}', card: '<li>ä {{n}}</li>' };
  const [theatre, same, next] = [
    openTheatre(templates),
    openTheatre(templates),
    openTheatre({ ...templates, card: '<p>' }),
  ];
  const list = (views: ViewCache): Promise<string> =>
    views.cacheFragment('list', {
      of: { key: 1, version: new Date(0) },
      data: async () => ({ card: await views.cacheFragment('card', { data: { n: 1 }, tags: ['card:1'] }) }),
    });
  const first = new ViewCache(one, { engine: theatre.engine });
  const second = new ViewCache(two, { engine: same.engine });
  expect(await list(first)).toBe('<ul><li>ä 1</li></ul>');
  expect(await list(second)).toBe('<ul><li>ä 1</li></ul>');
  expect([theatre.news(), same.news()]).toEqual([['card', 'list'], []]);

  expect(await list(new ViewCache(two, { engine: next.engine }))).toBe('<ul><p></ul>');
  expect(await list(second)).toBe('<ul><li>ä 1</li></ul>');
  expect([same.news(), next.news()]).toEqual([[], ['card', 'list']]);

  await two.invalidateTags(['card:1']);
  await until(async () => (await list(first)) !== '' && theatre.rendered.length > 0, { what: 'the news' });
  expect(theatre.news()).toEqual(['card', 'list']);
  await list(second);
  expect(same.news()).toEqual([]);
});
