import { isUtf8 } from 'node:buffer';
import type { CacheCodec } from './codec.js';
import { Marking } from './marking.js';
import { Reviving } from './reviving.js';

/** First byte of data with marks; data without any is JSON text, which cannot begin with it. */
const MARKED = 0x01;
/** First byte of data with marks and a binary tail: then four bytes length of the text, the text, the tail. */
const MARKED_WITH_TAIL = 0x02;
const TAIL_HEADER = 5;
const NO_TAIL = new Uint8Array(0);

/**
 * The default codec: JSON, with marks for what JSON cannot say (marks.ts), and binary values behind the text.
 *
 * Comes back with type and contents: everything of JSON, `undefined`, NaN, infinities, -0, bigint, Date (invalid, too),
 * Map, Set, Buffer, typed arrays, DataView, ArrayBuffer, RegExp (without `lastIndex`), URL, Error (with cause, stack and
 * own properties; a subclass as the nearest of the language's own classes), empty places of arrays, any string and any
 * property name. A reference that occurs twice becomes two equal objects.
 *
 * Objects of other classes come back as plain objects: what their `toJSON()` returns, otherwise their own enumerable
 * properties. Left out are symbol keys, non-enumerable properties, and properties of arrays beside their elements.
 *
 * Refused, with the path in the message, are functions, symbols, promises, cycles, boxed primitives, iterators, more than
 * 1,024 levels, and objects of which neither `toJSON()` nor an enumerable property tells anything (WeakMap, private fields).
 *
 * Getters run twice. Why JSON, and how it compares: docs/decisions/0002-codec.md.
 */
export const jsonCodec: CacheCodec = { id: 'json.1', encode, decode };

function encode(value: unknown): Uint8Array {
  const marking = new Marking();
  let text: string;
  try {
    text = JSON.stringify(marking.root(value));
  } catch (error) {
    throw marking.explain(error);
  }
  if (!marking.marked) return Buffer.from(text);
  return marking.binaries.length === 0 ? Buffer.from(`\x01${text}`) : withTail(text, marking.binaries);
}

function withTail(text: string, tail: readonly Uint8Array[]): Uint8Array {
  const json = Buffer.from(text);
  const header = Buffer.allocUnsafe(TAIL_HEADER);
  header.writeUInt8(MARKED_WITH_TAIL);
  header.writeUInt32LE(json.length, 1);
  return Buffer.concat([header, json, ...tail]);
}

function decode(bytes: Uint8Array): unknown {
  const buffer = Buffer.isBuffer(bytes)
    ? bytes
    : Buffer.from(bytes.buffer, bytes.byteOffset, bytes.byteLength);
  switch (buffer[0]) {
    case MARKED:
      return new Reviving(NO_TAIL).root(parse(buffer, buffer.toString('utf8', 1)));
    case MARKED_WITH_TAIL: {
      const end = buffer.length < TAIL_HEADER ? Infinity : TAIL_HEADER + buffer.readUInt32LE(1);
      if (end > buffer.length) throw new Error('Malformed cache data: the text is too short');
      const json = buffer.subarray(TAIL_HEADER, end);
      return new Reviving(buffer.subarray(end)).root(parse(json, json.toString()));
    }
    default:
      return parse(buffer, buffer.toString());
  }
}

function parse(bytes: Buffer, text: string): unknown {
  // Bytes that are no UTF-8 become U+FFFD, and only then is the whole text worth another look.
  if (text.includes('\ufffd') && !isUtf8(bytes)) throw new Error('Malformed cache data: not UTF-8');
  try {
    return JSON.parse(text);
  } catch {
    // The error that JSON.parse throws quotes the data, which may be private.
    throw new Error('Malformed cache data: not JSON');
  }
}
