// Mixed traffic on two instances, with keys that come and go, evictions, a Redis that is restarted and instances that are
// closed and opened: does anything grow? `npm run soak [-- --minutes 10] [--seed n]`. Fails if something does.
import { parseArgs } from 'node:util';
import { setTimeout as sleep } from 'node:timers/promises';

import { CacheManager } from 'nestjs-tiered-cache';

import { openApplication } from '../contenders/nest-application.mjs';
import { Random } from '../coherence/random.mjs';
import { ownRedis } from '../harness/redis.mjs';
import { Samples } from './samples.mjs';
import { Traffic } from './traffic.mjs';

const { values } = parseArgs({
  options: { minutes: { type: 'string', default: '10' }, seed: { type: 'string' } },
});
const milliseconds = Number(values.minutes) * 60_000;
const seed = Number(values.seed ?? Math.floor(Math.random() * 2 ** 31));
const NAMESPACE = 'soak';
const CALLERS = 16;
const SAMPLES = 60;
const STREAM_LENGTH = 1_000;
/** A short run is half over before all code is compiled and all keys were met. 100 bytes a call would still be too much. */
const [MORE_HEAP, MORE_HANDLES] = milliseconds < 300_000 ? [1.25, 6] : [1.1, 2];
/** In parts of the run: Redis is restarted, an instance is closed and another opened in its place. */
const RESTARTS = [0.15, 0.35, 0.55, 0.75];
const REPLACEMENTS = [0.25, 0.45, 0.65, 0.85];

if (globalThis.gc === undefined) throw new Error('start it with node --expose-gc, as npm run soak does');
const unhandled = [];
process.on('unhandledRejection', (error) => unhandled.push(error));

const redis = await ownRedis();
const options = {
  namespace: NAMESPACE,
  memory: { maxSize: 2_000, maxBytes: '2mb' },
  redis: { port: redis.port, host: '127.0.0.1', commandTimeout: 500 },
  streamLength: STREAM_LENGTH,
};
const open = () => openApplication(options);
const instances = [await open(), await open()];
const traffic = new Traffic(new Random(seed));
const samples = new Samples(redis, NAMESPACE);
console.log(`${values.minutes} min, --seed ${seed}`);

const running = instances.map((_, i) => traffic.run(CALLERS, () => instances[i].get(CacheManager)));
const begun = performance.now();
const events = [
  ...RESTARTS.map((part) => ({ at: part, act: () => redis.restart() })),
  ...REPLACEMENTS.map((part, i) => ({ at: part, act: () => replace(i % 2) })),
  ...Array.from({ length: SAMPLES }, (_, i) => ({ at: (i + 1) / SAMPLES, act: sample })),
].toSorted((a, b) => a.at - b.at);
for (const { at, act } of events) {
  await sleep(Math.max(0, at * milliseconds - (performance.now() - begun)));
  await act();
}
traffic.stop();
await Promise.all(running);
// Refreshes and writes that nobody waits for.
await sleep(3_000);
const stats = instances.map((app) => app.get(CacheManager).stats());
await Promise.all(instances.map((app) => app.close()));
await redis.stop();
report();

async function replace(i) {
  const before = instances[i];
  instances[i] = await open();
  await before.close();
}

async function sample() {
  const { heapMb, handles } = await samples.take();
  const done = `${samples.count}/${SAMPLES}: ${traffic.calls} calls`;
  process.stderr.write(`  ${done}, heap ${heapMb.toFixed(1)} MB, ${handles} handles\n`);
}

function report() {
  const heap = [samples.median('heapMb', 0.3, 0.55), samples.median('heapMb', 0.75, 1)];
  const handles = [samples.median('handles', 0.3, 0.55), samples.median('handles', 0.75, 1)];
  const relations = stats.every(
    ({ reads, hits, coalesced, misses, loadsRunning, memory, redis: inRedis }) =>
      reads === hits + coalesced + misses && hits === memory.hits + inRedis.hits && loadsRunning === 0,
  );
  const checks = [
    [
      'heap, MB, at 30-55 % and at the end',
      heap.map((mb) => mb.toFixed(1)).join(' → '),
      heap[1] <= heap[0] * MORE_HEAP,
    ],
    ['handles, likewise', handles.join(' → '), handles[1] <= handles[0] + MORE_HANDLES],
    [
      'bookkeeping keys in Redis, at most',
      samples.most('bookkeepingKeys'),
      samples.most('bookkeepingKeys') <= 2,
    ],
    [
      'messages in the stream, at most',
      samples.most('messages'),
      samples.most('messages') <= STREAM_LENGTH + 200,
    ],
    ['calls that never ended', traffic.pending, traffic.pending === 0],
    ['relations of the statistics hold', relations, relations],
    ['told Redis everything', stats.map(({ coherence }) => coherence.queued).join(', '), stats.every(({ coherence }) => coherence.queued === 0)], // prettier-ignore
    ['unhandled rejections', unhandled.length, unhandled.length === 0],
  ];
  console.log(`\n${traffic.calls} calls, ${traffic.failed} rejected (their loads had failed)\n`);
  console.log('|  |  |  |\n| --- | --- | --- |');
  for (const [what, figure, good] of checks)
    console.log(`| ${what} | ${figure} | ${good ? 'ok' : '**no**'} |`);
  if (checks.some(([, , good]) => !good)) process.exitCode = 1;
}
