import { didYouMean } from '../../primitives/did-you-mean.js';
import { CacheConfigError } from '../../primitives/errors.js';
import type { OptionKind, OptionKinds } from './ioredis-options.js';

export type Options = Readonly<Record<string, unknown>>;

const KINDS: Readonly<Record<OptionKind, readonly [allows: (value: unknown) => boolean, expected: string]>> =
  {
    any: [() => true, ''],
    array: [Array.isArray, 'an array'],
    boolean: [(value) => typeof value === 'boolean', 'true or false'],
    count: [(value) => Number.isInteger(value) && Number(value) >= 0, 'a whole number from 0'],
    function: [(value) => typeof value === 'function', 'a function'],
    'list or function': [
      (value) => isObject(value) || typeof value === 'function',
      'an object or a function',
    ],
    milliseconds: [
      (value) => typeof value === 'number' && Number.isFinite(value) && value >= 0,
      'a number of milliseconds from 0',
    ],
    object: [(value) => isObject(value) && !Array.isArray(value), 'an object'],
    port: [
      (value) => Number.isInteger(value) && Number(value) >= 1 && Number(value) <= 65_535,
      'a whole number from 1 to 65,535',
    ],
    string: [(value) => typeof value === 'string', 'a string'],
    tls: [
      (value) => isObject(value) || value === true || typeof value === 'string',
      "an object, {} for Node's defaults",
    ],
  };

/**
 * @param alsoKnown names to suggest beside those of `kinds`
 * @throws CacheConfigError unless all names are known and all values are of their kind
 */
export function checkOptions(
  options: Options,
  path: string,
  kinds: OptionKinds,
  alsoKnown: readonly string[] = [],
): void {
  for (const [name, value] of Object.entries(options)) {
    const kind = Object.hasOwn(kinds, name) ? kinds[name] : undefined;
    if (kind === undefined) throw unknown(`${path}.${name}`, name, [...alsoKnown, ...Object.keys(kinds)]);
    if (value === undefined || value === null) continue;
    const [allows, expected] = KINDS[kind];
    if (!allows(value)) throw wrong(`${path}.${name}`, value, expected);
  }
}

/** @throws CacheConfigError if one of the names is given */
export function refuse(options: Options, names: readonly string[], path: string, reason: string): void {
  const name = names.find((candidate) => isGiven(options, candidate));
  if (name !== undefined) throw new CacheConfigError(`${path}.${name}`, `${path}.${name} ${reason}`);
}

/** `undefined` and `null` are what is not given. */
export function isGiven(options: Options, name: string): boolean {
  return options[name] !== undefined && options[name] !== null;
}

export function isObject(value: unknown): value is Options {
  return typeof value === 'object' && value !== null;
}

export function checkObject(value: unknown, option: string): asserts value is Options {
  if (!isObject(value) || Array.isArray(value)) throw wrong(option, value, 'an object');
}

/** Says what is wrong without repeating what was given, where that may be secret. */
export function wrong(option: string, value: unknown, expected: string): CacheConfigError {
  const isSecret = /password|username/i.test(option);
  const shown = typeof value === 'number' && !isSecret ? String(value) : typeOf(value);
  return new CacheConfigError(option, `${option} is ${shown}: expected ${expected}`);
}

function unknown(option: string, name: string, known: readonly string[]): CacheConfigError {
  return new CacheConfigError(
    option,
    `unknown option ${option}${didYouMean(name, known)}: see ioredis' documentation for those it knows`,
  );
}

function typeOf(value: unknown): string {
  if (value === null || value === undefined) return String(value);
  if (Array.isArray(value)) return 'an array';
  return `${/^[aeiou]/.test(typeof value) ? 'an' : 'a'} ${typeof value}`;
}
