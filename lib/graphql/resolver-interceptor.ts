import 'reflect-metadata';

import {
  type CallHandler,
  type ExecutionContext,
  Inject,
  Injectable,
  type NestInterceptor,
  type OnModuleInit,
  type Type,
} from '@nestjs/common';
import { ModuleRef, ModulesContainer } from '@nestjs/core';
import { from, type Observable } from 'rxjs';

import type { CacheManager } from '../core/cache-manager.js';
import type { MethodSite } from '../nest/decorators/method-site.js';
import { getCacheToken } from '../nest/tokens.js';
import { ResolverCache } from './resolver-cache.js';
import type { ResolverPolicy } from './resolver-policy.js';

/** The keys of `@nestjs/graphql`'s metadata, and the token of its module's options. */
const RESOLVER_TYPE = 'graphql:resolver_type';
const RESOLVER_FIELD = 'graphql:resolve_property';
const MODULE_OPTIONS = 'GqlModuleOptions';

/** An interceptor of one resolver's own, which looks at the start of the application whether it can do its work. */
export function resolverInterceptor(
  site: MethodSite,
  policy: ResolverPolicy,
  cacheName: string | undefined,
): Type<NestInterceptor> {
  @Injectable()
  class ResolverCacheInterceptor implements NestInterceptor, OnModuleInit {
    readonly #results: ResolverCache;

    constructor(
      @Inject(getCacheToken(cacheName)) cache: CacheManager,
      @Inject(ModuleRef) private readonly modules: ModuleRef,
      @Inject(ModulesContainer) container: ModulesContainer,
    ) {
      this.#results = new ResolverCache(cache, policy, container);
    }

    onModuleInit(): void {
      const problem = problemOf(site, policy) ?? problemOfFields(site, this.modules);
      if (problem !== undefined) throw site.definitionError(problem);
    }

    intercept(context: ExecutionContext, next: CallHandler): Observable<unknown> {
      if (context.getType<string>() !== 'graphql') return next.handle();
      const key = this.#results.keyOf(context);
      return key === undefined ? next.handle() : from(this.#results.read(key, context, next));
    }
  }
  return ResolverCacheInterceptor;
}

function problemOf(site: MethodSite, { parent }: ResolverPolicy): string | undefined {
  if (isField(site))
    return parent === undefined
      ? 'a field needs to know whose it is: give parent, such as `parent: (user) => user.id`'
      : undefined;
  if (Reflect.getMetadata(RESOLVER_TYPE, methodOf(site)) !== 'Query')
    return 'it is for @Query and @ResolveField; mutations, subscriptions and references are not cached';
  return parent === undefined ? undefined : 'parent is for @ResolveField; a query has none';
}

function problemOfFields(site: MethodSite, modules: ModuleRef): string | undefined {
  if (!isField(site)) return undefined;
  const all = modules.get<{ fieldResolverEnhancers?: readonly string[] }>(MODULE_OPTIONS, {
    strict: false,
    each: true,
  });
  if (all.some(({ fieldResolverEnhancers }) => fieldResolverEnhancers?.includes('interceptors') === true))
    return undefined;
  return "interceptors do not run on fields: give GraphQLModule `fieldResolverEnhancers: ['interceptors']`";
}

function isField(site: MethodSite): boolean {
  return Reflect.getMetadata(RESOLVER_FIELD, methodOf(site)) === true;
}

/** As other decorators have left it. */
function methodOf({ prototype, key }: MethodSite): object {
  return (prototype as Record<string | symbol, object>)[key]!;
}
