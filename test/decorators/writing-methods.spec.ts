import { Injectable } from '@nestjs/common';
import { afterEach, describe, expect, it, jest } from '@jest/globals';
import {
  CacheDecoratorError,
  CacheKeyError,
  type CacheManager,
  CacheStoreError,
  getCacheToken,
} from '../../lib/index.js';
import { InvalidatesCache } from '../../lib/nest/decorators/invalidates-cache.js';
import { UpdatesCache } from '../../lib/nest/decorators/updates-cache.js';
import { Deferred, failure, settle } from '../support/deferred.js';
import { appOf, cacheOfApp, closeApps } from './apps.js';

interface User {
  id: number;
  team?: { id: number } | null;
}

@Injectable()
class Users {
  calls: string[] = [];
  id = 50;
  result: unknown = undefined;
  gate: Promise<unknown> = Promise.resolve();

  async run<T>(call: string): Promise<T> {
    this.calls.push(call);
    await this.gate;
    if (this.result instanceof Error) throw this.result;
    return this.result as T;
  }

  @InvalidatesCache('user:{id}')
  async remove(id: number | number[]): Promise<void> {
    return this.run(`remove ${String(id)}`);
  }

  @InvalidatesCache({ keys: ['user:{ids}', 'seen:{names}:{ids}'] })
  async removeAll(names: string[], ...ids: number[]): Promise<void> {
    return this.run(`remove ${String(names)} ${String(ids)}`);
  }

  @InvalidatesCache({ keys: 'user:{result.id}', tags: ['team:{result.team.id?}'] })
  async save(): Promise<User | User[] | null> {
    return this.run('save');
  }

  @InvalidatesCache({ patterns: ['user:{id}:*', 'exact:\\*:{id}'] })
  async forget(id: string): Promise<void> {
    return this.run(`forget ${id}`);
  }

  @InvalidatesCache({ tags: 'tag:{tags}' })
  async touch(tags: string[]): Promise<void> {
    return this.run(`touch ${tags.length}`);
  }

  @InvalidatesCache({ keys: 'user:{id}', before: true })
  async announce(id: number): Promise<void> {
    return this.run(`announce ${id}`);
  }

  @InvalidatesCache({
    keys(this: Users, result: User | null, id: number) {
      return result === null ? [] : [`user:${result.id}`, `user:${this.id}`, `user:${id}`];
    },
    tags: (_result, id: number) => `tag:${id}`,
    patterns: () => ['team:*'],
  })
  async functions(id: number): Promise<User | null> {
    return this.run(`functions ${id}`);
  }

  // What is no string, past the compiler.
  @InvalidatesCache({ keys: (): string[] => [5 as unknown as string] })
  async wrong(): Promise<void> {
    return this.run('wrong');
  }

  @InvalidatesCache({ keys: 'user:{id}', cache: 'other' })
  async elsewhere(id: number): Promise<void> {
    return this.run(`elsewhere ${id}`);
  }

  // The very form of the seed: not a parameter, but a property of this.
  @InvalidatesCache('user:{id}')
  async touchSelf(): Promise<void> {
    return this.run('touchSelf');
  }

  @UpdatesCache({ key: 'user:{id}', ttl: '5m', tags: ['users', 'team:{result.team.id?}'] })
  async update(id: number): Promise<User | null | undefined> {
    return this.run(`update ${id}`);
  }

  @UpdatesCache({
    key: 'user:{result.id}',
    when(this: Users, force?: boolean) {
      return force === true || this.id > 0;
    },
    unless: (user: User | null) => user?.id === 13,
  })
  async create(force?: boolean): Promise<User | null> {
    return this.run(`create ${force}`);
  }

  @UpdatesCache({
    key: (user: User, prefix: string) => `${prefix}:${user.id}`,
    tags: (user: User) => [`tag:${user.id}`],
  })
  async updateByFunction(prefix: string): Promise<User> {
    return this.run(`update ${prefix}`);
  }
}

interface Started {
  users: Users;
  cache: CacheManager;
  other: CacheManager;
  /** Which of these keys are still there. */
  left: (...keys: string[]) => Promise<string[]>;
}

async function start(): Promise<Started> {
  const app = await appOf({ providers: [Users] }, [{}, { name: 'other' }]);
  const cache = cacheOfApp(app);
  const left = async (...keys: string[]): Promise<string[]> => [...(await cache.getMany(keys)).keys()];
  return { users: app.get(Users), cache, other: app.get(getCacheToken('other')), left };
}

async function fill(cache: CacheManager, ...keys: string[]): Promise<void> {
  await cache.setMany(keys.map((key) => [key, key] as const));
}

afterEach(closeApps);

describe('@InvalidatesCache', () => {
  it('deletes a key once the method has succeeded, and answers then', async () => {
    const { users, cache, left } = await start();
    await fill(cache, 'user:1', 'user:2');
    const gate = new Deferred<void>();
    users.gate = gate.promise;
    const removal = users.remove(1);
    await settle();
    expect(await left('user:1', 'user:2')).toEqual(['user:1', 'user:2']);
    gate.resolve();
    await removal;
    expect(await left('user:1', 'user:2')).toEqual(['user:2']);
  });

  it('leaves everything when the method fails', async () => {
    const { users, cache, left } = await start();
    await fill(cache, 'user:1');
    users.result = new RangeError('no');
    await expect(users.remove(1)).rejects.toThrow(RangeError);
    expect(await left('user:1')).toEqual(['user:1']);
  });

  it('takes a property of `this` where no parameter has that name', async () => {
    const { users, cache, left } = await start();
    await fill(cache, 'user:50', 'user:51');
    await users.touchSelf();
    expect(await left('user:50', 'user:51')).toEqual(['user:51']);
  });

  it('makes several keys of arrays and rest parameters, none of empty ones', async () => {
    const { users, cache, left } = await start();
    const keys = ['user:1', 'user:2', 'user:3', 'seen:a:1', 'seen:b:2', 'seen:c:1'];
    await fill(cache, ...keys);
    await users.remove([]);
    await users.removeAll(['a', 'b', 'c']);
    expect(await left(...keys)).toEqual(keys);
    await users.remove([3]);
    await users.removeAll(['a', 'b'], 1, 2);
    expect(await left(...keys)).toEqual(['seen:c:1']);
  });

  it('reads the result, one or many', async () => {
    const { users, cache, left } = await start();
    await fill(cache, 'user:1', 'user:2', 'user:3');
    await cache.set('tagged', 1, { tags: ['team:9'] });
    users.result = null;
    await users.save();
    expect(await left('user:1', 'tagged')).toHaveLength(2);
    users.result = { id: 1, team: { id: 9 } };
    await users.save();
    expect(await left('user:1', 'tagged')).toEqual([]);
    users.result = [{ id: 2 }, { id: 3, team: null }];
    await users.save();
    expect(await left('user:2', 'user:3')).toEqual([]);
  });

  it('clears patterns, of which no value is part', async () => {
    const { users, cache, left } = await start();
    const keys = ['user:1:a', 'user:1:b', 'user:2:a', 'user:*:a', 'exact:*:1', 'exact:x:1'];
    await fill(cache, ...keys);
    await users.forget('*');
    await users.forget('[12]');
    await users.forget('1:*');
    expect(await left(...keys)).toEqual(keys);
    await users.forget('1');
    expect(await left(...keys)).toEqual(['user:2:a', 'user:*:a', 'exact:x:1']);
  });

  it('invalidates tags, any number of them', async () => {
    const { users, cache, left } = await start();
    await cache.set('first', 1, { tags: ['tag:0'] });
    await cache.set('last', 1, { tags: ['tag:299'] });
    await cache.set('not', 1, { tags: ['tag:300'] });
    await users.touch(Array.from({ length: 300 }, (_, i) => String(i)));
    expect(await left('first', 'last', 'not')).toEqual(['not']);
  });

  it('runs before the method when asked to, and the method only after it', async () => {
    const { users, cache, left } = await start();
    await fill(cache, 'user:1');
    users.result = new RangeError('no');
    const stuck = new Deferred<void>();
    const deleting = jest.spyOn(cache, 'invalidate').mockReturnValueOnce(stuck.promise);
    const failing = failure(users.announce(1));
    await settle();
    expect(users.calls).toEqual([]);
    stuck.resolve();
    expect(await failing).toBeInstanceOf(RangeError);
    deleting.mockRestore();
    await failure(users.announce(1));
    expect(await left('user:1')).toEqual([]);
  });

  it('takes keys, tags and patterns from functions', async () => {
    const { users, cache, left } = await start();
    const keys = ['user:1', 'user:2', 'user:50', 'user:4', 'team:1'];
    await fill(cache, ...keys);
    await cache.set('tagged', 1, { tags: ['tag:2'] });
    users.result = { id: 1 };
    await users.functions(2);
    expect(await left(...keys, 'tagged')).toEqual(['user:4']);
    users.result = null;
    await users.functions(4);
    expect(await left('user:4')).toEqual(['user:4']);
    await expect(users.wrong()).rejects.toThrow(
      "the function 'keys' must return a string or an array of strings",
    );
  });

  it('works on the cache that it names', async () => {
    const { users, cache, other } = await start();
    await fill(cache, 'user:1');
    await fill(other, 'user:1');
    await users.elsewhere(1);
    expect([await cache.has('user:1'), await other.has('user:1')]).toEqual([true, false]);
  });

  it('rejects when a value makes no key, though the method has succeeded', async () => {
    const { users } = await start();
    const error = await failure(users.remove({} as number));
    expect(error).toBeInstanceOf(CacheKeyError);
    expect(error.message).toMatch(/^@InvalidatesCache on Users\.remove: \{id\}/);
    expect(users.calls).toHaveLength(1);
    users.result = { name: 'Ann' };
    await expect(users.save()).rejects.toThrow("{result.id} in 'user:{result.id}' leads to nothing");
  });

  it('rejects when the invalidation fails, though the method has succeeded', async () => {
    const { users, cache } = await start();
    jest.spyOn(cache, 'invalidate').mockRejectedValueOnce(new CacheStoreError('Redis is away'));
    users.result = { id: 1 };
    await expect(users.functions(2)).rejects.toThrow('Redis is away');
  });

  it('is one invalidation, whatever it names: all of it or nothing', async () => {
    const { users, cache, left } = await start();
    await fill(cache, 'user:1');
    users.result = { id: 1 };
    const before = cache.stats().invalidations;
    await users.functions(2);
    expect(cache.stats().invalidations).toBe(before + 1);
    expect(await left('user:1')).toEqual([]);
  });

  it('runs straight through in an instance that Nest did not make', async () => {
    const users = new Users();
    users.result = { id: 1 };
    await users.remove(1);
    await expect(users.update(1)).resolves.toEqual({ id: 1 });
    expect(users.calls).toEqual(['remove 1', 'update 1']);
  });
});

describe('@UpdatesCache', () => {
  it('stores what the method returns, over what was there', async () => {
    const { users, cache } = await start();
    await fill(cache, 'user:1');
    users.result = { id: 1, team: { id: 9 } };
    await expect(users.update(1)).resolves.toBe(users.result);
    expect(cache.peek('user:1')).toEqual({ id: 1, team: { id: 9 } });
    await cache.invalidateTags(['team:9']);
    expect(await cache.has('user:1')).toBe(false);
  });

  it('stores null, but not undefined, and nothing when the method fails', async () => {
    const { users, cache } = await start();
    users.result = null;
    await users.update(1);
    expect(cache.peek('user:1')).toBeNull();
    users.result = undefined;
    await users.update(2);
    expect(await cache.has('user:2')).toBe(false);
    users.result = new RangeError('no');
    await expect(users.update(1)).rejects.toThrow(RangeError);
    expect(cache.peek('user:1')).toBeNull();
  });

  it('takes its key from the result, and stores nothing without one', async () => {
    const { users, cache } = await start();
    users.result = { id: 7 };
    await users.create();
    expect(cache.peek('user:7')).toEqual({ id: 7 });
    users.result = null;
    await expect(users.create()).resolves.toBeNull();
    users.result = { name: 'Ann' };
    await expect(users.create()).rejects.toThrow(CacheKeyError);
  });

  it('heeds its conditions', async () => {
    const { users, cache } = await start();
    users.result = { id: 13 };
    await users.create();
    expect(await cache.has('user:13')).toBe(false);
    users.result = { id: 14 };
    users.id = 0;
    await users.create();
    expect(await cache.has('user:14')).toBe(false);
    await users.create(true);
    expect(await cache.has('user:14')).toBe(true);
  });

  it('takes key and tags from functions', async () => {
    const { users, cache } = await start();
    users.result = { id: 7 };
    await users.updateByFunction('u');
    expect(cache.peek('u:7')).toEqual({ id: 7 });
    await cache.invalidateTags(['tag:7']);
    expect(await cache.has('u:7')).toBe(false);
  });

  it('rejects when the cache cannot be told', async () => {
    const { users } = await start();
    users.result = { id: 7 };
    await closeApps();
    await expect(users.update(7)).rejects.toMatchObject({ code: 'CACHE_CLOSED' });
  });
});

/** A class whose method is decorated when the function is called. */
function uses(decorator: () => unknown): () => unknown {
  return () => {
    class Wrong {
      @(decorator() as MethodDecorator)
      async save(id: number): Promise<number> {
        return id;
      }
    }
    return Wrong;
  };
}

describe('wrong uses fail when the class is defined', () => {
  it.each<[unknown, string]>([
    [{}, 'there is nothing to invalidate: give keys, patterns or tags'],
    [{ keys: [], cache: 'a' }, 'there is nothing to invalidate'],
    [{ key: 'a' }, "there is no option 'key' (did you mean 'keys'?)"],
    [{ keys: 'user:{ids}' }, "(did you mean 'id'?)"],
    [{ keys: [5] }, 'keys must be a template, a list of templates or a function'],
    [{ keys: 'user:{result.id}', before: true }, 'is not known yet'],
    [{ keys: 'a', before: 'yes' }, 'before must be true or false'],
    [{ patterns: 'user:[{id}]' }, "the pattern template 'user:[{id}]' is malformed"],
    [{ tags: 'user:{id' }, "has a '{' without its '}'"],
    [{ keys: 'a', cache: 5 }, 'cache must be the name'],
    ['', 'the template is empty'],
    [5, 'the options must be an object'],
    [undefined, 'the options must be an object'],
  ])('@InvalidatesCache(%p)', (given, message) => {
    const use = uses(() => InvalidatesCache(given as string));
    expect(use).toThrow(CacheDecoratorError);
    expect(use).toThrow('@InvalidatesCache on Wrong.save: ');
    expect(use).toThrow(message);
  });

  it.each<[unknown, string]>([
    [{}, 'key is needed: a template or a function'],
    [undefined, 'the options must be an object'],
    [{ key: 'a', before: true }, "there is no option 'before'"],
    [{ key: 'user:{nobody}' }, '{nobody}'],
    [{ key: 'a', ttl: '1 day' }, "ttl is '1 day'"],
    [{ key: 'a', tags: ['{nobody}'] }, '{nobody}'],
    [{ key: 'a', when: 1 }, 'when must be a function'],
  ])('@UpdatesCache(%p)', (given, message) => {
    const use = uses(() => UpdatesCache(given as { key: string }));
    expect(use).toThrow(CacheDecoratorError);
    expect(use).toThrow('@UpdatesCache on Wrong.save: ');
    expect(use).toThrow(message);
  });
});
