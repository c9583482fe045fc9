// One process of the application: a data source, a cache, and callers that read and write at random. Run as compiled.
import type { QueryRunner } from 'typeorm';

import type { CacheOptions } from '../../../lib/core/cache-options.js';
import { type CreatedCache, createCache } from '../../../lib/create-cache.js';
import type { CacheStats } from '../../../lib/observability/stats.js';
import { DataSourceCache } from '../../../lib/typeorm/data-source-cache.js';
import { breakCache, type Broken } from './broken.js';
import { Choices } from './choices.js';
import { openSource, TABLES, type TableName } from './model.js';
import type { Records } from './records.js';
import { restForms } from './rest-forms.js';
import { Traffic } from './traffic.js';

export interface WorkerSettings {
  readonly process: number;
  readonly url: string;
  readonly cache: CacheOptions;
  readonly callers: number;
  readonly operations: number;
  readonly seed: number;
  readonly broken: Broken | undefined;
}

/** How many operations more there are of this kind. */
const MOVING = 0.3;

let created: CreatedCache;
let cached: DataSourceCache;
let traffic: Traffic;
let settings: WorkerSettings;

const DEEDS = {
  async open(given: WorkerSettings): Promise<void> {
    settings = given;
    const { process, url, cache, callers, broken } = given;
    const source = await openSource(url, 2 * callers + 2);
    created = await createCache(cache);
    cached = DataSourceCache.of('default', source, created.manager);
    breakCache(created.manager, cached, broken);
    traffic = new Traffic(process, source, cached);
    for (const table of TABLES)
      for (const { id } of await source.query<{ id: number }[]>(`SELECT id FROM ${table}`))
        traffic.known.saw(table, id);
  },
  /** Everything that is to be read and written. */
  async work(): Promise<void> {
    const { callers, operations, process, seed } = settings;
    const calls = Array.from({ length: callers }, (_, caller) =>
      traffic.call(Math.ceil(operations / callers), seed * 1_000 + process * 50 + caller),
    );
    await Promise.all(calls);
  },
  /** After everything else: there is nothing left that outdates more than it has to. */
  async move(): Promise<void> {
    const { callers, operations, process, seed } = settings;
    const each = Math.ceil((operations * MOVING) / callers);
    const calls = Array.from({ length: callers }, (_, caller) =>
      traffic.move(each, seed * 1_000 + process * 50 + caller),
    );
    await Promise.all(calls);
  },
  /** Writes a row that everybody has read. @returns what it is from now on */
  async mark(id: number): Promise<string> {
    const runner = cached.dataSource.createQueryRunner();
    try {
      return await markOn(runner, id);
    } finally {
      await runner.release();
    }
  },
  /** What the cache says of the marked row. */
  async marked(id: number): Promise<string> {
    const session = traffic.outside(new Choices(0));
    return (await session.repositories.tag.findById(id))?.value ?? '';
  },
  /** Reads everything: nobody writes any more. @param ids all that there ever were */
  async look(ids: Readonly<Record<TableName, readonly number[]>>): Promise<void> {
    const session = traffic.outside(new Choices(0));
    for (const form of restForms(ids)) await traffic.recorder.read(form, session, 'rest');
  },
  async report(): Promise<{ records: Records; stats: CacheStats }> {
    return { records: traffic.recorder.records(), stats: created.manager.stats() };
  },
  async close(): Promise<void> {
    await created.close();
    await cached.dataSource.destroy();
    process.disconnect();
  },
};

export type Deeds = typeof DEEDS;

async function markOn(runner: QueryRunner, id: number): Promise<string> {
  const value = traffic.recorder.token();
  const form = {
    name: 'mark',
    weight: 0,
    run: async () => void (await runner.query('UPDATE tag SET value = $1 WHERE id = $2', [value, id])),
  };
  await traffic.write(form, traffic.outside(new Choices(0)), runner);
  return value;
}

interface Request {
  readonly id: number;
  readonly deed: keyof Deeds;
  readonly args: never[];
}

async function answer({ id, deed, args }: Request): Promise<void> {
  try {
    const run: (...args: never[]) => Promise<unknown> = DEEDS[deed];
    const result = await run(...args);
    if (process.connected) process.send!({ id, result });
  } catch (error) {
    process.send!({ id, error: (error as Error).stack ?? String(error) });
  }
}

process.on('message', (request: Request) => void answer(request));
process.send!({ ready: true });
