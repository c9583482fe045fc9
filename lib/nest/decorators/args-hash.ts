import { hash } from 'node:crypto';
import { types } from 'node:util';

/** Deeper than this, an argument is taken for something that was not meant to be hashed. */
const MAX_DEPTH = 32;

/** 132 bits of SHA-256 in base64url. */
const HASH_LENGTH = 22;

/** An argument that has no faithful hash. `where` leads to it: `argument 1 at .filter.run`. */
export class UnhashableError extends Error {
  constructor(
    readonly where: string,
    readonly what: string,
  ) {
    super(`${where} is ${what}`);
  }
}

/**
 * A hash of a method's arguments, by their content: equal for equal ones in every process, different for different ones.
 *
 * `1`, `'1'` and `1n` differ, `0` and `-0` do not. Properties of objects and elements of Sets count in whatever order,
 * arrays and Maps in theirs. Instances of classes count by the name of their class and their own enumerable properties;
 * those without any by what their `toJSON` returns. Trailing `undefined` arguments count as left out.
 * @throws UnhashableError for what has no faithful hash: functions, symbols, cycles, promises, streams, opaque objects
 */
export function hashArguments(args: readonly unknown[]): string {
  let length = args.length;
  while (length > 0 && args[length - 1] === undefined) length--;
  const encoder = new Encoder();
  let encoded = '';
  for (let i = 0; i < length; i++) encoded += encoder.argument(args[i], i);
  return hash('sha256', encoded, 'base64url').slice(0, HASH_LENGTH);
}

/** Writes values so that different ones never give the same text: with a letter for the type, and lengths or terminators. */
class Encoder {
  readonly #path: string[] = [];
  readonly #ancestors: object[] = [];
  #index = 0;

  argument(value: unknown, index: number): string {
    this.#index = index;
    return this.#value(value);
  }

  #value(value: unknown): string {
    switch (typeof value) {
      case 'string':
        return encodeString(value);
      case 'number':
        return `n${value};`;
      case 'boolean':
        return value ? 't' : 'f';
      case 'bigint':
        return `b${value};`;
      case 'undefined':
        return 'u';
      case 'object':
        return value === null ? 'z' : this.#nested(value);
      default:
        return this.#fail(`a ${typeof value}`);
    }
  }

  #nested(value: object): string {
    if (this.#ancestors.includes(value)) this.#fail('part of itself (a cycle)');
    if (this.#ancestors.length === MAX_DEPTH) this.#fail(`nested more than ${MAX_DEPTH} levels deep`);
    this.#ancestors.push(value);
    const encoded = this.#object(value);
    this.#ancestors.pop();
    return encoded;
  }

  #object(value: object): string {
    if (Array.isArray(value)) return this.#array(value);
    if (types.isMap(value)) return `M${this.#list([...value].flat(1))}${this.#properties(value)}`;
    if (types.isSet(value)) return `S${this.#sorted(value)}${this.#properties(value)}`;
    if (types.isDate(value)) {
      if (Number.isNaN(value.getTime())) this.#fail('an invalid Date');
      return `D${value.getTime()};${this.#properties(value)}`;
    }
    if (types.isRegExp(value)) return `R${encodeString(value.source)}${value.flags};${value.lastIndex};`;
    if (types.isAnyArrayBuffer(value)) return encodeBytes('ArrayBuffer', new Uint8Array(value));
    if (ArrayBuffer.isView(value)) {
      const bytes = new Uint8Array(value.buffer, value.byteOffset, value.byteLength);
      return encodeBytes(classNameOf(value), bytes);
    }
    return isPlain(value) ? this.#properties(value) : this.#instance(value);
  }

  #array(value: readonly unknown[]): string {
    if (Object.keys(value).length > value.length) this.#fail('an array with properties of its own');
    return `[${this.#list(value)}]`;
  }

  #instance(value: object): string {
    const name = classNameOf(value);
    if (types.isPromise(value) || isFunction(value, 'then')) this.#fail('a promise');
    if (isFunction(value, 'pipe') || isFunction(value, Symbol.asyncIterator)) this.#fail('a stream');
    if (types.isNativeError(value)) this.#fail('an error');
    if (types.isBoxedPrimitive(value)) this.#fail(`a ${name} object, not a plain value`);
    if (Object.keys(value).length > 0) return `O${encodeString(name)}${this.#properties(value)}`;
    if (!isFunction(value, 'toJSON')) this.#fail(`an object of class ${name} that shows no properties`);
    return `J${encodeString(name)}${this.#value((value as { toJSON(): unknown }).toJSON())}`;
  }

  #list(values: readonly unknown[]): string {
    let encoded = '';
    for (let i = 0; i < values.length; i++) encoded += this.#at(`[${i}]`, values[i]);
    return `${encoded};`;
  }

  #sorted(values: ReadonlySet<unknown>): string {
    return `${[...values]
      .map((value) => this.#at('(element)', value))
      .toSorted()
      .join('')};`;
  }

  #properties(value: object): string {
    let encoded = '{';
    for (const key of Object.keys(value).toSorted()) {
      encoded += encodeString(key) + this.#at(`.${key}`, (value as Record<string, unknown>)[key]);
    }
    for (const key of Object.getOwnPropertySymbols(value)) {
      if (Object.prototype.propertyIsEnumerable.call(value, key))
        this.#fail(`an object with a symbol for a property`);
    }
    return `${encoded}}`;
  }

  #at(step: string, value: unknown): string {
    this.#path.push(step);
    const encoded = this.#value(value);
    this.#path.pop();
    return encoded;
  }

  #fail(what: string): never {
    const path = this.#path.length === 0 ? '' : ` at ${this.#path.join('')}`;
    throw new UnhashableError(`argument ${this.#index + 1}${path}`, what);
  }
}

/** Halves of surrogate pairs would all become the same bytes; JSON writes them out. */
function encodeString(text: string): string {
  return text.isWellFormed() ? `s${text.length}:${text}` : `w${JSON.stringify(text)}`;
}

function encodeBytes(name: string, bytes: Uint8Array): string {
  return `B${encodeString(name)}${Buffer.from(bytes.buffer, bytes.byteOffset, bytes.byteLength).toString('base64')};`;
}

/** Object literals, of any realm, and objects without a prototype. */
function isPlain(value: object): boolean {
  const prototype: unknown = Object.getPrototypeOf(value);
  return prototype === null || Object.getPrototypeOf(prototype) === null;
}

function classNameOf(value: object): string {
  const name = (value.constructor as { name?: unknown } | undefined)?.name;
  return typeof name === 'string' ? name : '';
}

function isFunction(value: object, key: PropertyKey): boolean {
  return typeof (value as Record<PropertyKey, unknown>)[key] === 'function';
}
