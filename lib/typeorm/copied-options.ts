import { types } from 'node:util';

import { InstanceChecker } from 'typeorm/util/InstanceChecker.js';

/**
 * Find options that whoever gave them cannot change any more: what is read later has to be what the key was made of.
 * Conditions may be of any class; values inside of them that are neither plain nor TypeORM's own are left as they are.
 */
export function copiedOptions<Options extends object>(options: Options): Options {
  const copy = { ...options } as Record<string, unknown>;
  for (const name in copy) copy[name] = name === 'where' ? copiedWhere(copy[name]) : copied(copy[name]);
  return copy as Options;
}

function copiedWhere(where: unknown): unknown {
  if (Array.isArray(where)) return where.map(copiedWhere);
  return typeof where === 'object' && where !== null ? copiedObject(where) : where;
}

function copied(value: unknown): unknown {
  if (typeof value !== 'object' || value === null) return value;
  if (Array.isArray(value)) return value.map(copied);
  if (types.isDate(value)) return new Date(value.getTime());
  if (Buffer.isBuffer(value)) return Buffer.from(value);
  const prototype: unknown = Object.getPrototypeOf(value);
  const isPlain = prototype === Object.prototype || prototype === null;
  return isPlain || InstanceChecker.isFindOperator(value) ? copiedObject(value) : value;
}

function copiedObject(value: object): object {
  const copy = Object.create(Object.getPrototypeOf(value) as object | null) as Record<string, unknown>;
  for (const [name, inner] of Object.entries(value)) copy[name] = copied(inner);
  return copy;
}
