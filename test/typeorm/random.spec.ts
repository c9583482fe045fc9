// Processes that read and write at random on one PostgreSQL and one Redis: nobody sees what is older than he may, or was never
// committed. The seed decides what is tried, not in which order the processes come: RANDOM_SEED=<n> tries the same again.
import { randomInt } from 'node:crypto';
import { join } from 'node:path';

import { afterAll, beforeAll, expect, it } from '@jest/globals';

import { compileSources } from '../support/compile-sources.mjs';
import { describePostgres } from '../support/postgres-server.js';
import { ProcessGuard } from '../support/process-guard.js';
import { type RedisServer, startRedis } from '../support/redis-server.js';
import type { Broken } from './random/broken.js';
import { FAULTS } from './random/judge.js';
import { run, type RunResult } from './random/run.js';
import { flushes } from './random/trouble.js';

const SEED = Number(process.env['RANDOM_SEED'] ?? randomInt(2 ** 20));
const ATTEMPTS = 6;
/** On machines that are busy with other things. */
const PATIENCE = 180_000;
const OPERATIONS = Number(process.env['RANDOM_OPERATIONS'] ?? 5_000);

describePostgres(`random reads and writes in several processes, RANDOM_SEED=${SEED}`, (server) => {
  const guard = new ProcessGuard();
  let folder: string;
  let redis: RedisServer;

  beforeAll(async () => {
    folder = guard.makeFolder();
    [redis] = await Promise.all([
      startRedis(),
      compileSources(['lib', 'test/typeorm', 'test/support'], folder),
    ]);
  }, 60_000);
  afterAll(async () => {
    await redis.stop();
    guard.removeFolder(folder);
  });

  const of = async (operations: number, broken?: Broken): Promise<RunResult> => {
    await redis.command('FLUSHALL');
    const { url } = await server().createDatabase();
    return run({
      worker: join(folder, 'test/typeorm/random/worker.js'),
      postgres: url,
      redisPort: redis.port,
      processes: 2,
      callers: 6,
      operations,
      seed: SEED,
      ...(broken === undefined ? { trouble: flushes(redis) } : { broken }),
    });
  };

  it(
    'nobody sees what is stale or was never committed',
    async () => {
      const { verdict, ownWritesMissed, deaf, reads, hitRate } = await of(OPERATIONS);
      const seen = { ...verdict.faults, deaf, ownWritesMissed, examples: verdict.examples };
      const none = Object.fromEntries(FAULTS.map((fault) => [fault, 0]));
      expect(seen).toStrictEqual({ ...none, deaf: 0, ownWritesMissed: [], examples: [] });
      expect(reads).toBeGreaterThan(OPERATIONS / 2);
      expect(hitRate).toBeGreaterThan(0.2);
    },
    PATIENCE,
  );

  it.each(['never', 'early'] as const)(
    'a cache that is told %s is found out',
    async (broken) => {
      let stale = 0;
      // That somebody reads between a statement and its commit is a matter of chance.
      for (let attempt = 0; attempt < ATTEMPTS && stale === 0; attempt++) {
        const { faults } = (await of(broken === 'never' ? 300 : 1_500, broken)).verdict;
        stale = faults.staleOwn + faults.staleAtRest;
      }
      expect(stale).toBeGreaterThan(0);
    },
    PATIENCE,
  );
});
