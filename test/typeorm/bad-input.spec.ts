// What is not as it should be is an error with a code, which says what to do.
import 'reflect-metadata';

import { afterEach, beforeEach, describe, expect, it } from '@jest/globals';
import { Column, DeleteDateColumn, Entity, Index, ManyToOne, PrimaryColumn, PrimaryGeneratedColumn, type Relation, RelationId } from 'typeorm'; // prettier-ignore

import { CacheEntity, type CachedEntity } from '../../lib/typeorm/index.js';
import { CachedRepository } from '../../lib/typeorm/cached-repository.js';
import { DataSourceCache } from '../../lib/typeorm/data-source-cache.js';
import { closeBenches } from '../support/caches.js';
import { failure } from '../support/deferred.js';
import { type OpenEntities, openEntities } from './open-entities.js';
import { ENTITIES, Post, User } from './shop.js';

@CacheEntity()
@Entity()
class Numbering {
  @PrimaryGeneratedColumn() id!: number;
  @ManyToOne(() => User) owner!: Relation<User>;
  @RelationId((one: Numbering) => one.owner) ownerId!: number;
}

@CacheEntity<Excluding>({ exclude: ['ownerId'] })
@Entity()
class Excluding {
  @PrimaryGeneratedColumn() id!: number;
  @ManyToOne(() => User) owner!: Relation<User>;
  @ManyToOne(() => Numbering) other!: Relation<Numbering>;
  @RelationId((one: Excluding) => one.owner) ownerId!: number;
}

@CacheEntity({ exclude: ['gone'] as never[] })
@Entity()
class Undated {
  @PrimaryGeneratedColumn() id!: number;
  @DeleteDateColumn() gone!: Date | null;
}

@CacheEntity()
@Entity()
@Index(['code'], { unique: true, where: 'id > 5' })
class PartlyUnique {
  @PrimaryColumn() id!: number;
  @Column() code!: string;
}

class Foreign {}

let entities: OpenEntities;
let users: CachedRepository<User>;
let posts: CachedRepository<Post>;
beforeEach(async () => {
  entities = await openEntities([...ENTITIES, Numbering, Excluding, Undated, PartlyUnique]);
  [users, posts] = [entities.of(User), entities.of(Post)];
  await entities.source.manager.save(User, { email: 'a@x', name: 'Ann' });
  await entities.source.manager.save(Post, [{ title: 'first', author: { id: 1 } }, { title: 'second' }]);
});
afterEach(async () => {
  await closeBenches();
  await entities.source.destroy();
});

const [ENTITY, QUERY, ARGUMENT] = ['CACHE_ENTITY_INVALID', 'CACHE_QUERY_UNSUPPORTED', 'CACHE_ARGUMENT_INVALID']; // prettier-ignore

it.each<[string, () => unknown, string, RegExp]>([
  [
    'tags of a row',
    () => users.findById(1, { tags: ['x'] } as never),
    ARGUMENT,
    /^tags cannot be given here.*cache, ttl/,
  ],
  ['tags of rows', () => users.findByIds([1], { tags: ['x'] } as never), ARGUMENT, /^tags cannot be given/],
  ['a class of a row', () => users.findById(1, { type: User } as never), ARGUMENT, /^type cannot be given/],
  [
    'an isolation',
    () => users.findByIndex({ id: 1 }, { isolation: 'share' } as never),
    ARGUMENT,
    /^isolation/,
  ],
  ['tags of a list', () => users.cached({ tags: ['x'] } as never), ARGUMENT, /^tags cannot .*tables, ttl/],
  [
    'an unknown option',
    () => users.findById(1, { tll: 5 } as never),
    ARGUMENT,
    /^unknown option tll.*: these can be given here: cache, ttl(?!.*tags)/,
  ],
  [
    'null for options',
    () => users.findById(1, null as never),
    ARGUMENT,
    /options must be an object, not null/,
  ],
  ['null for options of lists', () => users.cached(null as never), ARGUMENT, /options must be an object/],
  [
    'no ids',
    () => users.findByIds(undefined as never),
    ENTITY,
    /findByIds takes a list of ids, not undefined/,
  ],
  ['one id for several', () => users.findByIds(1 as never), ENTITY, /takes a list/],
  ['several ids for one', () => users.findById([1] as never), ENTITY, /a list\): give one id/],
  [
    'no values of an index',
    () => users.findByIndex(undefined as never),
    ENTITY,
    /takes an object with the columns/,
  ],
  [
    'an index of nothing',
    () => users.findByIndex({}),
    ENTITY,
    /no unique index on nothing: there are id; email/,
  ],
  ['an undefined value', () => users.findByIndex({ email: undefined }), ENTITY, /User.email is undefined/],
  ['no query', () => users.cached().find(null as never), QUERY, /must be an object, not null/],
  ['no query to count', () => users.cached().count(5 as never), QUERY, /must be an object, not 5/],
  [
    'findOne of nothing',
    () => users.cached().findOne(undefined as never),
    QUERY,
    /findOne needs a condition/,
  ],
  ['findOne without a condition', () => users.cached().findOne({}), QUERY, /findOne needs a condition/],
  [
    'findOne of an undefined condition',
    () => users.cached().findOne({ where: undefined }),
    QUERY,
    /findOne needs/,
  ],
  [
    'no relation',
    () => users.relation({ id: 1 } as User, undefined as never),
    ENTITY,
    /no relation undefined.*there are posts/,
  ],
  ['a relation of nothing', () => users.relation(null as never, 'posts'), ENTITY, /null is no id of User/],
  [
    'a relation that is none',
    () => users.relation({ id: 1 } as User, 'pots' as 'posts'),
    ENTITY,
    /no relation 'pots'.*posts/,
  ],
  [
    'a table by a name',
    () => users.cached({ tables: 'post' as never }),
    QUERY,
    /must be a list of the entities/,
  ],
  ['no tables', () => users.cached({ tables: [] }), QUERY, /must be a list of the entities/],
  ['a foreign table', () => users.cached({ tables: [Foreign] }), ENTITY, /^Foreign is no entity/],
  [
    'a partial unique index',
    () => entities.of(PartlyUnique).findByIndex({ code: 'x' }),
    ENTITY,
    /no unique index on code/,
  ],
  ['an excluded delete date', () => entities.of(Undated), ENTITY, /Undated.gone says whether/],
  ['a @RelationId', () => entities.of(Numbering), ENTITY, /Numbering.ownerId is a @RelationId\(\).*exclude/],
  [
    'a @RelationId of another',
    () =>
      entities
        .of(Excluding)
        .cached()
        .find({ relations: { other: true } }),
    QUERY,
    /Numbering.ownerId/,
  ],
])('%s', async (_, act, code, message) => {
  // prettier-ignore
  const error = await failure((async () => act())());
  expect(error).toMatchObject({ code });
  expect(error.message).toMatch(message);
});

it('a @RelationId that is excluded', async () => {
  await entities.source.manager.save(Excluding, { owner: { id: 1 } });
  const excluding = entities.of(Excluding);
  const found = await excluding.findById(1);
  expect(await excluding.relation(found!, 'owner')).toMatchObject({ name: 'Ann' });
});

it('a driver whose transactions cannot be seen', async () => {
  const source = { options: { type: 'mssql' }, isInitialized: true } as never;
  const error = await failure((async () => DataSourceCache.of('other', source, entities.cache))());
  expect(error).toMatchObject({ code: ENTITY });
  expect(error.message).toMatch(/of type mssql cannot be cached.*postgres/);
});

describe('types', () => {
  it('a relation to one may be missing, and what is cached is read-only', async () => {
    const all = await posts.cached().find({ order: { id: 'ASC' } });
    const authors: (CachedEntity<User> | null)[] = await posts.relation(all, 'author');
    expect(authors).toMatchObject([{ name: 'Ann' }, null]);
    // @ts-expect-error it may be null
    expect(() => authors[1].name).toThrow(TypeError);
    const author = await posts.relation(all[0]!, 'author');
    // @ts-expect-error it may be null
    expect(author.name).toBe('Ann');
    const lists: readonly (readonly CachedEntity<Post>[])[] = await users.relation([author!], 'posts');
    expect(lists[0]![0]!.title).toBe('first');
    const found = (await users.findById(1))!;
    // @ts-expect-error read-only
    found.name = 'changed';
    const pair: CachedEntity<{ point: [number, string] }> = { point: [1, 'a'] };
    const [, text]: readonly [number, string] = pair.point;
    expect(text).toBe('a');
  });
});
