// Which database is read, and who hears of what is written to it.
import 'reflect-metadata';

import { afterEach, beforeAll, describe, expect, it } from '@jest/globals';
import { Column, DataSource, type DataSourceOptions, Entity, PrimaryGeneratedColumn } from 'typeorm';

import { CacheEntity } from '../../lib/typeorm/index.js';
import { CachedRepository } from '../../lib/typeorm/cached-repository.js';
import { DataSourceCache } from '../../lib/typeorm/data-source-cache.js';
import { closeBenches } from '../support/caches.js';
import { describePostgres } from '../support/postgres-server.js';
import { type OpenEntities, openEntities } from './open-entities.js';
import { SQLJS } from './shop.js';

@CacheEntity()
@Entity()
class Thing {
  @PrimaryGeneratedColumn() id!: number;
  @Column() name!: string;
}

const opened: DataSource[] = [];
afterEach(async () => {
  await closeBenches();
  for (const source of opened.splice(0)) if (source.isInitialized) await source.destroy();
});

async function open(options: DataSourceOptions = SQLJS): Promise<OpenEntities> {
  const entities = await openEntities([Thing], options);
  opened.push(entities.source);
  return entities;
}

async function another(options: object, name?: string): Promise<DataSource> {
  const source = new DataSource({ ...options, entities: [Thing] } as unknown as DataSourceOptions);
  opened.push(source);
  await source.initialize();
  if (name !== undefined) await source.manager.save(Thing, { name });
  return source;
}

describe('a data source that is destroyed and initialized again', () => {
  it('is heard again, and nothing of before is left', async () => {
    const { source, of } = await open();
    const things = of(Thing);
    const found = things.cached();
    await things.insert({ name: 'Ann' });
    expect([await things.findById(1), await found.count()]).toMatchObject([{ name: 'Ann' }, 1]);
    await source.destroy();
    await source.initialize();
    expect([await things.findById(1), await found.count()]).toStrictEqual([null, 0]);
    await source.manager.insert(Thing, { name: 'Bob' });
    expect([await things.findById(1), await found.count()]).toMatchObject([{ name: 'Bob' }, 1]);
    await things.update(1, { name: 'Bobby' });
    expect(await things.findById(1)).toMatchObject({ name: 'Bobby' });
    expect(await things.findByIds([1])).toMatchObject([{ name: 'Bobby' }]);
    expect(source.subscribers).toHaveLength(1);
  });

  it.each<[string, (of: CachedRepository<Thing>) => Promise<unknown>]>([
    ['findById', (things) => things.findById(1)],
    ['findByIds', (things) => things.findByIds([1])],
    ['findByIndex', (things) => things.findByIndex({ id: 1 })],
    ['find', (things) => things.cached().find()],
    ['count', (things) => things.cached().count()],
    ['a write', (things) => things.update(1, { name: 'x' })],
    ['loadForUpdate', (things) => things.loadForUpdate(1)],
    ['invalidate', (things) => things.invalidate(1)],
  ])('whatever comes first: %s', async (_, use) => {
    const { source, of } = await open();
    const things = of(Thing);
    await source.manager.insert(Thing, { name: 'Ann' });
    await things.findById(1);
    await source.destroy();
    await source.initialize();
    await source.manager.insert(Thing, { name: 'Bob' });
    await use(things);
    expect(await things.findById(1)).toMatchObject({ id: 1 });
    await source.manager.update(Thing, 1, { name: 'Bobby' });
    expect(await things.findById(1)).toMatchObject({ name: 'Bobby' });
  });

  it('also when all read at once', async () => {
    const { source, of } = await open();
    const things = of(Thing);
    await things.insert({ name: 'Ann' });
    await things.findById(1);
    await source.destroy();
    await source.initialize();
    expect(await Promise.all([things.findById(1), things.findById(1), things.cached().find()])).toStrictEqual(
      [null, null, []],
    );
  });

  it('one whose list of subscribers was replaced is heard once', async () => {
    const { source, of } = await open();
    const things = of(Thing);
    Object.assign(source, { subscribers: [...source.subscribers] });
    await things.insert({ name: 'Ann' });
    await things.findById(1);
    expect(source.subscribers).toHaveLength(1);
  });
});

describe('two databases under one name are refused', () => {
  it('both in memory', async () => {
    const { bench, source } = await open().then((one) => ({ bench: one, source: one.source }));
    const other = await another(SQLJS, 'Bob');
    expect(() => DataSourceCache.of('default', other, bench.cache)).toThrow(
      /^two databases cannot be cached under one name, 'default'.*forFeature\(entities, name, \{ database/,
    );
    await bench.of(Thing).insert({ name: 'Ann' });
    await bench.of(Thing).findById(1);
    await source.destroy();
    // The name is free again, and shows nothing of what it stood for.
    const things = new CachedRepository(DataSourceCache.of('default', other, bench.cache), Thing);
    expect(await things.findById(1)).toMatchObject({ name: 'Bob' });
  });
});

describePostgres('on PostgreSQL', (server) => {
  let options: { type: 'postgres'; url: string; synchronize: boolean };
  let elsewhere: typeof options;
  /** The same as `options`, without an URL. */
  let parts: object;
  beforeAll(async () => {
    const [one, other] = [await server().createDatabase(), await server().createDatabase()];
    options = { type: 'postgres', url: one.url, synchronize: true };
    const { host, port, user, password, database } = one;
    parts = { host, port, database, username: user, ...(password !== undefined && { password }) };
    elsewhere = { ...options, url: other.url };
  });

  it('two databases under one name are refused, though one may be gone', async () => {
    const { cache, source } = await open({ ...options, dropSchema: true });
    const path = '-c search_path=public';
    const [other, schema, extra, inUrl, same] = [
      await another(elsewhere),
      await another({ ...options, synchronize: false, schema: 'public' }),
      await another({ ...options, synchronize: false, extra: { options: path } }),
      await another({ type: 'postgres', url: `${options.url}?options=${encodeURIComponent(path)}` }),
      await another({ type: 'postgres', ...parts }),
    ];
    for (const one of [other, schema, extra, inUrl])
      expect(() => DataSourceCache.of('default', one, cache)).toThrow(/under one name, 'default'/);
    await source.destroy();
    expect(() => DataSourceCache.of('default', other, cache)).toThrow(/under one name, 'default'/);
    expect(() => DataSourceCache.of('default', same, cache)).not.toThrow();
    expect(() => DataSourceCache.of('other', other, cache)).not.toThrow();
  });

  it('a manager with a connection of its own is read through it, past the cache', async () => {
    const { source, of } = await open({ ...options, dropSchema: true });
    const things = of(Thing);
    await things.insert({ name: 'Ann' });
    await things.findById(1);
    await source.query(
      `CREATE SCHEMA mine; CREATE TABLE mine.thing AS SELECT 1 AS id, 'Bob'::varchar AS name`,
    );
    const runner = source.createQueryRunner();
    try {
      await runner.query('SET search_path TO mine');
      const mine = things.withManager(runner.manager);
      const read = async (): Promise<unknown> => [
        (await mine.findById(1))?.name,
        (await mine.findById(1, { cache: false }))?.name,
        (await mine.findByIds([1]))[0]?.name,
        (await mine.cached().find())[0]?.name,
        (await mine.loadForUpdate(1))?.name,
      ];
      expect(await read()).toStrictEqual(Array.from({ length: 5 }, () => 'Bob'));
      await runner.query(`UPDATE thing SET name = 'Bobby'`);
      expect(await read()).toStrictEqual(Array.from({ length: 5 }, () => 'Bobby'));
      expect(await things.findById(1)).toMatchObject({ name: 'Ann' });
      expect(await things.cached().find()).toMatchObject([{ name: 'Ann' }]);
    } finally {
      await runner.query('RESET search_path');
      await runner.release();
      await source.query('DROP SCHEMA mine CASCADE');
    }
  });

  it('what is cached was read from the master, not from a replica that may lag behind', async () => {
    const [master, slave] = [
      await another({ ...options, dropSchema: true }, 'of the master'),
      await another({ ...elsewhere, dropSchema: true }, 'of the replica'),
    ];
    const { source, of } = await open({
      type: 'postgres',
      replication: { master: { url: options.url }, slaves: [{ url: elsewhere.url }] },
    });
    expect(await source.manager.findOneBy(Thing, { id: 1 })).toMatchObject({ name: 'of the replica' });
    const things = of(Thing);
    const name = 'of the master';
    expect(await things.findById(1)).toMatchObject({ name });
    expect(await things.cached().find()).toMatchObject([{ name }]);
    expect(await things.cached().count({ where: { name } })).toBe(1);
    expect(await things.cached().find({ select: { name: true } })).toMatchObject([{ name }]);
    await things.invalidateAll();
    expect(await things.findByIds([1])).toMatchObject([{ name }]);
    await Promise.all([master.destroy(), slave.destroy()]);
  });
});
