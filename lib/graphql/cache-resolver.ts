import { UseInterceptors } from '@nestjs/common';

import { ENTRY_OPTION_NAMES, type EntryOptions } from '../core/entry-options.js';
import { checkNames, checkTypes, entryOptions } from '../nest/decorators/decorator-options.js';
import { type Method, MethodSite } from '../nest/decorators/method-site.js';
import { type AudienceOptions, audienceProblem } from './graphql-audience.js';
import { splitTags, type TagsOption } from './made-tags.js';
import { resolverInterceptor } from './resolver-interceptor.js';

/** What {@link CacheResolver} takes. */
// oxlint-disable-next-line typescript/no-explicit-any -- of what is resolved, and its parent, only the application knows
export interface CacheResolverOptions<Result = any, Parent = any>
  extends EntryOptions<Result>, AudienceOptions {
  /**
   * For `@ResolveField`: names the parent, `(user) => user.id`. All that the resolver reads of it has to be in it: a string, a
   * number, or an array or object of such.
   */
  parent?: (parent: Parent) => unknown;
  /**
   * Whether results are kept apart by what is selected below the field, and the values of variables there. `false` for
   * resolvers that do not look at `info`: one entry serves all selections. Default true.
   */
  selection?: boolean;
  /** The name of the cache to use, instead of the default one. */
  cache?: string;
}

const OPTION_NAMES = ['parent', 'selection', 'cache', 'scope', 'identity', ...ENTRY_OPTION_NAMES];

/**
 * Caches what a resolver of a `@Query` or a `@ResolveField` returns, by parent, arguments, selection and identity. Concurrent calls
 * with the same key share one. Guards run on every call.
 *
 * Within mutations and subscriptions everything is resolved anew. So is what cannot be told apart (an upload among the
 * arguments), and results that hold instances of classes unless `type` names their class: they would come back as plain objects,
 * without getters and methods, and `resolveType` would not know them. The log says so once. Plain results are frozen: resolvers
 * below read them as their parent. `undefined` and errors, thrown or returned, are not stored.
 *
 * Nest runs interceptors on fields only with `fieldResolverEnhancers: ['interceptors']` of `GraphQLModule`.
 *
 * @example
 * ```ts
 * @Query(() => [Post])
 * @CacheResolver({ ttl: '1m', tags: ['posts'], type: Post })
 * posts(@Args('page') page: number): Promise<Post[]> { … }
 *
 * @ResolveField(() => Int)
 * @CacheResolver({ ttl: '5m', parent: (post: Post) => post.id })
 * commentCount(@Parent() post: Post): Promise<number> { … }
 * ```
 * @throws CacheDecoratorError when the class is defined, for wrong options; when the application starts, if the method is neither
 * a query nor a field, a field has no `parent` or a query has one, or interceptors do not run on fields. A call fails with what
 * the resolver throws, with CacheKeyError when `parent` or `identity` name nothing, and with CacheLoadTimeoutError.
 */
export function CacheResolver(options: CacheResolverOptions = {}): MethodDecorator {
  return (target, key, descriptor) => {
    const site = new MethodSite('CacheResolver', target, key, (descriptor as { value: Method }).value);
    checkNames(options, OPTION_NAMES, site);
    checkTypes(options, ['parent', 'identity'], site);
    const problem = audienceProblem(options);
    if (problem !== undefined) throw site.definitionError(problem);
    const { tags, selection = true, cache, parent } = options;
    if (typeof selection !== 'boolean') throw site.definitionError('selection must be true or false');
    const { fixed, make: makeTags } = tagsOf(tags, site);
    const entry = Object.freeze({ ...entryOptions(options, site), ...(fixed && { tags: fixed }) });
    const policy = { entry, makeTags, audience: options, selection, parent };
    UseInterceptors(resolverInterceptor(site, policy, cache))(target, key, descriptor);
  };
}

function tagsOf(tags: TagsOption, site: MethodSite): ReturnType<typeof splitTags> {
  try {
    return splitTags(tags);
  } catch (error) {
    throw site.definitionError((error as Error).message, error);
  }
}
