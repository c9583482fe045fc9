// Lists that are bound to a part of their table, while several move the same row; and what else takes a pool of connections.
import { afterEach, beforeAll, beforeEach, describe, expect, it } from '@jest/globals';
import {
  AfterLoad,
  Column,
  type DataSource,
  type DataSourceOptions,
  Entity,
  type EntityManager,
  ManyToOne,
  PrimaryGeneratedColumn,
  type Relation,
} from 'typeorm';

import { CachedRepository } from '../../lib/typeorm/cached-repository.js';
import { DataSourceCache } from '../../lib/typeorm/data-source-cache.js';
import { CacheEntity } from '../../lib/typeorm/index.js';
import { benchOf, closeBenches } from '../support/caches.js';
import { Deferred } from '../support/deferred.js';
import { describePostgres } from '../support/postgres-server.js';
import { Book, LIBRARY, Writer } from './library.js';
import { openSource } from './shop.js';

@CacheEntity()
@Entity()
class Leaflet {
  @PrimaryGeneratedColumn() id!: number;
  @Column('jsonb') meta!: { tags?: string[] };
  @ManyToOne(() => Writer, { nullable: true }) writer!: Relation<Writer> | null;

  @AfterLoad() complete(): void {
    this.meta.tags ??= [];
  }
}

describePostgres('parts of a table, on PostgreSQL', (server) => {
  let source: DataSource;
  let statements: string[];
  let books: CachedRepository<Book>;
  let cached: DataSourceCache;
  let options: DataSourceOptions;

  beforeAll(async () => {
    const { url } = await server().createDatabase();
    options = { type: 'postgres', url, synchronize: true, dropSchema: true, entities: [...LIBRARY, Leaflet] };
  });
  beforeEach(() => open());
  afterEach(async () => {
    await closeBenches();
    await source.destroy();
  });

  async function open(more: object = {}): Promise<void> {
    ({ source, statements } = await openSource({ ...options, ...more }));
    cached = DataSourceCache.of('default', source, (await benchOf('memory + redis')).cache);
    books = new CachedRepository(cached, Book);
    await source.manager.save(Writer, [{ name: 'Ann' }, { name: 'Bob' }, { name: 'Cleo' }]);
    await source.manager.save(Book, { title: 'x', isbn: 'one', writerId: 1 });
  }

  /** How many books each of the three has. */
  const counts = () => Promise.all([1, 2, 3].map((id) => books.cached().count({ where: { writerId: id } })));
  const lists = async () => {
    const found = await Promise.all([1, 2, 3].map((id) => books.cached().find({ where: { writerId: id } })));
    return found.map((list) => list.length);
  };

  /** Whoever writes by TypeORM's own events has looked at the row, and waits. */
  function holdWriter(event: 'beforeUpdate' | 'beforeRemove'): { looked: Promise<void>; go(): void } {
    const [looked, gate] = [new Deferred<void>(), new Deferred<void>()];
    let waits = true;
    const hold = async (): Promise<void> => {
      if (!waits) return;
      waits = false;
      looked.resolve();
      await gate.promise;
    };
    source.subscribers.push({ listenTo: () => Book, [event]: hold });
    return { looked: looked.promise, go: () => gate.resolve() };
  }

  describe('a row that somebody else moves between the look and the write', () => {
    it.each<[string, 'beforeUpdate' | 'beforeRemove', () => Promise<unknown>, number[]]>([
      ['save', 'beforeUpdate', () => source.manager.save(Book, { id: 1, writerId: 3 }), [0, 0, 1]],
      [
        'remove',
        'beforeRemove',
        async () => source.manager.remove(await source.manager.findOneByOrFail(Book, { id: 1 })),
        [0, 0, 0],
      ],
    ])('%s: the lists it was put into meanwhile are outdated', async (_, event, write, after) => {
      const { looked, go } = holdWriter(event);
      const writing = write();
      await looked;
      await source.query('UPDATE book SET "writerId" = 2 WHERE id = 1');
      expect([await counts(), await lists()]).toStrictEqual([
        [0, 1, 0],
        [0, 1, 0],
      ]);
      go();
      await writing;
      expect([await counts(), await lists()]).toStrictEqual([after, after]);
    });

    it('save of another column: lists that also have a condition on it are outdated', async () => {
      const { looked, go } = holdWriter('beforeUpdate');
      const saving = source.manager.save(Book, { id: 1, title: 'y' });
      await looked;
      await source.query('UPDATE book SET "writerId" = 2 WHERE id = 1');
      const count = () => books.cached().count({ where: { writerId: 2, title: 'x' } });
      expect(await count()).toBe(1);
      go();
      await saving;
      expect(await count()).toBe(0);
    });

    it('save and save, each in a transaction of its own that has looked before', async () => {
      const { looked, go } = holdWriter('beforeUpdate');
      const saving = source.transaction(async (manager) => {
        await manager.findOneBy(Book, { id: 1 });
        await manager.save(Book, { id: 1, writerId: 3 });
      });
      await looked;
      await source.manager.save(Book, { id: 1, writerId: 2 });
      expect(await counts()).toStrictEqual([0, 1, 0]);
      go();
      await saving;
      expect(await counts()).toStrictEqual([0, 0, 1]);
    });
  });

  describe('a row that was loaded for update', () => {
    const inside = (work: (manager: EntityManager, book: Book) => Promise<unknown>) =>
      source.transaction(async (manager) =>
        work(manager, (await books.withManager(manager).loadForUpdate(1))!),
      );
    const asked = async (): Promise<number> => {
      statements.length = 0;
      expect(await counts()).toStrictEqual(await plainCounts());
      return statements.filter((sql) => sql.startsWith('SELECT COUNT(1)')).length - 3;
    };
    const plainCounts = () =>
      Promise.all([1, 2, 3].map((id) => source.manager.count(Book, { where: { writerId: id } })));

    beforeEach(async () => void (await counts()));

    it.each<[string, (manager: EntityManager, book: Book) => Promise<unknown>, number]>([
      ['save', (manager, book) => manager.save(Object.assign(book, { writerId: 2 })), 2],
      ['save of another column', (manager, book) => manager.save(Object.assign(book, { title: 'y' })), 1],
      ['remove', (manager, book) => manager.remove(book), 1],
      ['save into none', (manager, book) => manager.save(Object.assign(book, { writerId: null })), 1],
      ['save by a relation', (manager, book) => manager.save(Object.assign(book, { writer: { id: 2 } })), 2],
      [
        'save by a relation, beside another column that is none',
        (manager, book) => manager.save(Object.assign(book, { writerId: 2, writer: null })),
        3,
      ],
      [
        'save by an id in the place of an entity',
        (manager, book) => manager.save(Object.assign(book, { writer: 2 })),
        3,
      ],
      ['save of a new one', (manager) => manager.save(Book, { title: 'z', writerId: 2 }), 1],
      [
        'save of a new one, with a relation that is none',
        (manager) => manager.save(Book, { title: 'z', writerId: 2, writer: null }),
        3,
      ],
      ['update of another column', (manager) => manager.update(Book, 1, { title: 'y' }), 1],
      ['delete', (manager) => manager.delete(Book, 1), 1],
      [
        'save of another column, and then an update that says nothing',
        async (manager, book) => {
          await manager.save(Object.assign(book, { title: 'y' }));
          await manager.update(Book, 1, { writerId: 2 });
        },
        3,
      ],
      ['raw SQL', (manager) => manager.query(`UPDATE book SET title = 'y' WHERE id = 1`), 1],
      [
        'save after a write that says nothing',
        async (manager, book) => {
          await manager.update(Book, 1, { writerId: 3 });
          await manager.save(Object.assign(book, { writerId: 2 }));
        },
        3,
      ],
      [
        'save in a savepoint',
        (manager, book) => manager.transaction((inner) => inner.save(Object.assign(book, { writerId: 2 }))),
        2,
      ],
      [
        'save by what it is related to',
        async (manager, book) => {
          const bob = await manager.findOneOrFail(Writer, { where: { id: 2 }, relations: { books: true } });
          bob.books.push(book);
          await manager.save(bob);
        },
        2,
      ],
    ])('%s: only the parts it was and is in are outdated', async (_, write, parts) => {
      await inside(write);
      expect(await asked()).toBe(parts);
    });

    it('in a raw transaction it is locked, too', async () => {
      const runner = source.createQueryRunner();
      const inner = books.withManager(runner.manager);
      await runner.query('BEGIN');
      const book = (await inner.loadForUpdate(1))!;
      expect(book).toStrictEqual(Object.assign(new Book(), { id: 1, title: 'x', isbn: 'one', writerId: 1 }));
      const [{ locked }] = (await source.query(
        'SELECT NOT EXISTS (SELECT 1 FROM book WHERE id = 1 FOR UPDATE SKIP LOCKED) AS locked',
      )) as [{ locked: boolean }];
      expect(locked).toBe(true);
      await runner.query('COMMIT');
      await runner.release();
    });
  });

  it('rows that were left out of an insert do not answer for others', async () => {
    expect(await counts()).toStrictEqual([1, 0, 0]);
    await source.transaction(async (manager) => {
      const values = ['one', 'two'].map((isbn) => ({ isbn, title: 'y', writerId: 1 }));
      await manager.createQueryBuilder().insert().into(Book).values(values).orIgnore().execute();
      await manager.query(`INSERT INTO book (title, "writerId") VALUES ('z', 2)`);
    });
    expect(await counts()).toStrictEqual([2, 1, 0]);
  });

  it('JSON in rows with relations is the reader’s own', async () => {
    await source.query(`INSERT INTO leaflet (meta) VALUES ('{}')`);
    const leaflets = new CachedRepository(cached, Leaflet);
    const read = () => leaflets.cached().find({ relations: { writer: true } });
    for (let i = 0; i < 2; i++) {
      const [leaflet] = await read();
      expect(leaflet!.meta).toStrictEqual({ tags: [] });
      (leaflet as Leaflet).meta.tags!.push('mine');
    }
  });

  describe('a raw transaction on a connection that is back in the pool', () => {
    beforeEach(async () => {
      await source.destroy();
      await open({ poolSize: 1 });
    });

    it('of statements without a runner', async () => {
      await source.query('BEGIN');
      await source.query(`UPDATE book SET title = 'nobody' WHERE id = 1`);
      expect(await books.findById(1)).toMatchObject({ title: 'nobody' });
      expect((await books.findByIds([1]))[0]).toMatchObject({ title: 'nobody' });
      await source.query('ROLLBACK');
      expect(await books.findById(1)).toMatchObject({ title: 'x' });
      await source.query('BEGIN');
      await source.query(`UPDATE book SET title = 'y' WHERE id = 1`);
      await source.query('COMMIT');
      expect(await books.findById(1)).toMatchObject({ title: 'y' });
    });

    it('of a runner that was released', async () => {
      const runner = source.createQueryRunner();
      await runner.query('BEGIN');
      await runner.query(`UPDATE book SET title = 'nobody' WHERE id = 1`);
      await runner.release();
      expect(await books.cached().find({ where: { title: 'nobody' } })).toHaveLength(1);
      await source.query('ROLLBACK');
      expect(await books.cached().find({ where: { title: 'nobody' } })).toHaveLength(0);
      expect(await books.findById(1)).toMatchObject({ title: 'x' });
    });
  });
});
