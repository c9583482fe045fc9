import { describe, expect, it } from '@jest/globals';
import { jsonCodec } from '../../lib/codec/json-codec.js';
import { roundTrip } from './values.js';

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
