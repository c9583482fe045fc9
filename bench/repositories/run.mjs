// Cached repositories in several processes that read and write at random, on a PostgreSQL and a Redis that is emptied, restarted
// and robbed of what it knows: `npm run soak:repositories [-- --operations 100000] [--seed n] [--processes 4] [--callers 6]`.
// Fails if anybody sees what is stale or was never committed. With `--broken never` or `--broken early` it has to.
import { randomInt } from 'node:crypto';
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { pathToFileURL } from 'node:url';
import { parseArgs } from 'node:util';

import { compileSources } from '../../test/support/compile-sources.mjs';

const { values } = parseArgs({
  options: {
    operations: { type: 'string', default: '100000' },
    seed: { type: 'string', default: String(randomInt(2 ** 20)) },
    processes: { type: 'string', default: '4' },
    callers: { type: 'string', default: '6' },
    broken: { type: 'string' },
  },
});
const settings = {
  operations: Number(values.operations),
  seed: Number(values.seed),
  processes: Number(values.processes),
  callers: Number(values.callers),
  ...(values.broken !== undefined && { broken: values.broken }),
};

const folder = mkdtempSync(join(tmpdir(), 'repositories-'));
try {
  await compileSources(['lib', 'test/typeorm', 'test/support'], folder);
  report(await soak(), settings);
} finally {
  rmSync(folder, { recursive: true });
}

async function soak() {
  const compiled = (file) => import(pathToFileURL(join(folder, 'test', file)).href);
  const { run } = await compiled('typeorm/random/run.js');
  const { restarts } = await compiled('typeorm/random/trouble.js');
  const { startProcess } = await compiled('support/postgres-process.js');
  const { startRedis } = await compiled('support/redis-process.js');
  const [postgres, redis] = await Promise.all([startProcess([]), startRedis()]);
  const troubles = {};
  try {
    const result = await run({
      ...settings,
      worker: join(folder, 'test/typeorm/random/worker.js'),
      postgres: `postgres://postgres@${postgres.host}:${postgres.port}/postgres`,
      redisPort: redis.port,
      trouble: restarts(redis, settings.seed, troubles),
    });
    return { ...result, troubles };
  } finally {
    await Promise.all([postgres.stop(), redis.stop()]);
  }
}

function report(result, { operations, seed, processes, callers }) {
  const { verdict, troubles, refused } = result;
  const seconds = Math.round(result.milliseconds / 1000);
  const number = (value) => value.toLocaleString('en');
  console.log(
    `${number(operations)} operations, ${processes} processes with ${callers} callers each, --seed ${seed}: ${seconds} s\n`,
  );
  const delay = (part) => verdict.delays[Math.floor((verdict.delays.length - 1) * part)]?.toFixed(1) ?? '-';
  const lines = [
    ['reads', number(result.reads)],
    ['writes, of them transactions', `${number(result.writes)}, ${number(result.transactions)}`],
    ['committed versions of rows', number(result.versions)],
    ['rows judged', number(verdict.rows)],
    ['lists and counts judged', number(verdict.lists)],
    ["pages torn between TypeORM's two statements", number(verdict.torn)],
    ['hits', `${Math.round(result.hitRate * 100)} %`],
    ['Redis', Object.entries(troubles).map(([what, times]) => `${times} × ${what}`).join(', ') || 'left alone'], // prettier-ignore
    ['stale in the own process', number(verdict.faults.staleOwn)],
    ['stale in others, beyond 5 s', number(verdict.faults.staleBeyond)],
    ['stale at rest', number(verdict.faults.staleAtRest)],
    ['uncommitted values seen', number(verdict.faults.uncommitted)],
    ['anything else wrong', number(verdict.faults.wrong)],
    ['own writes not seen in a transaction', number(result.ownWritesMissed.length)],
    ['processes that did not hear of the last write', number(result.deaf)],
    ['rows that others saw late', number(verdict.delays.length)],
    ['late by, ms: median, 99 %, most', [0.5, 0.99, 1].map(delay).join(', ')],
  ];
  console.log(`|  |  |\n| --- | --- |\n${lines.map((line) => `| ${line.join(' | ')} |`).join('\n')}`);
  console.log(`\nrefused by the database: ${JSON.stringify(refused, undefined, 2)}`);
  for (const example of [...verdict.examples, ...result.ownWritesMissed.slice(0, 20)]) console.log(example);
  const wrong = Object.values(verdict.faults).reduce((sum, count) => sum + count, 0);
  if (wrong + result.ownWritesMissed.length + result.deaf > 0) process.exitCode = 1;
}
