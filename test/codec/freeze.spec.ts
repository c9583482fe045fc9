import { describe, expect, it } from '@jest/globals';
import { freezeDeep } from '../../lib/codec/freeze.js';
import { jsonCodec } from '../../lib/codec/json-codec.js';
import { jsonWithOwn, nested } from './values.js';

describe('freezeDeep', () => {
  it.each([null, undefined, 1, 'text', true, 5n])('takes the primitive %p for frozen', (value) => {
    expect(freezeDeep(value)).toBe(true);
  });

  it('freezes plain objects and arrays through and through', () => {
    const value = {
      list: [{ a: 1 }, [2n, undefined]],
      inner: { deeper: { text: 'x' } },
      nothing: Object.create(null),
    };
    expect(freezeDeep(value)).toBe(true);
    for (const part of [
      value,
      value.list,
      value.list[0],
      value.list[1],
      value.inner,
      value.inner.deeper,
      value.nothing,
    ]) {
      expect(Object.isFrozen(part)).toBe(true);
    }
    expect(() => value.list.push([])).toThrow(TypeError);
  });

  it('freezes what the codec decodes from plain data', () => {
    const plain = { users: [{ name: 'a', tags: ['x'], missing: undefined, count: NaN, big: 1n }], total: -0 };
    const value = jsonCodec.decode(jsonCodec.encode(plain)) as typeof plain;
    expect(freezeDeep(value)).toBe(true);
    expect(Object.isFrozen(value.users[0]!.tags)).toBe(true);
  });

  it.each([
    new Date(),
    new Map(),
    new Set(),
    Buffer.from('a'),
    new Uint8Array(1),
    new ArrayBuffer(1),
    /a/,
    new URL('http://a.b'),
    new Error('x'),
    new (class A {})(),
    new (class extends Array {})(),
    () => 1,
    class B {},
    Object.create({ inherited: 1 }),
  ])('freezes nothing when there is a %p, however deep', (unprotected: unknown) => {
    // prettier-ignore
    expect(freezeDeep(unprotected)).toBe(false);
    const value = { first: { a: 1 }, list: [[{ unprotected }]] };
    expect(freezeDeep(value)).toBe(false);
    for (const part of [value, value.first, value.list, value.list[0]])
      expect(Object.isFrozen(part)).toBe(false);
    expect(typeof unprotected === 'object' && Object.isFrozen(unprotected)).toBe(false);
  });

  it('sees an own property called __proto__', () => {
    const value = jsonWithOwn('__proto__', { a: [1] });
    expect(freezeDeep(value)).toBe(true);
    expect(
      Object.isFrozen((Object.getOwnPropertyDescriptor(value, '__proto__')!.value as { a: unknown }).a),
    ).toBe(true);
    expect(freezeDeep(jsonWithOwn('__proto__', new Date()))).toBe(false);
    expect(Object.isFrozen(Object.prototype)).toBe(false);
  });

  it('is not recursive', () => {
    const value = nested(200_000, (inner) => [inner], 'core') as unknown[];
    expect(freezeDeep(value)).toBe(true);
    expect(Object.isFrozen(value[0])).toBe(true);
  });

  it('comes to an end for cycles and for large values', () => {
    const cycle: { self?: unknown; inner: { back?: unknown }; list: unknown[] } = { inner: {}, list: [] };
    cycle.self = cycle.inner.back = cycle;
    cycle.list.push(cycle, cycle.list);
    expect(freezeDeep(cycle)).toBe(true);
    expect(Object.isFrozen(cycle.inner)).toBe(true);
    expect(freezeDeep({ cycle: { ...cycle, at: new Date() } })).toBe(false);
    const large = Array.from({ length: 120_000 }, (_, i) => ({ i }));
    expect(freezeDeep(large)).toBe(true);
    expect(Object.isFrozen(large.at(-1))).toBe(true);
  });
});
