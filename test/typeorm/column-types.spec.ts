// What comes from the cache is what TypeORM makes of a row, whatever its columns.
import 'reflect-metadata';

import { afterAll, afterEach, beforeAll, describe, expect, it } from '@jest/globals';
import { Column, type DataSource, type DataSourceOptions, Entity, PrimaryColumn } from 'typeorm';

import { CacheEntity } from '../../lib/typeorm/index.js';
import { CachedRepository } from '../../lib/typeorm/cached-repository.js';
import { DataSourceCache } from '../../lib/typeorm/data-source-cache.js';
import { benchOf, closeBenches, TOPOLOGIES } from '../support/caches.js';
import { describePostgres } from '../support/postgres-server.js';
import { openSource, SQLJS } from './shop.js';

@CacheEntity()
@Entity()
class Everything {
  @PrimaryColumn('uuid') id!: string;
  @Column('smallint') smallint!: number;
  @Column('integer') integer!: number;
  @Column('bigint') bigint!: string;
  @Column('numeric', { precision: 30, scale: 10 }) numeric!: string;
  @Column('real') real!: number;
  @Column('double precision') double!: number;
  @Column('boolean') boolean!: boolean;
  @Column('char', { length: 4 }) char!: string;
  @Column('varchar') varchar!: string;
  @Column('text') text!: string;
  @Column('date') date!: string;
  @Column('time') time!: string;
  @Column('timestamp') timestamp!: Date;
  @Column('timestamptz') timestamptz!: Date;
  @Column('interval') interval!: unknown;
  @Column('bytea') bytea!: Buffer;
  @Column('json') json!: unknown;
  @Column('jsonb') jsonb!: unknown;
  @Column('simple-json') simpleJson!: unknown;
  @Column('simple-array') simpleArray!: string[];
  @Column('int', { array: true }) ints!: number[];
  @Column('text', { array: true }) texts!: string[];
  @Column('enum', { enum: ['red', 'blue'] }) color!: string;
  @Column('point') point!: unknown;
  @Column('inet') inet!: string;
  @Column('int4range') range!: string;
  @Column('varchar', { nullable: true }) nothing!: string | null;
}

const ROW = {
  id: '6f1a2b3c-0000-4000-8000-00000000abcd',
  smallint: -7,
  integer: 2_147_483_647,
  bigint: '9007199254740993',
  numeric: '12345678901234567890.0123456789',
  real: 1.5,
  double: -1e-300,
  boolean: false,
  char: 'ab',
  varchar: 'ü\u{1f600}',
  text: '',
  date: '2024-02-29',
  time: '23:59:59.5',
  timestamp: new Date('2024-02-29T12:34:56.789'),
  timestamptz: new Date('2024-02-29T12:34:56.789Z'),
  interval: '1 day 02:03:04',
  bytea: Buffer.from([0, 255, 128]),
  json: { a: [1, null, { b: 'c' }] },
  jsonb: { z: 1, a: true },
  simpleJson: { deep: { x: [1] } },
  simpleArray: ['a', 'b'],
  ints: [1, 2, 3],
  texts: ['x', 'y,z'],
  color: 'blue',
  point: '(1,2)',
  inet: '10.0.0.1',
  range: '[1,5)',
  nothing: null,
};

describePostgres('columns of PostgreSQL', (server) => {
  let source: DataSource;

  beforeAll(async () => {
    const { url } = await server().createDatabase();
    const options: DataSourceOptions = { type: 'postgres', url, synchronize: true, entities: [Everything] };
    ({ source } = await openSource(options));
    await source.getRepository(Everything).insert(ROW);
  });
  afterAll(() => source.destroy());
  afterEach(closeBenches);

  describe.each(TOPOLOGIES)('%s', (topology) => {
    it('are what they are without a cache, on a miss and on a hit, by id and in lists', async () => {
      const { cache } = await benchOf(topology);
      const cached = new CachedRepository(DataSourceCache.of('default', source, cache), Everything);
      const plain = (await source.getRepository(Everything).findOneBy({ id: ROW.id }))!;
      const columnsOf = ({ interval, ...others }: object & { interval: unknown }) => ({
        ...others,
        interval: { ...(interval as object) },
      });
      const expected = columnsOf(plain);
      for (let i = 0; i < 3; i++) {
        const found = (await cached.findById(ROW.id.toUpperCase()))!;
        expect(found).toBeInstanceOf(Everything);
        expect(columnsOf(found)).toStrictEqual(expected);
        const [listed] = await cached.cached().find({ where: { color: 'blue' } });
        expect(listed).toStrictEqual(found);
        const [selected] = await cached
          .cached()
          .find({ select: { id: true, bytea: true, timestamptz: true } });
        expect(selected).toMatchObject({ id: ROW.id, bytea: ROW.bytea, timestamptz: ROW.timestamptz });
      }
      expect(cache.stats().loads).toBe(3);
    });
  });

  it('one reader’s changes are no other’s', async () => {
    const { cache } = await benchOf('memory');
    const cached = new CachedRepository(DataSourceCache.of('default', source, cache), Everything);
    // A miss, then a hit.
    for (let i = 0; i < 2; i++) {
      const found = (await cached.findById(ROW.id))! as Everything;
      found.bytea.fill(1);
      found.timestamptz.setTime(0);
      found.text = 'changed';
      found.ints.push(4);
      (found.json as { a: unknown[] }).a[0] = 'changed';
    }
    const other = (await cached.findById(ROW.id))!;
    const { bytea, timestamptz, text, ints, json } = other;
    expect({ bytea, timestamptz, text, ints, json }).toStrictEqual({
      bytea: ROW.bytea,
      timestamptz: ROW.timestamptz,
      text: '',
      ints: ROW.ints,
      json: ROW.json,
    });
  });
});

describe('columns of SQLite', () => {
  @CacheEntity()
  @Entity()
  class Some {
    @PrimaryColumn() id!: number;
    @Column('datetime') at!: Date;
    @Column('blob') blob!: Uint8Array;
    @Column('simple-json') json!: unknown;
    @Column('boolean') yes!: boolean;
    @Column('real') real!: number;
  }

  it('likewise', async () => {
    const { source } = await openSource({ ...SQLJS, entities: [Some] });
    const { cache } = await benchOf('memory + redis');
    const cached = new CachedRepository(DataSourceCache.of('default', source, cache), Some);
    const row = {
      id: 1,
      at: new Date(1_700_000_000_123),
      blob: Buffer.from([1, 2]),
      json: { a: 1 },
      yes: true,
      real: 0.1,
    };
    await cached.insert(row);
    const plain = await source.getRepository(Some).findOneBy({ id: 1 });
    for (let i = 0; i < 2; i++) expect(await cached.findById(1)).toStrictEqual(plain);
    await closeBenches();
    await source.destroy();
  });
});
