// What a write outdates, and what it leaves alone: parts of a table, ids that change, what refers to what.
import { afterEach, beforeEach, describe, expect, it } from '@jest/globals';
import { type DataSource, IsNull } from 'typeorm';

import { CachedRepository } from '../../lib/typeorm/cached-repository.js';
import { DataSourceCache } from '../../lib/typeorm/data-source-cache.js';
import { benchOf, closeBenches } from '../support/caches.js';
import { Badge, Book, LIBRARY, Loan, Slot, Sorted, Writer } from './library.js';
import { openSource, SQLJS } from './shop.js';

let source: DataSource;
let statements: string[];
let cached: DataSourceCache;
let books: CachedRepository<Book>;
let writers: CachedRepository<Writer>;

const of = <E extends object>(entity: abstract new () => E): CachedRepository<E> =>
  new CachedRepository<E>(cached, entity);
const selects = (): number => statements.filter((sql) => sql.startsWith('SELECT')).length;

/** How many statements a read takes. */
async function cost(read: () => Promise<unknown>): Promise<number> {
  const before = selects();
  await read();
  return selects() - before;
}

beforeEach(async () => {
  ({ source, statements } = await openSource({ ...SQLJS, entities: LIBRARY }));
  cached = DataSourceCache.of('default', source, (await benchOf('memory + redis')).cache);
  [books, writers] = [of(Book), of(Writer)];
  await source.manager.save(Writer, [{ name: 'Ann' }, { name: 'Bob' }]);
  await source.manager.save(Book, [
    { title: 'x', writerId: 1 },
    { title: 'y', writerId: 2 },
  ]);
});
afterEach(async () => {
  await closeBenches();
  await source.destroy();
});

describe('parts of a table', () => {
  const count = (where: object | object[]) => books.cached().count({ where });
  const changed = (id: number, change: Partial<Book>) =>
    source.transaction(async (manager) => {
      const book = (await books.withManager(manager).loadForUpdate(id))!;
      await manager.save(Object.assign(book, change));
    });

  it('alternatives are bound to parts if all of them are', async () => {
    const [some, all] = [
      () => count([{ writerId: 1 }, { title: 'z' }]),
      () => count([{ writerId: 1 }, { writerId: 7 }]),
    ];
    expect([await some(), await all()]).toStrictEqual([1, 1]);
    await source.manager.save(Book, { title: 'z', writerId: 2 });
    expect(await cost(all)).toBe(0);
    expect(await some()).toBe(2);
  });

  it('a query that joins its own table sees all of it', async () => {
    await source.manager.update(Book, 1, { sequelOf: { id: 2 } });
    const sequels = () => count({ writerId: 1, sequelOf: { title: 'y' } });
    expect(await sequels()).toBe(1);
    await changed(2, { title: 'another' });
    expect(await sequels()).toBe(0);
  });

  it('rows without a value are a part, too', async () => {
    const none = () => count({ writerId: IsNull() });
    expect(await none()).toBe(0);
    await source.manager.save(Book, { title: 'z', writerId: 2 });
    expect(await cost(none)).toBe(0);
    await source.manager.save(Book, { title: 'z', writerId: null });
    expect(await none()).toBe(1);
    await changed(1, { writerId: null });
    expect(await none()).toBe(2);
    await changed(1, { writerId: 2 });
    expect(await none()).toBe(1);
  });

  it.each<[string, () => Promise<unknown>, number[]]>([
    ['update', () => books.update(1, { writerId: 2 }), [0, 2]],
    ['updateAll', () => source.getRepository(Book).updateAll({ writerId: 1 }), [2, 0]],
    ['clear', () => source.getRepository(Book).clear(), [0, 0]],
    ['raw SQL', () => source.query('UPDATE book SET "writerId" = 2 WHERE id = 1'), [0, 2]],
  ])('%s: any may be another', async (_, write, after) => {
    const counts = () => Promise.all([1, 2].map((writerId) => count({ writerId })));
    expect([await counts(), await books.findById(1)]).toMatchObject([[1, 1], { writerId: 1 }]);
    await write();
    expect(await counts()).toStrictEqual(after);
    expect(await books.findById(1)).toStrictEqual(await source.manager.findOneBy(Book, { id: 1 }));
  });
});

describe('ids', () => {
  it('a row that gets another one is there under it', async () => {
    expect([await books.findById(1), await books.findById(9)]).toMatchObject([{ title: 'x' }, null]);
    await source.query('UPDATE book SET id = 9 WHERE id = 1');
    expect([await books.findById(1), await books.findById(9)]).toMatchObject([null, { title: 'x' }]);
  });

  it('what refers to it goes with it, where the database sees to that', async () => {
    await source.manager.save(Sorted, { title: 'a', writer: { id: 1 } });
    const writer = async () => of(Sorted).relation((await of(Sorted).findById(1))!, 'writer');
    expect(await writer()).toMatchObject({ id: 1 });
    await source.query(`PRAGMA foreign_keys = ON`);
    await source.query('DELETE FROM book');
    await source.query('UPDATE writer SET id = 9 WHERE id = 1');
    expect(await writer()).toMatchObject({ id: 9, name: 'Ann' });
  });
});

it('what is removed takes along what refers to what refers to it', async () => {
  await source.manager.save(Loan, [{ book: { id: 1 } }, { book: { id: 2 } }]);
  const loans = of(Loan);
  const state = async () => [
    await books.findById(1),
    await loans.findById(1),
    await loans.findById(2),
    await loans.cached().count(),
  ];
  expect(await state()).toMatchObject([{ id: 1 }, { id: 1 }, { id: 2 }, 2]);
  await writers.delete(1);
  expect(await state()).toMatchObject([null, null, { id: 2 }, 1]);
});

it('all caches of a data source hear of its writes', async () => {
  const other = new CachedRepository(
    DataSourceCache.of('default', source, (await benchOf('memory')).cache),
    Writer,
  );
  expect([await writers.findById(1), await other.findById(1)]).toMatchObject([
    { name: 'Ann' },
    { name: 'Ann' },
  ]);
  await writers.update(1, { name: 'Anna' });
  expect([await writers.findById(1), await other.findById(1)]).toMatchObject([
    { name: 'Anna' },
    { name: 'Anna' },
  ]);
});

it('a list with a row that is gone, though nobody said so, is read again', async () => {
  const page = () => writers.cached().findAndCount({ order: { id: 'ASC' } });
  expect((await page())[1]).toBe(2);
  const { databaseConnection } = source.driver as unknown as {
    databaseConnection: { run(sql: string): void };
  };
  databaseConnection.run('DELETE FROM writer WHERE id = 2');
  expect((await page())[1]).toBe(2);
  await writers.invalidatePattern('writer:2');
  const [found, count] = await page();
  expect([found.map(({ name }) => name), count]).toStrictEqual([['Ann'], 1]);
  expect(await cost(page)).toBe(0);
});

describe('queries', () => {
  it('pages of what is joined are different ones', async () => {
    const where = { writer: { name: 'Ann' } };
    await source.manager.save(Book, { title: 'z', writerId: 1 });
    const page = async (skip: number, take: number) => {
      const found = await books.cached().find({ where, order: { id: 'ASC' }, skip, take });
      return found.map(({ title }) => title);
    };
    expect([await page(0, 1), await page(0, 2), await page(1, 1)]).toStrictEqual([['x'], ['x', 'z'], ['z']]);
  });

  it('with what is related are counted by their own rows', async () => {
    await source.manager.save(Book, { title: 'z', writerId: 1 });
    const [found, count] = await writers
      .cached()
      .findAndCount({ relations: { books: true }, order: { id: 'ASC' } });
    expect([found.map((writer) => writer.books.length), count]).toStrictEqual([[2, 1], 2]);
  });

  it('for one ask for one', async () => {
    await writers.cached().findOne({ where: { name: 'Ann' } });
    expect(statements.find((sql) => sql.includes('FROM "writer"'))).toMatch(/LIMIT 1$/);
  });

  it('subscribers see what comes from the cache as if it were loaded', async () => {
    const seen: string[] = [];
    source.subscribers.push({ afterLoad: (entity: Writer) => void seen.push(entity.name) });
    for (let i = 0; i < 2; i++) await writers.findById(1);
    expect(seen).toStrictEqual(['Ann', 'Ann']);
    for (let i = 0; i < 2; i++)
      await writers.cached().find({ where: { id: 2 }, select: { id: true, name: true } });
    expect(seen.slice(2)).toStrictEqual(['Bob', 'Bob']);
  });
});

it.each<[string, () => Promise<unknown>, RegExp]>([
  [
    'an index of some rows only',
    () => of(Slot).findByIndex({ name: 'x' }),
    /Slot has no unique index on name: there are id/,
  ],
  [
    'a relation to what is no id',
    async () => {
      await source.manager.save(Badge, { owner: { id: 1, name: 'Ann' } });
      return of(Badge).relation((await of(Badge).findById(1))!, 'owner');
    },
    /Badge.owner does not refer to the id of Writer: query it with/,
  ],
])('refused: %s', async (_, read, message) => {
  await expect(read()).rejects.toMatchObject({ code: 'CACHE_ENTITY_INVALID' });
  await expect(read()).rejects.toThrow(message);
});
