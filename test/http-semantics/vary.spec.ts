import { expect, it } from '@jest/globals';
import { parseVary, selectingValue } from '../../lib/http-semantics/vary.js';
import { fields } from './readers.js';

it.each([
  [undefined, []],
  ['', []],
  ['Foo', ['foo']],
  ['foo, BAR,Baz', ['bar', 'baz', 'foo']],
  ['foo, Foo, , foo', ['foo']],
  ['*', '*'],
  ['*, *', '*'],
  [', *', '*'],
  ['*, Foo', '*'],
  ['Foo, *', '*'],
  ['foo bar', '*'],
  ['"foo"', '*'],
  ['foo\u0000', '*'],
])('parses %j', (value, names) => {
  expect(parseVary(value)).toEqual(names);
});

it.each([
  ['1', '1', true],
  ['1, 2', '1,2', true],
  [' 1 ,  2 ', '1,2', true],
  ['1', '2', false],
  ['1, 2', '2, 1', false],
  ['en', 'EN', false],
  ['a b', 'a  b', false],
  ['1,,2', '1,2', false],
  ['"1, 2"', '"1,2"', false],
  [undefined, undefined, true],
  ['', '', true],
  [undefined, '', false],
  ['', ',', false],
])('a request with %j is selected like one with %j: %j', (one, other, same) => {
  const values = [one, other].map((value) => selectingValue(fields({ foo: value }), 'foo'));
  expect(values[0] === values[1]).toBe(same);
});
