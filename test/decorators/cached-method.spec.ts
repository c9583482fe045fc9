import { Injectable } from '@nestjs/common';
import { afterEach, describe, expect, it } from '@jest/globals';
import { CacheDecoratorError, CacheKeyError, type CacheManager, getCacheToken } from '../../lib/index.js';
import { CachedMethod } from '../../lib/nest/decorators/cached-method.js';
import { escapeKeyPart } from '../../lib/primitives/escape.js';
import { Deferred, failure } from '../support/deferred.js';
import { appOf, cacheOfApp, closeApps } from './apps.js';

interface User {
  id: number;
  name: string;
  teamId?: number;
}

@Injectable()
class Users {
  loads: unknown[][] = [];
  tenant = 'acme';
  enabled = true;

  load<T>(value: T, ...args: unknown[]): T {
    this.loads.push(args);
    return value;
  }

  @CachedMethod({ key: 'user:{id}', ttl: '5m' })
  async find(id: number | string): Promise<User> {
    return this.load({ id: Number(id), name: 'Ann' }, id);
  }

  @CachedMethod()
  async search(filter: Record<string, unknown>, page = 1): Promise<unknown[]> {
    return this.load([filter, page], filter, page);
  }

  @CachedMethod({ key: '{this.tenant}:count' })
  count(): number | Promise<number> {
    return this.load(this.loads.length);
  }

  @CachedMethod({ key: 'fails:{id}' })
  fails(id: number): Promise<never> {
    this.load(0, id);
    throw new RangeError(`no ${id}`);
  }

  @CachedMethod({ key: (id: number) => `fn:${id}` })
  async byFunction(id: number): Promise<number> {
    return this.load(id, id);
  }

  @CachedMethod({
    key(this: Users, id: number) {
      return `${this.tenant}:${escapeKeyPart(id)}`;
    },
  })
  async byMethod(id: number): Promise<number> {
    return this.load(id, id);
  }

  // A key that is no string, past the compiler.
  @CachedMethod({ key: (): string => 5 as unknown as string })
  async byNumber(): Promise<number> {
    return this.load(1);
  }

  @CachedMethod({
    key: 'when:{id}',
    when(this: Users, id: number) {
      return this.enabled && id > 0;
    },
  })
  async conditional(id: number): Promise<number> {
    return this.load(id, id);
  }

  @CachedMethod({ key: 'unless:{id}', unless: (user: User | null, id: number) => user === null || id < 0 })
  async orNull(id: number, user: User | null = null): Promise<User | null> {
    return this.load(user, id);
  }

  @CachedMethod({
    key: 'tagged:{id}',
    tags: ['users', 'user:{id}', 'team:{result.teamId?}', 'all:{result.names}'],
  })
  async tagged(id: number): Promise<{ teamId: number; names: string[] } | null> {
    return this.load(id === 0 ? null : { teamId: 7, names: ['a', 'b'] }, id);
  }

  @CachedMethod({ key: 'by:{id}', tags: (user: User, id: number) => [`name:${user.name}`, `id:${id}`] })
  async taggedByFunction(id: number): Promise<User> {
    return this.load({ id, name: 'Ann' }, id);
  }

  @CachedMethod({ key: 'brief:{id}', ttl: 0 })
  async unstored(id: number): Promise<number> {
    return this.load(id, id);
  }

  @CachedMethod({ key: 'nothing:{id}' })
  async nothing(id: number): Promise<undefined> {
    return this.load(undefined, id);
  }

  @CachedMethod({ key: 'twice:{id}' })
  async viaSelf(id: number): Promise<User> {
    return this.find(id);
  }

  @CachedMethod({ key: 'other:{id}', cache: 'other' })
  async elsewhere(id: number): Promise<number> {
    return this.load(id, id);
  }
}

async function start(): Promise<{ users: Users; cache: CacheManager; other: CacheManager }> {
  const app = await appOf({ providers: [Users] }, [{}, { name: 'other' }]);
  return { users: app.get(Users), cache: cacheOfApp(app), other: app.get(getCacheToken('other')) };
}

afterEach(closeApps);

describe('@CachedMethod', () => {
  it('loads once and serves what it stored, under the key of its template', async () => {
    const { users, cache } = await start();
    await expect(users.find(1)).resolves.toEqual({ id: 1, name: 'Ann' });
    await expect(users.find(1)).resolves.toEqual({ id: 1, name: 'Ann' });
    await expect(users.find(2)).resolves.toEqual({ id: 2, name: 'Ann' });
    expect(users.loads).toEqual([[1], [2]]);
    expect(cache.peek('user:1')).toEqual({ id: 1, name: 'Ann' });
    expect(cache.stats()).toMatchObject({ loads: 2 });
  });

  it('shares a call among concurrent callers', async () => {
    const { users } = await start();
    const all = await Promise.all([users.find(1), users.find('1'), users.find(1)]);
    expect(users.loads).toHaveLength(1);
    expect(all[1]).toEqual(all[0]);
  });

  it('hands out what it stored, not what the method returned', async () => {
    const { users } = await start();
    const [first, second] = [await users.find(1), await users.find(1)];
    expect(first).toBe(second);
    expect(Object.isFrozen(first)).toBe(true);
  });

  it('without a key, tells arguments apart by content', async () => {
    const { users, cache } = await start();
    await users.search({ a: 1, b: 2 });
    await users.search({ b: 2, a: 1 }, undefined);
    expect(users.loads).toHaveLength(1);
    await users.search({ a: '1', b: 2 });
    await users.search({ a: 1, b: 2 }, 2);
    expect(users.loads).toHaveLength(3);
    await cache.clearPattern('Users:search:*');
    await users.search({ a: 1, b: 2 });
    expect(users.loads).toHaveLength(4);
  });

  it('without a key, refuses arguments that it cannot tell apart', async () => {
    const { users } = await start();
    const error = await failure(users.search({ where: { run: () => 1 } }));
    expect(error).toBeInstanceOf(CacheKeyError);
    expect(error.message).toBe(
      '@CachedMethod on Users.search: argument 1 at .where.run is a function, which has no faithful hash: ' +
        "give a key that names what matters, as a template ('…:{param.id}') or a function",
    );
    expect(users.loads).toEqual([]);
  });

  it('makes a promise of a plain value, and a rejection of what is thrown at once', async () => {
    const { users } = await start();
    expect(users.count()).toBeInstanceOf(Promise);
    await expect(users.count()).resolves.toBe(0);
    users.tenant = 'other';
    await expect(users.count()).resolves.toBe(1);
    const failed = users.fails(3);
    await expect(failed).rejects.toThrow(new RangeError('no 3'));
    await expect(users.fails(3)).rejects.toThrow(RangeError);
    expect(users.loads).toHaveLength(4);
  });

  it('rejects, and never throws, when values make no key', async () => {
    const { users } = await start();
    const error = await failure(users.find({} as string));
    expect(error).toBeInstanceOf(CacheKeyError);
    expect(error.message).toMatch(/^@CachedMethod on Users\.find: \{id\} in 'user:\{id\}' is an object/);
    await expect(users.byNumber()).rejects.toThrow("the function 'key' must return a string, not number");
    expect(users.loads).toEqual([]);
  });

  it('takes keys from functions, called with the instance', async () => {
    const { users, cache } = await start();
    await users.byFunction(4);
    await users.byMethod(5);
    expect([cache.peek('fn:4'), cache.peek('acme:5')]).toEqual([4, 5]);
  });

  it('passes by when the condition says so, and neither reads nor stores', async () => {
    const { users, cache } = await start();
    await users.conditional(1);
    await users.conditional(1);
    expect(users.loads).toEqual([[1]]);
    users.enabled = false;
    await users.conditional(1);
    await users.conditional(-1);
    expect(users.loads).toEqual([[1], [1], [-1]]);
    expect(await cache.has('when:-1')).toBe(false);
  });

  it('does not store what `unless` excludes', async () => {
    const { users, cache } = await start();
    await expect(users.orNull(1)).resolves.toBeNull();
    expect(await cache.has('unless:1')).toBe(false);
    await users.orNull(1, { id: 1, name: 'Ann' });
    await users.orNull(1);
    expect(users.loads).toEqual([[1], [1]]);
    await users.orNull(-1, { id: 1, name: 'Ann' });
    expect(await cache.has('unless:-1')).toBe(false);
  });

  it.each(['users', 'user:3', 'team:7', 'all:a', 'all:b'])('tags what it stores: %s', async (tag) => {
    const { users, cache } = await start();
    await users.tagged(3);
    await cache.invalidateTags(['team:8', 'all:c', 'user:4']);
    expect(await cache.has('tagged:3')).toBe(true);
    await cache.invalidateTags([tag]);
    expect(await cache.has('tagged:3')).toBe(false);
  });

  it('leaves out tags that a null result does not have', async () => {
    const { users, cache } = await start();
    await expect(users.tagged(0)).resolves.toBeNull();
    expect(await cache.has('tagged:0')).toBe(true);
    await cache.invalidateTags(['user:0']);
    expect(await cache.has('tagged:0')).toBe(false);
  });

  it.each(['name:Ann', 'id:3'])('takes tags from a function: %s', async (tag) => {
    const { users, cache } = await start();
    await users.taggedByFunction(3);
    await cache.invalidateTags([tag]);
    expect(await cache.has('by:3')).toBe(false);
  });

  it('stores neither undefined nor anything with a ttl of 0', async () => {
    const { users, cache } = await start();
    await users.nothing(1);
    await expect(users.nothing(1)).resolves.toBeUndefined();
    await users.unstored(1);
    await users.unstored(1);
    expect(users.loads).toHaveLength(4);
    expect([await cache.has('nothing:1'), await cache.has('brief:1')]).toEqual([false, false]);
  });

  it('works for calls through `this`', async () => {
    const { users, cache } = await start();
    await users.viaSelf(1);
    expect(cache.peek('user:1')).toEqual(cache.peek('twice:1'));
  });

  it('uses the cache that it names', async () => {
    const { users, cache, other } = await start();
    await users.elsewhere(1);
    expect([cache.peek('other:1'), other.peek('other:1')]).toEqual([undefined, 1]);
  });

  it('has no cache in an instance that Nest did not make, nor off its instance', async () => {
    const users = new Users();
    await users.find(1);
    await users.find(1);
    await expect(users.fails(1)).rejects.toThrow(RangeError);
    expect(users.loads).toHaveLength(3);
    const find = Reflect.get(Users.prototype, 'find');
    await expect(Reflect.apply(find, undefined, [1])).rejects.toThrow(TypeError);
  });

  it('leaves no trace on the instance or the method', async () => {
    const { users } = await start();
    expect(Object.keys(users)).toEqual(['loads', 'tenant', 'enabled']);
    expect(Object.assign({}, users)).toEqual({ loads: [], tenant: 'acme', enabled: true });
    expect(Object.getOwnPropertySymbols(Object.assign({}, users))).toEqual([]);
    expect([users.find.name, users.find.length, users.search.length]).toEqual(['find', 1, 1]);
    expect(Object.getOwnPropertyDescriptor(Users.prototype, 'find')).toMatchObject({
      enumerable: false,
      writable: true,
    });
  });

  it('lets an invalidation during a call win', async () => {
    const gate = new Deferred<string>();
    @Injectable()
    class Slow {
      @CachedMethod({ key: 'slow' })
      read(): Promise<string> {
        return gate.promise;
      }
    }
    const app = await appOf({ providers: [Slow] });
    const early = app.get(Slow).read();
    await cacheOfApp(app).delete('slow');
    gate.resolve('old');
    await expect(early).resolves.toBe('old');
    expect(await cacheOfApp(app).has('slow')).toBe(false);
  });

  it('needs a cache module', async () => {
    await expect(appOf({ providers: [Users] }, [{}])).rejects.toThrow(
      /can't resolve dependencies of the Users/,
    );
  });
});

/** A class whose method is decorated with these options when the function is called. */
function wrong(given: unknown): () => unknown {
  return () => {
    class Wrong {
      @CachedMethod(given as object)
      async find(id: number): Promise<number> {
        return id;
      }
    }
    return Wrong;
  };
}

function decorate(target: object, key: string | symbol, descriptor?: PropertyDescriptor): () => void {
  return () => (CachedMethod({ key: 'a' }) as (...args: unknown[]) => void)(target, key, descriptor);
}

describe('wrong uses of @CachedMethod fail when the class is defined', () => {
  it.each<[unknown, string]>([
    [{ tll: 5 }, "there is no option 'tll' (did you mean 'ttl'?); there are key, cache"],
    [{ kye: 'a' }, "(did you mean 'key'?)"],
    ['user:{id}', 'the options must be an object'],
    [null, 'the options must be an object'],
    [[], 'the options must be an object'],
    [{ key: 5 }, 'key must be a template or a function'],
    [{ key: 'user:{ids}' }, "(did you mean 'id'?)"],
    [{ key: 'user:{result.id}' }, 'is not known yet'],
    [{ ttl: -1 }, 'ttl is -1: expected seconds'],
    [{ ttl: '5 weeks' }, "ttl is '5 weeks'"],
    [{ tags: 5 }, 'tags must be a template, a list of templates or a function'],
    [{ tags: ['a', 5] }, 'tags must be a template'],
    [{ tags: ['user:{nobody}'] }, "{nobody} in the template 'user:{nobody}'"],
    [{ tiers: [] }, "tiers must be a list of 'memory' and 'redis'"],
    [{ tiers: ['disk'] }, 'tiers must be a list'],
    [{ isolation: 'none' }, "isolation must be 'share', 'freeze' or 'clone'"],
    [{ type: 'User' }, 'type must be a class'],
    [{ when: true }, 'when must be a function, not boolean'],
    [{ unless: 'a' }, 'unless must be a function, not string'],
    [{ cache: 5 }, 'cache must be the name of a cache'],
    [{ cache: '' }, 'cache must be the name of a cache'],
  ])('%p', (given, message) => {
    expect(wrong(given)).toThrow(CacheDecoratorError);
    expect(wrong(given)).toThrow('@CachedMethod on Wrong.find: ');
    expect(wrong(given)).toThrow(message);
  });

  it.each<[string, () => void, string]>([
    [
      'static methods',
      decorate(Users, 'a', { value: () => 1 }),
      'on Users.a: a static method has no instance',
    ],
    [
      'a class itself',
      decorate(Users, undefined as never),
      'on Users: this is a class; put it on the methods',
    ],
    ['getters', decorate(Users.prototype, 'a', { get: () => 1 }), 'this is an accessor'],
    ['fields', decorate(Users.prototype, 'a'), 'this is not a method'],
    ['classes', decorate(Users.prototype, 'a', { value: Users }), 'this is not a method'],
    [
      'generators',
      decorate(Users.prototype, 'a', { value: function* () {} }),
      'a generator hands out values one by one',
    ],
    ['async generators', decorate(Users.prototype, 'a', { value: async function* () {} }), 'a generator'],
    [
      'other decorators',
      decorate(() => 1, { kind: 'method' } as unknown as string),
      '"experimentalDecorators": true',
    ],
  ])('on %s', (_, use, message) => {
    expect(use).toThrow(CacheDecoratorError);
    expect(use).toThrow(message);
  });

  it('on a method named by a symbol without a key', () => {
    const name = Symbol('find');
    const use = (key?: string) => () => {
      class Wrong {
        @CachedMethod({ key })
        async [name](): Promise<number> {
          return 1;
        }
      }
      return Wrong;
    };
    expect(use()).toThrow(
      '@CachedMethod on Wrong[Symbol(find)]: a method that is named by a symbol needs a key',
    );
    expect(use('a')).not.toThrow();
  });
});
