// What only a real database has to show: who sees what when, and what is left in the cache.
import { afterEach, beforeAll, beforeEach, expect, it } from '@jest/globals';
import type { DataSourceOptions, EntityManager } from 'typeorm';

import { CachedRepository } from '../../lib/typeorm/cached-repository.js';
import { DataSourceCache } from '../../lib/typeorm/data-source-cache.js';
import { benchOf, closeBenches } from '../support/caches.js';
import { breathe, Deferred } from '../support/deferred.js';
import { describePostgres } from '../support/postgres-server.js';
import { until } from '../support/until.js';
import { type CachedShop, openShop } from './open-shop.js';
import { ENTITIES, openSource, User } from './shop.js';
import { writing } from './writing.js';

const byId = { order: { id: 'ASC' } } as const;

describePostgres('repositories on PostgreSQL', (server) => {
  let shop: CachedShop;
  let options: DataSourceOptions;

  beforeAll(async () => {
    const { url } = await server().createDatabase();
    options = { type: 'postgres', url, synchronize: true, dropSchema: true, entities: ENTITIES };
  });
  beforeEach(async () => {
    shop = await openShop(options, 'memory + redis');
  });
  afterEach(async () => {
    await closeBenches();
    await shop.source.destroy();
  });

  writing(() => shop);

  const selects = (): number => shop.statements.filter((sql) => sql.startsWith('SELECT')).length;

  /** Runs a statement past everything that could see it. */
  const raw = (sql: string): Promise<unknown> => shop.source.query(sql);

  /** The next SELECT is carried out, and then whoever asked has to wait for the answer. */
  function holdAnswer(): { looked: Promise<void>; go(): void } {
    const [looked, gate] = [new Deferred<void>(), new Deferred<void>()];
    let waits = true;
    shop.source.subscribers.push({
      afterQuery: async ({ query }) => {
        if (!waits || !query.startsWith('SELECT')) return;
        waits = false;
        looked.resolve();
        await gate.promise;
      },
    });
    return { looked: looked.promise, go: () => gate.resolve() };
  }

  it.each(['a row', 'nothing'] as const)(
    'a reader who saw %s before a commit does not store it',
    async (what) => {
      const { users } = shop;
      const id = what === 'a row' ? 1 : 3;
      const { looked, go } = holdAnswer();
      const early = users.findById(id);
      await looked;
      if (what === 'a row') await users.update(1, { name: 'Anna' });
      else await users.insert({ email: 'c@x', name: 'Cleo' });
      go();
      expect((await early)?.name).toBe(what === 'a row' ? 'Ann' : undefined);
      expect(await users.findById(id)).toMatchObject({ name: what === 'a row' ? 'Anna' : 'Cleo' });
    },
  );

  it('a reader whose snapshot is older than an invalidation stores nothing', async () => {
    const { source, users } = shop;
    await source.transaction('REPEATABLE READ', async (manager) => {
      const inside = users.withManager(manager);
      expect(await inside.findById(2)).toMatchObject({ name: 'Bob' });
      await users.update(1, { name: 'Anna' });
      expect(await inside.findById(1)).toMatchObject({ name: 'Ann' });
      expect((await inside.cached().find(byId)).map(({ name }) => name)).toStrictEqual(['Ann', 'Bob']);
      expect((await inside.relation((await inside.findById(1))!, 'posts')).length).toBe(2);
    });
    expect(await users.findById(1)).toMatchObject({ name: 'Anna' });
    expect((await users.cached().find(byId)).map(({ name }) => name)).toStrictEqual(['Anna', 'Bob']);
  });

  it('others do not see what is not committed', async () => {
    const { source, users } = shop;
    await source.transaction(async (manager) => {
      await users.withManager(manager).update(1, { name: 'Anna' });
      expect(await users.findById(1)).toMatchObject({ name: 'Ann' });
    });
    expect(await users.findById(1)).toMatchObject({ name: 'Anna' });
  });

  it('a commit that fails for a deferred constraint changes nothing, and leaves no transaction behind', async () => {
    const { source, users } = shop;
    await raw(
      'CREATE TABLE note (id int PRIMARY KEY, "userId" int REFERENCES "user" DEFERRABLE INITIALLY DEFERRED)',
    );
    const runner = source.createQueryRunner();
    await users.findById(1);
    await runner.startTransaction();
    await runner.query(`UPDATE "user" SET name = 'nobody' WHERE id = 1`);
    await runner.query('INSERT INTO note VALUES (1, 99)');
    await expect(runner.commitTransaction()).rejects.toThrow('violates foreign key');
    await runner.rollbackTransaction().catch(() => {});
    await runner.query(`UPDATE "user" SET name = 'Anna' WHERE id = 1`);
    expect(await users.findById(1)).toMatchObject({ name: 'Anna' });
    await runner.release();
    await raw('DROP TABLE note');
  });

  it('a commit whose answer is lost may have been carried out', async () => {
    const { source, users } = shop;
    await users.findById(1);
    const runner = source.createQueryRunner();
    const client = (await runner.connect()) as { query(...args: unknown[]): Promise<unknown> };
    const query = client.query.bind(client);
    client.query = async (...args) => {
      const result = await query(...args);
      if (args[0] === 'COMMIT') throw new Error('connection lost');
      return result;
    };
    await runner.startTransaction();
    await runner.query(`UPDATE "user" SET name = 'Anna' WHERE id = 1`);
    await expect(runner.commitTransaction()).rejects.toThrow('connection lost');
    client.query = query;
    expect(await users.findById(1)).toMatchObject({ name: 'Anna' });
    await runner.release();
  });

  it('a write to what is no table of an entity may be one to any', async () => {
    const { users } = shop;
    await raw('CREATE VIEW people AS SELECT id, name FROM "user"');
    try {
      await users.findById(1);
      await raw(`UPDATE people SET name = 'Anna' WHERE id = 1`);
      expect(await users.findById(1)).toMatchObject({ name: 'Anna' });
    } finally {
      await raw('DROP VIEW people');
    }
  });

  it('clear', async () => {
    const { source, labels } = shop;
    await labels.insert({ name: 'red' });
    expect([await labels.findById('red'), await labels.cached().count()]).toMatchObject([{ name: 'red' }, 1]);
    await source.getRepository('Label').clear({ cascade: true });
    expect([await labels.findById('red'), await labels.cached().count()]).toStrictEqual([null, 0]);
  });

  it('overlapping writers', async () => {
    const { source, users } = shop;
    const first = new Deferred<void>();
    const locked = new Deferred<void>();
    const write = async (manager: EntityManager, name: string): Promise<void> => {
      const user = await users.withManager(manager).loadForUpdate(1);
      user!.name += name;
      await users.withManager(manager).save(user!);
    };
    const one = source.transaction(async (manager) => {
      await write(manager, '+1');
      locked.resolve();
      await first.promise;
    });
    await locked.promise;
    const two = source.transaction((manager) => write(manager, '+2'));
    await until(async () => {
      const [{ waiting }] = (await raw(
        `SELECT count(*)::int AS waiting FROM pg_stat_activity WHERE wait_event_type = 'Lock' AND datname = current_database()`,
      )) as [{ waiting: number }];
      return waiting === 1;
    });
    expect(await users.findById(1)).toMatchObject({ name: 'Ann' });
    first.resolve();
    await one;
    expect((await users.findById(1))!.name).toMatch(/^Ann\+1/);
    await two;
    expect(await users.findById(1)).toMatchObject({ name: 'Ann+1+2' });
  });

  it.each([
    [
      'a CTE',
      `WITH moved AS (UPDATE "user" SET name = 'Anna' WHERE id = 1 RETURNING id) SELECT * FROM moved`,
    ],
    ['DO', `DO $$ BEGIN UPDATE "user" SET name = 'Anna' WHERE id = 1; END $$`],
    [
      'MERGE',
      `MERGE INTO "user" u USING (SELECT 1 AS id) s ON u.id = s.id WHEN MATCHED THEN UPDATE SET name = 'Anna'`,
    ],
    ['a schema', `UPDATE public."user" SET name = 'Anna' WHERE id = 1`],
    ['an alias', `UPDATE "user" AS u SET name = 'Anna' WHERE u.id = 1`],
    ['FROM', `UPDATE "user" u SET name = 'Anna' FROM post p WHERE p."authorId" = u.id AND u.id = 1`],
    ['EXPLAIN ANALYZE', `EXPLAIN ANALYZE UPDATE "user" SET name = 'Anna' WHERE id = 1`],
  ])('raw SQL: %s', async (_, sql) => {
    const { users } = shop;
    await users.findById(1);
    await users.cached().find(byId);
    await raw(sql);
    expect(await users.findById(1)).toMatchObject({ name: 'Anna' });
    expect((await users.cached().find(byId))[0]).toMatchObject({ name: 'Anna' });
  });

  it('TRUNCATE, with what cascades', async () => {
    const { users, posts } = shop;
    await Promise.all([users.findById(1), posts.findById(1), posts.cached().count()]);
    await raw('TRUNCATE "user" CASCADE');
    expect([await users.findById(1), await posts.findById(1), await posts.cached().count()]).toStrictEqual([
      null,
      null,
      0,
    ]);
  });

  it('a function that is called by SELECT is not seen, and can be told of', async () => {
    const { users } = shop;
    await raw(
      `CREATE OR REPLACE FUNCTION rename() RETURNS void LANGUAGE sql AS $$ UPDATE "user" SET name = 'Anna' WHERE id = 1 $$`,
    );
    await users.findById(1);
    await raw('SELECT rename()');
    expect(await users.findById(1)).toMatchObject({ name: 'Ann' });
    await users.invalidate(1);
    expect(await users.findById(1)).toMatchObject({ name: 'Anna' });
  });

  it('lists of one author: moved posts leave one and enter the other, and nobody else loads', async () => {
    const { source, posts } = shop;
    await source.query(`INSERT INTO "user" (email, name, version) VALUES ('c@x', 'Cleo', 1)`);
    const of = (id: number) => posts.cached().find({ where: { author: { id } }, ...byId });
    const titles = async () =>
      (await Promise.all([of(1), of(2), of(3)])).map((list) => list.map(({ title }) => title));
    expect(await titles()).toStrictEqual([['first', 'second'], ['third'], []]);
    await source.transaction(async (manager) => {
      const post = (await posts.withManager(manager).loadForUpdate(1))!;
      await manager.save(Object.assign(post, { author: { id: 2 } }));
    });
    shop.statements.length = 0;
    expect(await titles()).toStrictEqual([['second'], ['first', 'third'], []]);
    // Two lists and the row of the post.
    expect(selects()).toBe(3);
  });

  it('pages with a condition on a relation, in whatever order', async () => {
    const { posts } = shop;
    const where = { author: { name: 'Ann' } };
    for (const [order, first] of [
      [{ id: 'DESC' }, 2],
      [{ title: 'ASC' }, 1],
      [{ author: { name: 'ASC' }, id: 'DESC' }, 2],
    ] as const) {
      expect(await posts.cached().findOne({ where, order })).toMatchObject({ id: first });
      const [page, count] = await posts.cached().findAndCount({ where, order, take: 1 });
      expect([page.map(({ id }) => id), count]).toStrictEqual([[first], 2]);
    }
  });

  it('hidden columns are nowhere in Redis, whoever wrote or read them', async () => {
    const { source, users, posts, redis } = shop;
    await users.save({ email: 'c@x', name: 'Cleo', passwordHash: 'hash of Cleo', secret: 'secret of Cleo' });
    await users.findByIds([1, 2, 3]);
    await users.cached().find({ ...byId, relations: { posts: true } });
    await posts.cached().find({ relations: { author: true } });
    await source.getRepository(User).find({ select: { id: true, secret: true } });
    const stored = redis
      .keys()
      .map((key) => redis.read(key)!.toString('latin1'))
      .join('\n');
    expect(stored).toContain('Cleo');
    expect(stored).not.toMatch(/hash of|secret of/);
    await expect(users.cached().find({ select: { id: true, secret: true } })).rejects.toMatchObject({
      code: 'CACHE_QUERY_UNSUPPORTED',
    });
  });

  it('two instances', async () => {
    const other = await openSource({
      ...options,
      synchronize: false,
      dropSchema: false,
    });
    try {
      const { cache } = await benchOf('memory + redis', {}, shop.redis);
      const theirs = new CachedRepository(DataSourceCache.of('default', other.source, cache), User);
      expect(await theirs.findById(1)).toMatchObject({ name: 'Ann' });
      expect(other.statements).toHaveLength(1);
      await shop.users.findById(1);
      expect(selects()).toBe(0);
      await shop.users.update(1, { name: 'Anna' });
      await breathe();
      expect(await theirs.findById(1)).toMatchObject({ name: 'Anna' });
    } finally {
      await other.source.destroy();
    }
  });

  it('Redis is down at the commit: this process sees it, the data is committed', async () => {
    const { source, users, store } = shop;
    await users.findById(1);
    store.failure = new Error('connection lost');
    await source.transaction((manager) => users.withManager(manager).update(1, { name: 'Anna' }));
    expect(await users.findById(1)).toMatchObject({ name: 'Anna' });
  });
});
