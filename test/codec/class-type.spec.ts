import { beforeAll, describe, expect, it } from '@jest/globals';
import { Type } from 'class-transformer';
import { loadTypeReviver, type ClassType, type TypeReviver } from '../../lib/codec/class-type.js';
import { Address, make, Person, Photo, Portrait, someUser, User } from './models.js';
import { jsonWithOwn, roundTrip } from './values.js';

let reviver: TypeReviver;
beforeAll(async () => {
  reviver = (await loadTypeReviver())!;
});

function reread<T>(type: ClassType, value: T): T {
  return reviver.revive(type, roundTrip(value)) as T;
}

describe('an instance comes back as it was', () => {
  it('with everything in it, nested classes and all', () => {
    const user = someUser();
    const result = reread(User, user);
    expect(result).toStrictEqual(user);
    expect(result.greet()).toBe('I am Ada');
    expect(result.address!.label).toBe('in Rome');
    expect([...result.visited][0]).toBeInstanceOf(Address);
    expect(result.byName.get('home')).toBeInstanceOf(Address);
    expect(result.photos.map((photo) => photo.constructor)).toEqual([Photo, Portrait]);
    expect(result.failure).toBeInstanceOf(TypeError);
  });

  it('in arrays, Maps and Sets, next to null', () => {
    const value = [make(Address, { city: 'Rome' }), null, make(Address, { city: 'Oslo' })];
    expect(reread(Address, value)).toStrictEqual(value);
    expect(reread(Address, new Map([['a', value]]))).toStrictEqual(new Map([['a', value]]));
    expect(reread(Address, new Set(value))).toStrictEqual(new Set(value));
    expect(reread(Address, [])).toStrictEqual([]);
  });

  it.each([null, 'text', 5, 5n, true])('and the primitive %p passes', (value) => {
    expect(reread(User, value)).toBe(value);
  });

  it('with decorators that describe other borders ignored', () => {
    const user = make(User, { passwordHash: 'secret', email: 'a@b.c', motto: 'go', zip: 12345 });
    expect(reread(User, user)).toMatchObject({
      passwordHash: 'secret',
      email: 'a@b.c',
      motto: 'go',
      zip: 12345,
    });
  });

  it('without what the constructor sets and it did not have', () => {
    const partial = someUser() as Partial<User>;
    delete partial.settings;
    delete partial.tags;
    expect(reread(User, partial)).toStrictEqual(partial);
    expect('tags' in reread(User, partial)).toBe(false);
  });

  it('when the constructor wants arguments, or freezes', () => {
    class Strict {
      readonly id: number;
      constructor(row: { id: number }) {
        this.id = row.id;
      }
    }
    class Frozen {
      constructor(readonly amount: number) {
        Object.freeze(this);
      }
    }
    expect(reread(Strict, new Strict({ id: 7 }))).toStrictEqual(new Strict({ id: 7 }));
    expect(reread(Frozen, new Frozen(8))).toStrictEqual(new Frozen(8));
  });

  it('with own properties whatever they are called', () => {
    const odd = Object.assign(new Person(), { constructor: 1, toString: 2, 'a b': new Date(1), greet: 3 });
    Object.defineProperty(odd, '__proto__', { value: { x: 1 }, enumerable: true });
    const result = reread(Person, odd);
    expect(Object.getPrototypeOf(result)).toBe(Person.prototype);
    expect(Object.entries(result)).toStrictEqual(Object.entries(odd));
  });
});

describe('a class with toJSON()', () => {
  class Temperature {
    #celsius = 0;
    unit = 'C';
    readonly listeners: unknown[] = ['default'];
    get celsius(): number {
      return this.#celsius;
    }
    set celsius(value: number) {
      this.#celsius = value;
    }
    get fahrenheit(): number {
      return this.#celsius * 1.8 + 32;
    }
    describe(): string {
      return `${this.#celsius}°${this.unit}`;
    }
    toJSON(): unknown {
      return {
        celsius: this.#celsius,
        fahrenheit: this.fahrenheit,
        unit: this.unit,
        describe: 'x',
        extra: [1],
      };
    }
  }

  it('is set up by its constructor and its setters', () => {
    const result = reread(Temperature, make(Temperature, { celsius: 20, unit: '°' })) as Temperature & {
      extra: unknown;
    };
    expect(result).toBeInstanceOf(Temperature);
    expect(result.fahrenheit).toBe(68);
    expect(result.describe()).toBe('20°°');
    expect(result.listeners).toEqual(['default']);
    expect(result.extra).toEqual([1]);
  });

  it('cannot have its prototype changed', () => {
    const result = reviver.revive(Temperature, jsonWithOwn('__proto__', { polluted: 1 }));
    expect(Object.getPrototypeOf(result)).toBe(Temperature.prototype);
  });
});

describe('the result', () => {
  it('shares nothing that can be changed with what it was made from', () => {
    const plain = roundTrip(someUser());
    const result = reviver.revive(User, plain);
    result.address!.since.setTime(99);
    result.addresses.pop();
    result.byName.clear();
    result.visited.clear();
    result.tags.add('y');
    [...result.scores.values()][0]!.push(3);
    [...result.scores.keys()][0]!.setTime(99);
    result.avatar[0] = 0;
    result.vector[0] = 9;
    result.home.pathname = '/changed';
    result.failure.message = 'changed';
    (result.settings['nested'] as { list: unknown[] }).list.push(1);
    expect(plain).toStrictEqual(roundTrip(someUser()));
    expect(plain.home.pathname).toBe('/c');
  });

  it('is made from frozen data, too, and leaves it alone', () => {
    const plain = Object.freeze({ kind: 'portrait', url: '/', list: Object.freeze([1, , 2]) }); // eslint-disable-line no-sparse-arrays
    const result = reviver.revive(Photo, plain) as Photo & { list: number[] };
    result.url = 'changed';
    result.list.push(3);
    // eslint-disable-next-line no-sparse-arrays
    expect(result.list).toStrictEqual([1, , 2, 3]);
    expect(plain.url).toBe('/');
  });

  it('asks @Type() with the data, as class-transformer does', () => {
    class Circle {
      readonly shape = 'circle';
    }
    class Drawing {
      kind!: string;
      @Type((options) => (options!.object['kind'] === 'circle' ? Circle : Address)) item: unknown;
    }
    expect(reread(Drawing, make(Drawing, { kind: 'circle', item: new Circle() }))).toStrictEqual(
      make(Drawing, { kind: 'circle', item: new Circle() }),
    );
    expect(reread(Drawing, make(Drawing, { kind: '', item: new Address() })).item).toBeInstanceOf(Address);
  });

  it.each([Object, Date, String, Map, Buffer as unknown as ClassType])(
    'is the data itself for %p',
    (type) => {
      const value = { at: new Date(1), map: new Map([['a', { b: 1 }]]) };
      expect(reread(type, value)).toStrictEqual(value);
    },
  );
});
