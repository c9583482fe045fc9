import { types } from 'node:util';
import { Mark, malformed } from './marks.js';

/**
 * Binary values travel behind the JSON text, one after the other in the order of their marks, in the byte order of the
 * machine (little endian wherever Node runs today, s390x excepted). They have no offsets: with those, hostile data could
 * have the same megabyte copied a thousand times.
 */
type BinaryConstructor = new (buffer: ArrayBuffer) => ArrayBufferView;

const VIEW_NAMES = [
  'Int8Array',
  'Uint8Array',
  'Uint8ClampedArray',
  'Int16Array',
  'Uint16Array',
  'Int32Array',
  'Uint32Array',
  'Float16Array',
  'Float32Array',
  'Float64Array',
  'BigInt64Array',
  'BigUint64Array',
  'DataView',
];

/** Float16Array exists since Node 24: data that holds one is a miss before. */
const VIEWS = new Map(
  VIEW_NAMES.flatMap((name) => {
    const view = (globalThis as Record<string, unknown>)[name];
    return typeof view === 'function' ? [[name, view as BinaryConstructor] as const] : [];
  }),
);

/** Its tag is a getter that knows the type of any typed array, of a subclass or another realm, too. */
const TYPED_ARRAY = Object.getPrototypeOf(Uint8Array.prototype) as object;

export type Binary = ArrayBufferView | ArrayBuffer;

export function isBinary(value: object): value is Binary {
  return ArrayBuffer.isView(value) || types.isArrayBuffer(value);
}

/** The mark, and the bytes it stands for, not copied. */
export function markBinary(value: Binary): { mark: string; bytes: Uint8Array } {
  const bytes = ArrayBuffer.isView(value)
    ? new Uint8Array(value.buffer, value.byteOffset, value.byteLength)
    : new Uint8Array(value);
  return { mark: `${Mark.binary}${nameOf(value)}:${bytes.length}`, bytes };
}

function nameOf(value: Binary): string {
  if (Buffer.isBuffer(value)) return 'Buffer';
  if (!ArrayBuffer.isView(value)) return 'ArrayBuffer';
  return (Reflect.get(TYPED_ARRAY, Symbol.toStringTag, value) as string | undefined) ?? 'DataView';
}

/** Hands out the bytes of a binary tail, each once. */
export class BinaryTail {
  #offset = 0;

  constructor(private readonly tail: Uint8Array) {}

  /** @throws Error when the mark is malformed or asks for more than is left */
  take(mark: string): Binary {
    const match = /^([A-Za-z0-9]{1,20}):(\d{1,12})$/.exec(mark.slice(Mark.binary.length));
    if (!match) throw malformed(mark);
    const end = this.#offset + Number(match[2]);
    if (end > this.tail.length) throw new Error('Malformed cache data: the binary part is too short');
    const bytes = this.tail.subarray(this.#offset, end);
    this.#offset = end;
    return build(match[1]!, bytes, mark);
  }

  /** @throws Error when bytes are left over */
  finish(): void {
    if (this.#offset !== this.tail.length)
      throw new Error('Malformed cache data: the binary part is too long');
  }
}

function build(name: string, bytes: Uint8Array, mark: string): Binary {
  if (name === 'Buffer') return Buffer.from(bytes);
  const buffer = new ArrayBuffer(bytes.length);
  new Uint8Array(buffer).set(bytes);
  if (name === 'ArrayBuffer') return buffer;
  const View = VIEWS.get(name);
  if (!View) throw malformed(mark);
  return new View(buffer);
}

/** A value of the same type with bytes of its own. */
export function copyBinary<T extends Binary>(value: T): T {
  const { bytes } = markBinary(value);
  return build(nameOf(value), bytes, Mark.binary) as T;
}
