import { types } from 'node:util';

/** Why something cannot be cached, as the rest of a sentence that begins with its path, and the way out. */
export interface Problem {
  readonly is: string;
  readonly wayOut: string;
}

export const SPARSE: Problem = {
  is: 'a huge array with mostly empty places',
  wayOut: 'use a Map or an object',
};

export const UNDEFINED: Problem = {
  is: 'undefined, which means "nothing here"',
  wayOut: 'use null to remember that there is nothing',
};

export function tooDeep(levels: number): Problem {
  return { is: `nested more than ${levels} levels deep`, wayOut: 'flatten it' };
}

export function cycleTo(path: string): Problem {
  return { is: `a reference back to ${path}, a cycle`, wayOut: 'store an id instead of the object' };
}

export function tooMuchRegExp(limit: number): Problem {
  return {
    is: `one RegExp too many: all of a value together may have ${limit} characters`,
    wayOut: 'store their sources as strings',
  };
}

/**
 * What keeps a function, a symbol or an object of an unknown class from being cached; `undefined` for an object whose own
 * enumerable properties say all there is to say.
 */
export function problemOf(value: unknown): Problem | undefined {
  if (typeof value === 'function')
    return { is: `a ${kindOfFunction(value)}`, wayOut: 'leave it out, or give its object a toJSON()' };
  if (typeof value === 'symbol')
    return { is: 'a symbol, which exists in this process only', wayOut: 'use a string' };
  const object = value as object;
  if (types.isPromise(object) || typeof (object as { then?: unknown }).then === 'function') {
    return { is: 'a Promise', wayOut: 'await it first' };
  }
  if (types.isBoxedPrimitive(object))
    return { is: `a boxed ${nameOf(object)}`, wayOut: 'use the primitive value' };
  return Object.keys(object).length === 0 && !isPlainOfAnotherRealm(object) ? opaque(object) : undefined;
}

function kindOfFunction(value: unknown): string {
  return /^class\b/.test(Function.prototype.toString.call(value)) ? 'class' : 'function';
}

function opaque(value: object): Problem {
  if (Symbol.iterator in value && 'next' in value)
    return { is: 'an iterator', wayOut: 'collect it into an array first' };
  if (types.isWeakMap(value) || types.isWeakSet(value)) {
    return { is: `a ${nameOf(value)}, whose contents cannot be listed`, wayOut: 'use a Map or a Set' };
  }
  if (types.isSharedArrayBuffer(value))
    return { is: 'a SharedArrayBuffer', wayOut: 'copy it into an ArrayBuffer' };
  return {
    is: `a ${nameOf(value)} without enumerable properties of its own`,
    wayOut: 'give its class a toJSON(), or store what it holds',
  };
}

function nameOf(value: object): string {
  const { constructor } = value as { constructor?: unknown };
  return typeof constructor === 'function' && constructor.name !== ''
    ? constructor.name
    : 'object of an unknown class';
}

/** Objects from another realm, as inside jest, have that realm's Object.prototype. */
function isPlainOfAnotherRealm(value: object): boolean {
  const prototype: unknown = Object.getPrototypeOf(value);
  return prototype === null || Object.getPrototypeOf(prototype) === null;
}
