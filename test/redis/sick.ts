import { appendFileSync } from 'node:fs';
import { monitorEventLoopDelay } from 'node:perf_hooks';

import { Logger } from '@nestjs/common';
import { expect } from '@jest/globals';

import type { RedisOptions } from '../../lib/index.js';
import { StoreLog } from '../../lib/nest/store-log.js';
import type { StoreTrouble } from '../../lib/primitives/errors.js';
import { until } from '../support/redis-server.js';
import { type Instance, Instances } from './instances.js';
import { Latencies, Load } from './sick-load.js';

/** What a getOrSet may take beyond its loader, and how soon Redis has to be used again after its return, in milliseconds. */
const P99 = 50;
const RECOVERY = 2_000;
/** No call may take so long, whatever happens: then it would as well be said to hang. */
const HANG = 1_500;

export interface Sickness {
  /** For the table of figures. */
  readonly name: string;
  /** How Redis is reached by the instance that is looked at … */
  readonly redis: RedisOptions;
  /** … and by the one that is not to see older values. */
  readonly witness: RedisOptions;
  begin(): unknown;
  /** Resolves when nothing is wrong with Redis any more. */
  end(): unknown;
  /** Milliseconds; default 1,500. */
  readonly lasts?: number;
  /**
   * Why the breaker opens, and which; `undefined` where it need not, since Redis answers most of what it is asked. On a busy
   * machine Redis may be silent before it is anything else: what each answer says of it, `test/stores/trouble.spec.ts` tells.
   */
  readonly opens: readonly StoreTrouble[] | undefined;
  readonly part?: 'redis' | 'writes';
}

const INVALIDATED = 20;
let runs = 0;

/**
 * Lets an instance serve thousands of reads while Redis falls sick and recovers, and checks what has to hold in every case: nobody
 * waits for Redis, nothing hangs, nothing is unhandled, it is used again at once, and what was invalidated meanwhile is invalid
 * everywhere.
 */
export async function expectUnharmed(sickness: Sickness): Promise<void> {
  const unhandled: unknown[] = [];
  const onUnhandled = (error: unknown): unknown => unhandled.push(error);
  process.on('unhandledRejection', onUnhandled);
  const lines: string[] = [];
  const say = (message: string): unknown => lines.push(message);
  Logger.overrideLogger({ log: say, warn: say, error: say });
  const instances = new Instances();
  try {
    const namespace = `sick${runs++}`;
    const memory = { maxSize: 50 };
    const p = await instances.open(
      { namespace, memory, redis: sickness.redis },
      new StoreLog(undefined).surroundings,
    );
    const q = await instances.open({ namespace, redis: sickness.witness });
    await observe(sickness, p, q, lines);
    await expectSaid(lines, sickness);
  } finally {
    await instances.close();
    Logger.overrideLogger(['error', 'warn']);
    await new Promise((resolve) => setImmediate(resolve));
    process.off('unhandledRejection', onUnhandled);
  }
  expect(unhandled).toStrictEqual([]);
}

async function observe(sickness: Sickness, p: Instance, q: Instance, lines: string[]): Promise<void> {
  const { name, lasts = 1_500 } = sickness;
  const keys = Array.from({ length: INVALIDATED }, (_, i) => `row:${i}`);
  await p.cache.setMany(keys.map((key) => [key, 'old'] as const));
  await p.cache.set('tagged', 'old', { tags: ['t'] });
  await q.cache.getMany([...keys, 'tagged']);
  const load = new Load(p.cache);
  await until(() => load.calls > 1_000 && isWell(p) && saysThatAllIsWell(lines), { what: 'traffic' });
  // A machine that was busy may have made Redis late before: what is said from now on is about the sickness.
  p.events.length = 0;
  lines.length = 0;
  const loop = monitorEventLoopDelay({ resolution: 5 });
  loop.enable();
  load.latencies = new Latencies();
  const { latencies } = load;
  let recovery: number;
  try {
    await sickness.begin();
    const begun = performance.now();
    // What cannot be told keeps this instance from reading in Redis at all, and then it is given nothing it could refuse.
    const early = sickness.part === 'writes' ? undefined : p.cache.delete(keys[0]!);
    if (sickness.opens !== undefined) await expectOpened(p, sickness.opens, sickness.part);
    await Promise.all([early, invalidate(p, keys)]);
    await until(() => performance.now() - begun > lasts);
    const { hits } = p.cache.stats().redis!;
    await sickness.end();
    recovery = await recovered(p, hits);
  } finally {
    loop.disable();
    await load.stop();
  }
  await expectInvalid(q, keys);
  report({ name, ...latencies.figures, recovery, loop: loop.max / 1e6, calls: latencies.count });
  expect(latencies.count).toBeGreaterThan(1_000);
  expect(latencies.percentile(0.99)).toBeLessThanOrEqual(P99);
  expect(latencies.percentile(1)).toBeLessThan(HANG);
  expect(recovery).toBeLessThanOrEqual(RECOVERY);
}

function isWell({ cache }: Instance): boolean {
  const { redis } = cache.stats();
  return redis!.breaker === 'closed' && redis!.writeBreaker === 'closed';
}

async function expectOpened(
  p: Instance,
  opens: readonly StoreTrouble[],
  part: Sickness['part'] = 'redis',
): Promise<void> {
  const field = part === 'redis' ? 'breaker' : 'writeBreaker';
  await until(() => p.cache.stats().redis![field] !== 'closed', {
    timeout: 3_000,
    what: 'the breaker opening',
  });
  const [event] = p.eventsOf('breaker-opened');
  expect(event).toMatchObject({ what: [part] });
  expect(['silent', ...opens]).toContain(event!.reason);
}

/** Nobody waits for a Redis that is known not to answer. */
async function invalidate({ cache }: Instance, keys: readonly string[]): Promise<void> {
  const begun = performance.now();
  const calls = [cache.deleteMany(keys.slice(1)), cache.set(keys[0]!, 'new'), cache.invalidateTags(['t'])];
  await Promise.all(calls);
  expect(cache.peek(keys[0]!)).not.toBe('old');
  expect(performance.now() - begun).toBeLessThan(2_700);
}

/** @returns after how many milliseconds Redis had been told everything, and served hits again */
async function recovered(p: Instance, hits: number): Promise<number> {
  const begun = performance.now();
  await until(
    () => {
      const { redis, coherence } = p.cache.stats();
      return isWell(p) && redis!.hits > hits && coherence!.queued === 0;
    },
    { timeout: 15_000, what: 'Redis being used again' },
  );
  return performance.now() - begun;
}

async function expectInvalid(q: Instance, keys: readonly string[]): Promise<void> {
  for (const key of [...keys, 'tagged']) {
    await until(() => q.cache.peek(key) !== 'old', { what: `the other instance dropping ${key}` });
    await until(async () => (await q.cache.getOrSet(key, () => 'fresh')) !== 'old', { what: key });
    expect(await q.inRedis(key)).not.toBe('old');
  }
}

/** A trouble is said once when it begins, and once when it is over. */
async function expectSaid(lines: readonly string[], { opens }: Sickness): Promise<void> {
  await until(() => saysThatAllIsWell(lines), { what: 'the log saying that it is over' });
  // Its beginning and its end may each cost a connection.
  if (opens === undefined) expect(beginsIn(lines).length).toBeLessThanOrEqual(2);
  else expect(beginsIn(lines)).toHaveLength(1);
}

function beginsIn(lines: readonly string[]): string[] {
  return lines.filter((line) => /cannot be reached|cannot be used|stores nothing/.test(line));
}

function saysThatAllIsWell(lines: readonly string[]): boolean {
  const ends = lines.filter((line) => /can be reached again|stores again/.test(line));
  return beginsIn(lines).length === ends.length;
}

/** For the table in docs/when-redis-fails.md. */
function report(figures: Record<string, string | number>): void {
  const file = process.env['SICK_FIGURES'];
  if (file !== undefined) appendFileSync(file, `${JSON.stringify(figures)}\n`);
}
