import { isDeepStrictEqual } from 'node:util';
import { describe, expect, it } from '@jest/globals';
import { jsonCodec } from '../../lib/codec/json-codec.js';
import { jsonWithOwn, nested, roundTrip } from './values.js';

describe('what goes in comes out equal', () => {
  const NUMBERS = [0, -0, 1, -1.5, 1e-7, 1e21, NaN, Infinity, -Infinity, Number.MAX_SAFE_INTEGER, 5e-324];
  const BIGINTS = [0n, 1n, -1n, 2n ** 53n, -(2n ** 53n) - 1n, 2n ** 64n, -(2n ** 200n), 0x123456789abcdn];
  const TIMES = [0, -1, 1, 8.64e15, -8.64e15, NaN, Date.UTC(2026, 2, 4, 5, 6, 7, 89), -62_135_596_800_001];
  const STRINGS = [
    '',
    'text',
    'é漢😀',
    '\ud800',
    'a\udfffb',
    '\u0000',
    '\x7f',
    '\x7fM',
    '\x7f\x7f',
    '\ufffd',
    '\u2028',
  ];

  it.each(NUMBERS)('the number %p', (value) => {
    expect(roundTrip(value)).toBe(value);
    expect(roundTrip([value, { value }])).toStrictEqual([value, { value }]);
  });

  it.each(STRINGS)('the string %p', (value) => {
    expect(roundTrip(value)).toBe(value);
    expect(roundTrip([value, { [value]: value }])).toStrictEqual([value, { [value]: value }]);
  });

  it.each([null, true, false, ...BIGINTS])('the primitive %p', (value) => {
    expect(roundTrip(value)).toBe(value);
  });

  it.each(TIMES)('the Date %p', (time) => {
    const { date } = roundTrip({ date: new Date(time) });
    expect(date).toBeInstanceOf(Date);
    expect(date.getTime()).toBe(time);
  });

  it('undefined in objects and arrays, and empty places', () => {
    expect(roundTrip({ a: undefined, b: [undefined, 1] })).toStrictEqual({ a: undefined, b: [undefined, 1] });
    // eslint-disable-next-line no-sparse-arrays
    expect(roundTrip([, 1, , undefined, ,])).toStrictEqual([, 1, , undefined, ,]); // prettier-ignore
    expect(roundTrip(Array(3))).toStrictEqual(Array(3));
  });

  it.each([
    new Map(),
    new Map<unknown, unknown>([[{ a: new Date(1) }, [new Set([1])]], ['k', undefined], [NaN, -0], [1n, null]]), // prettier-ignore
    new Set(),
    new Set<unknown>([undefined, 'a', new Map([['x', { y: 1n }]]), NaN]),
    new Map([['\x7fM', '\x7fS']]),
  ])('the collection %p', (value) => {
    expect(roundTrip(value)).toStrictEqual(value);
    expect(roundTrip({ a: [value] })).toStrictEqual({ a: [value] });
  });

  it.each([/a/, /[\p{L}\x7f/]+/giu, new RegExp('', 'y'), new URL('https://u:p@example.com:8080/ä?b=c#d')])(
    'the %p',
    (value) => {
      expect(roundTrip({ value })).toStrictEqual({ value });
      expect(String(roundTrip(value))).toBe(String(value));
    },
  );

  it('objects with any keys', () => {
    const keys = [
      '',
      ' ',
      '1',
      '-1',
      'constructor',
      'hasOwnProperty',
      'then',
      'length',
      '\x7fD1',
      '$',
      'type',
    ];
    const value = Object.fromEntries(keys.map((key, i) => [key, i % 2 ? new Date(i) : { nested: i }]));
    // toStrictEqual takes a property called `constructor` for the class.
    expect(isDeepStrictEqual(roundTrip(value), value)).toBe(true);
  });

  it('own properties called __proto__, and no prototype is touched', () => {
    for (const inner of [{ polluted: 1 }, new Date(5), undefined, jsonWithOwn('__proto__', new Map())]) {
      const value = jsonWithOwn('__proto__', inner);
      const result = roundTrip(value);
      expect(Object.getPrototypeOf(result)).toBe(Object.prototype);
      expect(Object.keys(result)).toEqual(['__proto__']);
      expect(Object.getOwnPropertyDescriptor(result, '__proto__')!.value).toStrictEqual(inner);
    }
    expect(({} as Record<string, unknown>)['polluted']).toBeUndefined();
  });

  it("objects that look like the codec's own marks", () => {
    for (const mark of [
      '\x7fD5',
      '\x7fI1',
      '\x7fN',
      '\x7fu',
      '\x7f_',
      '\x7fBBuffer:1',
      '\x7fUhttp://a.b',
      '\x01',
    ]) {
      expect(roundTrip([mark, { [mark]: mark }])).toStrictEqual([mark, { [mark]: mark }]);
    }
    for (const mark of ['\x7fM', '\x7fS', '\x7fR', '\x7fE']) {
      expect(roundTrip([mark, 'Error', {}, {}])).toStrictEqual([mark, 'Error', {}, {}]);
    }
  });

  it('1,024 levels', () => {
    for (const wrap of [
      (inner: unknown) => [inner],
      (inner: unknown) => ({ inner }),
      (inner: unknown) => new Map([[1, inner]]),
    ]) {
      const deep = nested(1_024, wrap, new Date(7));
      expect(Buffer.from(jsonCodec.encode(roundTrip(deep))).equals(jsonCodec.encode(deep))).toBe(true);
    }
  });
});

describe('binary values', () => {
  const bytes = [1, 2, 250, 255, 0, 7, 8, 9];
  const buffer = Uint8Array.from(bytes).buffer;

  it.each([
    new Int8Array(buffer),
    new Uint8Array(buffer),
    new Uint8ClampedArray(buffer),
    new Int16Array(buffer),
    new Uint16Array(buffer),
    new Int32Array(buffer),
    new Uint32Array(buffer),
    new Float32Array([NaN, -0, 1.5]),
    new Float64Array([1e300, NaN]),
    new BigInt64Array([-1n]),
    new BigUint64Array(buffer),
    new DataView(buffer),
    new Uint8Array(0),
    buffer,
    Buffer.from(bytes),
    Buffer.alloc(0),
  ])('%p', (value) => {
    // prettier-ignore
    const result = roundTrip({ before: Buffer.from('x'), value, after: new Set([value]) });
    expect(result.value.constructor).toBe(value.constructor);
    expect(result.value).toStrictEqual(value);
    expect([...result.after]).toStrictEqual([value]);
    expect(Buffer.from(jsonCodec.encode(result.value)).equals(jsonCodec.encode(value))).toBe(true);
  });

  it('stores the part that a view shows, not what is behind it', () => {
    const view = new Uint16Array(buffer, 2, 2);
    const result = roundTrip(view);
    expect(result).toStrictEqual(new Uint16Array([0xfffa, 0x0700]));
    expect(result.buffer.byteLength).toBe(4);
  });

  it('shares no memory with the stored bytes or another result', () => {
    const value = { data: Buffer.from('abc'), view: new Uint8Array([1]) };
    const stored = jsonCodec.encode(value);
    value.data[0] = 0;
    const first = jsonCodec.decode(stored) as typeof value;
    first.data[1] = 0;
    first.view[0] = 0;
    expect(jsonCodec.decode(stored)).toStrictEqual({ data: Buffer.from('abc'), view: new Uint8Array([1]) });
  });

  it('adds little to the size', () => {
    expect(jsonCodec.encode(Buffer.alloc(100_000)).length).toBeLessThan(100_100);
  });

  it('decodes from any kind of Uint8Array', () => {
    const encoded = jsonCodec.encode({ at: new Date(3), data: Buffer.from('xyz') });
    const padded = new Uint8Array(encoded.length + 7);
    padded.set(encoded, 5);
    const view = padded.subarray(5, 5 + encoded.length);
    expect(jsonCodec.decode(view)).toStrictEqual({ at: new Date(3), data: Buffer.from('xyz') });
  });
});

describe('errors as values', () => {
  it('keep kind, message, stack, cause and properties', () => {
    const cause = new RangeError('inner', { cause: { at: new Date(1) } });
    const error = Object.assign(new TypeError('outer', { cause }), { code: 'E_X', when: new Date(2) });
    const result = roundTrip(error);
    expect(result).toBeInstanceOf(TypeError);
    expect(result).toMatchObject({ name: 'TypeError', message: 'outer', stack: error.stack, code: 'E_X' });
    expect(result.when).toStrictEqual(new Date(2));
    expect(result.cause).toBeInstanceOf(RangeError);
    expect((result.cause as Error).cause).toStrictEqual({ at: new Date(1) });
    expect(Object.keys(result)).toEqual(['code', 'when']);
  });

  it('come back as the nearest class of the language, with their name', () => {
    class NotFound extends RangeError {
      override name = 'NotFound';
    }
    class Unnamed extends Error {}
    Unnamed.prototype.name = 'Prototypical';
    const [notFound, unnamed] = roundTrip([new NotFound('a'), new Unnamed('b')] as const);
    expect(notFound).toBeInstanceOf(RangeError);
    expect(String(notFound)).toBe('NotFound: a');
    expect(String(unnamed)).toBe('Prototypical: b');
    expect(Object.keys(unnamed)).toEqual([]);
  });

  it('of several errors, and without anything', () => {
    const several = roundTrip(new AggregateError([new Error('a'), 'b'], 'both'));
    expect(several).toBeInstanceOf(AggregateError);
    expect(several.errors).toEqual([new Error('a'), 'b']);
    const bare = new Error();
    delete bare.stack;
    expect(Object.getOwnPropertyNames(roundTrip(bare))).toEqual([]);
  });
});

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
