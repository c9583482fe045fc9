import type { CanActivate, ExecutionContext } from '@nestjs/common';
import { createParamDecorator, UseGuards } from '@nestjs/common';
import {
  Args,
  Context,
  Field,
  Info,
  Int,
  Mutation,
  ObjectType,
  Parent,
  Query,
  ResolveField,
  Resolver,
} from '@nestjs/graphql';
import { GraphQLError, GraphQLScalarType } from 'graphql';
import { afterEach, beforeEach, describe, expect, it } from '@jest/globals';

import { CacheResolver } from '../../lib/graphql/index.js';
import { Deferred, failure } from '../support/deferred.js';
import { until } from '../support/until.js';
import { closeGraphQLApps, type GraphQLApp, graphqlApp, WARNINGS } from './graphql-apps.js';

let calls: string[] = [];
let gate: Deferred<void> | undefined;
let version = 1;
beforeEach(() => {
  calls = [];
  gate = undefined;
  version = 1;
});
afterEach(closeGraphQLApps);

@ObjectType()
class Author {
  @Field(() => Int) id!: number;
  @Field() name!: string;
}

@ObjectType()
class Post {
  @Field(() => Int) id!: number;
  @Field() title!: string;
  authorId!: number;

  @Field()
  get loud(): string {
    return this.title.toUpperCase();
  }
}

const post = (id: number): Post => Object.assign(new Post(), { id, title: `post ${id}`, authorId: id % 2 });

/** A scalar of which no two values can be told apart. */
const Opaque = new GraphQLScalarType({
  name: 'Opaque',
  parseValue: () => () => {},
  parseLiteral: () => () => {},
});

interface Asker {
  req: { headers: Record<string, string>; user?: { id: string } };
}

class ByHeader implements CanActivate {
  canActivate(context: ExecutionContext): boolean {
    const { req } = context.getArgByIndex<Asker>(2);
    const id = req.headers['x-user'];
    if (id !== undefined) req.user = { id };
    return id !== 'banned';
  }
}

/** Looks when the arguments are made, behind interceptors. */
const Caller = createParamDecorator((_: unknown, context: ExecutionContext): string => {
  const { req } = context.getArgByIndex<Asker>(2);
  const key = req.headers['x-key'];
  if (key !== undefined) req.user = { id: key };
  return key ?? 'nobody';
});

@Resolver(() => Author)
@UseGuards(ByHeader)
class Authors {
  @Query(() => Author, { nullable: true })
  @CacheResolver({ ttl: 60, tags: (author: Author | null) => (author ? [`author-${author.id}`] : []) })
  async author(@Args('id', { type: () => Int }) id: number): Promise<Author | null> {
    calls.push(`author ${id}`);
    await gate?.promise;
    if (id < 0) throw new Error(`no author ${id}`);
    return id === 0 ? null : { id, name: `author ${id}.${version}` };
  }

  @Query(() => String)
  @CacheResolver({ ttl: 60, scope: 'private', identity: ({ req }: Asker) => req.user?.id })
  me(@Context() { req }: Asker): string {
    calls.push('me');
    return `I am ${req.user?.id ?? 'nobody'}`;
  }

  @Query(() => String)
  @CacheResolver({ ttl: 60, scope: 'public' })
  anybody(@Context() { req }: Asker): string {
    return `first asked by ${req.user?.id ?? 'nobody'}`;
  }

  @Query(() => Author)
  @CacheResolver({ ttl: 60 })
  projected(@Info() info: { fieldNodes: readonly { selectionSet: { selections: unknown[] } }[] }): Author {
    calls.push('projected');
    return { id: info.fieldNodes[0]!.selectionSet.selections.length, name: 'projected' };
  }

  @Query(() => Author)
  @CacheResolver({ ttl: 60, selection: false })
  whole(): Author {
    calls.push('whole');
    return { id: 1, name: 'whole' };
  }

  @Query(() => Boolean)
  @CacheResolver({ ttl: 60 })
  opaque(@Args('value', { type: () => Opaque }) _value: unknown): boolean {
    calls.push('opaque');
    return true;
  }

  @Query(() => Int)
  @CacheResolver({ ttl: '1ms', staleWhileRevalidate: 60 })
  async stale(): Promise<number> {
    calls.push('stale');
    await gate?.promise;
    return version;
  }

  @Query(() => String, { nullable: true })
  @CacheResolver({ ttl: 60 })
  async nothing(): Promise<undefined> {
    calls.push('nothing');
    await gate?.promise;
  }

  @Query(() => [Author], { nullable: 'items' })
  @CacheResolver({ ttl: 60 })
  partly(): (Author | Error)[] {
    calls.push('partly');
    return [{ id: 1, name: 'one' }, new GraphQLError('no second', { extensions: { code: 'GONE' } })];
  }

  @Query(() => String)
  @CacheResolver({ ttl: 60 })
  caller(@Caller() id: string): string {
    calls.push(`caller ${id}`);
    return id;
  }

  @Query(() => Int)
  uncached(): number {
    return calls.push('uncached');
  }
}

@Resolver(() => Post)
class Posts {
  @Query(() => [Post])
  @CacheResolver({ ttl: 60, type: Post })
  posts(): Post[] {
    calls.push('posts');
    return [1, 2, 3].map(post);
  }

  @Query(() => [Post])
  @CacheResolver({ ttl: 60 })
  async untyped(): Promise<Post[]> {
    calls.push('untyped');
    await gate?.promise;
    return [post(1)];
  }

  @Mutation(() => Post)
  rename(): Post {
    return post(1);
  }

  @ResolveField(() => Author)
  @CacheResolver({ ttl: 60, parent: (parent: Post) => parent.authorId })
  author(@Parent() parent: Post, @Args('by', { defaultValue: '', type: () => String }) by: string): Author {
    calls.push(`author of ${parent.id}${by}`);
    return { id: parent.authorId, name: parent.loud };
  }
}

const nameless = (): never => {
  throw new Error('no tags today');
};

const start = (): Promise<GraphQLApp> => graphqlApp({ providers: [Authors, Posts] });

describe('queries', () => {
  it('are resolved once for equal arguments', async () => {
    const { ask } = await start();
    const byVariable = 'query Q($who: Int!) { author(id: $who) { name } }';
    for (let i = 0; i < 2; i++) {
      expect(await ask('{ author(id: 1) { name } }')).toEqual({ data: { author: { name: 'author 1.1' } } });
      expect(await ask({ query: byVariable, variables: { who: 2 } })).toMatchObject({
        data: { author: { name: 'author 2.1' } },
      });
    }
    expect(await ask({ query: byVariable, variables: { who: 1 } })).toMatchObject({
      data: { author: { name: 'author 1.1' } },
    });
    expect(calls).toEqual(['author 1', 'author 2']);
  });

  it('under aliases are answered by what they ask, not by what they are called', async () => {
    const { ask } = await start();
    const query = '{ a: author(id: 1) { name } b: author(id: 2) { name } }';
    for (let i = 0; i < 2; i++)
      expect(await ask(query)).toEqual({
        data: { a: { name: 'author 1.1' }, b: { name: 'author 2.1' } },
      });
    expect(await ask('{ b: author(id: 1) { name } }')).toEqual({ data: { b: { name: 'author 1.1' } } });
    expect(calls).toEqual(['author 1', 'author 2']);
  });

  it('are resolved once for all who wait, and again once invalidated', async () => {
    const { ask, cache } = await start();
    gate = new Deferred();
    const asked = Promise.all(Array.from({ length: 20 }, () => ask('{ author(id: 7) { name } }')));
    await until(() => calls.length > 0);
    gate.resolve();
    for (const answer of await asked) expect(answer).toEqual({ data: { author: { name: 'author 7.1' } } });
    expect(calls).toHaveLength(1);
    version = 2;
    await cache.invalidateTags(['author-7']);
    expect(await ask('{ author(id: 7) { name } }')).toEqual({ data: { author: { name: 'author 7.2' } } });
  });

  it('give null, and what fails fails anew', async () => {
    const { ask } = await start();
    for (let i = 0; i < 2; i++) {
      expect(await ask('{ author(id: 0) { name } }')).toEqual({ data: { author: null } });
      expect((await ask('{ author(id: -1) { name } }')).errors).toEqual([
        expect.objectContaining({ message: 'no author -1' }),
      ]);
    }
    expect(calls).toEqual(['author 0', 'author -1', 'author -1']);
    for (let i = 0; i < 2; i++) expect(await ask('{ nothing }')).toEqual({ data: { nothing: null } });
    expect(calls.slice(3)).toEqual(['nothing', 'nothing']);
  });

  it('fail anew where they hold what has failed', async () => {
    const { ask } = await start();
    for (let i = 0; i < 2; i++) {
      expect(await ask('{ partly { name } }')).toMatchObject({
        data: { partly: [{ name: 'one' }, null] },
        errors: [{ message: 'no second', extensions: { code: 'GONE' } }],
      });
    }
    expect(calls).toEqual(['partly', 'partly']);
    expect(WARNINGS).toEqual([]);
  });

  it('with staleWhileRevalidate answer at once', async () => {
    const { ask } = await start();
    expect(await ask('{ stale }')).toEqual({ data: { stale: 1 } });
    version = 2;
    gate = new Deferred();
    await until(async () => (await ask('{ stale }')) && calls.length === 2);
    expect(await ask('{ stale }')).toEqual({ data: { stale: 1 } });
    gate.resolve();
    await until(async () => (await ask('{ stale }')).data?.['stale'] === 2);
  });

  it('without the decorator are not cached', async () => {
    const { ask } = await start();
    for (const uncached of [1, 2]) expect(await ask('{ uncached }')).toEqual({ data: { uncached } });
  });

  it('with arguments that cannot be told apart are not cached, which is said once', async () => {
    const { ask } = await start();
    for (let i = 0; i < 2; i++) expect(await ask('{ opaque(value: 1) }')).toEqual({ data: { opaque: true } });
    expect(calls).toHaveLength(2);
    expect(WARNINGS).toEqual([expect.stringMatching(/Query\.opaque are not cached: an argument at \.value/)]);
  });
});

describe('the selection', () => {
  it.each<[string, string, string, object?, object?]>([
    ['fields', '{ projected { id } }', '{ projected { id name } }'],
    [
      'fragments',
      '{ projected { ...F } } fragment F on Author { id }',
      '{ projected { ...F } } fragment F on Author { id name }',
    ],
    [
      'a variable of @include',
      'query Q($all: Boolean!) { projected { id name @include(if: $all) } }',
      'query Q($all: Boolean!) { projected { id name @include(if: $all) } }',
      { all: true },
      { all: false },
    ],
    [
      'a variable of @skip in a fragment',
      'query Q($few: Boolean!) { projected { ...F } } fragment F on Author { id name @skip(if: $few) }',
      'query Q($few: Boolean!) { projected { ...F } } fragment F on Author { id name @skip(if: $few) }',
      { few: true },
      { few: false },
    ],
  ])('keeps results apart by %s', async (_, one, other, ofOne = {}, ofOther = {}) => {
    const { ask } = await start();
    for (let i = 0; i < 2; i++) {
      await ask({ query: one, variables: { ...ofOne } });
      await ask({ query: other, variables: { ...ofOther } });
    }
    expect(calls).toEqual(['projected', 'projected']);
  });

  it('is what the resolver sees', async () => {
    const { ask } = await start();
    for (let i = 0; i < 2; i++) {
      expect(await ask('{ projected { id } }')).toEqual({ data: { projected: { id: 1 } } });
      expect(await ask('{ projected { id name } }')).toMatchObject({ data: { projected: { id: 2 } } });
      expect(await ask('{ projected { id } projected { name } }')).toMatchObject({
        data: { projected: { id: 1 } },
      });
    }
    expect(calls).toHaveLength(3);
  });

  it('does not matter where it is left out', async () => {
    const { ask } = await start();
    expect(await ask('{ whole { id } }')).toEqual({ data: { whole: { id: 1 } } });
    expect(await ask('{ whole { name } }')).toEqual({ data: { whole: { name: 'whole' } } });
    expect(calls).toEqual(['whole']);
  });
});

describe('a result', () => {
  it.each<Record<string, string>>([{ authorization: 'Bearer 1' }, { cookie: 'a=1' }, { 'x-user': 'ann' }])(
    'is nobody else’s when asked with %p',
    async (headers) => {
      const { ask } = await start();
      for (let i = 0; i < 2; i++) await ask('{ author(id: 1) { name } }', headers);
      expect(calls).toHaveLength(2);
      await ask('{ author(id: 1) { name } }');
      expect(calls).toHaveLength(3);
    },
  );

  it('is nobody else’s when it turns out whose it is while it is resolved', async () => {
    const { ask } = await start();
    const asked: Record<string, string>[] = [{ 'x-key': 'ann' }, { 'x-key': 'bob' }, {}, {}];
    const answers: unknown[] = [];
    for (const headers of asked) answers.push((await ask('{ caller }', headers)).data?.['caller']);
    expect(answers).toEqual(['ann', 'bob', 'nobody', 'nobody']);
  });

  it('is kept for each who has an identity', async () => {
    const { ask } = await start();
    for (let i = 0; i < 2; i++) {
      for (const user of ['ann', 'bob'])
        expect(await ask('{ me }', { 'x-user': user })).toEqual({ data: { me: `I am ${user}` } });
      expect(await ask('{ me }')).toEqual({ data: { me: 'I am nobody' } });
    }
    expect(calls).toHaveLength(4);
  });

  it('is everybody’s where the scope says so, but only for those whom the guard lets in', async () => {
    const { ask } = await start();
    for (const user of ['ann', 'bob'])
      expect(await ask('{ anybody }', { 'x-user': user })).toEqual({
        data: { anybody: 'first asked by ann' },
      });
    expect((await ask('{ anybody }', { 'x-user': 'banned' })).errors).toHaveLength(1);
  });
});

describe('instances of classes', () => {
  it('come back as such when their class is named, for resolvers below and getters', async () => {
    const { ask } = await start();
    const first = await ask('{ posts { id loud author { id name } } }');
    expect(first).toMatchObject({ data: { posts: [{ id: 1, loud: 'POST 1' }, { id: 2 }, { id: 3 }] } });
    expect(await ask('{ posts { id loud author { id name } } }')).toEqual(first);
    expect(calls.filter((call) => call === 'posts')).toHaveLength(1);
  });

  it('are not cached otherwise, which is said once', async () => {
    const { ask } = await start();
    for (let i = 0; i < 2; i++)
      expect(await ask('{ untyped { loud } }')).toEqual({ data: { untyped: [{ loud: 'POST 1' }] } });
    expect(calls).toEqual(['untyped', 'untyped']);
    expect(WARNINGS).toEqual([expect.stringMatching(/Query\.untyped are not cached: .* of Post/)]);
  });
});

describe('results that cannot be stored', () => {
  it.each([
    ['{ untyped { loud } }', 'untyped'],
    ['{ nothing }', 'nothing'],
  ])('are not waited for by others, once that is known: %s', async (query, name) => {
    const { ask } = await start();
    const first = await ask(query);
    gate = new Deferred();
    const asked = Array.from({ length: 10 }, () => ask(query));
    await until(() => calls.length === 11);
    gate.resolve();
    expect(await Promise.all(asked)).toEqual(Array(10).fill(first));
    expect(calls).toEqual(Array(11).fill(name));
  });

  it.each<[string, (found: number) => readonly string[], RegExp]>([
    ['throws', () => nameless(), /no tags today/],
    ['gives too many', () => Array.from({ length: 129 }, (_, i) => `tag-${i}`), /129 tags are too many.*128/],
    ['gives none that can be', () => [''], /a tag must be/],
    ['gives no list', () => 'tag' as never, /tags must be an array/],
  ])('are answered when the function for their tags %s, which is said once', async (_, tags, reason) => {
    @Resolver()
    class Tagged {
      @Query(() => Int)
      @CacheResolver({ ttl: 60, tags })
      tagged(): number {
        return calls.push('tagged');
      }
    }
    const { ask } = await graphqlApp({ providers: [Tagged] });
    for (const tagged of [1, 2]) expect(await ask('{ tagged }')).toEqual({ data: { tagged } });
    expect(WARNINGS).toEqual([
      expect.stringMatching(/^results of Query\.tagged are not cached: their tags cannot be made: /),
    ]);
    expect(WARNINGS[0]).toMatch(reason);
  });
});

describe('fields', () => {
  it('are resolved once for each parent and its arguments', async () => {
    const { ask } = await start();
    const query = '{ posts { author { id } } }';
    const authors = { posts: [{ author: { id: 1 } }, { author: { id: 0 } }, { author: { id: 1 } }] };
    for (let i = 0; i < 2; i++) expect(await ask(query)).toEqual({ data: authors });
    // Of the posts 1 and 3, which have one author, either.
    expect(calls.filter((call) => call.startsWith('author'))).toHaveLength(2);
    await ask('{ posts { author(by: "x") { id } } }');
    expect(calls.filter((call) => call.endsWith('x'))).toHaveLength(2);
  });

  it('within a mutation are resolved anew', async () => {
    const { ask } = await start();
    for (let i = 0; i < 2; i++) await ask('mutation { rename { author { id } } }');
    expect(calls).toEqual(['author of 1', 'author of 1']);
  });

  it.each([[undefined], [''], [[]], [[undefined, null]]])(
    'a parent named %j is an error that says what to give',
    async (name) => {
      @Resolver(() => Post)
      class Nameless {
        @Query(() => Post)
        post(): Post {
          return post(1);
        }
        @ResolveField(() => Int)
        @CacheResolver({ parent: () => name })
        likes(): number {
          return 1;
        }
      }
      const { ask } = await graphqlApp({ providers: [Nameless] });
      expect((await ask('{ post { likes } }')).errors![0]!.message).toMatch(
        /Post\.likes: parent names no parent.*id/,
      );
    },
  );
});

describe('the application does not start', () => {
  const field = (parent?: (of: Post) => number) => {
    @Resolver(() => Post)
    class Fields {
      @Query(() => Post)
      post(): Post {
        return post(1);
      }
      @ResolveField(() => Int)
      @CacheResolver({ parent })
      likes(): number {
        return 1;
      }
    }
    return Fields;
  };

  it('with a field that has no parent', async () => {
    expect(await failure(graphqlApp({ providers: [field()] }))).toMatchObject({
      code: 'CACHE_DECORATOR_INVALID',
      message: expect.stringMatching(/Fields\.likes: .*give parent/),
    });
  });

  it('with fields on which interceptors do not run', async () => {
    const providers = [field(({ id }) => id)];
    const error = await failure(graphqlApp({ providers, graphql: { fieldResolverEnhancers: [] } }));
    expect(error.message).toMatch(/fieldResolverEnhancers: \['interceptors'\]/);
    expect((await (await graphqlApp({ providers })).ask('{ post { likes } }')).data).toEqual({
      post: { likes: 1 },
    });
  });

  it('with a mutation', async () => {
    @Resolver()
    class Wrong {
      @Query(() => Int)
      one(): number {
        return 1;
      }
      @Mutation(() => Int)
      @CacheResolver()
      write(): number {
        return 1;
      }
    }
    expect((await failure(graphqlApp({ providers: [Wrong] }))).message).toMatch(/Wrong\.write: .*mutations/);
  });

  it('with a query that has a parent', async () => {
    @Resolver()
    class Wrong {
      @Query(() => Int)
      @CacheResolver({ parent: () => 1 })
      one(): number {
        return 1;
      }
    }
    expect((await failure(graphqlApp({ providers: [Wrong] }))).message).toMatch(/a query has none/);
  });
});

it.each<[object, RegExp]>([
  [{ ttl: -1 }, /ttl/],
  [{ tll: 1 }, /there is no option 'tll'.*ttl/],
  [{ scope: 'mine' }, /scope must be/],
  [{ scope: 'private' }, /needs an identity/],
  [{ identity: () => 'ann' }, /scope 'private'/],
  [{ parent: 'id' }, /parent must be a function/],
  [{ selection: 1 }, /selection must be/],
  [{ tags: 'posts' }, /tags must be an array/],
  [{ tags: [''] }, /a tag must be/],
  [{ tags: Array.from({ length: 129 }, (_, i) => `tag-${i}`) }, /129 tags are too many/],
])('%p is refused when the class is defined', (options, message) => {
  expect(() => {
    class Wrong {
      @CacheResolver(options as never)
      one() {}
    }
    return Wrong;
  }).toThrow(message);
});
