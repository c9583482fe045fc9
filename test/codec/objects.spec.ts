import { describe, expect, it } from '@jest/globals';
import { jsonCodec } from '../../lib/codec/json-codec.js';
import { roundTrip } from './values.js';

describe('objects of classes', () => {
  class Address {
    constructor(
      public city: string,
      public since: Date | undefined,
    ) {}
    get label(): string {
      return this.city;
    }
  }
  class Money {
    #cents = 5n;
    toJSON(): unknown {
      return { cents: this.#cents, at: new Date(1) };
    }
  }
  class Self {
    field = 1;
    toJSON(): this {
      return this;
    }
  }
  class Tags extends Map<string, number> {
    owner = 'x';
  }
  class Rows extends Array<number> {
    total = 9;
  }
  class Described extends Map<string, number> {
    toJSON(): string {
      return 'described';
    }
  }

  it('become plain: own enumerable properties, or what toJSON() says', () => {
    const value = [new Address('Rome', new Date(1)), new Address('Oslo', undefined), new Money(), new Self()];
    expect(roundTrip(value)).toStrictEqual([
      { city: 'Rome', since: new Date(1) },
      { city: 'Oslo', since: undefined },
      { cents: 5n, at: new Date(1) },
      { field: 1 },
    ]);
  });

  it('honours toJSON() of an object, before anything else in it', () => {
    const value = { data: Buffer.from('x'), method: () => 1, toJSON: () => ({ shown: true }) };
    expect(roundTrip<unknown>([value])).toStrictEqual([{ shown: true }]);
    expect(roundTrip<unknown>({ a: 1, toJSON(): unknown { return this; } })).toStrictEqual({ a: 1 }); // prettier-ignore
    expect(roundTrip<unknown>({ a: { toJSON: () => undefined } })).toStrictEqual({ a: undefined });
    expect(roundTrip<unknown>({ key: { toJSON: (key: string) => key } })).toStrictEqual({ key: 'key' });
  });

  it('of built-in ancestry become the ancestor, unless they have a toJSON()', () => {
    expect(roundTrip<unknown>(new Tags([['a', 1]]))).toStrictEqual(new Map([['a', 1]]));
    expect(roundTrip<unknown>(Rows.from([1, 2]))).toStrictEqual([1, 2]);
    expect(roundTrip<unknown>(new Described())).toBe('described');
    expect(roundTrip<unknown>(new (class extends Date {})(4))).toStrictEqual(new Date(4));
  });

  it('ignores what JSON ignores: symbol keys, hidden properties, prototypes', () => {
    const value = Object.create({ inherited: () => 1, plain: 2 }, { hidden: { value: 3 } }) as Record<
      string,
      unknown
    >;
    Object.assign(value, { own: 4, [Symbol('s')]: 5 });
    expect(roundTrip(value)).toStrictEqual({ own: 4 });
    expect(roundTrip(Object.assign(Object.create(null), { a: new Date(1) }))).toStrictEqual({
      a: new Date(1),
    });
  });

  it('takes objects of another realm for what they are', () => {
    const value = { at: new Date(1), map: new Map([[1, new Set(['a'])]]), empty: {}, list: [1n], re: /x/g };
    expect(roundTrip(structuredClone(value))).toStrictEqual(value);
    expect(roundTrip(structuredClone(new TypeError('x')))).toBeInstanceOf(TypeError);
  });

  it('is not confused by what others put on Object.prototype', () => {
    const prototype = Object.prototype as Record<string, unknown>;
    prototype['polluted'] = { at: new Date(1), run: () => 1 };
    prototype['pollutedMark'] = '\x7fD1';
    try {
      const encoded = jsonCodec.encode({ a: new Date(2), b: {} });
      expect(Object.entries(jsonCodec.decode(encoded) as object)).toStrictEqual([['a', new Date(2)], ['b', {}]]); // prettier-ignore
    } finally {
      delete prototype['polluted'];
      delete prototype['pollutedMark'];
    }
  });
});

describe('the encoded form', () => {
  it('of plain data is JSON, which redis-cli can show', () => {
    const value = { id: 1, name: 'é', list: [1, null, { a: true }] };
    expect(Buffer.from(jsonCodec.encode(value)).toString()).toBe(JSON.stringify(value));
  });

  it('keeps nothing of the value, and the value stays as it was', () => {
    const value = { at: new Date(1), tags: ['a'], inner: { n: NaN } };
    const before = structuredClone(value);
    const encoded = jsonCodec.encode(value);
    expect(value).toEqual(before);
    value.tags.push('b');
    value.inner.n = 1;
    expect(jsonCodec.decode(encoded)).toStrictEqual({ at: new Date(1), tags: ['a'], inner: { n: NaN } });
    expect(jsonCodec.decode(encoded)).not.toBe(jsonCodec.decode(encoded));
  });

  it('accepts frozen values', () => {
    const value = Object.freeze({ list: Object.freeze([Object.freeze({ at: new Date(1) })]) });
    expect(roundTrip(value)).toStrictEqual({ list: [{ at: new Date(1) }] });
  });

  it('writes an object twice that occurs twice', () => {
    const shared = { at: new Date(1) };
    const result = roundTrip({ a: shared, b: [shared, shared] });
    expect(result).toStrictEqual({ a: shared, b: [shared, shared] });
    expect(result.a).not.toBe(result.b[0]);
  });
});
