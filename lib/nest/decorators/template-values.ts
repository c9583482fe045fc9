import { describeValue, keyPart } from '../../primitives/escape.js';
import type { CacheKeyError } from '../../primitives/errors.js';
import type { MethodSite } from './method-site.js';
import type { Reference } from './template-binding.js';

/** Something computed from a call: from `this`, the arguments, and what the method returned. */
export type OfCall<T> = (self: object, args: readonly unknown[], result: unknown) => T;

/** The escaped value of one placeholder. Throws CacheKeyError when it is missing, an array, or nothing a key can hold. */
export function onePart(reference: Reference, source: string, site: MethodSite): OfCall<string> {
  const { from, index, path } = reference;
  const fail = (value: unknown) => valueError(reference, value, source, site);
  if (from === 'parameter' && path.length === 0) {
    return (_self, args) => {
      const value = args[index];
      return keyPart(value) ?? raise(fail(value));
    };
  }
  const root = rootOf(reference);
  return (self, args, result) => {
    const value = follow(root(self, args, result), path);
    if (value === undefined && isMissing(reference)) throw fail(value);
    return keyPart(value) ?? raise(fail(value));
  };
}

/** The escaped values of one placeholder: arrays, also on the way along its path, give one for each element. */
export function manyParts(reference: Reference, source: string, site: MethodSite): OfCall<string[]> {
  const root = rootOf(reference);
  return (self, args, result) => {
    const parts: string[] = [];
    for (const value of followAll(root(self, args, result), reference.path, 0)) {
      const part = value === undefined && isMissing(reference) ? undefined : keyPart(value);
      parts.push(part ?? raise(valueError(reference, value, source, site)));
    }
    return parts;
  };
}

/**
 * A bare parameter may be left out. A path that leads nowhere is more likely a slip in the template, which would put all
 * callers under one key: an error, unless it is marked with `?`.
 */
function isMissing({ from, path, placeholder }: Reference): boolean {
  return !placeholder.optional && (from === 'this' || path.length > 0);
}

function rootOf({ from, index }: Reference): OfCall<unknown> {
  switch (from) {
    case 'parameter':
      return (_self, args) => args[index];
    case 'rest':
      return (_self, args) => args.slice(index);
    case 'this':
      return (self) => self;
    case 'result':
      return (_self, _args, result) => result;
  }
}

function follow(root: unknown, path: readonly string[]): unknown {
  let value = root;
  for (const name of path) {
    if (value === null || value === undefined) return undefined;
    value = (value as Record<string, unknown>)[name];
  }
  return value;
}

function followAll(value: unknown, path: readonly string[], at: number): unknown[] {
  const name = path[at];
  if (Array.isArray(value) && (name === undefined || !isArrayProperty(name))) {
    return value.flatMap((element: unknown) => followAll(element, path, at));
  }
  if (name === undefined) return [value];
  if (value === null || value === undefined) return [undefined];
  return followAll((value as Record<string, unknown>)[name], path, at + 1);
}

function isArrayProperty(name: string): boolean {
  return name === 'length' || /^\d+$/.test(name);
}

function raise(error: CacheKeyError): never {
  throw error;
}

function valueError(reference: Reference, value: unknown, source: string, site: MethodSite): CacheKeyError {
  const { text } = reference.placeholder;
  return site.keyError(`${text} in '${source}' ${explain(reference, value)}`);
}

function explain({ placeholder }: Reference, value: unknown): string {
  const inner = placeholder.text.slice(1, -1).replace('?', '');
  if (value === undefined) {
    return `leads to nothing (undefined): correct the path, or write {${inner}?} if it may be absent`;
  }
  const is = `is ${describeValue(value)}`;
  if (Array.isArray(value)) return `${is}, and one entry has one key: use a function`;
  if (typeof value === 'object')
    return `${is}: name a property of it, such as {${inner}.id}, or use a function`;
  return `${is}, which cannot be part of a key: use a function`;
}
