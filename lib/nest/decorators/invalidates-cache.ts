import type { CacheManager } from '../../core/cache-manager.js';
import { cacheOf } from './cache-property.js';
import { checkNames, checkTypes } from './decorator-options.js';
import { decorateMethod } from './decorate-method.js';
import type { Method, MethodSite } from './method-site.js';
import type { Promised, ResultFunction, TakesResult, Templates } from './method-types.js';
import { runMethod } from './run.js';
import { checkPattern } from './pattern-template.js';
import { compileTemplates } from './templates.js';

/** What {@link InvalidatesCache} takes. At least one of `keys`, `patterns` and `tags` is needed. */
export interface InvalidatesCacheOptions<
  Keys = ResultFunction,
  Patterns = ResultFunction,
  Tags = ResultFunction,
  Before extends boolean = boolean,
> {
  /** Keys to delete: templates, or a function of the result and the arguments. */
  keys?: Templates<Keys>;
  /** Patterns whose keys are deleted, as for `CacheManager.clearPattern`. Values in a template never act as patterns. */
  patterns?: Templates<Patterns>;
  /** Tags whose entries become unusable. */
  tags?: Templates<Tags>;
  /** The name of the cache to use, instead of the default one. */
  cache?: string;
  /**
   * Invalidate before the method runs, whether it succeeds or not; there is no result then. Beware that a reader may load
   * the old state again while the method runs. False by default: after the method has succeeded.
   */
  before?: Before;
}

const OPTION_NAMES = ['keys', 'patterns', 'tags', 'cache', 'before'];

/**
 * Invalidates cache entries after a method has succeeded; not when it throws. The caller gets its answer once the
 * invalidation is done.
 *
 * Templates are as for {@link CachedMethod}, and may use `{result.id}`. An array among the values (a parameter, `{result.id}`
 * of a list of results) gives one key for each element, an empty one gives none; so does a result that is `null` or
 * `undefined`, in templates that need it.
 *
 * @example
 * ```ts
 * @InvalidatesCache('user:{id}')
 * async rename(id: number, name: string): Promise<void> { … }
 *
 * @InvalidatesCache({ keys: ['user:{ids}'], tags: 'team:{result.teamId}', patterns: 'search:*' })
 * async removeAll(ids: number[]): Promise<Team> { … }
 * ```
 * @throws CacheDecoratorError when the class is defined. A call rejects with what the method throws and, though the method
 * has succeeded, with CacheKeyError when a template cannot be filled in and with what the invalidation throws: the caller
 * must know that old values may still be served. That is CacheStoreError only with `defaults.strict`, when Redis could not be
 * told. What a call names is one invalidation. Decorate the method that commits, not one inside its transaction.
 */
export function InvalidatesCache<
  Keys extends ResultFunction,
  Patterns extends ResultFunction,
  Tags extends ResultFunction,
  Before extends boolean,
>(what: string | InvalidatesCacheOptions<Keys, Patterns, Tags, Before>) {
  const options = typeof what === 'string' ? { keys: what } : what;
  return decorateMethod(
    'InvalidatesCache',
    (site) => cacheName(options, site),
    (site, property) => build(options, site, property),
  ) as <M extends Method, Result = [Before] extends [true] ? undefined : Awaited<ReturnType<M>>>(
    target: object,
    key: string | symbol,
    descriptor: TypedPropertyDescriptor<M> &
      Promised<M> &
      TakesResult<Keys, M, 'keys', Result> &
      TakesResult<Patterns, M, 'patterns', Result> &
      TakesResult<Tags, M, 'tags', Result>,
  ) => void;
}

function cacheName(options: InvalidatesCacheOptions, site: MethodSite): string | undefined {
  checkNames(options, OPTION_NAMES, site);
  checkTypes(options, [], site);
  if (options.before !== undefined && typeof options.before !== 'boolean') {
    throw site.definitionError('before must be true or false');
  }
  return options.cache;
}

type Invalidate = (cache: CacheManager, self: object, args: unknown[], result: unknown) => Promise<void>;

function build(options: InvalidatesCacheOptions, site: MethodSite, property: symbol): Method {
  const before = options.before ?? false;
  const invalidate = compileInvalidation(options, site, !before);
  const { method } = site;

  return async function invalidatingMethod(this: object, ...args: unknown[]): Promise<unknown> {
    const cache = cacheOf(this, property);
    if (cache === undefined) return runMethod(method, this, args);
    if (before) {
      await invalidate(cache, this, args, undefined);
      return runMethod(method, this, args);
    }
    const result = await method.apply(this, args);
    await invalidate(cache, this, args, result);
    return result;
  };
}

function compileInvalidation(
  options: InvalidatesCacheOptions,
  site: MethodSite,
  mayUseResult: boolean,
): Invalidate {
  const keysOf = compileTemplates('keys', options.keys, site, mayUseResult);
  const patternsOf = compileTemplates('patterns', options.patterns, site, mayUseResult, (source) =>
    checkPattern(source, site),
  );
  const tagsOf = compileTemplates('tags', options.tags, site, mayUseResult);
  if (keysOf === undefined && patternsOf === undefined && tagsOf === undefined) {
    throw site.definitionError('there is nothing to invalidate: give keys, patterns or tags');
  }
  return async (cache, self, args, result) => {
    // All are known before the first takes effect.
    const keys = keysOf?.(self, args, result) ?? [];
    const patterns = patternsOf?.(self, args, result) ?? [];
    const tags = tagsOf?.(self, args, result) ?? [];
    await cache.invalidate(keys, tags, patterns);
  };
}
