import { describe, expect, it } from '@jest/globals';
import { jsonCodec } from '../../lib/codec/json-codec.js';

/** Data with marks, as the codec writes it. */
function marked(json: unknown): Buffer {
  return Buffer.from(`\x01${JSON.stringify(json)}`);
}

/** Data with marks and a binary tail; `length` may lie about the text's. */
function withTail(json: unknown, tail: string, length?: number): Buffer {
  const text = Buffer.from(JSON.stringify(json));
  const header = Buffer.alloc(5);
  header[0] = 2;
  header.writeUInt32LE(length ?? text.length, 1);
  return Buffer.concat([header, text, Buffer.from(tail)]);
}

function milliseconds(action: () => void): number {
  const start = performance.now();
  action();
  return performance.now() - start;
}

describe('data that the codec has not written is an error', () => {
  it.each<[string, Uint8Array]>([
    ['nothing', Buffer.alloc(0)],
    ['text', Buffer.from('hello')],
    ['cut off', Buffer.from('{"a":1')],
    ['more than one value', Buffer.from('{}{}')],
    ['not UTF-8', Buffer.from([0x22, 0xc3, 0x28, 0x22])],
    ['a flag only', Buffer.from([1])],
    ['another flag only', Buffer.from([2])],
    ['an unknown flag', Buffer.from([3, 0x31])],
    ['binary of another codec', Buffer.from([0xff, 0x0f, 0x6f, 0x22, 0x01, 0x61])],
    ['a text longer than the data', withTail({}, '', 1_000_000)],
    ['a text of 4 GB', Buffer.from([2, 0xff, 0xff, 0xff, 0xff, 0x31])],
    ['a binary value longer than the tail', withTail('\x7fBBuffer:9', 'abc')],
    ['a binary value of 999 GB', withTail('\x7fBUint8Array:999999999999', 'abc')],
    ['a tail nobody asked for', withTail('\x7fBBuffer:1', 'abc')],
    ['an unknown binary type', withTail('\x7fBFunction:3', 'abc')],
    ['a binary type of the prototype', withTail('\x7fBconstructor:3', 'abc')],
    ['a misaligned view', withTail('\x7fBFloat64Array:3', 'abc')],
    ['a binary value without a tail', marked('\x7fBBuffer:1')],
    ...[
      '\x7f', '\x7fx', '\x7fNN', '\x7fu ', '\x7fD', '\x7fD-', '\x7fD1e3', '\x7fD 1', '\x7fDInfinity', '\x7fI', '\x7fI-',
      '\x7fI0x1', '\x7fIG', '\x7fI:', `\x7fI${'f'.repeat(20)}g`, '\x7fUnot a url', '\x7fU', '\x7fB', '\x7fBBuffer', '\x7fBBuffer:-1',
      '\x7fBBuffer:1e1', '\x7fM', '\x7fS', '\x7fE', '\x7fR', '\x7f_', '\x7fu',
    ].map((mark): [string, Uint8Array] => [`the mark ${JSON.stringify(mark)}`, marked(mark)]), // prettier-ignore
    ['a hole in an object', marked({ a: '\x7f_' })],
    ['a hole in a Map', marked(['\x7fM', 1, '\x7f_'])],
    ['a Map key without a value', marked(['\x7fM', 1])],
    ['a RegExp without flags', marked(['\x7fR', 'a'])],
    ['a RegExp of other things', marked(['\x7fR', {}, []])],
    ['a malformed RegExp', marked(['\x7fR', '(', ''])],
    ['unknown RegExp flags', marked(['\x7fR', 'a', 'gg'])],
    ['an Error of an unknown kind', marked(['\x7fE', 'Function', { message: 'x' }, {}])],
    ['an Error of a kind from the prototype', marked(['\x7fE', '__proto__', {}, {}])],
    ['an Error without properties', marked(['\x7fE', 'Error', null, {}])],
    ['an Error with a list', marked(['\x7fE', 'Error', {}, []])],
  ])('%s', (_, bytes) => {
    expect(() => jsonCodec.decode(bytes)).toThrow(Error);
  });

  it('and says nothing of the data', () => {
    for (const bytes of [
      Buffer.from('{"secret": "hunter2'),
      marked('\x7fDhunter2'),
      marked('\x7fXhunter2'),
    ]) {
      expect(() => jsonCodec.decode(bytes)).toThrow(/^Malformed cache data: (?!.*hunter2)/);
    }
  });
});

describe('hostile data', () => {
  it('touches no prototype', () => {
    const proto = '{"__proto__":{"polluted":1},"constructor":{"prototype":{"polluted":1}},"at":"\x7fD1"}';
    for (const flag of ['', '\x01']) {
      const value = jsonCodec.decode(Buffer.from(flag + proto)) as object;
      expect(Object.getPrototypeOf(value)).toBe(Object.prototype);
      expect(Object.keys(value)).toEqual(['__proto__', 'constructor', 'at']);
    }
    const error = jsonCodec.decode(
      Buffer.from(
        '\x01["\x7fE","Error",{"__proto__":{"polluted":1},"toString":1},{"__proto__":{"polluted":1}}]',
      ),
    ) as Error;
    expect(Object.getPrototypeOf(error)).toBe(Error.prototype);
    expect(Object.hasOwn(error, 'toString')).toBe(false);
    expect(({} as Record<string, unknown>)['polluted']).toBeUndefined();
  });

  it('can have bytes copied only once', () => {
    const marks = Array.from({ length: 1_000 }, () => '\x7fBBuffer:1000000');
    expect(() => jsonCodec.decode(withTail(marks, 'x'.repeat(1_000_000)))).toThrow('too short');
  });

  it.each<[string, () => Uint8Array]>([
    ['a million brackets', () => Buffer.from('['.repeat(1_000_000))],
    [
      'a million brackets with marks',
      () => Buffer.from(`\x01${'['.repeat(1_000_000)}${']'.repeat(1_000_000)}`),
    ],
    [
      'a million objects in each other',
      () => Buffer.from(`\x01${'{"a":'.repeat(1_000_000)}1${'}'.repeat(1_000_000)}`),
    ],
    [
      'a million Maps in each other',
      () => Buffer.from(`\x01${'["\x7fM",1,'.repeat(1_000_000)}1${']'.repeat(1_000_000)}`),
    ],
    ['a bigint of a million digits, malformed', () => marked(`\x7fI${'f'.repeat(1_000_000)}x`)],
    ['RegExps that take long to compile', () => marked(Array.from({ length: 900 }, () => ['\x7fR', '\\p{RGI_Emoji}'.repeat(100), 'v']))], // prettier-ignore
  ])('fails fast: %s', (_, make) => {
    const bytes = make();
    const time = milliseconds(() => expect(() => jsonCodec.decode(bytes)).toThrow(Error));
    expect(time).toBeLessThan(5_000);
  });

  it('reads long numbers in linear time', () => {
    const bytes = marked([`\x7fI-${'f'.repeat(1_000_000)}`, `\x7fD${'9'.repeat(1_000_000)}`]);
    let value: unknown[] = [];
    expect(milliseconds(() => (value = jsonCodec.decode(bytes) as unknown[]))).toBeLessThan(2_000);
    // Compared first, because to print such a number takes for ever.
    expect(value[0] === -(16n ** 1_000_000n - 1n)).toBe(true);
    expect((value[1] as Date).getTime()).toBe(NaN);
  });

  it('builds no more than data: no class, no function', () => {
    const value = jsonCodec.decode(
      marked([{ type: 'Function', name: 'eval' }, ['\x7fE', 'TypeError', {}, { run: 'x' }]]),
    );
    expect(value).toEqual([{ type: 'Function', name: 'eval' }, Object.assign(new TypeError(), { run: 'x' })]);
  });
});
