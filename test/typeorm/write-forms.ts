// Every way in which TypeORM, or somebody past it, writes rows. Each changes user 1 from Ann to Anna, removes it, or adds one.
import type { DataSource } from 'typeorm';

import type { CachedRepository } from '../../lib/typeorm/index.js';
import { User } from './shop.js';

export interface WriteForm {
  readonly name: string;
  run(source: DataSource, users: CachedRepository<User>): Promise<unknown>;
  /** Whether it says which row it writes: then others stay cached. */
  readonly exact?: true;
}

const table = '"user"';

/** User 1 is Anna afterwards. */
export const CHANGES: readonly WriteForm[] = [
  {
    name: 'save of what was loaded for update',
    run: async (_, users) => {
      const ann = await users.loadForUpdate(1);
      ann!.name = 'Anna';
      await users.save(ann!);
    },
    exact: true,
  },
  {
    name: 'save of a part',
    run: (source) => source.getRepository(User).save({ id: 1, name: 'Anna' }),
    exact: true,
  },
  {
    name: 'save without a transaction',
    run: (source) => source.getRepository(User).save({ id: 1, name: 'Anna' }, { transaction: false }),
    exact: true,
  },
  { name: 'update by id', run: (_, users) => users.update(1, { name: 'Anna' }), exact: true },
  { name: 'update by an id as text', run: (_, users) => users.update('1', { name: 'Anna' }), exact: true },
  { name: 'update by { id }', run: (_, users) => users.update({ id: 1 }, { name: 'Anna' }), exact: true },
  { name: 'update by criteria', run: (_, users) => users.update({ email: 'a@x' }, { name: 'Anna' }) },
  {
    name: 'the plain repository',
    run: (source) => source.getRepository(User).update(1, { name: 'Anna' }),
    exact: true,
  },
  {
    name: 'a query builder, without listeners',
    run: (source) =>
      source
        .createQueryBuilder()
        .update(User)
        .set({ name: 'Anna' })
        .where('id = :id', { id: 1 })
        .callListeners(false)
        .execute(),
    exact: true,
  },
  {
    name: 'upsert',
    run: (_, users) => users.upsert({ email: 'a@x', name: 'Anna' }, ['email']),
  },
  {
    name: 'raw SQL',
    run: (source) => source.query(`UPDATE ${table} SET name = 'Anna' WHERE id = 1`),
    exact: true,
  },
  {
    name: 'raw SQL with anything in it',
    run: (source) => source.query(`/* x */ update ${table} set name = 'An' || 'na' where email like 'a%'`),
  },
];

/** User 1 is gone afterwards. */
export const REMOVALS: readonly WriteForm[] = [
  {
    name: 'remove',
    run: async (source, users) => source.getRepository(User).remove((await users.loadForUpdate(1))!),
    exact: true,
  },
  { name: 'delete by id', run: (_, users) => users.delete(1), exact: true },
  { name: 'delete by criteria', run: (_, users) => users.delete({ email: 'a@x' }) },
  { name: 'raw SQL', run: (source) => source.query(`DELETE FROM ${table} WHERE "id" IN (1)`), exact: true },
];

/** There is a user 3, c@x, afterwards. */
export const ADDITIONS: readonly WriteForm[] = [
  { name: 'insert', run: (_, users) => users.insert({ email: 'c@x', name: 'Cleo' }) },
  { name: 'save', run: (_, users) => users.save({ email: 'c@x', name: 'Cleo' }) },
  { name: 'upsert', run: (_, users) => users.upsert({ email: 'c@x', name: 'Cleo' }, ['email']) },
  {
    name: 'insert … select',
    run: (source) =>
      source.query(
        `INSERT INTO ${table} (email, name, version) SELECT 'c@x', 'Cleo', version FROM ${table} WHERE id = 1`,
      ),
  },
];
