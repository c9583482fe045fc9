import { describe, expect, it } from '@jest/globals';
import { jsonCodec } from '../../lib/codec/json-codec.js';
import { CacheValueError } from '../../lib/primitives/errors.js';
import { nested } from './values.js';

function refusal(value: unknown): CacheValueError {
  try {
    jsonCodec.encode(value);
  } catch (error) {
    expect(error).toBeInstanceOf(CacheValueError);
    return error as CacheValueError;
  }
  throw new Error('it was encoded');
}

class Opaque {
  readonly #secret = 1;
  reveal(): number {
    return this.#secret;
  }
}

const loop: { a: { self?: unknown } } = { a: {} };
loop.a.self = { x: [loop.a] };
const parent = { children: [{ parent: null as unknown }] };
parent.children[0]!.parent = parent;
const list: unknown[] = [];
list.push(new Map([['me', new Set([list])]]));
const caused = new Error('x');
caused.cause = caused;

describe('what cannot be cached is refused, with its path and a way out', () => {
  const REFUSED: [value: unknown, message: string][] = [
    [() => 1, '$ is a function: leave it out, or give its object a toJSON()'],
    [{ user: { save() {} } }, '$.user.save is a function'],
    [[1, { 'a b': class A {} }], '$[1]["a b"] is a class'],
    [{ a: [Symbol('x')] }, '$.a[0] is a symbol, which exists in this process only: use a string'],
    [new Map([['k', { f() {} }]]), '$.get("k").f is a function'],
    [new Map([[5, Symbol('v')]]), '$.get(5) is a symbol'],
    [new Map([[{ f() {} }, 1]]), '$.keys()[0].f is a function'],
    [{ set: new Set([1, [() => 1]]) }, '$.set.values()[1][0] is a function'],
    [{ e: Object.assign(new Error('x'), { req() {} }) }, '$.e.req is a function'],
    [{ e: new Error('x', { cause: { f() {} } }) }, '$.e.cause.f is a function'],
    [{ m: { toJSON: () => ({ f() {} }) } }, '$.m.toJSON().f is a function'],
    [{ p: Promise.resolve(1) }, '$.p is a Promise: await it first'],
    [{ q: new (class Query { sql = ''; then() {} })() }, '$.q is a Promise'], // prettier-ignore
    [new WeakMap(), '$ is a WeakMap, whose contents cannot be listed: use a Map or a Set'],
    [{ w: new WeakSet() }, '$.w is a WeakSet'],
    [new WeakRef({}), '$ is a WeakRef without enumerable properties of its own'],
    [
      { o: new Opaque() },
      '$.o is a Opaque without enumerable properties of its own: give its class a toJSON()',
    ],
    [(function* () {})(), '$ is an iterator: collect it into an array first'],
    [{ keys: new Map().keys() }, '$.keys is an iterator'],
    [{ n: Object(1) }, '$.n is a boxed Number: use the primitive value'],
    [new SharedArrayBuffer(1), '$ is a SharedArrayBuffer: copy it into an ArrayBuffer'],
    [loop, '$.a.self.x[0] is a reference back to $.a, a cycle: store an id instead of the object'],
    [parent, '$.children[0].parent is a reference back to $, a cycle'],
    [list, '$[0].get("me").values()[0] is a reference back to $, a cycle'],
    [caused, '$.cause is a reference back to $, a cycle'],
    [undefined, '$ is undefined, which means "nothing here": use null'],
    [{ toJSON: () => undefined }, '$ is undefined'],
    [{ r: [new RegExp('x'.repeat(1_500)), new RegExp('y'.repeat(1_500))] }, '$.r[1] is one RegExp too many'],
    [Object.assign([], { 4_000_000_000: 1 }), '$ is a huge array with mostly empty places'],
  ];

  // Titled by the message: to print some of these values would take for ever.
  it.each(REFUSED.map(([value, message]) => ({ value, message })))('$message', ({ value, message }) => {
    expect(refusal(value).message).toContain(message);
    expect(refusal(value).code).toBe('CACHE_VALUE_UNSUPPORTED');
  });

  it.each([
    ['arrays', (inner: unknown) => [inner]],
    ['objects', (inner: unknown) => ({ inner })],
    ['Sets', (inner: unknown) => new Set([inner])],
    ['causes', (cause: unknown) => ({ e: Object.assign(new Error(''), { cause }) })],
  ])('more than 1,024 levels of %s', (_, wrap) => {
    expect(refusal(nested(1_025, wrap, 1)).message).toContain(
      'is nested more than 1024 levels deep: flatten it',
    );
    expect(refusal(nested(10_000, wrap, 1)).message.length).toBeLessThan(300);
  });

  it('a value for which the stack does not suffice', () => {
    const value = nested(100, (inner) => [inner], new Date());
    // Every level of this leaves less of the stack, until one is too little; none may end in anything else.
    let refused: CacheValueError | undefined;
    function descend(): void {
      try {
        jsonCodec.encode(value);
      } catch (error) {
        refused = error as CacheValueError;
      }
      if (refused === undefined) descend();
    }
    descend();
    expect(refused).toBeInstanceOf(CacheValueError);
    expect(refused!.message).toContain('is nested too deeply: flatten it');
  });

  it.each<[string, unknown, string]>([
    ['a getter', { user: { get name(): string { throw new Error('boom'); } } }, '$.user cannot be turned into data: boom'], // prettier-ignore
    ['toJSON()', [{ toJSON() { throw new Error('bang'); } }], '$[0] cannot be turned into data: bang'], // prettier-ignore
    ['a thrown string', { get x(): string { throw 'text'; } }, '$ cannot be turned into data: text'], // prettier-ignore
    ['a forged Date', { d: Object.create(Date.prototype) as unknown }, 'cannot be turned into data'],
  ])('what fails while being read: %s', (_, value, message) => {
    expect(refusal(value).message).toContain(message);
    expect(refusal(value).cause).toBeDefined();
  });

  it('leaves nothing behind that a next call would see', () => {
    refusal({ a: { b: () => 1 } });
    expect(refusal({ c: () => 1 }).message).toContain('$.c is');
    expect(jsonCodec.decode(jsonCodec.encode({ ok: new Date(1) }))).toStrictEqual({ ok: new Date(1) });
  });

  it('allows a codec to be used inside toJSON()', () => {
    const value = {
      outer: new Date(1),
      inner: { toJSON: () => Buffer.from(jsonCodec.encode(new Date(2))).toString() },
    };
    expect(jsonCodec.decode(jsonCodec.encode(value))).toStrictEqual({
      outer: new Date(1),
      inner: '\x01"\x7fD2"',
    });
  });
});
