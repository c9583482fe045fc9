import { describe, expect, it } from '@jest/globals';
import { runInNewContext } from 'node:vm';
import { readParameters } from '../../lib/nest/decorators/parameters.js';

/** The method of a class or an object, from source text that no compiler has touched. */
function method(source: string): object {
  return runInNewContext(`Object.values(Object.getOwnPropertyDescriptors({ ${source} }))[0].value`) as object;
}

function names(value: object): unknown {
  return readParameters(value)?.map(({ kind, names: bound }) =>
    kind === 'plain' ? bound[0] : [kind, ...bound],
  );
}

describe('readParameters', () => {
  it.each([
    ['m() {}', []],
    ['m(a) {}', ['a']],
    ['m(a, $b, _c, ünï) {}', ['a', '$b', '_c', 'ünï']],
    ['m(a, b,) {}', ['a', 'b']],
    ['async m(a, b) {}', ['a', 'b']],
    ['async(a) {}', ['a']],
    ['get(a) {}', ['a']],
    ['async get(set) {}', ['set']],
    ['function(a) {}', ['a']],
    ['class(a) {}', ['a']],
    ["'quoted (name'(a) {}", ['a']],
    ['12(a) {}', ['a']],
    ["['computed' + (1, [2]) + `(${'('}`](a) {}", ['a']],
    ['/* (x) */ m /* (y */ (/* z, */ a /* = ) */, // c, d)\n b) {}', ['a', 'b']],
    ['m(async, of, get, from) {}', ['async', 'of', 'get', 'from']],
    ['m(a = 1, b = "),", c = \'(\') {}', ['a', 'b', 'c']],
    ['m(a = /[(,]/g, b = 4 / 2 / 1, c = (3) / 1) {}', ['a', 'b', 'c']],
    ['m(a = `x${ [`)`, (1, 2)].join(`,${"}"}`) }y`, b) {}', ['a', 'b']],
    ['m(a = (x, y) => { return /,/.test(x); }, b = async z => z, c) {}', ['a', 'b', 'c']],
    ['m(a = function (p, q) { return { p, q }; }, b = class { m(x, y) {} }, c) {}', ['a', 'b', 'c']],
    ['m(a = { b: [1, 2], c: { d: 1 } }, e = [1, 2]) {}', ['a', 'e']],
    ['m(a = b, c = a ? 1 : (2, 3)) {}', ['a', 'c']],
    ['m(a, ...rest) {}', ['a', ['rest', 'rest']]],
    ['m({ a, b }, c) {}', [['destructured', 'a', 'b'], 'c']],
    ['m(c, { a: x, b: { d: y = 1 } = {}, ...z } = {}) {}', ['c', ['destructured', 'x', 'y', 'z']]],
    [
      'm([a, , [b = 2]], ...[c]) {}',
      [
        ['destructured', 'a', 'b'],
        ['destructured', 'c'],
      ],
    ],
    ['m: function named(a, b) {}', ['a', 'b']],
    ['m: async function (a) {}', ['a']],
    ['m: (a, b) => a', ['a', 'b']],
    ['m: a => a', ['a']],
    ['m: async a => a', ['a']],
    ['m: async (a, b) => a', ['a', 'b']],
    ['m: (...args) => args', [['rest', 'args']]],
    ['m(a) { return a?.b ?? super.x; }', ['a']],
    ['\\u006d(\\u0061) {}', ['a']],
  ])('reads %s', (source, expected) => {
    expect(names(method(source))).toEqual(expected);
  });

  it('reads methods of classes with private names', () => {
    class Counter {
      readonly #step = 2;
      async next(from: number, times = this.#step): Promise<number> {
        return from + times * this.#step;
      }
    }
    expect(names(Reflect.get(Counter.prototype, 'next'))).toEqual(['from', 'times']);
  });

  it('knows nothing of native and bound functions', () => {
    expect(readParameters(Math.max)).toBeUndefined();
    expect(readParameters(names.bind(undefined))).toBeUndefined();
  });
});
