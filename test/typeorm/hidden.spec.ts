// What is hidden is never stored, and never comes from the cache, whichever way its row is read.
import 'reflect-metadata';

import { afterEach, beforeEach, describe, expect, it } from '@jest/globals';
import {
  ChildEntity,
  Column,
  Entity,
  ManyToOne,
  PrimaryGeneratedColumn,
  type Relation,
  TableInheritance,
} from 'typeorm';

import { CacheEntity, type EntityClass } from '../../lib/typeorm/index.js';
import { CachedRepository } from '../../lib/typeorm/cached-repository.js';
import { DataSourceCache } from '../../lib/typeorm/data-source-cache.js';
import { benchOf, closeBenches, redisFor } from '../support/caches.js';
import { failure } from '../support/deferred.js';
import { type OpenEntities, openEntities } from './open-entities.js';
import { openSource, SQLJS } from './shop.js';

class Vault {
  @Column({ default: 'shown' }) label!: string;
  @Column({ default: 'SECRET of select', select: false }) code!: string;
}

@CacheEntity<Account>({ exclude: ['hash', 'papers'] })
@Entity()
@TableInheritance({ column: { type: 'varchar', name: 'kind' } })
class Account {
  @PrimaryGeneratedColumn() id!: number;
  @Column() name!: string;
  @Column({ default: 'SECRET of the parent' }) hash!: string;
  @Column(() => Vault) vault!: Vault;
  @Column(() => Vault) papers!: Vault;
}

/** Says nothing of what its parent hides. */
@CacheEntity<Admin>({ exclude: ['pin'], ttl: '1m' })
@ChildEntity()
class Admin extends Account {
  @Column({ nullable: true }) pin!: string;
}

@CacheEntity()
@Entity()
class Badge {
  @PrimaryGeneratedColumn() id!: number;
  @ManyToOne(() => Account) account!: Relation<Account>;
}

@CacheEntity<Sealed>({ exclude: ['account'] })
@Entity()
class Sealed {
  @PrimaryGeneratedColumn() id!: number;
  @ManyToOne(() => Account) account!: Relation<Account>;
}

describe('on sql.js', () => {
  let entities: OpenEntities;
  beforeEach(async () => {
    entities = await openEntities([Account, Admin, Badge, Sealed]);
    const { source } = entities;
    await source.manager.save(Admin, { name: 'Ann', pin: 'SECRET of the child', papers: { label: 'SECRET of papers' } }); // prettier-ignore
    await source.manager.save(Badge, { account: { id: 1 } });
  });
  afterEach(async () => {
    await closeBenches();
    await entities.source.destroy();
  });

  it('a relation whose column is hidden is not followed', async () => {
    const { of, source } = entities;
    await source.manager.save(Sealed, { account: { id: 1 } });
    const sealed = (await of(Sealed).findById(1))!;
    const error = await failure(of(Sealed).relation(sealed, 'account'));
    expect(error).toMatchObject({ code: 'CACHE_ENTITY_INVALID' });
    expect(error.message).toMatch(/^Sealed.account cannot be followed, since its column is hidden/);
  });

  type Of = OpenEntities['of'];
  it.each<[string, (of: Of) => Promise<unknown>]>([
    ['a class by its own repository', (of) => of(Admin).findById(1)],
    ['a class by the repository of the one it extends', (of) => of(Account).findById(1)],
    ['several', (of) => of(Account).findByIds([1])],
    ['a list', (of) => of(Account).cached().find()],
    [
      'a selection',
      (of) =>
        of(Account)
          .cached()
          .find({ select: { id: true, name: true, vault: { label: true } } }),
    ],
    [
      'a relation that is joined',
      (of) =>
        of(Badge)
          .cached()
          .find({ relations: { account: true } }),
    ],
    ['a relation', (of) => of(Badge).relation({ id: 1 } as Badge, 'account')],
  ])('%s', async (_, read) => {
    for (let i = 0; i < 2; i++) {
      const seen = JSON.stringify(await read(entities.of));
      expect(seen).toContain('Ann');
      expect(seen).not.toContain('SECRET');
    }
    expect(entities.stored()).toContain('Ann');
    expect(entities.stored()).not.toContain('SECRET');
  });

  it.each<[string, object]>([
    ['a column of an embedded object', { id: true, vault: { code: true } }],
    ['an excluded object', { papers: true }],
    ['a column of an excluded object', { papers: { label: true } }],
    ['what a class hides that extends this one', { pin: true }],
    ['a name in a list', ['id', 'hash']],
  ])('cannot be selected: %s', async (_, select) => {
    for (const act of [
      () => entities.of(Account).cached().find({ select }),
      () =>
        entities
          .of(Badge)
          .cached()
          .find({ relations: { account: true }, select: { account: select } }),
    ]) {
      const error = await failure(act());
      expect(error).toMatchObject({ code: 'CACHE_QUERY_UNSUPPORTED' });
      expect(error.message).toMatch(/(Account|Admin)\.[\w.]+ is hidden and never stored/);
    }
    expect(entities.stored()).not.toContain('SECRET');
  });
});

it('a newer version hides a column of an entity that comes with another', async () => {
  const version = (exclude: string[]): EntityClass[] => {
    @CacheEntity({ exclude: exclude })
    @Entity('author')
    class Author {
      @PrimaryGeneratedColumn() id!: number;
      @Column({ default: 'SECRET' }) hash!: string;
    }
    @CacheEntity()
    @Entity('book')
    class Book {
      @PrimaryGeneratedColumn() id!: number;
      @ManyToOne(() => Author) author!: Author;
    }
    return [Author, Book];
  };
  const redis = redisFor('memory + redis');
  const read = async ([author, book]: EntityClass[]): Promise<unknown> => {
    const { source } = await openSource({ ...SQLJS, entities: [author!, book!] });
    await source.manager.save(author!, {});
    await source.manager.save(book!, { author: { id: 1 } });
    const { cache } = await benchOf('memory + redis', {}, redis);
    // From now on only it hears of writes.
    const books = new CachedRepository(DataSourceCache.of('default', source, cache), book!);
    try {
      return await books.cached().find({ relations: { author: true } });
    } finally {
      await source.destroy();
    }
  };
  expect(await read(version([]))).toMatchObject([{ author: { id: 1, hash: 'SECRET' } }]);
  const [book] = (await read(version(['hash']))) as { author: object }[];
  expect(book!.author).toMatchObject({ id: 1 });
  expect(book!.author).not.toHaveProperty('hash', 'SECRET');
  await closeBenches();
});
