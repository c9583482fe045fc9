import { runInNewContext } from 'node:vm';
import { describe, expect, it } from '@jest/globals';
import * as fc from 'fast-check';
import { type Method, MethodSite } from '../../lib/nest/decorators/method-site.js';
import { checkPattern } from '../../lib/nest/decorators/pattern-template.js';
import { compileKey, compileKeys } from '../../lib/nest/decorators/template.js';
import { CacheDecoratorError, CacheKeyError } from '../../lib/primitives/errors.js';
import { Glob } from '../../lib/primitives/glob.js';

class Base {
  region = 'eu';
  get zone() {
    return `${this.region}-1`;
  }
}

class Users extends Base {
  readonly tenant = { id: 7 };
  #secret = 'hidden';
  declare assigned: string;

  constructor() {
    super();
    this.assigned = this.#secret;
  }

  find(id: unknown, user?: unknown, ...more: unknown[]): unknown {
    return [id, user, more];
  }
  filter(
    { status, page: { size = 10 } }: { status?: string; page: { size?: number } },
    sort: string,
  ): unknown {
    return [status, size, sort];
  }
  results(result: unknown): unknown {
    return result;
  }
  wrapped(...args: unknown[]): unknown {
    return args;
  }
}

function site(name: keyof Users = 'find'): MethodSite {
  return new MethodSite('CachedMethod', Users.prototype, name, Users.prototype[name] as Method);
}

function oneKey(template: string, args: unknown[], result?: unknown): string {
  return compileKey(template, site(), true).render(new Users(), args, result);
}

function allKeys(template: string, args: unknown[], result?: unknown): string[] {
  return compileKeys(template, site(), true)(new Users(), args, result);
}

describe('a key template', () => {
  it.each<[string, unknown[], string]>([
    ['all', [], 'all'],
    ['{id}', [1], '1'],
    ['user:{id}', [1], 'user:1'],
    ['user:{id}:posts', ['a:b'], 'user:a%3Ab:posts'],
    ['u:{id}:{user.name}', [1, { name: 'Ann' }], 'u:1:Ann'],
    ['u:{id}:{user.name}:x', [1, { name: '' }], 'u:1:%empty:x'],
    ['u:{id}:{user.a.b}:{user.c}!', [1, { a: { b: 2n }, c: true }], 'u:1:2:true!'],
    ['u:{id}:{user}', [1], 'u:1:%undefined'],
    ['u:{id}', [null], 'u:%null'],
    ['u:{user.name}', [1, { name: null }], 'u:%null'],
    ['u:{user.name?}', [1, {}], 'u:%undefined'],
    ['u:{user.name?}', [1], 'u:%undefined'],
    ['u:{more.0}', [1, 2, 'x'], 'u:x'],
    ['u:{more.length}', [1, 2, 'x', 'y'], 'u:2'],
    ['{this.tenant.id}:{id}', [1], '7:1'],
    ['{tenant.id}|{region}/{zone}', [1], '7|eu/eu-1'],
    ['{assigned}', [], 'hidden'],
    ['\\{{id}\\}', [1], '{1}'],
    ['a\\b{id}', [1], 'a\\b1'],
  ])('%s of %p is %s', (template, args, expected) => {
    expect(oneKey(template, args)).toBe(expected);
  });

  it('may use what the method returned', () => {
    expect(oneKey('user:{result.id}', [], { id: 3 })).toBe('user:3');
    expect(oneKey('user:{result}', [], 'ok')).toBe('user:ok');
    expect(compileKey('user:{result.id}', site(), true).usesResult).toBe(true);
    expect(compileKey('user:{id}', site(), true).usesResult).toBe(false);
  });

  it.each<[string, unknown[], string]>([
    [
      'user:{id}',
      [{ id: 1 }],
      "{id} in 'user:{id}' is an object: name a property of it, such as {id.id}, or use a function",
    ],
    ['user:{id}', [new Users()], "{id} in 'user:{id}' is an object of class Users"],
    ['user:{id}', [['a']], "{id} in 'user:{id}' is an array, and one entry has one key"],
    ['user:{id}', [() => 1], 'is a function'],
    ['user:{id}', [Symbol('s')], 'is a symbol'],
    ['user:{id}', [NaN], 'is NaN, which cannot be part of a key'],
    ['user:{id}', [new Date(NaN)], 'is an invalid Date'],
    [
      'user:{user.name}',
      [1, {}],
      "{user.name} in 'user:{user.name}' leads to nothing (undefined): correct the path, or write {user.name?}",
    ],
    ['user:{user.name}', [1], 'leads to nothing (undefined)'],
    ['user:{this.nobody}', [1], 'leads to nothing (undefined)'],
  ])('rejects the value in %s of %p', (template, args, message) => {
    expect(() => oneKey(template, args)).toThrow(CacheKeyError);
    expect(() => oneKey(template, args)).toThrow(`@CachedMethod on Users.find: `);
    expect(() => oneKey(template, args)).toThrow(message);
  });
});

describe('a property of `this`', () => {
  it('is visible by the type that its decorators left, even without a trace in the source', () => {
    class Entity {
      touch(): number {
        return 1;
      }
    }
    const on = new MethodSite('InvalidatesCache', Entity.prototype, 'touch', () => 1);
    expect(() => compileKey('{id}', on, false)).toThrow(CacheDecoratorError);
    Reflect.defineMetadata('design:type', Number, Entity.prototype, 'id');
    expect(compileKey('{id}', on, false).render({ id: 5 }, [], undefined)).toBe('5');
    Reflect.defineMetadata('design:type', Function, Entity.prototype, 'touch');
    expect(() => compileKey('{touch}', on, false)).toThrow(CacheDecoratorError);
  });

  it('is visible in functions that stand for classes, and below native classes', () => {
    const Old = runInNewContext('(function Old() { this.id = 5 })') as { prototype: object };
    class Index extends Map<string, string> {
      id = 6;
    }
    const on = (prototype: object) => new MethodSite('InvalidatesCache', prototype, 'touch', () => 1);
    expect(compileKey('{id}', on(Old.prototype), false).render({ id: 5 }, [], undefined)).toBe('5');
    const { render } = compileKey('{id}:{size}', on(Index.prototype), false);
    expect(render(new Index(), [], undefined)).toBe('6:0');
    expect(() => compileKey('{entries}', on(Index.prototype), false)).toThrow(CacheDecoratorError);
  });
});

describe('a template of several keys', () => {
  it.each<[string, unknown[], unknown, string[]]>([
    ['all', [], undefined, ['all']],
    ['user:{id}', [[1, 2]], undefined, ['user:1', 'user:2']],
    ['user:{id}', [[]], undefined, []],
    ['user:{id}', [[[1], [2, 3]]], undefined, ['user:1', 'user:2', 'user:3']],
    [
      'u:{id}:{user}',
      [
        [1, 2],
        ['a', 'b'],
      ],
      undefined,
      ['u:1:a', 'u:1:b', 'u:2:a', 'u:2:b'],
    ],
    ['u:{id}:{user}', [[1, 2], []], undefined, []],
    ['u:{more}', [1, 2, 3, 4], undefined, ['u:3', 'u:4']],
    ['u:{more}', [1, 2], undefined, []],
    ['u:{user.ids}', [1, { ids: [5, 6] }], undefined, ['u:5', 'u:6']],
    ['u:{user.items.id}', [1, { items: [{ id: 5 }, { id: 6 }] }], undefined, ['u:5', 'u:6']],
    ['u:{user.items.0.id}', [1, { items: [{ id: 5 }, { id: 6 }] }], undefined, ['u:5']],
    ['u:{user.items.length}', [1, { items: [1, 2, 3] }], undefined, ['u:3']],
    ['u:{result.id}', [], [{ id: 5 }, { id: 6 }], ['u:5', 'u:6']],
    ['u:{result.id}', [], null, []],
    ['u:{result}', [], undefined, []],
    ['u:{result.next.id?}', [], {}, ['u:%undefined']],
    ['u:{id}:{result.id}', [[1, 2]], { id: 9 }, ['u:1:9', 'u:2:9']],
  ])('%s of %p, %p gives %p', (template, args, result, expected) => {
    expect(allKeys(template, args, result)).toEqual(expected);
  });

  it.each<[string, unknown[], unknown]>([
    ['u:{id}', [[{}]], undefined],
    ['u:{result.id}', [], {}],
    ['u:{result.author.id}', [], { author: null }],
    ['u:{result.id}', [], [{ id: 1 }, {}]],
  ])('rejects the value in %s of %p, %p', (template, args, result) => {
    expect(() => allKeys(template, args, result)).toThrow(CacheKeyError);
  });
});

describe('a wrong template fails when the class is defined', () => {
  it.each<[string, keyof Users, string]>([
    ['', 'find', 'the template is empty'],
    ['user:{id', 'find', "has a '{' without its '}'"],
    ['user:id}', 'find', "has a '}' without its '{'"],
    ['user:{{id}}', 'find', 'holds {{id}: braces take a name or a path'],
    ['user:{}', 'find', 'holds {}: braces take'],
    ['user:{ id }', 'find', 'holds { id }: braces take'],
    ['user:{id.}', 'find', 'holds {id.}'],
    ['user:{.id}', 'find', 'holds {.id}'],
    ['user:{user..id}', 'find', 'holds {user..id}'],
    ['user:{user?.id}', 'find', 'holds {user?.id}'],
    ['user:{id + 1}', 'find', 'holds {id + 1}'],
    [
      'user:{ids}',
      'find',
      "{ids} in the template 'user:{ids}' is neither a parameter of the method (id, user, ...more) nor a visible property of Users (did you mean 'id'?)",
    ],
    ['user:{quantity}', 'find', 'For a property of this, write {this.quantity}'],
    ['user:{tenent.id}', 'find', "(did you mean 'tenant'?)"],
    ['user:{secret}', 'find', 'is neither a parameter'],
    ['user:{results}', 'find', "(did you mean 'result'?)"],
    ['user:{toString}', 'find', 'nor a visible property of Users'],
    ['user:{this}', 'find', 'is an object: name one of its properties'],
    ['user:{result.id}', 'find', 'is not known yet'],
    ['user:{more}', 'find', 'is a rest parameter, an array: name an element ({more.0}), or use a function'],
    ['user:{id}{user}', 'find', 'can run into each other'],
    ['user:{id}-{user}', 'find', "put ':' between them"],
    ['user:{id}~{user}', 'find', 'can run into each other'],
    ['user:{id}%{user}', 'find', 'can run into each other'],
    [Array(10).fill('{id}').join(':') + 'x'.repeat(20), 'find', 'could give 1029 characters'],
    [
      '{status}',
      'filter',
      "{status} in the template '{status}' is out of reach: the first parameter is destructured. Give the parameter a name and write {name.status}",
    ],
    ['{size}', 'filter', 'the first parameter is destructured'],
    ['{stat}', 'filter', '(the first is destructured, sort)'],
    ['user:{result}', 'results', 'is ambiguous: the method has a parameter of that name'],
    [
      'user:{id}',
      'wrapped',
      'put this one nearest to the method, or use a function; if the build renames parameters, use a function',
    ],
  ])('%s on %s', (template, name, message) => {
    expect(() => compileKey(template, site(name), false)).toThrow(CacheDecoratorError);
    expect(() => compileKey(template, site(name), false)).toThrow(`@CachedMethod on Users.${name}: `);
    expect(() => compileKey(template, site(name), false)).toThrow(message);
  });

  it('leaves the other parameters of a method with a destructured one usable', () => {
    expect(compileKey('{sort}', site('filter'), false).render({}, [{}, 'name'], undefined)).toBe('name');
  });

  it('cannot name the parameters of native and bound functions', () => {
    const bound = new MethodSite(
      'CachedMethod',
      Users.prototype,
      'find',
      Users.prototype.find.bind(new Users()),
    );
    expect(() => compileKey('{id}', bound, false)).toThrow('the source of the method is not readable');
    expect(compileKey('{this.region}', bound, false).render(new Users(), [], undefined)).toBe('eu');
  });

  it.each(['user:[{id}]', 'user:[a-{id}', 'user:{id}\\'])('as a pattern: %s', (template) => {
    expect(() => checkPattern(template, site())).toThrow(CacheDecoratorError);
    expect(() => checkPattern(template, site())).toThrow(`the pattern template '${template}' is malformed`);
  });
});

/** What a template cannot tell apart on purpose: `1` and `'1'`. */
function same(a: unknown, b: unknown): boolean {
  return a === b || (escapable(a) && escapable(b) && String(a) === String(b));
}

function escapable(value: unknown): value is string | number | boolean {
  return value !== null && value !== undefined;
}

describe('values', () => {
  const value = fc.oneof(
    fc.string({ unit: fc.constantFrom(...'%:*?[]{}\\~,/| ab1'.split('')), maxLength: 8 }),
    fc.string({ unit: 'binary', maxLength: 120 }),
    fc.integer(),
    fc.boolean(),
    fc.constantFrom(null, undefined, '', 'null', 'undefined', '%null', '%empty'),
  );

  it.each(['{id}:{user}', 'a:{id}:{user}:b', '{id}-:-{user}', '{id}/{user}', 'x{id},{user}|{more.length}'])(
    'different ones never share a key of %s',
    (template) => {
      const { render } = compileKey(template, site(), false);
      fc.assert(
        fc.property(value, value, value, value, (a, b, c, d) => {
          const equal = render({}, [a, b], undefined) === render({}, [c, d], undefined);
          expect(equal).toBe(same(a, c) && same(b, d));
        }),
        { numRuns: 1000 },
      );
    },
  );

  it('never turn into a pattern', () => {
    const pattern = compileKeys('user:{id}:*', site(), false);
    const cached = compileKey('user:{id}:{user}', site(), false).render;
    fc.assert(
      fc.property(value, value, value, (a, b, c) => {
        const [glob] = pattern({}, [a], undefined);
        expect(new Glob(glob!).matches(cached({}, [b, c], undefined))).toBe(same(a, b));
      }),
      { numRuns: 1000 },
    );
  });

  it('of any length make a key that fits', () => {
    const { render } = compileKey('a:{id}:{user.a}:{user.b}', site(), false);
    const key = render({}, ['x'.repeat(5000), { a: '\u0000'.repeat(5000), b: '東'.repeat(5000) }], undefined);
    expect(key).toMatch(/^a:%~[\w-]{32}:%~[\w-]{32}:%~[\w-]{32}$/);
  });
});
