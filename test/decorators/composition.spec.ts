import 'reflect-metadata';
import {
  Controller,
  Delete,
  Get,
  Header,
  Inject,
  Injectable,
  Module,
  Param,
  ParseIntPipe,
  Query,
  Scope,
  SetMetadata,
  type Type,
} from '@nestjs/common';
import { ContextIdFactory, ModuleRef, Reflector, REQUEST } from '@nestjs/core';
import { afterEach, describe, expect, it } from '@jest/globals';
import {
  CacheDecoratorError,
  CacheKeyError,
  CacheManager,
  CacheModule,
  getCacheToken,
  InjectCache,
} from '../../lib/index.js';
import { CachedMethod } from '../../lib/nest/decorators/cached-method.js';
import { InvalidatesCache } from '../../lib/nest/decorators/invalidates-cache.js';
import { UpdatesCache } from '../../lib/nest/decorators/updates-cache.js';
import { appOf, cacheOfApp, closeApps } from './apps.js';

type AnyMethod = (...args: unknown[]) => unknown;

/** As many libraries wrap: the source of the method, its name and its metadata are lost. */
function Traced(log: string[]): MethodDecorator {
  return (_target, key, descriptor: PropertyDescriptor) => {
    const method = descriptor.value as AnyMethod;
    descriptor.value = function (this: unknown, ...args: unknown[]) {
      log.push(`${String(key)} ${args.join()}`);
      return method.apply(this, args);
    };
  };
}

function templateAboveWrapper(): unknown {
  class Users {
    @CachedMethod({ key: 'user:{id}' })
    @Traced([])
    async find(id: number): Promise<number> {
      return id;
    }
  }
  return Users;
}

/** A class decorator that puts a class of the same name in the place of the other. */
function Sealed(type: Type): void | Type {
  const sealed = class extends type {};
  Object.defineProperty(sealed, 'name', { value: type.name });
  return sealed;
}

/** Classes that have nothing in common but their name. */
function usersOf(answer: string): Type<{ find(id: number): Promise<string>; named(): Promise<string> }> {
  @Injectable()
  class Users {
    @CachedMethod()
    async find(id: number): Promise<string> {
      return `${answer} ${id}`;
    }
    @CachedMethod({ key: `${answer}:named` })
    async named(): Promise<string> {
      return answer;
    }
  }
  return Users;
}

afterEach(closeApps);

describe('stacked on each other', () => {
  const loads: string[] = [];

  @Injectable()
  class Users {
    @CachedMethod({ key: 'outer:{id}' })
    @CachedMethod({ key: 'inner:{id}', cache: 'other' })
    @InvalidatesCache({ keys: ['list:{id}', 'list:{result.team}'] })
    @UpdatesCache({ key: 'updated:{result.id}:{id}' })
    async find(id: number): Promise<{ id: number; team: string }> {
      loads.push(`find ${id}`);
      return { id, team: 'a' };
    }
  }

  it('each works, and reads the names of the method itself', async () => {
    const app = await appOf({ providers: [Users] }, [{}, { name: 'other' }]);
    const cache = cacheOfApp(app);
    await cache.setMany([
      ['list:1', 1],
      ['list:a', 1],
    ]);
    await app.get(Users).find(1);
    await app.get(Users).find(1);
    expect(loads).toEqual(['find 1']);
    expect(cache.peek('outer:1')).toEqual({ id: 1, team: 'a' });
    expect(app.get<CacheManager>(getCacheToken('other')).peek('inner:1')).toEqual({ id: 1, team: 'a' });
    expect(cache.peek('updated:1:1')).toEqual({ id: 1, team: 'a' });
    expect(await cache.getMany(['list:1', 'list:a'])).toEqual(new Map());
  });

  it('an unknown name still fails, naming the method', () => {
    expect(() => {
      class Wrong {
        @CachedMethod({ key: '{idd}' })
        @InvalidatesCache('user:{id}')
        async find(id: number): Promise<number> {
          return id;
        }
      }
      return Wrong;
    }).toThrow(
      "@CachedMethod on Wrong.find: {idd} in the template '{idd}' is neither a parameter of the method (id)",
    );
  });
});

describe('stacked with decorators of other libraries', () => {
  it('works below one that wraps', async () => {
    const log: string[] = [];
    @Injectable()
    class Users {
      @Traced(log)
      @CachedMethod({ key: 'user:{id}' })
      async find(id: number): Promise<number> {
        log.push('load');
        return id;
      }
    }
    const users = (await appOf({ providers: [Users] })).get(Users);
    await users.find(1);
    await users.find(1);
    expect(log).toEqual(['find 1', 'load', 'find 1']);
  });

  it('works above one that wraps, with a function key or none', async () => {
    const log: string[] = [];
    @Injectable()
    class Users {
      @CachedMethod({ key: (id: number) => `user:${id}` })
      @Traced(log)
      async find(id: number): Promise<number> {
        return id;
      }

      @CachedMethod()
      @Traced(log)
      async search(id: number): Promise<number> {
        return id;
      }
    }
    const users = (await appOf({ providers: [Users] })).get(Users);
    for (const id of [1, 1, 2]) await users.find(id);
    for (const id of [1, 1, 2]) await users.search(id);
    expect(log).toEqual(['find 1', 'find 2', 'search 1', 'search 2']);
  });

  it('says what to do above one that wraps, with a template', () => {
    expect(templateAboveWrapper).toThrow(CacheDecoratorError);
    expect(templateAboveWrapper).toThrow('put this one nearest to the method, or use a function');
  });

  it('carries metadata on, whichever order they stand in', () => {
    class Users {
      @SetMetadata('above', 1)
      @CachedMethod({ key: 'user:{id}' })
      @SetMetadata('below', 2)
      @InvalidatesCache('list:{id}')
      @SetMetadata('lowest', { deep: [3] })
      async find(id: number): Promise<number> {
        return id;
      }
    }
    const find = Reflect.get(Users.prototype, 'find') as AnyMethod;
    const reflector = new Reflector();
    expect(['above', 'below', 'lowest'].map((key) => reflector.get<unknown>(key, find))).toEqual([
      1,
      2,
      { deep: [3] },
    ]);
    expect([find.name, find.length]).toEqual(['find', 1]);
    expect(Reflect.getMetadata('design:paramtypes', Users.prototype, 'find')).toEqual([Number]);
  });
});

describe('on controllers', () => {
  const loads: string[] = [];

  @Controller('users')
  class UsersController {
    @Get('a/:id')
    @Header('x-order', 'route above')
    @CachedMethod({ key: 'a:{id}:{page}' })
    async above(@Param('id', ParseIntPipe) id: number, @Query('page') page?: string): Promise<unknown> {
      loads.push(`above ${id} ${page}`);
      return { id, page };
    }

    @CachedMethod({ key: 'b:{id}' })
    @Get('b/:id')
    @Header('x-order', 'route below')
    async below(@Param('id') id: string): Promise<unknown> {
      loads.push(`below ${id}`);
      return { id };
    }

    @InvalidatesCache({ patterns: 'a:{id}:*' })
    @Delete(':id')
    async remove(@Param('id') id: string): Promise<void> {
      loads.push(`remove ${id}`);
    }
  }

  it('routes, pipes and headers go on working', async () => {
    loads.length = 0;
    const app = (await appOf({ controllers: [UsersController] })).createNestApplication();
    await app.listen(0, '127.0.0.1');
    const url = `${await app.getUrl()}/users`;
    const get = async (path: string): Promise<[number, unknown, string | null]> => {
      const response = await fetch(`${url}/${path}`);
      return [response.status, await response.json(), response.headers.get('x-order')];
    };
    try {
      for (let i = 0; i < 2; i++) {
        expect(await get('a/1?page=2')).toEqual([200, { id: 1, page: '2' }, 'route above']);
        expect(await get('b/a%3A*')).toEqual([200, { id: 'a:*' }, 'route below']);
      }
      expect(loads).toEqual(['above 1 2', 'below a:*']);
      expect(cacheOfApp(app as never).peek('b:a%3A%2A')).toEqual({ id: 'a:*' });
      expect((await fetch(`${url}/1`, { method: 'DELETE' })).status).toBe(200);
      await get('a/1?page=2');
      expect(loads).toEqual(['above 1 2', 'below a:*', 'remove 1', 'above 1 2']);
      expect((await get('a/x'))[0]).toBe(400);
    } finally {
      await app.close();
    }
  });
});

describe('inheritance', () => {
  const loads: string[] = [];

  class Base {
    readonly kind: string = 'base';

    @CachedMethod({ key: 'item:{kind}:{id}' })
    async find(id: number): Promise<string> {
      loads.push(`Base.find ${id}`);
      return `base ${id}`;
    }

    @CachedMethod()
    async count(where: string): Promise<string> {
      loads.push(`Base.count ${where}`);
      return `base ${where}`;
    }
  }

  @Injectable()
  class Inheriting extends Base {
    override readonly kind = 'inheriting';
  }

  @Injectable()
  class Overriding extends Base {
    override async find(id: number): Promise<string> {
      return `over ${await super.find(id)}`;
    }

    @CachedMethod({ cache: 'other' })
    override async count(where: string): Promise<string> {
      return `over ${await super.count(where)}`;
    }

    @CachedMethod({ key: 'own:{id}', cache: 'other' })
    async own(id: number): Promise<number> {
      loads.push(`own ${id}`);
      return id;
    }
  }

  @Injectable()
  class Redecorating extends Base {
    @CachedMethod()
    override async count(where: string): Promise<string> {
      return `re ${await super.count(where)}`;
    }
  }

  @Injectable()
  class Grandchild extends Redecorating {
    constructor(readonly sibling: Inheriting) {
      super();
    }
  }

  @Injectable()
  class Injecting extends Base {
    @Inject(Inheriting) readonly sibling!: Inheriting;
    @InjectCache('other') readonly other!: CacheManager;
  }

  const start = async () => {
    loads.length = 0;
    const providers = [Base, Inheriting, Overriding, Redecorating, Grandchild, Injecting];
    const app = await appOf({ providers }, [{}, { name: 'other' }]);
    return { app, cache: cacheOfApp(app), other: app.get<CacheManager>(getCacheToken('other')) };
  };

  it('an inherited method uses the cache and the state of its instance', async () => {
    const { app, cache } = await start();
    for (let i = 0; i < 2; i++) await app.get(Inheriting).find(1);
    await app.get(Base).find(1);
    expect(loads).toEqual(['Base.find 1', 'Base.find 1']);
    expect([cache.peek('item:inheriting:1'), cache.peek('item:base:1')]).toEqual(['base 1', 'base 1']);
  });

  it('an override that is not decorated reaches the cached method through super', async () => {
    const { app } = await start();
    await expect(app.get(Overriding).find(1)).resolves.toBe('over base 1');
    await expect(app.get(Overriding).find(1)).resolves.toBe('over base 1');
    expect(loads).toEqual(['Base.find 1']);
  });

  it('an override with a cache of its own and its super share nothing', async () => {
    const { app, cache, other } = await start();
    for (let i = 0; i < 2; i++) await expect(app.get(Overriding).count('a')).resolves.toBe('over base a');
    await app.get(Overriding).own(1);
    expect(other.peek('own:1')).toBe(1);
    expect(loads).toEqual(['Base.count a', 'own 1']);
    expect([cache.stats().memory?.entries, other.stats().memory?.entries]).toEqual([1, 2]);
  });

  it('an override that calls super has another key than it, in the same cache, at any depth', async () => {
    const { app, cache } = await start();
    await expect(app.get(Redecorating).count('a')).resolves.toBe('re base a');
    await expect(app.get(Grandchild).count('a')).resolves.toBe('re base a');
    await expect(app.get(Base).count('a')).resolves.toBe('base a');
    expect(loads).toEqual(['Base.count a', 'Base.count a', 'Base.count a']);
    await cache.clearPattern('Grandchild:Redecorating.count:*');
    await expect(app.get(Grandchild).count('a')).resolves.toBe('re base a');
    await expect(app.get(Redecorating).count('a')).resolves.toBe('re base a');
    expect(loads).toHaveLength(3);
    await cache.clearPattern('Redecorating:*');
    await app.get(Redecorating).count('a');
    expect(loads).toHaveLength(4);
  });

  it('other injected properties stay', async () => {
    const { app, other } = await start();
    expect(app.get(Injecting).sibling).toBe(app.get(Inheriting));
    expect(app.get(Injecting).other).toBe(other);
    for (let i = 0; i < 2; i++) await app.get(Injecting).count('a');
    expect(loads).toEqual(['Base.count a']);
  });

  it('a class decorator that returns a subclass of the same name changes nothing', async () => {
    @(Sealed as ClassDecorator)
    @Injectable()
    class Users {
      loads = 0;
      @CachedMethod()
      async count(): Promise<number> {
        return ++this.loads;
      }
    }
    const users = (await appOf({ providers: [Users] })).get(Users);
    expect([await users.count(), await users.count()]).toEqual([1, 1]);
  });
});

describe('two classes of one name', () => {
  it('do not share default keys: the second to use them is told to give a key', async () => {
    const [First, Second] = [usersOf('first'), usersOf('second')];
    const app = await appOf({ providers: [First, Second] });
    await expect(app.get(First).find(1)).resolves.toBe('first 1');
    const refused = app.get(Second).find(1);
    await expect(refused).rejects.toThrow(CacheKeyError);
    await expect(refused).rejects.toThrow(
      "another class of the same name uses the keys 'Users:find:…' in this cache: give a key",
    );
    await expect(app.get(Second).named()).resolves.toBe('second');
    await expect(app.get(First).find(1)).resolves.toBe('first 1');
  });

  it('may live in two caches, as in two apps', async () => {
    const [First, Second] = [usersOf('first'), usersOf('second')];
    const apps = [await appOf({ providers: [First] }), await appOf({ providers: [Second] })];
    await expect(apps[0]!.get(First).find(1)).resolves.toBe('first 1');
    await expect(apps[1]!.get(Second).find(1)).resolves.toBe('second 1');
  });

  it('classes without a name need keys', async () => {
    class Nameless {
      @CachedMethod()
      async find(): Promise<number> {
        return 1;
      }
    }
    Object.defineProperty(Nameless, 'name', { value: '' });
    const app = await appOf({ providers: [Nameless] });
    await expect(app.get(Nameless).find()).rejects.toThrow('an anonymous class has no name');
  });
});

describe('scopes', () => {
  let made = 0;
  const loads: string[] = [];

  @Injectable({ scope: Scope.TRANSIENT })
  class Helper {
    readonly serial = ++made;
    @CachedMethod({ key: 'helper:{id}' })
    async find(id: number): Promise<number> {
      loads.push(`helper ${this.serial}`);
      return id;
    }
  }

  @Injectable({ scope: Scope.REQUEST })
  class PerRequest {
    constructor(
      @Inject(REQUEST) readonly request: { tenant: string },
      readonly helper: Helper,
    ) {}

    @CachedMethod({ key: '{request.tenant}:{id}' })
    async find(id: number): Promise<string> {
      loads.push(`${this.request.tenant} ${id}`);
      return `${this.request.tenant} ${id}`;
    }
  }

  @Injectable()
  class Single {
    constructor(readonly helper: Helper) {}
  }

  it('request-scoped and transient providers are given the one cache of their app', async () => {
    const app = await appOf({ providers: [Helper, PerRequest, Single] });
    const resolve = async (tenant: string): Promise<PerRequest> => {
      const context = ContextIdFactory.create();
      app.registerRequestByContextId({ tenant }, context);
      return app.get(ModuleRef).resolve(PerRequest, context, { strict: false });
    };
    const [a, again, b] = [await resolve('a'), await resolve('a'), await resolve('b')];
    for (const users of [a, again, b]) await users.find(1);
    expect(loads).toEqual(['a 1', 'b 1']);
    expect([cacheOfApp(app).peek('a:1'), cacheOfApp(app).peek('b:1')]).toEqual(['a 1', 'b 1']);
    loads.length = 0;
    for (const { helper } of [a, b, app.get(Single)]) await helper.find(1);
    expect(new Set([a.helper, b.helper, app.get(Single).helper]).size).toBe(3);
    expect(loads).toHaveLength(1);
  });
});

describe('several apps in one process', () => {
  let loads = 0;

  @Injectable()
  class Users {
    @CachedMethod({ key: 'user:{id}' })
    async find(id: number): Promise<number> {
      return id * 1000 + ++loads;
    }
    @InvalidatesCache('user:{id}')
    async remove(id: number): Promise<number> {
      return id;
    }
  }

  it('have a cache each, also after one is closed', async () => {
    const [first, second] = [await appOf({ providers: [Users] }), await appOf({ providers: [Users] })];
    await first.get(Users).find(1);
    await second.get(Users).find(1);
    expect(loads).toBe(2);
    await first.get(Users).remove(1);
    expect(await cacheOfApp(first).has('user:1')).toBe(false);
    expect(cacheOfApp(second).peek('user:1')).toBe(1002);
    await first.close();
    await expect(second.get(Users).find(1)).resolves.toBe(1002);
  });

  it('modules take the cache that is visible to them', async () => {
    @Module({ imports: [CacheModule.forRoot({ isGlobal: false })], providers: [Users], exports: [Users] })
    class UsersModule {}
    const app = await appOf({ imports: [UsersModule] }, []);
    const users = app.get(Users);
    expect(await users.find(2)).toBe(await users.find(2));
  });
});
