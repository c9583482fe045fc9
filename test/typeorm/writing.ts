// What every kind of database has to show of writes.
import { expect, it } from '@jest/globals';
import type { DataSource } from 'typeorm';

import type { CachedRepository } from '../../lib/typeorm/index.js';
import type { Label, Post, User } from './shop.js';
import { ADDITIONS, CHANGES, REMOVALS } from './write-forms.js';

export interface Shop {
  readonly source: DataSource;
  readonly statements: string[];
  readonly users: CachedRepository<User>;
  readonly posts: CachedRepository<Post>;
  readonly labels: CachedRepository<Label>;
}

const byId = { order: { id: 'ASC' } } as const;

/** @param shop with users 1 and 2, and posts 1 and 2 of the first and 3 of the second */
export function writing(shop: () => Shop): void {
  const selects = (): number => shop().statements.filter((sql) => sql.startsWith('SELECT')).length;
  const warm = async (): Promise<void> => {
    const { users } = shop();
    await users.findByIds([1, 2, 3]);
    await users.cached().find(byId);
    await users.cached().count();
    shop().statements.length = 0;
  };
  const seen = async (): Promise<readonly [names: (string | undefined)[], list: string[], count: number]> => {
    const { users } = shop();
    const found = await users.findByIds([1, 2, 3]);
    const list = await users.cached().find(byId);
    return [found.map((user) => user?.name), list.map(({ name }) => name), await users.cached().count()];
  };

  it.each(CHANGES)('a change is seen at once: $name', async ({ run, exact }) => {
    const { source, users } = shop();
    await warm();
    await run(source, users);
    if (exact) {
      const before = selects();
      await users.findById(2);
      expect(selects()).toBe(before);
    }
    expect(await seen()).toStrictEqual([['Anna', 'Bob', undefined], ['Anna', 'Bob'], 2]);
  });

  it.each(REMOVALS)('a removal is seen at once, with what cascades: $name', async ({ run, exact }) => {
    const { source, users, posts } = shop();
    await warm();
    const of = (id: number) => posts.cached().find({ where: { author: { id } } });
    expect([await posts.findById(1), await of(1), await of(2)]).toMatchObject([{ id: 1 }, [{}, {}], [{}]]);
    await run(source, users);
    if (exact) {
      const before = selects();
      await users.findById(2);
      expect(selects()).toBe(before);
    }
    expect(await seen()).toStrictEqual([[undefined, 'Bob', undefined], ['Bob'], 1]);
    expect([await posts.findById(1), await of(1), await of(2)]).toMatchObject([null, [], [{}]]);
  });

  it.each(ADDITIONS)('an addition is seen at once: $name', async ({ run }) => {
    const { source, users } = shop();
    await warm();
    await run(source, users);
    const { id } = (await users.findByIndex({ email: 'c@x' }))!;
    expect(id).toBe(3);
    expect(await seen()).toStrictEqual([['Ann', 'Bob', 'Cleo'], ['Ann', 'Bob', 'Cleo'], 3]);
  });

  it('increment, soft deletion and restoring', async () => {
    const { users, posts } = shop();
    await users.findById(1);
    await users.increment({ id: 1 }, 'visits', 2);
    expect(await users.findById(1)).toMatchObject({ visits: 2 });
    const all = () => posts.cached().find({ ...byId, withDeleted: true });
    expect([await posts.findById(1), await posts.cached().count(), (await all()).length]).toMatchObject([
      { id: 1 },
      3,
      3,
    ]);
    await posts.softDelete(1);
    expect([await posts.findById(1), await posts.cached().count(), (await all()).length]).toStrictEqual([
      null,
      2,
      3,
    ]);
    await posts.restore(1);
    expect([await posts.findById(1), await posts.cached().count()]).toMatchObject([{ id: 1 }, 3]);
  });

  it('nothing is known before the outermost commit, and nothing after a rollback', async () => {
    const { source, users } = shop();
    await warm();
    await source.transaction(async (manager) => {
      const inside = users.withManager(manager);
      await inside.update(1, { name: 'Anna' });
      expect(await inside.findById(1)).toMatchObject({ name: 'Anna' });
      expect((await inside.cached().find(byId)).map(({ name }) => name)).toStrictEqual(['Anna', 'Bob']);
    });
    expect((await seen())[0]).toStrictEqual(['Anna', 'Bob', undefined]);
    const failed = source.transaction(async (manager) => {
      await users.withManager(manager).update(1, { name: 'nobody' });
      throw new Error('no');
    });
    await expect(failed).rejects.toThrow('no');
    shop().statements.length = 0;
    expect((await seen())[0]).toStrictEqual(['Anna', 'Bob', undefined]);
    expect(selects()).toBe(0);
  });

  it('savepoints', async () => {
    const { source, users } = shop();
    await warm();
    await source.transaction(async (outer) => {
      await outer.transaction((inner) => users.withManager(inner).update(1, { name: 'Anna' }));
      await outer
        .transaction(async (inner) => {
          await users.withManager(inner).update(2, { name: 'nobody' });
          throw new Error('no');
        })
        .catch(() => {});
    });
    shop().statements.length = 0;
    expect(await users.findById(2)).toMatchObject({ name: 'Bob' });
    expect(selects()).toBe(0);
    expect(await users.findById(1)).toMatchObject({ name: 'Anna' });
  });

  it('raw BEGIN and COMMIT', async () => {
    const { source, users } = shop();
    await warm();
    const runner = source.createQueryRunner();
    try {
      await runner.query('BEGIN');
      await runner.query(`UPDATE "user" SET name = 'Anna' WHERE id = 1`);
      expect(await users.withManager(runner.manager).findById(1)).toMatchObject({ name: 'Anna' });
      await runner.query('COMMIT');
      expect(await users.findById(1)).toMatchObject({ name: 'Anna' });
    } finally {
      await runner.release();
    }
  });

  it('many to many, both ways', async () => {
    const { source, posts, labels } = shop();
    await labels.insert([{ name: 'red' }, { name: 'blue' }]);
    const post = (await posts.findById(1))!;
    const red = (await labels.findById('red'))!;
    expect([await posts.relation(post, 'labels'), await labels.relation(red, 'posts')]).toStrictEqual([
      [],
      [],
    ]);
    await source.createQueryBuilder().relation('Post', 'labels').of(1).add('red');
    expect(await posts.relation(post, 'labels')).toMatchObject([{ name: 'red' }]);
    expect(await labels.relation(red, 'posts')).toMatchObject([{ id: 1 }]);
    await labels.delete('red');
    expect(await posts.relation(post, 'labels')).toStrictEqual([]);
  });

  it('what came from the cache is not saved, by whatever way', async () => {
    const { source, users } = shop();
    await source.manager.update('User', 1, { visits: 7 });
    const ann = (await users.findById(1))!;
    await expect(users.save(ann as User)).rejects.toMatchObject({ code: 'CACHE_ENTITY_READ_ONLY' });
    (ann as User).name = 'Anna';
    await expect(source.manager.save(ann as User)).rejects.toMatchObject({ code: 'CACHE_ENTITY_READ_ONLY' });
    expect(await users.findById(1)).toMatchObject({ name: 'Ann', visits: 7 });
  });
}
