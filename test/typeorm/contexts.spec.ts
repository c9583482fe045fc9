// Who may not see all rows sees none that were read for others, whichever way they are read.
import 'reflect-metadata';

import { afterEach, beforeEach, describe, expect, it } from '@jest/globals';
import {
  ChildEntity,
  Column,
  Entity,
  JoinTable,
  ManyToMany,
  ManyToOne,
  OneToMany,
  PrimaryGeneratedColumn,
  type Relation,
  TableInheritance,
} from 'typeorm';

import { CacheEntity } from '../../lib/typeorm/index.js';
import { closeBenches } from '../support/caches.js';
import { failure } from '../support/deferred.js';
import { type OpenEntities, openEntities } from './open-entities.js';

const tenant: { current: unknown } = { current: undefined };
const region: { current: string | undefined } = { current: undefined };
const ofTenant = (): string => tenant.current as string;

@CacheEntity()
@Entity()
class Owner {
  @PrimaryGeneratedColumn() id!: number;
  @Column() name!: string;
  @OneToMany(() => Safe, (safe) => safe.owner) safes!: Relation<Safe>[];
  @ManyToMany(() => Safe) @JoinTable() shared!: Relation<Safe>[];
}

@CacheEntity({ context: ofTenant })
@Entity()
class Safe {
  @PrimaryGeneratedColumn() id!: number;
  @Column() text!: string;
  @ManyToOne(() => Owner, (owner) => owner.safes) owner!: Relation<Owner>;
}

@CacheEntity({ context: () => region.current })
abstract class Regional {}

@CacheEntity()
@Entity()
@TableInheritance({ column: { type: 'varchar', name: 'kind' } })
class Note extends Regional {
  @PrimaryGeneratedColumn() id!: number;
  @Column() text!: string;
}

@CacheEntity({ context: ofTenant })
@ChildEntity()
class PrivateNote extends Note {}

let entities: OpenEntities;
beforeEach(async () => {
  entities = await openEntities([Owner, Safe, Note, PrivateNote]);
  await entities.source.manager.save(Owner, { name: 'Ann' });
  await entities.source.manager.save(Safe, { text: 'first', owner: { id: 1 } });
  await entities.source.manager.save(PrivateNote, { text: 'private' });
});
afterEach(async () => {
  tenant.current = region.current = undefined;
  await closeBenches();
  await entities.source.destroy();
});

const owner = { id: 1 } as Owner;

describe('what is read for one tenant is not shown to another', () => {
  it.each<[string, (of: OpenEntities['of']) => Promise<unknown>]>([
    ['a row', (of) => of(Safe).findById(1)],
    ['several rows', (of) => of(Safe).findByIds([1])],
    ['a list', (of) => of(Safe).cached().find()],
    [
      'relations that are joined',
      (of) =>
        of(Owner)
          .cached()
          .find({ relations: { safes: true } }),
    ],
    [
      'a condition on a relation',
      (of) =>
        of(Owner)
          .cached()
          .count({ where: { safes: { text: 'first' } } }),
    ],
    [
      'a list with a condition on a relation',
      (of) =>
        of(Owner)
          .cached()
          .find({ where: { safes: { text: 'first' } } }),
    ],
    [
      'a table that was named',
      (of) =>
        of(Owner)
          .cached({ tables: [Safe] })
          .count(),
    ],
    ['a relation', (of) => of(Owner).relation(owner, 'safes')],
    ['a relation by a junction', (of) => of(Owner).relation(owner, 'shared')],
    ['a class that extends the one that is read', (of) => of(Note).findById(1)],
  ])('%s', async (_, read) => {
    const { of, selects } = entities;
    tenant.current = 'a';
    await read(of);
    selects();
    await read(of);
    expect(selects()).toBe(0);
    tenant.current = 'b';
    await read(of);
    expect(selects()).toBeGreaterThan(0);
    tenant.current = undefined;
    await read(of);
    expect(selects()).toBeGreaterThan(0);
  });

  it('a class keeps the context of those it extends', async () => {
    const { of, selects } = entities;
    for (const [where, whose] of [
      ['eu', 'a'],
      ['us', 'a'],
      ['us', 'b'],
      ['a', 'us'],
    ]) {
      // prettier-ignore
      [region.current, tenant.current] = [where, whose];
      selects();
      await of(PrivateNote).findById(1);
      expect(selects()).toBe(1);
      await of(PrivateNote).findById(1);
      expect(selects()).toBe(0);
    }
  });

  it('but what says nothing of tenants is for all', async () => {
    const { of, selects } = entities;
    tenant.current = 'a';
    await of(Owner).findById(1);
    await of(Owner).cached().count();
    selects();
    tenant.current = 'b';
    await of(Owner).findById(1);
    await of(Owner).cached().count();
    expect(selects()).toBe(0);
  });

  it('and a write is heard of by all', async () => {
    const { of, source } = entities;
    const texts = async (): Promise<unknown> =>
      (
        await of(Owner)
          .cached()
          .find({ relations: { safes: true } })
      )[0]!.safes.map(({ text }) => text);
    for (tenant.current of ['a', 'b']) expect(await texts()).toStrictEqual(['first']);
    await source.manager.update(Safe, 1, { text: 'second' });
    for (tenant.current of ['a', 'b']) expect(await texts()).toStrictEqual(['second']);
  });
});

describe('a context that tells nobody apart is refused', () => {
  it.each([{ id: 5 }, null, Number.NaN, '', true, Promise.resolve('a')])('%p', async (whose) => {
    const { of } = entities;
    tenant.current = whose;
    for (const read of [
      () => of(Safe).findById(1),
      () =>
        of(Owner)
          .cached()
          .find({ relations: { safes: true } }),
      () => of(Owner).relation(owner, 'safes'),
    ]) {
      const error = await failure(read());
      expect(error).toMatchObject({ code: 'CACHE_ENTITY_INVALID' });
      expect(error.message).toMatch(/^context gave .*: return a string/);
    }
  });
});
