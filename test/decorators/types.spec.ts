import { describe, expect, it } from '@jest/globals';
import { CachedMethod } from '../../lib/nest/decorators/cached-method.js';
import { InvalidatesCache } from '../../lib/nest/decorators/invalidates-cache.js';
import { UpdatesCache } from '../../lib/nest/decorators/updates-cache.js';
import { CacheDecoratorError } from '../../lib/primitives/errors.js';

interface User {
  id: number;
  name: string;
}

class Users {
  @CachedMethod()
  async find(id: number): Promise<User> {
    return { id, name: 'a' };
  }

  @CachedMethod({
    key: 'user:{id}',
    ttl: '5m',
    tags: ['a', 'b:{result.id}'],
    tiers: ['memory'],
    isolation: 'clone',
  })
  promise(id: number): Promise<User | null> {
    return Promise.resolve({ id, name: 'a' });
  }

  @CachedMethod()
  either(): User | Promise<User> {
    return { id: 1, name: 'a' };
  }

  @CachedMethod()
  promises(): Promise<User> | Promise<null> {
    return Promise.resolve(null);
  }

  @CachedMethod()
  generic<T>(value: T): Promise<T> {
    return Promise.resolve(value);
  }

  @CachedMethod()
  // oxlint-disable-next-line typescript/no-explicit-any -- any admits a promise
  anything(): any {
    return 1;
  }

  @CachedMethod()
  unknown(): unknown {
    return 1;
  }

  @InvalidatesCache('user:{id}')
  async remove(id: number): Promise<void> {
    void id;
  }

  @CachedMethod({
    key: (id: number, name?: string) => `user:${id}:${name}`,
    when: (id: number) => id > 0,
    unless: (user: User | null) => user === null,
    tags: (user: User | null, id: number) => [`user:${user?.id ?? id}`],
  })
  async functions(id: number, name?: string): Promise<User | null> {
    return { id, name: name ?? 'a' };
  }

  @CachedMethod({
    key: function (this: Users, id) {
      return `user:${this.constructor.name}:${String(id)}`;
    },
  })
  async open(id: number): Promise<User> {
    return { id, name: 'a' };
  }

  @UpdatesCache({
    key: (user: User, id: number) => `user:${user.id}:${id}`,
    unless: (user: User) => user.id === 0,
  })
  async update(id: number): Promise<User> {
    return { id, name: 'a' };
  }

  @InvalidatesCache({
    keys: (user: User, id: number) => [`user:${user.id}`, `user:${id}`],
    patterns: () => 'user:*',
  })
  async invalidate(id: number): Promise<User> {
    return { id, name: 'a' };
  }

  @InvalidatesCache({ keys: (_: undefined, id: number) => `user:${id}`, before: true })
  async before(id: number): Promise<User> {
    return { id, name: 'a' };
  }

  @CachedMethod()
  private hidden(): Promise<number> {
    return Promise.resolve(1);
  }

  callHidden(): Promise<number> {
    return this.hidden();
  }

  overloaded(id: number): Promise<User>;
  overloaded(id: string): Promise<User>;
  @CachedMethod({ key: (id: number | string) => `user:${id}` })
  async overloaded(id: number | string): Promise<User> {
    return { id: Number(id), name: 'a' };
  }
}

/** Only compiled: some of these would fail at once if they ran. */
function wrongUses(): unknown {
  class Wrong {
    // @ts-expect-error -- a plain value is no promise
    @CachedMethod()
    plain(id: number): User {
      return { id, name: 'a' };
    }

    // @ts-expect-error -- a promise of something else than the plain value
    @CachedMethod()
    mixed(): string | Promise<number> {
      return 'a';
    }

    // @ts-expect-error -- void is no promise
    @InvalidatesCache('user:{id}')
    removeNow(id: number): void {
      void id;
    }

    // @ts-expect-error -- nor here
    @UpdatesCache({ key: 'user:{id}' })
    renameNow(id: number): User {
      return { id, name: 'a' };
    }

    // @ts-expect-error -- the key takes a number, the method a string
    @CachedMethod({ key: (id: number) => `user:${id}` })
    async wrongKey(id: string): Promise<User> {
      return { id: 1, name: id };
    }

    // @ts-expect-error -- the key needs an argument that the method may lack
    @CachedMethod({ key: (id: number) => `user:${id}` })
    async optional(id?: number): Promise<User> {
      return { id: id ?? 1, name: 'a' };
    }

    // @ts-expect-error -- the condition takes another type
    @CachedMethod({ when: (id: Date) => id.getTime() > 0 })
    async wrongCondition(id: number): Promise<User> {
      return { id, name: 'a' };
    }

    // @ts-expect-error -- the result may be null
    @CachedMethod({ unless: (user: User) => user.id === 0 })
    async wrongResult(id: number): Promise<User | null> {
      return { id, name: 'a' };
    }

    // @ts-expect-error -- the second parameter is the first argument, a number
    @CachedMethod({ tags: (user: User, id: string) => [user.name + id] })
    async wrongTags(id: number): Promise<User> {
      return { id, name: 'a' };
    }

    // @ts-expect-error -- a key is a string
    @CachedMethod({ key: (id: number) => id })
    async numberKey(id: number): Promise<User> {
      return { id, name: 'a' };
    }

    // @ts-expect-error -- there is no such option
    @CachedMethod({ tll: 5 })
    async misspelt(id: number): Promise<User> {
      return { id, name: 'a' };
    }

    // @ts-expect-error -- there is no such unit
    @CachedMethod({ ttl: '5 weeks' })
    async unit(id: number): Promise<User> {
      return { id, name: 'a' };
    }

    // @ts-expect-error -- a key is needed
    @UpdatesCache({ ttl: 5 })
    async keyless(id: number): Promise<User> {
      return { id, name: 'a' };
    }

    // @ts-expect-error -- the result comes first
    @UpdatesCache({ key: (id: number) => `user:${id}` })
    async wrongUpdate(id: number): Promise<User> {
      return { id, name: 'a' };
    }

    // @ts-expect-error -- there is no result before the method
    @InvalidatesCache({ keys: (user: User) => `user:${user.id}`, before: true })
    async noResult(id: number): Promise<User> {
      return { id, name: 'a' };
    }

    // @ts-expect-error -- the method returns a user
    @InvalidatesCache({ tags: (user: string) => [user] })
    async wrongInvalidation(id: number): Promise<User> {
      return { id, name: 'a' };
    }
  }
  return Wrong;
}

describe('types', () => {
  it('are checked by the compiler, by the marks above', async () => {
    expect(wrongUses).toThrow(CacheDecoratorError);
    await expect(new Users().callHidden()).resolves.toBe(1);
  });
});
