import { BinaryTail } from './binary.js';
import { buildError } from './error-values.js';
import { MAX_REGEXP_SOURCE } from './limits.js';
import { Code, DEL_CODE, malformed, Mark, readBigint, readDate } from './marks.js';

type Bag = Record<string, unknown>;

/**
 * Turns what JSON.parse gave into the value again, in place. The data may be corrupt or hostile: whatever is not a mark
 * that the codec writes is an error, nothing is looked up by a name from the data except in fixed tables, and nothing
 * larger than the data is allocated. Deep nesting ends in a RangeError, as any recursion does. Used for one value.
 */
export class Reviving {
  readonly #tail: BinaryTail;
  #regexpSource = 0;

  constructor(tail: Uint8Array) {
    this.#tail = new BinaryTail(tail);
  }

  /** @throws Error when the data is not what the codec writes */
  root(value: unknown): unknown {
    const revived = this.#value(value);
    this.#tail.finish();
    if (revived === undefined) throw new Error('Malformed cache data: undefined');
    return revived;
  }

  #value(value: unknown): unknown {
    if (typeof value === 'string') return value.charCodeAt(0) === DEL_CODE ? this.#scalar(value) : value;
    if (typeof value !== 'object' || value === null) return value;
    return Array.isArray(value) ? this.#array(value) : this.#record(value as Bag);
  }

  #record(record: Bag): Bag {
    for (const key in record) {
      const child = record[key];
      if (typeof child === 'string') {
        if (child.charCodeAt(0) !== DEL_CODE || !Object.hasOwn(record, key)) continue;
        record[key] = this.#scalar(child);
      } else if (typeof child === 'object' && child !== null && Object.hasOwn(record, key)) {
        const revived = Array.isArray(child) ? this.#array(child) : this.#record(child as Bag);
        // Also right for an own `__proto__`: assigning to an own property never reaches a setter.
        if (revived !== child) record[key] = revived;
      }
    }
    return record;
  }

  #array(array: unknown[]): unknown {
    const head = array[0];
    if (typeof head === 'string' && head.length === 2 && head.charCodeAt(0) === DEL_CODE) {
      const code = head.charCodeAt(1);
      if (code === Code.map) return this.#map(array);
      if (code === Code.set) return this.#set(array);
      if (code === Code.regexp) return this.#regexp(array);
      if (code === Code.error) return this.#error(array);
    }
    for (let i = 0; i < array.length; i++) {
      const child = array[i];
      if (child === Mark.hole) Reflect.deleteProperty(array, i);
      else if (typeof child === 'string') {
        if (child.charCodeAt(0) === DEL_CODE) array[i] = this.#scalar(child);
      } else if (typeof child === 'object' && child !== null) {
        const revived = Array.isArray(child) ? this.#array(child) : this.#record(child as Bag);
        if (revived !== child) array[i] = revived;
      }
    }
    return array;
  }

  #scalar(mark: string): unknown {
    const code = mark.charCodeAt(1);
    switch (code) {
      case DEL_CODE:
        return mark.slice(1);
      case Code.date:
        return readDate(mark);
      case Code.bigint:
        return readBigint(mark);
      case Code.url:
        return readUrl(mark);
      case Code.binary:
        return this.#tail.take(mark);
      default:
        if (mark.length === 2) return constant(code, mark);
        throw malformed(mark);
    }
  }

  #map(list: unknown[]): Map<unknown, unknown> {
    if (list.length % 2 === 0) throw new Error('Malformed cache data: a Map key without a value');
    const map = new Map<unknown, unknown>();
    for (let i = 1; i < list.length; i += 2) {
      const key = this.#value(list[i]);
      map.set(key, this.#value(list[i + 1]));
    }
    return map;
  }

  #set(list: unknown[]): Set<unknown> {
    const set = new Set<unknown>();
    for (let i = 1; i < list.length; i++) set.add(this.#value(list[i]));
    return set;
  }

  #regexp([, source, flags]: unknown[]): RegExp {
    if (typeof source !== 'string' || typeof flags !== 'string') throw malformed(Mark.regexp);
    this.#regexpSource += source.length;
    if (this.#regexpSource > MAX_REGEXP_SOURCE)
      throw new Error('Malformed cache data: too much RegExp source');
    try {
      return new RegExp(source, flags);
    } catch {
      throw malformed(Mark.regexp);
    }
  }

  #error([, kind, hidden, visible]: unknown[]): Error {
    if (typeof kind !== 'string' || !isBag(hidden) || !isBag(visible)) throw malformed(Mark.error);
    this.#record(hidden);
    this.#record(visible);
    return buildError({ kind, hidden, visible });
  }
}

function constant(code: number, mark: string): unknown {
  switch (code) {
    case Code.nan:
      return NaN;
    case Code.infinity:
      return Infinity;
    case Code.minusInfinity:
      return -Infinity;
    case Code.minusZero:
      return -0;
    case Code.undefined:
      return undefined;
    default:
      throw malformed(mark);
  }
}

function readUrl(mark: string): URL {
  const href = mark.slice(2);
  if (!URL.canParse(href)) throw malformed(mark);
  return new URL(href);
}

function isBag(value: unknown): value is Bag {
  return typeof value === 'object' && value !== null && !Array.isArray(value);
}
