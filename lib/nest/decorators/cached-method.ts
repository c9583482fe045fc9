import type { CacheManager } from '../../core/cache-manager.js';
import { ENTRY_OPTION_NAMES, type EntryOptions } from '../../core/entry-options.js';
import type { LoadContext } from '../../core/load-context.js';
import { cacheOf } from './cache-property.js';
import { checkNames, checkTypes, entryOptions } from './decorator-options.js';
import { decorateMethod } from './decorate-method.js';
import { defaultKey } from './default-key.js';
import type { Method, MethodSite } from './method-site.js';
import type {
  Condition,
  KeyFunction,
  Promised,
  ResultCondition,
  ResultFunction,
  TakesArguments,
  TakesResult,
  Templates,
} from './method-types.js';
import { checkMadeKey, runMethod } from './run.js';
import { compileKey } from './template.js';
import { compileTemplates } from './templates.js';
import type { OfCall } from './template-values.js';

/** What {@link CachedMethod} takes. */
export interface CachedMethodOptions<
  Key = KeyFunction,
  When = Condition,
  Unless = ResultCondition,
  Tags = ResultFunction,
> extends Omit<EntryOptions, 'tags'> {
  /**
   * The key: a template over the method's parameters and `this` (`'user:{id}'`, `'page:{query.page?}'`, `'{this.tenant}:{id}'`),
   * or a function of the arguments, called with the instance as `this`. Without it: class, method and a hash of the arguments.
   */
  key?: string | Key;
  /** Templates, which may use `{result.id}` as well, or a function of the result and the arguments. An array among the values
   * gives one tag for each element; a result that is `null` gives none in templates that need it. */
  tags?: Templates<Tags>;
  /** The name of the cache to use, instead of the default one. */
  cache?: string;
  /** Called with the arguments, and the instance as `this`: when it returns false, nothing is read or stored. */
  when?: When;
  /** Called with the result and the arguments after a load: when it returns true, the result is not stored. */
  unless?: Unless;
}

const OPTION_NAMES = ['key', 'cache', 'when', 'unless', ...ENTRY_OPTION_NAMES];

/**
 * Caches what a method returns: callers with the same key get the stored value, and share one call while it runs.
 *
 * **Templates** name the method's parameters, or properties of `this`: `{id}`, `{user.id}`, `{this.tenant}`; a bare name that
 * is no parameter is a property of `this`. An unknown name is an error when the class is defined. Values are escaped
 * ({@link escapeKeyPart}), so that no input forges another key, and between two of them stands a `:` or another character
 * that escaping reserves. A path that leads to `undefined` is an error, for otherwise a slip in it would put all callers
 * under one key; `{user.id?}` allows it. A parameter may be left out. `\\{` and `\\}` in a string literal are literal braces.
 * Names are read from the method's source: where a build renames parameters, or another decorator has wrapped the method,
 * give a function. Names within destructured parameters are out of reach.
 *
 * **Without a key**, arguments are told apart by content; what has no faithful hash (a function, a request, a cycle) is an
 * error. Private `#fields` of arguments are not seen, and neither is the state of `this`: name it in a key.
 *
 * **The cache** is injected by Nest, as a property. An instance that Nest did not create, as `new Users()` in a unit test, has
 * none, and its methods run as they are.
 *
 * The method answers with a promise, even if it did not before: its declared return type must say so. `undefined` is not
 * stored.
 *
 * @example
 * ```ts
 * @CachedMethod({ key: 'user:{id}', ttl: '5m', tags: ['team:{result.teamId?}'] })
 * async findById(id: number): Promise<User | null> { … }
 *
 * @CachedMethod({ key: (query: Query) => `users:${query.page ?? 1}`, unless: (users) => users.length === 0 })
 * async find(query: Query): Promise<User[]> { … }
 * ```
 * @throws CacheDecoratorError when the class is defined, for whatever is wrong with the options, the template or the method.
 * A call rejects with what the method throws, with CacheKeyError when its values make no key, and with what
 * `CacheManager.getOrSet` throws.
 */
export function CachedMethod<
  Key extends KeyFunction,
  When extends Condition,
  Unless extends ResultCondition,
  Tags extends ResultFunction,
>(options: CachedMethodOptions<Key, When, Unless, Tags> = {}) {
  return decorateMethod(
    'CachedMethod',
    (site) => cacheName(options, site),
    (site, property) => build(options, site, property),
  ) as <M extends Method>(
    target: object,
    key: string | symbol,
    descriptor: TypedPropertyDescriptor<M> &
      Promised<M> &
      TakesArguments<Key, M, 'key'> &
      TakesArguments<When, M, 'when'> &
      TakesResult<Unless, M, 'unless'> &
      TakesResult<Tags, M, 'tags'>,
  ) => void;
}

/** A template's `render`, or what stands in for it; there is no result yet. */
type KeyOf = (self: object, args: readonly unknown[], result: undefined, cache: CacheManager) => string;

function cacheName(options: CachedMethodOptions, site: MethodSite): string | undefined {
  checkNames(options, OPTION_NAMES, site);
  checkTypes(options, ['when', 'unless'], site);
  return options.cache;
}

function build(options: CachedMethodOptions, site: MethodSite, property: symbol): Method {
  const entry = entryOptions(options, site);
  const keyOf = compileKeyOption(options.key, site);
  const load = buildLoad(options, site);
  const { when } = options;
  const { method } = site;

  return function cachedMethod(this: object, ...args: unknown[]): Promise<unknown> {
    const cache = cacheOf(this, property);
    if (cache === undefined) return runMethod(method, this, args);
    try {
      if (when !== undefined && !when.apply(this, args)) return runMethod(method, this, args);
      const key = keyOf(this, args, undefined, cache);
      const hit = cache.fresh(key, entry);
      if (hit !== undefined) return Promise.resolve(hit);
      return cache.getOrSet(key, (context) => load(this, args, context), entry);
    } catch (error) {
      return Promise.reject(error);
    }
  };
}

function compileKeyOption(key: CachedMethodOptions['key'], site: MethodSite): KeyOf {
  if (key === undefined) {
    const keyOf = defaultKey(site);
    return (self, args, _result, cache) => keyOf(cache, self, args);
  }
  if (typeof key === 'function')
    return (self, args) => checkMadeKey(key.apply(self, args as unknown[]), site);
  if (typeof key !== 'string') throw site.definitionError('key must be a template or a function');
  return compileKey(key, site, false).render;
}

/** The method as a loader: what it returns decides whether and under which tags it is stored. */
function buildLoad({ unless, tags }: CachedMethodOptions, site: MethodSite) {
  const { method } = site;
  const tagsOf: OfCall<readonly string[]> | undefined = compileTemplates('tags', tags, site, true);
  return async (self: object, args: unknown[], context: LoadContext): Promise<unknown> => {
    const result = await method.apply(self, args);
    if (result === undefined) return result;
    if (unless?.call(self, result, ...args)) context.skip();
    else if (tagsOf !== undefined) context.addTags(tagsOf(self, args, result));
    return result;
  };
}
