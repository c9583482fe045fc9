// What an invalidation costs whatever it hits: one tag, one prefix, everything, in a namespace of 1,000 and of 1,000,000
// entries. Prints a Markdown table. `npm run bench:scale`; `-- --entries n` for another large number.
import { parseArgs } from 'node:util';

import { CacheManager } from 'nestjs-tiered-cache';

import { openApplication } from './contenders/nest-application.mjs';
import { provideRedis } from './harness/redis.mjs';
import { median, quantile } from './harness/statistics.mjs';

const { values } = parseArgs({ options: { entries: { type: 'string', default: '1000000' } } });
const ROUNDS = 200;
const BATCH = 5_000;

const KINDS = {
  invalidateTags: (cache) => cache.invalidateTags(['users']),
  "clearPattern('user:*')": (cache) => cache.clearPattern('user:*'),
  'delete, for comparison': (cache) => cache.delete('user:1'),
};

const redis = await provideRedis();
try {
  const rows = [];
  for (const entries of [1_000, Number(values.entries)]) rows.push(...(await measure(entries)));
  console.log(
    `\nRedis ${redis.version}, Node ${process.version}, median and 99th percentile of ${ROUNDS} calls, ms\n`,
  );
  console.log('| entries | call | median | p99 |');
  console.log('|---:|---|---:|---:|');
  for (const row of rows) console.log(`| ${row.join(' | ')} |`);
  console.log(`\nA hit in memory, with Redis beside it: ${await compareHits()}`);
} finally {
  await redis.stop();
}

async function measure(entries) {
  await redis.empty();
  const app = await openApplication({ memory: false, redis: { url: redis.url }, namespace: 'scale' });
  const cache = app.get(CacheManager);
  try {
    for (let at = 0; at < entries; at += BATCH) await cache.setMany(batch(at, entries), { tags: ['users'] });
    const rows = [];
    for (const [name, invalidate] of Object.entries(KINDS))
      rows.push([entries, name, ...(await time(cache, invalidate))]);
    return rows;
  } finally {
    await app.close();
  }
}

function batch(at, entries) {
  return Array.from({ length: Math.min(BATCH, entries - at) }, (_, i) => [`user:${at + i}`, { id: at + i }]);
}

async function time(cache, invalidate) {
  const times = [];
  for (let round = 0; round < ROUNDS; round++) {
    const begun = performance.now();
    await invalidate(cache);
    times.push(performance.now() - begun);
  }
  return [median(times).toFixed(2), quantile(times, 0.99).toFixed(2)];
}

/** Hits of an entry with three tags against those of one without, and with invalidations of other tags in between. */
async function compareHits() {
  const app = await openApplication({ redis: { url: redis.url }, namespace: 'hits' });
  const cache = app.get(CacheManager);
  await cache.set('user:1', { id: 1 });
  await cache.set('user:2', { id: 2 }, { tags: ['users', 'team:1', 'page:start'] });
  const ratios = { tagged: [], moving: [] };
  for (let round = 0; round < 31; round++) {
    const plain = await hits(cache, 'user:1');
    ratios.tagged.push((await hits(cache, 'user:2')) / plain);
    ratios.moving.push((await hits(cache, 'user:2', () => cache.invalidateTags(['other']))) / plain);
  }
  await app.close();
  const [tagged, moving] = [median(ratios.tagged), median(ratios.moving)].map((ratio) => ratio.toFixed(2));
  return `with three tags ${tagged}x one without; while another tag is invalidated every 10,000 hits ${moving}x`;
}

/** Milliseconds for 100,000 hits; the invalidations themselves are not timed. */
async function hits(cache, key, between = () => Promise.resolve()) {
  let spent = 0;
  for (let part = 0; part < 10; part++) {
    await between();
    const begun = performance.now();
    for (let i = 0; i < 10_000; i++) await cache.get(key);
    spent += performance.now() - begun;
  }
  return spent;
}
