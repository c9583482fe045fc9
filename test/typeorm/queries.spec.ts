// Queries of every kind that TypeORM has: what they read, what they are, how large they may be.
import { afterEach, beforeEach, describe, expect, it } from '@jest/globals';
import { And, type DataSource, Equal, type FindOptionsWhere, In, MoreThan, Not, Or, Raw } from 'typeorm';

import { CachedRepository } from '../../lib/typeorm/cached-repository.js';
import { DataSourceCache } from '../../lib/typeorm/data-source-cache.js';
import { type Bench, benchOf, closeBenches } from '../support/caches.js';
import {
  Badge,
  Book,
  LIBRARY,
  Member,
  Rack,
  Series,
  Shelf,
  Slot,
  Sorted,
  Writer,
  WriterView,
} from './library.js';
import { openSource, SQLJS } from './shop.js';

let source: DataSource;
let statements: string[];
let bench: Bench;
let cached: DataSourceCache;

beforeEach(async () => {
  ({ source, statements } = await openSource({ ...SQLJS, entities: LIBRARY }));
  bench = await benchOf('memory + redis');
  cached = DataSourceCache.of('default', source, bench.cache);
});
afterEach(async () => {
  await closeBenches();
  await source.destroy();
});

const of = <E extends object>(entity: abstract new () => E): CachedRepository<E> =>
  new CachedRepository<E>(cached, entity);
const selects = (): number => statements.filter((sql) => sql.startsWith('SELECT')).length;
const UNSUPPORTED = { code: 'CACHE_QUERY_UNSUPPORTED' };

describe('options that whoever gave them changes while the query runs', () => {
  beforeEach(() => source.manager.save(Writer, [{ name: 'Ann' }, { name: 'Bob' }]));

  class Filter {
    constructor(public name: string) {}
  }

  it.each<[string, (name: string) => { where: FindOptionsWhere<Writer> }, (options: never) => void]>([
    [
      'a value',
      (name) => ({ where: { name } }),
      ({ where }: { where: { name: string } }) => (where.name = 'Bob'),
    ],
    [
      'the values of an operator',
      (name) => ({ where: { name: In([name]) } }),
      ({ where }: { where: { name: { value: string[] } } }) => (where.name.value[0] = 'Bob'),
    ],
    [
      'a condition of a class',
      (name) => ({ where: new Filter(name) }),
      ({ where }: { where: Filter }) => (where.name = 'Bob'),
    ],
  ])('%s', async (_, optionsFor, change) => {
    const writers = of(Writer).cached();
    for (const ask of ['find', 'count'] as const) {
      const options = optionsFor(ask === 'find' ? 'Ann' : 'nobody');
      const asked = writers[ask](options);
      change(options as never);
      expect(await asked).toStrictEqual(ask === 'find' ? [expect.objectContaining({ name: 'Ann' })] : 0);
    }
    expect(await writers.find(optionsFor('Ann'))).toMatchObject([{ name: 'Ann' }]);
    expect(await writers.count(optionsFor('nobody'))).toBe(0);
  });

  it('a list of ids', async () => {
    const ids = [2, 1];
    const asked = of(Writer).findByIds(ids);
    ids.pop();
    expect(await asked).toMatchObject([{ id: 2 }, { id: 1 }]);
  });
});

describe('views', () => {
  const named = () => of(WriterView).cached({ tables: [Writer] });

  it('are read again when what they are made of was written, if that is named', async () => {
    await of(Writer).insert({ name: 'Ann' });
    expect(await named().find()).toMatchObject([{ name: 'Ann' }]);
    expect(await named().findOne({ where: { id: 1 } })).toBeInstanceOf(WriterView);
    statements.length = 0;
    await named().find();
    expect(selects()).toBe(0);
    await of(Writer).update(1, { name: 'Anna' });
    expect(await named().find()).toMatchObject([{ name: 'Anna' }]);
    expect(await named().findOne({ where: { id: 1 } })).toMatchObject({ name: 'Anna' });
  });

  it('are nothing that an entity is related to', async () => {
    await of(Writer).insert({ name: 'Ann' });
    const badge = await source.manager.save(Badge, { patron: { id: 1 } });
    await expect(of(Badge).relation(badge, 'patron')).rejects.toMatchObject(UNSUPPORTED);
    await expect(of(WriterView).relation({ id: 1 } as WriterView, 'badges')).resolves.toMatchObject([
      { id: 1 },
    ]);
    await of(Badge).delete(1);
    await expect(of(WriterView).relation({ id: 1 } as WriterView, 'badges')).resolves.toStrictEqual([]);
  });

  it.each<[string, (views: CachedRepository<WriterView>) => Promise<unknown>]>([
    ['a list that does not name it', (views) => views.cached().find()],
    ['findById', (views) => views.findById(1)],
    ['findByIds', (views) => views.findByIds([1])],
  ])('refused: %s', async (_, read) => {
    await expect(read(of(WriterView))).rejects.toMatchObject(UNSUPPORTED);
  });
});

describe('SQL in a query that may read other tables', () => {
  const others = Raw((id) => `${id} NOT IN (SELECT "writerId" FROM "book")`);
  class Filter {
    id = others;
  }

  it.each<[string, object]>([
    ['Not', { id: Not(others) }],
    ['And, Not', { id: And(Not(others)) }],
    ['Or', { id: Or(Equal(7), others) }],
    ['an alternative', [{ id: 1 }, { id: others }]],
    ['a condition of a class', new Filter()],
    ['a condition without a prototype', Object.assign(Object.create(null) as object, { id: others })],
    ['a relation', { books: { id: others } }],
  ])('refused, wherever it is: %s', async (_, where) => {
    await expect(of(Writer).cached().count({ where })).rejects.toMatchObject(UNSUPPORTED);
  });

  it.each<[string, () => Promise<unknown>]>([
    [
      'comes with what is joined',
      () =>
        of(Slot)
          .cached()
          .find({ relations: { shelf: true } }),
    ],
    [
      'is a condition',
      () =>
        of(Rack)
          .cached()
          .find({ where: { books: MoreThan(0) } }),
    ],
    [
      'is a condition on what is joined',
      () =>
        of(Slot)
          .cached()
          .find({ where: { shelf: { books: 1 } } }),
    ],
    [
      'is an order',
      () =>
        of(Rack)
          .cached()
          .find({ order: { books: 'ASC' } }),
    ],
    [
      'is a condition for a count',
      () =>
        of(Rack)
          .cached()
          .count({ where: [{ id: 1 }, { books: 0 }] }),
    ],
  ])('refused: a virtual column that %s', async (_, read) => {
    await expect(read()).rejects.toMatchObject(UNSUPPORTED);
  });

  it('a virtual column that nobody asks for is none', async () => {
    await source.manager.save(Slot, { name: 'a', shelf: await source.manager.save(Shelf, { name: 's' }) });
    expect(
      await of(Slot)
        .cached()
        .find({ where: { shelf: { name: 's' } } }),
    ).toMatchObject([{ name: 'a' }]);
    await source.manager.save(Rack, {});
    expect(await of(Rack).cached().find()).toStrictEqual([Object.assign(new Rack(), { id: 1 })]);
  });

  it('with its tables named: a query is outdated by those that it names, whoever asked without', async () => {
    const [any, all] = [Raw((id) => `${id} > 0`), of(Writer)];
    await all.cached().count({ where: { id: any } });
    const naming = () => all.cached({ tables: [Rack] }).count({ where: { id: any } });
    await naming();
    await source.manager.save(Rack, {});
    statements.length = 0;
    await naming();
    expect(selects()).toBe(1);
  });
});

describe('pages of what is joined', () => {
  beforeEach(async () => {
    await source.manager.save(Writer, [{ name: 'Bob' }, { name: 'Ann' }]);
    await source.manager.save(Book, [
      { title: 'x', writerId: 1 },
      { title: 'b', writerId: 1 },
      { title: 'a', writerId: 2 },
    ]);
    await source.manager.save(Sorted, [
      { title: 'b', writer: { id: 1 } },
      { title: 'a', writer: { id: 1 } },
    ]);
  });

  it('are in the order of a column', async () => {
    const options = { where: { writer: { name: 'Bob' } }, order: { title: 'ASC' }, take: 2 } as const;
    const books = of(Book).cached();
    for (let i = 0; i < 2; i++) {
      expect((await books.find(options)).map(({ title }) => title)).toStrictEqual(['b', 'x']);
      expect(await books.findOne(options)).toMatchObject({ title: 'b' });
      const [page, count] = await books.findAndCount({ ...options, skip: 1, take: 1 });
      expect([page.map(({ title }) => title), count]).toStrictEqual([['x'], 2]);
    }
  });

  // Which plain repositories cannot do.
  it('are in the order of a related column', async () => {
    const options = { order: { writer: { name: 'ASC' }, title: 'DESC' }, take: 2 } as const;
    const found = await of(Book).cached().find(options);
    expect(found.map(({ title }) => title)).toStrictEqual(['a', 'x']);
  });

  it('are in the order that their entity has', async () => {
    const options = { where: { writer: { name: 'Bob' } }, take: 2 };
    const found = await of(Sorted).cached().find(options);
    expect(found.map(({ title }) => title)).toStrictEqual(['a', 'b']);
  });
});

describe('more ids than a statement takes', () => {
  const numbers = (last: number): string =>
    `WITH RECURSIVE n(i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM n WHERE i < ${last})`;

  it('of one column', async () => {
    await source.query(
      `INSERT INTO "writer" (id, name) ${numbers(3)} SELECT min(i * 12000, 32000), i FROM n`,
    );
    const ids = Array.from({ length: 33_000 }, (_, i) => i);
    const found = await of(Writer).findByIds(ids);
    expect(found.filter((one) => one !== null).map(({ id }) => id)).toStrictEqual([12_000, 24_000, 32_000]);
    expect(selects()).toBe(2);
  });

  it('of several columns', async () => {
    await source.query(`INSERT INTO member ("writerId", "rackId") ${numbers(1_100)} SELECT i, i + 1 FROM n`);
    expect(await of(Member).cached().find()).toHaveLength(1_100);
  });

  it('in relations', async () => {
    await source.query(`INSERT INTO "writer" (id, name) ${numbers(1_100)} SELECT i, i FROM n`);
    await source.query(`INSERT INTO member ("writerId", "rackId") ${numbers(1_100)} SELECT i, i + 1 FROM n`);
    await source.manager.save(Book, [{ title: 'last', writerId: 1_100 }]);
    await source.manager.save(Badge, [{ member: { writerId: 1_100, rackId: 1_101 } }]);
    const [writers, members] = [of(Writer), of(Member)];
    const books = await writers.relation(await writers.cached().find(BY_ID), 'books');
    expect([books.length, books.at(-1)]).toMatchObject([1_100, [{ title: 'last' }]]);
    const badges = await members.relation(
      await members.cached().find({ order: { writerId: 'ASC' } }),
      'badges',
    );
    expect([badges.length, badges.at(-1)]).toMatchObject([1_100, [{ id: 1 }]]);
  });
});

const BY_ID = { order: { id: 'ASC' } } as const;

it('what is related to none is none, in a transaction as well', async () => {
  expect(await of(Writer).relation([], 'books')).toStrictEqual([]);
  await source.transaction(async (manager) => {
    expect(await of(Writer).withManager(manager).relation([], 'books')).toStrictEqual([]);
    expect(await of(Book).withManager(manager).relation([], 'writer')).toStrictEqual([]);
  });
});

it('what an entity refers to: as it was read, and in a transaction as it is', async () => {
  await source.manager.save(Writer, [{ name: 'Ann' }, { name: 'Bob' }]);
  await source.manager.save(Book, { title: 'x', writerId: 1 });
  const books = of(Book);
  const book = (await books.findById(1))!;
  await source.transaction(async (manager) => {
    const inside = books.withManager(manager);
    expect(await inside.relation(book, 'writer')).toMatchObject({ name: 'Ann' });
    await inside.update(1, { writerId: 2 });
    expect(await inside.relation(book, 'writer')).toMatchObject({ name: 'Bob' });
  });
  expect(await books.relation(book, 'writer')).toMatchObject({ name: 'Ann' });
  expect(await books.relation((await books.findById(1))!, 'writer')).toMatchObject({ name: 'Bob' });
});

describe('what came from the cache is not written back', () => {
  const readOnly = { code: 'CACHE_ENTITY_READ_ONLY' };

  it('when its row is gone, nor by insert or upsert', async () => {
    const writers = of(Writer);
    await writers.insert({ name: 'Ann' });
    const ann = (await writers.findById(1)) as Writer;
    await expect(writers.upsert(ann, ['id'])).rejects.toMatchObject(readOnly);
    await writers.delete(1);
    await expect(source.manager.save(ann)).rejects.toMatchObject(readOnly);
    await expect(source.manager.insert(Writer, ann)).rejects.toMatchObject(readOnly);
    expect(await source.manager.count(Writer)).toBe(0);
  });

  it('unless nothing is: saved unchanged it writes nothing, and it may be removed', async () => {
    const writers = of(Writer);
    await writers.insert({ name: 'Ann' });
    const ann = (await writers.findById(1)) as Writer;
    await source.manager.save(ann);
    await source.manager.remove(ann);
    expect(await writers.findById(1)).toBeNull();
  });

  it('when it came by a lazy relation that was loaded with it', async () => {
    await source.query('INSERT INTO series (id) VALUES (1)');
    await source.query(`INSERT INTO volume (title, "seriesId") VALUES ('first', 1)`);
    const [series] = await of(Series)
      .cached()
      .find({ relations: { volumes: true } });
    const volume = (await series!.volumes)[0]!;
    volume.title = 'changed';
    await expect(source.manager.save(volume)).rejects.toMatchObject(readOnly);
  });
});

it.each([
  ['REPLACE', `REPLACE INTO "writer" (id, name) VALUES (1, 'Anna')`],
  ['INSERT OR REPLACE', `INSERT OR REPLACE INTO "writer" (id, name) VALUES (1, 'Anna')`],
  ['UPDATE OR REPLACE', `UPDATE OR REPLACE "writer" SET name = 'Ann' WHERE id = 2`],
])('what %s removes takes what refers to it along', async (_, sql) => {
  await source.manager.save(Writer, [{ name: 'Ann' }, { name: 'Bob' }]);
  await source.manager.save(Book, { title: 'x', writerId: 1 });
  expect(await of(Book).findById(1)).not.toBeNull();
  await source.query(sql);
  expect(await source.manager.count(Book)).toBe(0);
  expect(await of(Book).findById(1)).toBeNull();
});

it('a cache that is closed is not told any more, and not kept', async () => {
  const other = await benchOf('memory');
  DataSourceCache.of('default', source, other.cache);
  let told = 0;
  const invalidate = other.cache.invalidateTags.bind(other.cache);
  other.cache.invalidateTags = (tags) => {
    told++;
    return invalidate(tags);
  };
  await of(Writer).insert({ name: 'Ann' });
  await other.close();
  for (const name of ['Bob', 'Cleo', 'Dan']) await of(Writer).insert({ name });
  expect(told).toBe(2);
});
