import { isDeepStrictEqual } from 'node:util';

class Opaque {
  #secret = 1;
  reveal() {
    return this.#secret;
  }
}

const cycle = {};
cycle.self = cycle;

const KEEPS = {
  'Date, Map, Set': { a: new Date(1), b: new Map([[{ k: 1 }, new Set([1])]]) },
  'invalid Date': new Date(NaN),
  'bigint beyond 64 bits': [2n ** 200n, -5n],
  'typed arrays': [new Float64Array([1, NaN]), new Uint16Array([7]), new BigInt64Array([-1n])],
  'Buffer as Buffer': Buffer.from('abc'),
  'undefined in objects': { a: undefined },
  'sparse array': [1, , 2], // eslint-disable-line no-sparse-arrays
  'NaN, Infinity': [NaN, -Infinity],
  '-0': [-0],
  'lone surrogate': ['\ud800'],
  '`__proto__` key': JSON.parse('{"__proto__":{"x":1}}'),
  RegExp: /a/gi,
  URL: new URL('https://a.b/c'),
  'Error with code and cause': Object.assign(new TypeError('x', { cause: new Error('y') }), { code: 'E' }),
};
const REFUSES = {
  function: { f() {} },
  cycle,
  Promise: { p: Promise.resolve(1) },
  WeakMap: { w: new WeakMap() },
  'opaque instance': { o: new Opaque() },
};

/** @returns whether each value comes back equal, or is refused, by name */
export function fidelity(codec) {
  const keeps = Object.entries(KEEPS).map(([name, value]) => [name, comesBack(codec, value)]);
  const refuses = Object.entries(REFUSES).map(([name, value]) => [
    `refuses ${name}`,
    isRefused(codec, value),
  ]);
  return Object.fromEntries([...keeps, ...refuses]);
}

function comesBack(codec, value) {
  try {
    const result = codec.decode(codec.encode(value));
    if (value instanceof Date) return result instanceof Date && Object.is(result.getTime(), value.getTime());
    if (value instanceof Error)
      return isDeepStrictEqual(result, value) && result.code === 'E' && result.stack === value.stack;
    return isDeepStrictEqual(result, value);
  } catch {
    return false;
  }
}

function isRefused(codec, value) {
  try {
    codec.encode(value);
    return false;
  } catch {
    return true;
  }
}
