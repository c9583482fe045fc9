import { EventEmitter } from 'node:events';
import { Readable } from 'node:stream';
import { runInNewContext } from 'node:vm';
import { describe, expect, it } from '@jest/globals';
import * as fc from 'fast-check';
import { hashArguments } from '../../lib/nest/decorators/args-hash.js';

class Query {
  constructor(
    public page: unknown,
    public sort?: string,
  ) {}
  get derived(): number {
    return 1;
  }
}
class OtherQuery extends Query {}

class Money {
  readonly #cents: number;
  constructor(cents: number) {
    this.#cents = cents;
  }
  toJSON(): unknown {
    return { cents: this.#cents };
  }
}

class User {
  constructor(
    public name: string,
    public password: string,
  ) {}
  toJSON(): unknown {
    return { name: this.name };
  }
}

class Opaque {
  readonly #state = 1;
  state(): number {
    return this.#state;
  }
}

/** Argument lists that are all different from each other. */
const DIFFERENT: unknown[][] = [
  [],
  [1],
  ['1'],
  [1n],
  [true],
  ['true'],
  [null],
  ['null'],
  [undefined, 1],
  [null, 1],
  [1, null],
  [NaN],
  [Infinity],
  [-Infinity],
  [''],
  ['', ''],
  ['ab'],
  ['a', 'b'],
  [['a', 'b']],
  [['a'], 'b'],
  [[['a'], 'b']],
  [[]],
  [[[]]],
  [{}],
  [[{}]],
  [{ a: 1 }],
  [{ a: '1' }],
  [{ a: { b: 1 } }],
  [{ a: 1, b: 1 }],
  [{ a: undefined }],
  [{ a: null }],
  [new Date(0)],
  [new Date(1)],
  [0],
  ['1970-01-01T00:00:00.000Z'],
  [new Map()],
  [new Map([['a', 1]])],
  [new Map([[{ a: 1 }, 1]])],
  [new Map([['a', ['b', 'c']]])],
  [
    new Map([
      ['a', 'b'],
      ['c', 'd'],
    ]),
  ],
  [new Set()],
  [new Set([1])],
  [new Set(['1'])],
  [new Set([1, 2])],
  [Buffer.from('a')],
  [new Uint8Array([97])],
  [new Int8Array([97])],
  [new Uint8Array([97]).buffer],
  [/a/],
  [/a/g],
  [new Query(1)],
  [new OtherQuery(1)],
  [new Query(2)],
  [new Query(1, 'name')],
  [new Money(1)],
  [new Money(2)],
  [new URL('http://a/')],
  ['http://a/'],
  [new User('ann', 'right')],
  [new User('ann', 'wrong')],
  ['\ud800'],
  ['\ud801'],
  ['\ufffd'],
];

describe('the hash of arguments', () => {
  it('differs for different ones', () => {
    const seen = new Map<string, unknown[]>();
    for (const args of DIFFERENT) {
      const hash = hashArguments(args);
      expect(hash).toMatch(/^[\w-]{22}$/);
      expect([seen.get(hash), args]).toEqual([undefined, args]);
      seen.set(hash, args);
    }
  });

  it.each<[unknown[], unknown[]]>([
    [[0], [-0]],
    [[1, undefined, undefined], [1]],
    [[undefined], []],
    [[{ a: 1, b: { c: 2, d: 3 } }], [{ b: { d: 3, c: 2 }, a: 1 }]],
    [[new Set([1, { a: 1 }, 'x'])], [new Set(['x', { a: 1 }, 1])]],
    [[new Query(1)], [new Query(1)]],
    [[Object.assign(Object.create(null), { a: 1 })], [{ a: 1 }]],
    [[{ a: [new Date(5)] }], [runInNewContext('({ a: [new Date(5)] })')]],
    [[new Map([['a', new Set([1])]])], [runInNewContext("new Map([['a', new Set([1])]])")]],
    [[NaN], [Number('x')]],
  ])('is the same for %p and %p', (a, b) => {
    expect(hashArguments(a)).toBe(hashArguments(b));
  });

  it('keeps the order of Maps and arrays', () => {
    const [a, b] = [
      ['a', 'ASC'],
      ['b', 'DESC'],
    ] as const;
    expect(hashArguments([new Map([a, b])])).not.toBe(hashArguments([new Map([b, a])]));
    expect(hashArguments([[1, 2]])).not.toBe(hashArguments([[2, 1]]));
  });

  it('does not depend on the process', () => {
    expect(hashArguments([1, { b: 'x', a: [null] }])).toBe(hashArguments([1, { a: [null], b: 'x' }]));
    expect(hashArguments([])).toBe('47DEQpj8HBSa-_TImW-5JC');
  });

  it('is the same for equal arguments and no others', () => {
    const args = fc.array(
      fc.anything({
        withBigInt: true,
        withDate: true,
        withMap: true,
        withSet: true,
        withTypedArray: true,
        withNullPrototype: true,
      }),
      { maxLength: 3 },
    );
    fc.assert(
      fc.property(args, (value) => {
        fc.pre(!hasInvalidDate(value));
        expect(hashArguments(value)).toBe(hashArguments(structuredClone(value)));
      }),
      { numRuns: 1000 },
    );
    const simple = fc.array(fc.oneof(fc.json(), fc.jsonValue(), fc.string({ unit: 'binary' })), {
      maxLength: 3,
    });
    fc.assert(
      fc.property(simple, simple, (a, b) => {
        expect(hashArguments(a) === hashArguments(b)).toBe(sortedJson(a) === sortedJson(b));
      }),
      { numRuns: 2000 },
    );
  });

  const cycle: Record<string, unknown> = { name: 'a' };
  cycle['self'] = { cycle };
  let deep: unknown = 1;
  for (let i = 0; i < 40; i++) deep = [deep];

  it.each<[unknown[], string]>([
    [[1, () => 1], 'argument 2 is a function'],
    [[Symbol('a')], 'argument 1 is a symbol'],
    [[{ filter: [{}, { run: () => 1 }] }], 'argument 1 at .filter[1].run is a function'],
    [[{ [Symbol('gt')]: 5 }], 'argument 1 is an object with a symbol for a property'],
    [[cycle], 'argument 1 at .self.cycle is part of itself (a cycle)'],
    [[deep], 'is nested more than 32 levels deep'],
    [[Promise.resolve(1)], 'argument 1 is a promise'],
    [
      // oxlint-disable-next-line unicorn/no-thenable -- as old promise libraries made them
      [{ a: Object.assign(new Query(1), { then: () => 1 }) }],
      'argument 1 at .a is a promise',
    ],
    [[Readable.from(['a'])], 'argument 1 is a stream'],
    [[new Readable()], 'argument 1 is a stream'],
    [[(async function* () {})()], 'argument 1 is a stream'],
    [[(function* () {})()], 'that shows no properties'],
    [[new Opaque()], 'argument 1 is an object of class Opaque that shows no properties'],
    [[new WeakMap()], 'an object of class WeakMap'],
    [[new Error('a')], 'argument 1 is an error'],
    [[Object.assign(new TypeError('a'), { code: 1 })], 'argument 1 is an error'],
    [[new Date(NaN)], 'argument 1 is an invalid Date'],
    [[Object(1)], 'argument 1 is a Number object, not a plain value'],
    [[new Set([() => 1])], 'argument 1 at (element) is a function'],
    [[new Map([['a', () => 1]])], 'is a function'],
    [[Object.assign(new EventEmitter(), {}).on('a', () => {})], 'is a function'],
  ])('refuses what has none (%#)', (args, message) => {
    expect(() => hashArguments(args)).toThrow(message);
  });

  it('takes the same object twice, side by side', () => {
    const shared = { a: 1 };
    expect(hashArguments([shared, [shared, shared]])).toBe(hashArguments([{ a: 1 }, [{ a: 1 }, { a: 1 }]]));
  });
});

function sortedJson(value: unknown): string {
  return JSON.stringify(value, sortKeys).replaceAll('-0', '0');
}

function sortKeys(_key: string, value: unknown): unknown {
  if (typeof value !== 'object' || value === null || Array.isArray(value)) return value;
  return Object.fromEntries(
    Object.entries(value)
      .toSorted(([a], [b]) => (a < b ? -1 : 1))
      .map(([k, v]) => [`.${k}`, v]),
  );
}

function hasInvalidDate(value: unknown): boolean {
  if (value instanceof Date) return Number.isNaN(value.getTime());
  if (value instanceof Map) return [...value].some(hasInvalidDate);
  if (value instanceof Set) return [...value].some(hasInvalidDate);
  return typeof value === 'object' && value !== null && Object.values(value).some(hasInvalidDate);
}
