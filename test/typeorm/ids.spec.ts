// Whatever an id is written like: the row is found that the database finds by it, and every write to that row is seen.
import 'reflect-metadata';

import { afterEach, beforeAll, beforeEach, describe, expect, it } from '@jest/globals';
import {
  Column,
  type DataSourceOptions,
  Entity,
  JoinColumn,
  ManyToOne,
  OneToMany,
  PrimaryColumn,
  PrimaryGeneratedColumn,
  type Relation,
} from 'typeorm';

import { CacheEntity, type CachedEntityId, type EntityClass } from '../../lib/typeorm/index.js';
import { closeBenches } from '../support/caches.js';
import { failure } from '../support/deferred.js';
import { describePostgres } from '../support/postgres-server.js';
import { type OpenEntities, openEntities } from './open-entities.js';

/** An entity whose id is called `id`. */
interface Known {
  id: unknown;
  n: number;
}

const prefixed = {
  to: (value: unknown): unknown => (typeof value === 'string' ? value.replace(/^u_/, '') : value),
  from: (value: string): string => `u_${value}`,
};

@CacheEntity()
@Entity()
class Numbered {
  @PrimaryGeneratedColumn() id!: number;
  @Column() n!: number;
}

@CacheEntity()
@Entity()
class Coded {
  @PrimaryColumn('varchar') id!: string;
  @Column() n!: number;
}

@CacheEntity()
@Entity()
class Flagged {
  @PrimaryColumn('boolean') id!: boolean;
  @Column() n!: number;
}

@CacheEntity()
@Entity()
class Unique {
  @PrimaryColumn('uuid') id!: string;
  @Column() n!: number;
}

@CacheEntity()
@Entity()
class Prefixed {
  @PrimaryColumn({ type: 'varchar', transformer: prefixed }) id!: string;
  @Column() n!: number;
  @OneToMany(() => Leaf, (leaf) => leaf.of) leaves!: Relation<Leaf>[];
}

@CacheEntity()
@Entity()
class Leaf {
  @PrimaryGeneratedColumn() id!: number;
  @ManyToOne(() => Prefixed, (one) => one.leaves) @JoinColumn({ name: 'of' }) of!: Relation<Prefixed>;
}

@CacheEntity()
@Entity()
class Day {
  @PrimaryColumn('date') id!: string;
  @Column() n!: number;
}

@CacheEntity()
@Entity()
class Member {
  @PrimaryColumn() club!: string;
  @PrimaryColumn() number!: number;
  @Column() n!: number;
}

@CacheEntity()
@Entity()
class Shop {
  @PrimaryGeneratedColumn() id!: number;
  @Column() n!: number;
  @OneToMany(() => ShopDay, (day) => day.shop) days!: Relation<ShopDay>[];
}

@CacheEntity()
@Entity()
class ShopDay {
  @PrimaryColumn('date') day!: string;
  @PrimaryColumn() shopId!: number;
  @Column() n!: number;
  @ManyToOne(() => Shop, (shop) => shop.days) @JoinColumn({ name: 'shopId' }) shop!: Relation<Shop>;
}

const EVERYWHERE = [Numbered, Coded, Flagged, Unique, Prefixed, Leaf, Day, Member, Shop, ShopDay];

let entities: OpenEntities;
afterEach(async () => {
  await closeBenches();
  await entities.source.destroy();
});

/** All ways to read a row by one of its spellings, and each of them again after a write by another. */
async function expectFound(
  entity: EntityClass,
  row: object,
  asked: CachedEntityId,
  other: CachedEntityId,
): Promise<void> {
  const { source, of } = entities;
  const known = of(entity as abstract new () => Known);
  const read = async (): Promise<unknown> => ({
    several: (await known.findByIds([asked, other])).map((one) => one?.n),
    one: (await known.findById(asked))?.n,
    other: (await known.findById(other))?.n,
    list: (await known.cached().find()).map(({ n }) => n),
    first: (await known.cached().findOne({ where: { n: (await source.manager.find(entity))[0]!['n'] as number } }))?.n, // prettier-ignore
  });
  const all = (n: number): object => ({ several: [n, n], one: n, other: n, list: [n], first: n });
  // That it is not there yet must not be remembered under any spelling.
  expect([await known.findById(asked), ...(await known.findByIds([asked, other]))]).toEqual([null, null, null]); // prettier-ignore
  await source.manager.insert(entity, { ...row, n: 1 });
  expect(await read()).toEqual(all(1));
  await known.invalidateAll();
  expect(await read()).toEqual(all(1));
  await known.update({ id: other }, { n: 2 });
  expect(await read()).toEqual(all(2));
  await known.invalidate(asked);
  expect(await read()).toEqual(all(2));
}

type Spellings = [string, EntityClass, object, CachedEntityId, CachedEntityId];
type NoIds = [EntityClass, CachedEntityId];

function expectRefused(cases: NoIds[]): void {
  it.each(cases)('refuses what is none: %p %p', async (entity, id) => {
    const { of, statements } = entities;
    const known = of(entity as abstract new () => Known);
    statements.length = 0;
    for (const act of [
      () => known.findById(id),
      () => known.findByIds([id]),
      () => known.loadForUpdate(id),
      () => known.invalidate(id),
    ]) {
      const error = await failure(act());
      expect(error).toMatchObject({ code: 'CACHE_ENTITY_INVALID' });
      expect(error.message).toMatch(new RegExp(`is no id of ${entity.name} \\(`));
    }
    expect(statements).toStrictEqual([]);
  });
}

describe('on sql.js', () => {
  beforeEach(async () => {
    entities = await openEntities(EVERYWHERE);
  });

  const UUID = '6f1a2b3c-0000-4000-8000-00000000abcd';
  it.each<Spellings>([
    ['whole numbers', Numbered, { id: 1 }, '01', 1],
    ['bigints', Numbered, { id: 1 }, 1n, '+1'],
    ['text', Coded, { id: '5' }, 5, '5'],
    ['booleans', Flagged, { id: true }, 1, true as never],
    ['uuids, which are text here', Unique, { id: UUID }, UUID, UUID],
    ['a transformer', Prefixed, { id: 'u_5' }, 'u_5', '5'],
    ['dates', Day, { id: '2020-01-01' }, new Date(2020, 0, 1), '2020-01-01'],
  ])('%s', (_, entity, row, asked, other) => expectFound(entity, row, asked, other));

  it('a uuid in upper case is another text here, and what it finds says nothing of the one in lower case', async () => {
    const { of, source } = entities;
    await source.manager.insert(Unique, { id: UUID, n: 1 });
    expect(await of(Unique).findById(UUID.toUpperCase())).toBeNull();
    expect(await of(Unique).findById(UUID)).toMatchObject({ n: 1 });
  });

  it('a transformer, by relations as well', async () => {
    const { of, source } = entities;
    await source.query(`INSERT INTO prefixed VALUES ('5', 1), ('6', 2)`);
    await source.query(`INSERT INTO leaf VALUES (1, '5'), (2, '5')`);
    const all = await of(Prefixed).findByIds(['u_5', 'u_6']);
    const lists = await of(Prefixed).relation(all as Prefixed[], 'leaves');
    expect(lists.map((list) => list.map(({ id }) => id))).toStrictEqual([[1, 2], []]);
    expect(await of(Leaf).relation(lists[0]![0]!, 'of')).toMatchObject({ id: 'u_5', n: 1 });
  });

  it('composite ids: in the order asked, absent ones included, one statement', async () => {
    const { of, source, selects } = entities;
    await source.manager.insert(Member, [
      { club: 'a', number: 1, n: 1 },
      { club: 'a', number: 11, n: 2 },
      { club: 'a1', number: 1, n: 3 },
    ]);
    const members = of(Member);
    selects();
    const ids = [
      { club: 'a1', number: 1 },
      { club: 'b', number: 1 },
      { number: '11', club: 'a' },
      { club: 'a', number: 1 },
    ];
    expect((await members.findByIds(ids)).map((one) => one?.n)).toStrictEqual([3, undefined, 2, 1]);
    expect(selects()).toBe(1);
    expect((await members.findByIds(ids)).map((one) => one?.n)).toStrictEqual([3, undefined, 2, 1]);
    expect(selects()).toBe(0);
    await members.update({ club: 'a', number: 11 }, { n: 4 });
    expect((await members.findByIds(ids)).map((one) => one?.n)).toStrictEqual([3, undefined, 4, 1]);
    expect(selects()).toBe(1);
  });

  expectRefused([
    [Numbered, ' 1'],
    [Numbered, '1.0'],
    [Numbered, 'abc'],
    [Numbered, Number.NaN],
    [Numbered, 1.5],
    [Numbered, true as never],
    [Numbered, 2n ** 63n],
    [Numbered, [1]],
    [Flagged, '1'],
    [Flagged, 'true'],
    [Coded, 'a\0b'],
    [Coded, '\ud800'],
    [Coded, 1.5],
    [Day, '1.1.2020'],
    [Day, '2020-02-30'],
    [Day, new Date(Number.NaN)],
  ]);
});

@CacheEntity()
@Entity()
class Price {
  @PrimaryColumn('numeric', { precision: 10, scale: 2 }) id!: string;
  @Column() n!: number;
}

@CacheEntity()
@Entity()
class Fixed {
  @PrimaryColumn('char', { length: 5 }) id!: string;
  @Column() n!: number;
}

@CacheEntity()
@Entity()
class Time {
  @PrimaryColumn('time') id!: string;
  @Column() n!: number;
}

@CacheEntity()
@Entity()
class Moment {
  @PrimaryColumn('timestamptz') id!: Date;
  @Column() n!: number;
}

@CacheEntity()
@Entity()
class Instant {
  @PrimaryColumn('timestamp', { precision: 3 }) id!: Date;
  @Column() n!: number;
}

@CacheEntity()
@Entity()
class Bytes {
  @PrimaryColumn('bytea') id!: Buffer;
  @Column() n!: number;
}

@CacheEntity()
@Entity()
class Real {
  @PrimaryColumn('real') id!: number;
  @Column() n!: number;
}

@CacheEntity()
@Entity()
class Caseless {
  @PrimaryColumn('citext') id!: string;
  @Column() n!: number;
  @OneToMany(() => CaselessPart, (part) => part.whole) parts!: Relation<CaselessPart>[];
}

@CacheEntity()
@Entity()
class CaselessPart {
  @PrimaryGeneratedColumn() id!: number;
  @ManyToOne(() => Caseless, (whole) => whole.parts) whole!: Relation<Caseless>;
}

@CacheEntity()
@Entity()
class Color {
  @PrimaryColumn('enum', { enum: ['red', 'blue'] }) id!: string;
  @Column() n!: number;
}

describePostgres('ids on PostgreSQL', (server) => {
  let options: DataSourceOptions;
  beforeAll(async () => {
    const { url } = await server().createDatabase();
    options = { type: 'postgres', url, synchronize: true, dropSchema: true };
  });
  beforeEach(async () => {
    const own = [Price, Fixed, Time, Moment, Instant, Bytes, Real, Caseless, CaselessPart, Color];
    entities = await openEntities([...EVERYWHERE, ...own], options);
  });

  const UUID = '6f1a2b3c-0000-4000-8000-00000000abcd';
  const noon = new Date('2020-01-01T12:00:00.123Z');
  it.each<Spellings>([
    ['whole numbers', Numbered, { id: 1 }, '01', 1],
    ['booleans', Flagged, { id: false }, 0, false as never],
    ['uuids', Unique, { id: UUID }, UUID.toUpperCase(), `{${UUID.replaceAll('-', '')}}`],
    ['a transformer', Prefixed, { id: 'u_5' }, '5', 'u_5'],
    ['dates', Day, { id: '2020-01-01' }, new Date(2020, 0, 1), '2020-01-01'],
    ['decimals', Price, { id: '1.50' }, 1.5, '01.5'],
    ['padded text', Fixed, { id: 'ab' }, 'ab', 'ab   '],
    ['times', Time, { id: '10:00' }, '10:00', '10:00:00.0'],
    ['instants', Moment, { id: noon }, noon, '2020-01-01T13:00:00.123+01:00'],
    ['instants of milliseconds', Instant, { id: noon }, noon, new Date(noon)],
    ['bytes', Bytes, { id: Buffer.from('abc') }, Buffer.from('abc'), Buffer.from('abc')],
    ['floats', Real, { id: 1.1 }, '1.10', 1.1],
    ['text in any case', Caseless, { id: 'Ann' }, 'ANN', 'ann'],
    ['enums', Color, { id: 'red' }, 'red', 'red'],
  ])('%s', (_, entity, row, asked, other) => expectFound(entity, row, asked, other));

  it('text in any case: an id beside another spelling of it, and beside what is not there', async () => {
    const { of, source } = entities;
    await source.manager.insert(Caseless, [{ id: 'Ann', n: 1 }, { id: 'bob', n: 2 }]); // prettier-ignore
    const asked = ['ann', 'nobody', 'Ann', 'BOB'];
    const found = async (): Promise<unknown> => (await of(Caseless).findByIds(asked)).map((one) => one?.n);
    expect(await found()).toStrictEqual([1, undefined, 1, 2]);
    await source.manager.update(Caseless, { id: 'bob' }, { n: 3 });
    expect(await found()).toStrictEqual([1, undefined, 1, 3]);
  });

  it('text in any case: a foreign key that spells it otherwise', async () => {
    const { of, source } = entities;
    await source.manager.insert(Caseless, [{ id: 'Ann', n: 1 }, { id: 'bob', n: 2 }]); // prettier-ignore
    await source.manager.insert(CaselessPart, ['ANN', 'bob', 'Ann'].map((id) => ({ whole: { id } }))); // prettier-ignore
    const [ann, bob] = ['Ann', 'bob'].map((id) => ({ id }) as Caseless);
    expect(await of(Caseless).relation(ann!, 'parts')).toMatchObject([{ id: 1 }, { id: 3 }]);
    await source.manager.insert(CaselessPart, { whole: { id: 'BOB' } });
    const both = [[{ id: 1 }, { id: 3 }], [{ id: 2 }, { id: 4 }]]; // prettier-ignore
    expect(await of(Caseless).relation([ann!, bob!], 'parts')).toMatchObject(both);
  });

  it('dates and numbers in one id, by relations as well', async () => {
    const { of, source } = entities;
    await source.manager.insert(Shop, { n: 1 });
    await source.manager.insert(ShopDay, { day: '2020-01-01', shopId: 1, n: 1 });
    const id = { day: '2020-01-01', shopId: 1 };
    expect(await of(Shop).relation({ id: 1 } as Shop, 'days')).toMatchObject([{ n: 1 }]);
    expect(await of(ShopDay).findByIds([id])).toMatchObject([{ n: 1 }]);
    expect(await of(ShopDay).cached().find()).toMatchObject([{ n: 1 }]);
    await source.manager.update(ShopDay, id, { n: 2 });
    expect(await of(Shop).relation({ id: 1 } as Shop, 'days')).toMatchObject([{ n: 2 }]);
    expect(await of(ShopDay).cached().find()).toMatchObject([{ n: 2 }]);
    expect(await of(ShopDay).relation((await of(ShopDay).findById(id))!, 'shop')).toMatchObject({ n: 1 });
  });

  it('an id that is finer than a millisecond: its row is in lists, as in those of a plain repository', async () => {
    const { of, source } = entities;
    await source.query(`INSERT INTO moment VALUES ('2020-01-01T12:00:00.123456Z', 1)`);
    for (let i = 0; i < 2; i++) expect(await of(Moment).cached().find()).toMatchObject([{ n: 1 }]);
    await source.query('UPDATE moment SET n = 2');
    expect(await of(Moment).cached().find()).toMatchObject([{ n: 2 }]);
  });

  expectRefused([
    [Numbered, ' 1'],
    [Numbered, 'abc'],
    [Numbered, 2 ** 40],
    [Flagged, 't'],
    [Flagged, 'yes'],
    [Unique, 'abc'],
    [Unique, `-${UUID}`],
    [Price, '1e3'],
    [Color, 'green'],
    [Moment, '2020-01-01'],
    [Moment, '2020-01-01T12:00:00.123456Z'],
  ]);
});
