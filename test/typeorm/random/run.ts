import type { DataSource } from 'typeorm';

import { until } from '../../support/until.js';
import type { Broken } from './broken.js';
import { judge, type Verdict } from './judge.js';
import { createTables, openSource, TABLES, type TableName } from './model.js';
import type { HistoryRow, Records } from './records.js';
import { WorkerProcess } from './worker-process.js';

export interface RunSettings {
  /** The compiled worker. */
  readonly worker: string;
  /** An empty database. */
  readonly postgres: string;
  readonly redisPort: number;
  readonly processes: number;
  readonly callers: number;
  /** Of all processes together. */
  readonly operations: number;
  readonly seed: number;
  readonly broken?: Broken;
  /** Harms Redis while they work, until it is told that they are done. */
  readonly trouble?: (isDone: () => boolean) => Promise<void>;
}

export interface RunResult {
  readonly verdict: Verdict;
  readonly milliseconds: number;
  readonly reads: number;
  readonly writes: number;
  readonly transactions: number;
  /** What was committed, by row. */
  readonly versions: number;
  readonly ownWritesMissed: readonly string[];
  readonly refused: Readonly<Record<string, number>>;
  /** Of what was looked up in the caches. */
  readonly hitRate: number;
  /** Processes that never heard of the last writes. */
  readonly deaf: number;
}

export const NAMESPACE = 'random';
const MAX_STALENESS = 2_000;
/** Until Redis is back, after trouble, nobody can be told. */
const BOUND = MAX_STALENESS + 3_000;
/** Rows that are gone and looked for in the end, by table. */
const MOST_GONE = 100;

/** Processes write and read at random; then all that they saw is compared with what was committed. */
export async function run(settings: RunSettings): Promise<RunResult> {
  await createTables(settings.postgres);
  const source = await openSource(settings.postgres);
  const workers: WorkerProcess[] = [];
  try {
    for (let i = 0; i < settings.processes; i++) workers.push(await WorkerProcess.start(settings.worker));
    await Promise.all(
      workers.map((worker, process) => worker.run('open', workerSettings(settings, process))),
    );
    const begun = performance.now();
    await work(workers, settings);
    const milliseconds = performance.now() - begun;
    const deaf = await settle(workers, source, settings.broken === undefined ? BOUND : 300);
    const ids = await idsOf(source);
    for (const worker of workers) await worker.run('look', ids);
    const reports = await Promise.all(workers.map((worker) => worker.run('report')));
    await Promise.all(workers.map((worker) => worker.run('close').catch(() => {})));
    const history = await source.query<HistoryRow[]>('SELECT * FROM history');
    return { ...summary(reports, history), milliseconds, deaf };
  } finally {
    await Promise.all(workers.map((worker) => worker.stop()));
    await source.destroy();
  }
}

function workerSettings(
  { postgres, redisPort, processes, callers, operations, seed, broken }: RunSettings,
  process: number,
) {
  return {
    process,
    url: postgres,
    cache: {
      namespace: NAMESPACE,
      maxStaleness: MAX_STALENESS,
      memory: { maxSize: 2_000 },
      redis: { host: '127.0.0.1', port: redisPort, commandTimeout: 500 },
    },
    callers,
    operations: Math.ceil(operations / processes),
    seed,
    broken,
  };
}

async function work(workers: readonly WorkerProcess[], { trouble }: RunSettings): Promise<void> {
  let done = false;
  const working = Promise.all(workers.map((worker) => worker.run('work'))).finally(() => (done = true));
  await Promise.all([working, trouble?.(() => done)]);
  await Promise.all(workers.map((worker) => worker.run('move')));
}

/** Messages come in their order: who has heard of each one's last write has heard of all before. @returns who has not */
async function settle(
  workers: readonly WorkerProcess[],
  source: DataSource,
  timeout: number,
): Promise<number> {
  const [{ id }] = (await source.query('SELECT min(id) AS id FROM tag')) as [{ id: number }];
  let deaf = 0;
  for (const writer of workers) {
    await Promise.all(workers.map((worker) => worker.run('marked', id)));
    const value = await writer.run('mark', id);
    const heard = await Promise.allSettled(
      workers.map((worker) =>
        until(async () => (await worker.run('marked', id)) === value, {
          timeout,
          what: 'the last write',
        }),
      ),
    );
    deaf = Math.max(deaf, heard.filter(({ status }) => status === 'rejected').length);
  }
  return deaf;
}

/** Rows that are there, and the last ones that are not. */
async function idsOf(source: DataSource): Promise<Record<TableName, number[]>> {
  const ids = {} as Record<TableName, number[]>;
  for (const table of TABLES) {
    const found = await source.query<{ id: number }[]>(
      `SELECT id FROM ${table} UNION (SELECT row::int FROM history WHERE "table" = $1 AND state IS NULL ORDER BY stamp DESC LIMIT ${MOST_GONE})`,
      [table],
    );
    ids[table] = found.map(({ id }) => id);
  }
  return ids;
}

function summary(
  reports: readonly { records: Records; stats: { hits: number; misses: number; coalesced: number } }[],
  history: readonly HistoryRow[],
): Omit<RunResult, 'milliseconds' | 'deaf'> {
  const reads = reports.flatMap(({ records }) => records.reads);
  const writes = reports.flatMap(({ records }) => records.writes);
  const refused: Record<string, number> = {};
  for (const { records } of reports)
    for (const [message, times] of Object.entries(records.refused))
      refused[message] = (refused[message] ?? 0) + times;
  const sum = (of: (stats: (typeof reports)[number]['stats']) => number): number =>
    reports.reduce((total, { stats }) => total + of(stats), 0);
  return {
    verdict: judge(reads, writes, history, BOUND),
    reads: reads.length,
    writes: writes.length,
    transactions: writes.filter(({ atomic }) => atomic).length,
    versions: history.length,
    ownWritesMissed: reports.flatMap(({ records }) => records.ownWritesMissed),
    refused,
    hitRate: sum(({ hits }) => hits) / sum(({ hits, misses, coalesced }) => hits + misses + coalesced),
  };
}
