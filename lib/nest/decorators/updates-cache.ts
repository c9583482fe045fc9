import { ENTRY_OPTION_NAMES, type EntryOptions } from '../../core/entry-options.js';
import { cacheOf } from './cache-property.js';
import { checkNames, checkTypes, entryOptions } from './decorator-options.js';
import { decorateMethod } from './decorate-method.js';
import type { Method, MethodSite } from './method-site.js';
import type {
  Condition,
  Promised,
  ResultCondition,
  ResultFunction,
  ResultKeyFunction,
  TakesArguments,
  TakesResult,
  Templates,
} from './method-types.js';
import { checkMadeKey, runMethod } from './run.js';
import { compileKey } from './template.js';
import { compileTemplates } from './templates.js';
import type { OfCall } from './template-values.js';

/** What {@link UpdatesCache} takes. */
export interface UpdatesCacheOptions<
  Key = ResultKeyFunction,
  When = Condition,
  Unless = ResultCondition,
  Tags = ResultFunction,
> extends Omit<EntryOptions, 'tags'> {
  /** The key: a template, which may use `{result.id}` as well, or a function of the result and the arguments. */
  key: string | Key;
  /** Templates, or a function of the result and the arguments. */
  tags?: Templates<Tags>;
  /** The name of the cache to use, instead of the default one. */
  cache?: string;
  /** Called with the arguments before the method: when it returns false, nothing is stored. */
  when?: When;
  /** Called with the result and the arguments: when it returns true, the result is not stored. */
  unless?: Unless;
}

const OPTION_NAMES = ['key', 'cache', 'when', 'unless', ...ENTRY_OPTION_NAMES];

/**
 * Stores what a method returns, so that the next reader of that key finds it. It must return the very value that a reader of
 * the key expects. Nothing is stored when it throws or returns `undefined`, nor under a key that needs the result when it
 * returns `null`; what was stored before then stays. When the key or its tags are invalidated or set while the method runs,
 * its result may be the older one: the key is invalidated then, and the next reader loads.
 *
 * Templates and the injected cache are as for {@link CachedMethod}.
 *
 * @example
 * ```ts
 * @UpdatesCache({ key: 'user:{result.id}', ttl: '5m' })
 * async rename(id: number, name: string): Promise<User> { … }
 * ```
 * @throws CacheDecoratorError when the class is defined. A call rejects with what the method throws, and, after the method
 * has succeeded, with CacheKeyError and with what `CacheManager.set` throws.
 */
export function UpdatesCache<
  Key extends ResultKeyFunction,
  When extends Condition,
  Unless extends ResultCondition,
  Tags extends ResultFunction,
>(options: UpdatesCacheOptions<Key, When, Unless, Tags>) {
  return decorateMethod(
    'UpdatesCache',
    (site) => cacheName(options, site),
    (site, property) => build(options, site, property),
  ) as <M extends Method>(
    target: object,
    key: string | symbol,
    descriptor: TypedPropertyDescriptor<M> &
      Promised<M> &
      TakesResult<Key, M, 'key'> &
      TakesArguments<When, M, 'when'> &
      TakesResult<Unless, M, 'unless'> &
      TakesResult<Tags, M, 'tags'>,
  ) => void;
}

function cacheName(options: UpdatesCacheOptions, site: MethodSite): string | undefined {
  checkNames(options, OPTION_NAMES, site);
  checkTypes(options, ['when', 'unless'], site);
  return options.cache;
}

function build(options: UpdatesCacheOptions, site: MethodSite, property: symbol): Method {
  const entry = entryOptions(options, site);
  const keyOf = compileKeyOption(options.key, site);
  const tagsOf = compileTemplates('tags', options.tags, site, true);
  const { when, unless } = options;
  const { method } = site;

  return async function updatingMethod(this: object, ...args: unknown[]): Promise<unknown> {
    const cache = cacheOf(this, property);
    if (cache === undefined || (when !== undefined && !when.apply(this, args)))
      return runMethod(method, this, args);
    return cache.setResult(
      async () => method.apply(this, args),
      (result) => {
        if (result === undefined || unless?.call(this, result, ...args)) return undefined;
        const key = keyOf(this, args, result);
        if (key === undefined) return undefined;
        const placed = tagsOf === undefined ? entry : { ...entry, tags: tagsOf(this, args, result) };
        return { key, options: placed };
      },
    );
  };
}

function compileKeyOption(key: UpdatesCacheOptions['key'], site: MethodSite): OfCall<string | undefined> {
  if (typeof key === 'function')
    return (self, args, result) => checkMadeKey(key.call(self, result, ...args), site);
  if (typeof key !== 'string') throw site.definitionError('key is needed: a template or a function');
  const { render, usesResult } = compileKey(key, site, true);
  return (self, args, result) => (usesResult && result === null ? undefined : render(self, args, result));
}
