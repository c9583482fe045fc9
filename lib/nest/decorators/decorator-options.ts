import { DURATION_NAMES, ENTRY_OPTION_NAMES, type EntryOptions } from '../../core/entry-options.js';
import { resolveOptions, unstatedOptions } from '../../core/resolve-options.js';
import { didYouMean } from '../../primitives/did-you-mean.js';
import { parseDuration } from '../../primitives/duration.js';
import { CacheError } from '../../primitives/errors.js';
import type { MethodSite } from './method-site.js';

/** Nothing decided: only there to have the options of a call checked. */
const UNDECIDED = unstatedOptions(0);

/**
 * Checks that the options are an object with no other names than those known.
 * @throws CacheDecoratorError
 */
export function checkNames(options: unknown, known: readonly string[], site: MethodSite): void {
  if (typeof options !== 'object' || options === null || Array.isArray(options)) {
    throw site.definitionError('the options must be an object');
  }
  for (const name of Object.keys(options)) {
    if (known.includes(name)) continue;
    throw site.definitionError(
      `there is no option '${name}'${didYouMean(name, known)}; there are ${known.join(', ')}`,
    );
  }
}

/**
 * Checks options by their type: each of `functions` must be a function if it is there, `cache` a name.
 * @throws CacheDecoratorError
 */
export function checkTypes(options: object, functions: readonly string[], site: MethodSite): void {
  const given = options as Readonly<Record<string, unknown>>;
  for (const name of functions) {
    if (given[name] !== undefined && typeof given[name] !== 'function') {
      throw site.definitionError(`${name} must be a function, not ${typeof given[name]}`);
    }
  }
  const cache = given['cache'];
  if (cache !== undefined && (typeof cache !== 'string' || cache === '')) {
    throw site.definitionError("cache must be the name of a cache, as CacheModule.forRoot's `name`");
  }
}

/**
 * Takes the entry options out of a decorator's options, checks them, and freezes them for all calls. Tags stay behind: a
 * decorator's tags are templates.
 * @throws CacheDecoratorError
 */
export function entryOptions(options: object, site: MethodSite): EntryOptions {
  const given = options as Readonly<Record<string, unknown>>;
  const entry: Record<string, unknown> = {};
  for (const name of ENTRY_OPTION_NAMES) {
    if (name !== 'tags' && given[name] !== undefined) entry[name] = given[name];
  }
  try {
    resolveOptions(entry, UNDECIDED);
    // As seconds, which need no parsing when the cache sees them at every call.
    for (const name of DURATION_NAMES) {
      if (entry[name] !== undefined) entry[name] = parseDuration(entry[name], name) / 1000;
    }
  } catch (error) {
    if (error instanceof CacheError) throw site.definitionError(error.message, error);
    throw error;
  }
  if (entry['loadTimeout'] !== undefined)
    entry['loadTimeout'] = Object.freeze({ ...(entry['loadTimeout'] as object) });
  return Object.freeze(entry);
}
