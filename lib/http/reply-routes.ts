import type { CallHandler, ExecutionContext, Type } from '@nestjs/common';
import type { ModuleRef, ModulesContainer } from '@nestjs/core';
import type { Observable } from 'rxjs';

import type { CacheManager } from '../core/cache-manager.js';
import type { Identity } from '../nest/audience.js';
import { PerHandler } from '../nest/per-handler.js';
import { ReplyCache } from '../rpc/reply-cache.js';
import type { ReplyPolicy } from '../rpc/reply-policy.js';
import type { RpcRequest } from '../rpc/rpc-request.js';
import { cacheNamed } from './cache-named.js';
import { type CacheResponseOptions, overlaid } from './cache-response-options.js';
import { replyOptionsOf } from './metadata.js';
import { replyOptions } from './reply-options.js';
import { resolveResponsePolicy } from './response-policy.js';

/** What a handler's replies are kept by. */
interface ReplyRoute {
  readonly replies: ReplyCache;
  readonly policy: ReplyPolicy;
}

/** Which RPC handlers are cached, and how. */
export class ReplyRoutes {
  readonly #routes = new PerHandler<ReplyRoute | undefined>();
  readonly #caches = new Map<CacheManager, ReplyCache>();

  /** @param defaults what holds where the decorator says nothing */
  constructor(
    private readonly modules: ModuleRef,
    private readonly container: ModulesContainer,
    private readonly defaults: CacheResponseOptions,
  ) {}

  serve(context: ExecutionContext, next: CallHandler): Observable<unknown> {
    const [controller, handler] = [context.getClass(), context.getHandler()];
    const route = this.#routes.of(controller, handler, () => this.#make(controller, handler));
    return route === undefined ? next.handle() : route.replies.serve(context, next, route.policy);
  }

  #make(controller: Type, handler: Function): ReplyRoute | undefined {
    const own = replyOptionsOf(controller, handler);
    if (own === undefined) return undefined;
    const options = replyOptions(overlaid(this.defaults, own));
    const policy = resolveResponsePolicy(options);
    if (policy === undefined) return undefined;
    const { scope, tags, tagsOf, namesOf, entry } = policy;
    return {
      replies: this.#cache(cacheNamed(this.modules, policy.cache)),
      policy: {
        options: Object.freeze({
          ...entry,
          isolation: undefined,
          loadTimeout: undefined,
          tags: Object.freeze([...(namesOf?.({}) ?? []), ...tags]) as string[],
          ...(options.type !== undefined && { type: options.type }),
        }),
        // What they are given is the request of the transport.
        tagsOf: tagsOf as ReplyPolicy['tagsOf'],
        scope,
        identity: policy.identity as Identity<RpcRequest> | undefined,
      },
    };
  }

  #cache(cache: CacheManager): ReplyCache {
    let replies = this.#caches.get(cache);
    if (replies === undefined) {
      replies = new ReplyCache(cache, this.container);
      this.#caches.set(cache, replies);
    }
    return replies;
  }
}
