import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, it } from '@jest/globals';

import { type RedisServer, startRedis } from '../support/redis-server.js';
import { until } from '../support/until.js';
import { Sample, type SampleOptions, Settings } from './apps.js';

const REVIEW = { author: 'Ada', rating: 1, text: 'One leg is short.' };

let redis: RedisServer;
beforeAll(async () => {
  redis = await startRedis();
});
afterAll(() => redis.stop());

const running: Sample[] = [];
afterEach(async () => {
  await Promise.all(running.splice(0).map((sample) => sample.close()));
  await redis.command('FLUSHALL');
});

async function start(options?: SampleOptions): Promise<Sample> {
  const sample = await Sample.start(options);
  running.push(sample);
  return sample;
}

describe.each(['memory', 'memory and Redis'])('the catalogue, cached in %s', (tiers) => {
  let sample: Sample;
  beforeEach(async () => {
    sample = await start({ redisUrl: tiers === 'memory' ? undefined : redis.url });
  });

  const counted = (path: string) => sample.counted(() => sample.get(path));

  it.each([
    // Which products, and their rows.
    ['/products', 2],
    // The categories there are, too.
    ['/products?category=desks', 3],
    // The product and its rating.
    ['/products/1', 2],
    // The product, which reviews, and their rows.
    ['/products/1/reviews', 3],
    ['/products/compare?ids=3,1,2', 1],
  ])('asks the database for %s once', async (path, queries) => {
    const miss = await counted(path);
    expect(miss).toMatchObject({ status: 200, queries });
    const hit = await counted(path);
    expect(hit).toMatchObject({ status: 200, queries: 0 });
    expect(hit.body).toEqual(miss.body);
  });

  it('shows products with what only the class can compute, cached or not', async () => {
    const product = {
      id: 1,
      name: 'Oak desk',
      category: 'desks',
      price: '449.00 EUR',
      description: 'Solid oak on a steel frame, 160 × 80 cm.',
      addedAt: '2024-03-11T00:00:00.000Z',
      rating: { count: 6, average: 4.3 },
    };
    expect((await counted('/products/1')).body).toEqual(product);
    expect((await counted('/products/1')).body).toEqual(product);
    const { body } = await counted('/products');
    expect(body).toHaveLength(12);
    expect(body[0]).toEqual({ id: 1, name: 'Oak desk', category: 'desks', price: '449.00 EUR' });
  });

  it('says how long a request took, a failed one too', async () => {
    expect((await sample.get('/products/1')).headers.get('x-took-ms')).toMatch(/^\d+\.\d$/);
    expect((await sample.get('/products/x')).headers.get('x-took-ms')).toMatch(/^\d+\.\d$/);
  });

  it('loads once for all who ask at the same time', async () => {
    const before = sample.queries;
    const answers = await Promise.all(Array.from({ length: 20 }, () => sample.get('/products')));
    expect(answers.every(({ status }) => status === 200)).toBe(true);
    expect(sample.queries - before).toBe(2);
  });

  it('shares entries between one product and several, and asks only for those that are missing', async () => {
    await sample.get('/products/2');
    const several = await counted('/products/compare?ids=5,2,2');
    expect(several.queries).toBe(1);
    expect(several.body.map(({ id }: { id: number }) => id)).toEqual([5, 2]);
    // Which reviews, and their rows: the product is known.
    expect(await counted('/products/5/reviews')).toMatchObject({ status: 200, queries: 2 });
  });

  it('shows a new review at once, on every page and in the rating', async () => {
    for (const path of ['/products/1', '/products/1/reviews', '/products/1/reviews?page=2'])
      await sample.get(path);

    const posted = await sample.send('POST', '/products/1/reviews', REVIEW);
    expect(posted).toMatchObject({ status: 201, body: { ...REVIEW, productId: 1 } });

    // Which reviews, and the row of the new one; then which reviews alone, for the rows are known.
    const first = await counted('/products/1/reviews');
    expect(first.queries).toBe(2);
    expect(first.body[0]).toEqual(posted.body);
    const second = await counted('/products/1/reviews?page=2');
    expect(second).toMatchObject({ queries: 1, body: [{ author: 'Tomás' }, { author: 'Mirjam' }] });
    const product = await counted('/products/1');
    expect(product).toMatchObject({ queries: 1, body: { rating: { count: 7, average: 3.9 } } });
  });

  it('loads nothing again that a new review does not concern', async () => {
    const others = ['/products', '/products?category=desks', '/products/2', '/products/2/reviews'];
    for (const path of others) await sample.get(path);
    await sample.send('POST', '/products/1/reviews', REVIEW);
    for (const path of others) expect(await counted(path)).toMatchObject({ status: 200, queries: 0 });
  });

  it('shows a changed product at once, alone and in every list, and loads its row once', async () => {
    const paths = ['/products/1', '/products', '/products?category=desks', '/products/compare?ids=1'];
    for (const path of paths) await sample.get(path);

    const changed = await sample.send('PATCH', '/products/1', { name: 'Ash desk', priceCents: 10_050 });
    expect(changed).toMatchObject({ status: 200, body: { name: 'Ash desk', price: '100.50 EUR' } });

    // The row was loaded for the answer above; a list asks which products, and one of a category which categories too.
    for (const [i, queries] of [0, 1, 2, 0].entries()) {
      const { body, ...counts } = await counted(paths[i]!);
      expect(counts.queries).toBe(queries);
      expect(Array.isArray(body) ? body[0] : body).toMatchObject({ name: 'Ash desk', price: '100.50 EUR' });
    }
  });

  it('keeps in mind what is not there, but not categories that anybody may make up', async () => {
    expect(await counted('/products/99')).toMatchObject({
      status: 404,
      queries: 1,
      body: { message: 'there is no product 99' },
    });
    expect(await counted('/products/99')).toMatchObject({ status: 404, queries: 0 });
    await sample.get('/products?category=desks');
    const { entries } = (await sample.stats()).memory!;
    expect(await counted('/products?category=boats')).toMatchObject({ status: 200, queries: 0, body: [] });
    expect((await sample.stats()).memory!.entries).toBe(entries);
  });

  it('counts what happened', async () => {
    await sample.get('/products');
    await sample.get('/products');
    const stats = await sample.stats();
    // A list and its twelve products.
    expect(stats).toMatchObject({ reads: 26, hits: 13, misses: 13, memory: { hits: 13, entries: 13 } });
    if (tiers === 'memory') expect(stats.redis).toBeUndefined();
    else expect(stats.redis).toMatchObject({ hits: 0, misses: 13, writes: 13, errors: 0 });
  });

  it.each([
    ['GET', '/products/0', undefined, 'id must be a whole number from 1 to 999999999'],
    ['GET', '/products/1e3', undefined, 'id must be a whole number from 1 to 999999999'],
    ['GET', '/products/1/reviews?page=x', undefined, 'page must be a whole number from 1 to 1000'],
    ['GET', '/products?category=a&category=b', undefined, 'category must be a text of 1 to 40 characters'],
    ['GET', '/products/compare', undefined, 'ids must be 1 to 20 ids, as in ids=1,2,5'],
    [
      'GET',
      '/products/compare?ids=1,,2',
      undefined,
      'each of ids must be a whole number from 1 to 999999999',
    ],
    ['POST', '/products/1/reviews', [], 'the body must be a JSON object with author, rating, text'],
    ['POST', '/products/1/reviews', { ...REVIEW, rating: 6 }, 'rating must be a whole number from 1 to 5'],
    [
      'POST',
      '/products/1/reviews',
      { ...REVIEW, stars: 6 },
      'there is no property stars; there are author, rating, text',
    ],
    ['PATCH', '/products/1', {}, 'the body must have at least one of name, description, priceCents'],
    ['PATCH', '/products/1', { name: ' ' }, 'name must be a text of 1 to 120 characters'],
  ])('refuses %s %s %j with the reason', async (method, path, body, problem) => {
    const refused = await sample.counted(() => sample.send(method, path, body));
    expect(refused).toMatchObject({ status: 400, queries: 0, body: { message: [problem] } });
  });

  it('names every problem of an input', async () => {
    const { body } = await sample.send('POST', '/products/1/reviews', { rating: 'good' });
    expect(body.message).toHaveLength(3);
  });

  it.each([
    ['GET', '/products/99/reviews', undefined],
    ['GET', '/products/compare?ids=1,99', undefined],
    ['POST', '/products/99/reviews', REVIEW],
    ['PATCH', '/products/99', { name: 'Boat' }],
  ])('answers %s %s with 404', async (method, path, body) => {
    const absent = await sample.send(method, path, body);
    expect(absent).toMatchObject({ status: 404, body: { message: 'there is no product 99' } });
  });
});

describe('two instances of the sample on one Redis', () => {
  /** What the first loads before it has heard that the second emptied the cache when it started would not be kept. */
  async function startTwo(): Promise<[first: Sample, second: Sample]> {
    const first = await start({ redisUrl: redis.url });
    const second = await start({ redisUrl: redis.url, sharing: first });
    const { invalidations } = await second.stats();
    const heard = async () => (await first.stats()).coherence!.received >= invalidations;
    await until(heard, { what: 'the first hearing of the second' });
    return [first, second];
  }

  it('serves from one what the other has loaded, classes and dates included', async () => {
    const [first, second] = await startTwo();
    const loaded = await first.get('/products/1');
    const shared = await second.counted(() => second.get('/products/1'));
    expect(shared).toMatchObject({ status: 200, queries: 0, body: loaded.body });
    expect(await second.stats()).toMatchObject({ loads: 0, redis: { hits: 2, misses: 0 } });
    expect(await second.get('/products/1')).toMatchObject({ body: loaded.body });
    expect(await second.stats()).toMatchObject({ loads: 0, memory: { hits: 2 }, redis: { hits: 2 } });
  });

  it('shows in one what was changed through the other, unless it holds a copy already', async () => {
    const [first, second] = await startTwo();
    await first.get('/products/1');
    await first.send('PATCH', '/products/1', { name: 'Ash desk' });
    expect(await second.get('/products/1')).toMatchObject({ body: { name: 'Ash desk' } });
  });

  it('starts with an empty cache: what an earlier run left describes a database that is gone', async () => {
    const first = await start({ redisUrl: redis.url });
    await first.send('PATCH', '/products/1', { name: 'Ash desk' });
    await first.close();
    const second = await start({ redisUrl: redis.url });
    expect(await second.get('/products/1')).toMatchObject({ body: { name: 'Oak desk' } });
  });
});

describe('the sample without the Redis it was given', () => {
  it('starts, answers and caches in memory', async () => {
    const server = await startRedis();
    await server.stop();
    const sample = await start({ redisUrl: server.url });
    expect(await sample.get('/products')).toMatchObject({ status: 200 });
    const second = await sample.counted(() => sample.get('/products'));
    expect(second).toMatchObject({ status: 200, queries: 0 });
  });

  it('makes a write and shows it at once; the statistics say that Redis does not know of it yet', async () => {
    const server = await startRedis();
    const sample = await start({ redisUrl: server.url });
    await sample.get('/products/1/reviews');
    await server.stop();
    const posted = await sample.send('POST', '/products/1/reviews', REVIEW);
    expect(posted).toMatchObject({ status: 201 });
    expect((await sample.get('/cache/stats')).body.coherence.queued).toBeGreaterThan(0);
    expect((await sample.get('/products/1/reviews')).body[0]).toMatchObject(REVIEW);
  });

  it.each(['localhost:6379', 'http://localhost:6379', 'redis://localhost:port'])(
    'does not start with the URL %s, and says what is wrong with it',
    async (redisUrl) => {
      await expect(start({ redisUrl })).rejects.toThrow(/redis\.url/);
    },
  );
});

describe('the settings', () => {
  const names = ['PORT', 'REDIS_URL', 'QUERY_COST_MS'];
  const before = names.map((name) => [name, process.env[name]] as const);
  beforeEach(() => {
    for (const name of names) delete process.env[name];
  });
  afterAll(() => {
    for (const [name, value] of before) if (value !== undefined) process.env[name] = value;
  });

  it('come from the environment', () => {
    expect(new Settings()).toEqual({ port: 3000, redisUrl: undefined, queryCost: 300 });
    Object.assign(process.env, { PORT: '0', REDIS_URL: 'redis://cache', QUERY_COST_MS: '5' });
    expect(new Settings()).toEqual({ port: 0, redisUrl: 'redis://cache', queryCost: 5 });
    Object.assign(process.env, { PORT: '', REDIS_URL: '', QUERY_COST_MS: '' });
    expect(new Settings()).toEqual({ port: 3000, redisUrl: undefined, queryCost: 300 });
  });

  it.each(['70000', '-1', '3e3', 'web'])('refuse PORT=%s', (port) => {
    process.env['PORT'] = port;
    expect(() => new Settings()).toThrow(`PORT is '${port}': expected a whole number from 0 to 65535`);
  });
});
