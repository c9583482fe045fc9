import { afterAll, beforeAll, describe, expect, it } from '@jest/globals';
import { In, type DataSource } from 'typeorm';
import type { SqlDialect } from '../../../lib/typeorm/sql/read-sql.js';
import { Folder, Orm, Seat, Tag, User } from './orm.js';
import { DIALECTS } from './render.js';

type Case = readonly [
  name: string,
  work: (source: DataSource) => Promise<unknown>,
  effects: readonly string[] | Readonly<Record<SqlDialect, readonly string[]>>,
];

const transaction = (...effects: string[]): string[] => ['begin', ...effects, 'commit'];

/** In this order on one database, so that each row is there when it is changed. */
const CASES: readonly Case[] = [
  ['insert', (source) => source.getRepository(Tag).insert([{ id: 1 }, { id: 2 }]), ['insert tags']],
  [
    'save of new rows, with a junction',
    (source) => source.getRepository(User).save({ email: 'a', tags: [{ id: 1 }] }),
    transaction('insert users', 'insert users_tags_tags'),
  ],
  [
    'insert of many',
    (source) => source.getRepository(User).insert([{ email: 'b' }, { email: 'c' }]),
    ['insert users'],
  ],
  [
    'save of a change',
    (source) => source.getRepository(User).save({ id: 1, email: 'new' }),
    transaction('update users set email,version,updatedAt where id=1'),
  ],
  [
    'save of a junction',
    (source) => source.getRepository(User).save({ id: 1, tags: [{ id: 2 }] }),
    transaction('insert users_tags_tags', 'delete users_tags_tags where usersId=1 tagsId=1'),
  ],
  [
    'update by id',
    (source) => source.getRepository(User).update(1, { email: 'x' }),
    ['update users set email,version,updatedAt where id=1'],
  ],
  [
    'update by ids',
    (source) => source.getRepository(User).update([1, 2], { visits: 3 }),
    ['update users set visits,version,updatedAt where id=1,2'],
  ],
  [
    'update by criteria',
    (source) => source.getRepository(User).update({ email: 'x', id: In([1, 2]) }, { visits: 3 }),
    ["update users set visits,version,updatedAt where email='x' id=1,2"],
  ],
  [
    'update by one of several criteria',
    (source) => source.getRepository(User).update([{ email: 'x' }, { id: 3 }] as never, { visits: 3 }),
    ['update users set visits,version,updatedAt'],
  ],
  [
    'increment',
    (source) => source.getRepository(User).increment({ id: 1 }, 'visits', 2),
    ['update users set visits,version,updatedAt where id=1'],
  ],
  [
    'updateAll',
    (source) => source.getRepository(User).updateAll({ visits: 0 }),
    ['update users set visits,version,updatedAt'],
  ],
  [
    'upsert',
    (source) => source.getRepository(User).upsert([{ email: 'a', visits: 1 }], ['email']),
    {
      postgres: ['upsert users set email,visits,updatedAt'],
      mysql: ['upsert users set email,visits'],
      sqlite: ['upsert users set email,visits'],
    },
  ],
  [
    'orIgnore',
    (source) => source.createQueryBuilder().insert().into(User).values({ email: 'q' }).orIgnore().execute(),
    ['insert some users'],
  ],
  [
    'softRemove',
    (source) => source.getRepository(User).softRemove({ id: 1, email: 'x' }),
    transaction('update users set deletedAt,version,updatedAt where id=1'),
  ],
  [
    'recover',
    (source) => source.getRepository(User).recover({ id: 1, email: 'x' }),
    transaction('update users set deletedAt,version,updatedAt where id=1'),
  ],
  [
    'softDelete by id',
    (source) => source.getRepository(User).softDelete(1),
    ['update users set deletedAt,version,updatedAt where id=1'],
  ],
  [
    'softDelete by criteria',
    (source) => source.getRepository(User).softDelete({ email: 'x' }),
    ["update users set deletedAt,version,updatedAt where email='x'"],
  ],
  [
    'restore',
    (source) => source.getRepository(User).restore([1]),
    ['update users set deletedAt,version,updatedAt where id=1'],
  ],
  [
    'a query builder that updates',
    (source) =>
      source
        .createQueryBuilder()
        .update(User)
        .set({ visits: () => 'visits + 1' })
        .where('id = :id AND email IN (:...emails)', { id: 5, emails: ['a', 'b'] })
        .execute(),
    ["update users set visits,version,updatedAt where id=5 email='a','b'"],
  ],
  [
    'a query builder that deletes',
    (source) => source.createQueryBuilder().delete().from(User).whereInIds([7, 8]).execute(),
    ['delete users where id=7,8'],
  ],
  [
    'a junction by the query builder',
    async (source) => {
      const tags = source.createQueryBuilder().relation(User, 'tags').of(1);
      await tags.add(1);
      await tags.remove(2);
    },
    ['insert users_tags_tags', 'delete users_tags_tags where usersId=1 tagsId=2'],
  ],
  [
    'remove, with a junction',
    (source) => source.getRepository(User).remove({ id: 1, email: 'x' }),
    transaction('delete users_tags_tags where usersId=1 tagsId=1', 'delete users where id=1'),
  ],
  ['delete by id', (source) => source.getRepository(User).delete(2), ['delete users where id=2']],
  [
    'delete by criteria',
    (source) => source.getRepository(User).delete({ email: 'x' }),
    ["delete users where email='x'"],
  ],
  ['deleteAll', (source) => source.getRepository(User).deleteAll(), ['delete users']],
  [
    'save with a key of two columns',
    (source) =>
      source.getRepository(Seat).save([
        { row: 1, id: 2, note: 'n' },
        { row: 1, id: 3 },
      ]),
    transaction('insert seats'),
  ],
  [
    'remove of several rows with a key of two columns',
    (source) =>
      source.getRepository(Seat).remove([
        { row: 1, id: 2 },
        { row: 1, id: 3 },
      ]),
    transaction('delete seats'),
  ],
  [
    'delete by a key of two columns',
    (source) => source.getRepository(Seat).delete({ row: 1, id: 2 }),
    ['delete seats where row=1 id=2'],
  ],
  [
    'save and remove in a tree',
    async (source) => {
      await source.getTreeRepository(Folder).save({ id: 2, parent: { id: 1 } });
      await source.getTreeRepository(Folder).remove({ id: 2 });
    },
    [
      ...transaction('insert folders', 'insert folders_closure', 'insert folders_closure'),
      ...transaction('delete folders where id=2'),
    ],
  ],
  [
    'transactions',
    (source) => source.transaction((outer) => outer.transaction((inner) => inner.insert(Tag, { id: 9 }))),
    transaction('savepoint typeorm_1', 'insert tags', 'release typeorm_1'),
  ],
  [
    'a transaction that fails inside another',
    (source) =>
      source.transaction((outer) =>
        outer.transaction(() => Promise.reject(new Error('no'))).catch(() => undefined),
      ),
    transaction('savepoint typeorm_1', 'rollback-to typeorm_1'),
  ],
  [
    'clear',
    (source) => source.getRepository(Seat).clear(),
    { postgres: ['truncate seats'], mysql: ['commit; truncate seats'], sqlite: ['delete seats'] },
  ],
  [
    'reads',
    async (source) => {
      await source.getRepository(User).find({ relations: { tags: true }, where: { email: 'x' }, take: 3 });
      await source.getRepository(User).findAndCount();
      await source.getTreeRepository(Folder).findRoots();
    },
    [],
  ],
];

describe.each(DIALECTS)('what TypeORM does in %s', (dialect) => {
  let orm: Orm;

  beforeAll(async () => {
    orm = await Orm.open(dialect);
    if (dialect === 'sqlite') await orm.source.getTreeRepository(Folder).save({ id: 1 });
  });
  afterAll(async () => {
    if (dialect === 'sqlite') await orm.source.destroy();
  });

  it.each(CASES)('%s', async (_, work, effects) => {
    const expected = 'sqlite' in effects ? effects[dialect] : effects;
    expect(await orm.during(work)).toEqual(expected);
  });
});
