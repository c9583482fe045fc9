import { type ExecutionContext, Logger } from '@nestjs/common';
import type { ModuleRef } from '@nestjs/core';

import type { CacheManager } from '../core/cache-manager.js';
import { PerHandler } from '../nest/per-handler.js';
import { CacheArgumentError, CacheConfigError, CacheError } from '../primitives/errors.js';
import { cacheNamed } from './cache-named.js';
import { type CacheResponseOptions, overlaid } from './cache-response-options.js';
import { keepHosts } from './known-hosts.js';
import {
  answersGet,
  hasOptionsInVain,
  hasOwnOptions,
  isEventStream,
  isRendered,
  mayPassOn,
  responseOptionsOf,
  routeFacts,
  statedOptionsOf,
  writesItself,
} from './metadata.js';
import type { Writing } from './replay.js';
import { type ResponsePolicy, resolveResponsePolicy } from './response-policy.js';
import { Route } from './route.js';

/** A handler whose responses are cached. */
export interface CachedRoute {
  readonly route: Route;
  readonly writing: Writing;
}

type Controller = { readonly name: string; readonly prototype: object };
type Handler = { readonly name: string };

/** Which handlers are cached, and how; decided once for each. */
export class Routes {
  readonly #routes = new PerHandler<CachedRoute | undefined>();
  /** Who bears a name first: two classes may have the same one. */
  readonly #owners = new Map<string, Controller>();
  readonly #log = new Logger('ResponseCache');

  /** @param defaults what holds where no decorator says anything */
  constructor(
    private readonly modules: ModuleRef,
    private readonly defaults: CacheResponseOptions,
  ) {}

  /** @throws CacheConfigError when the options of a handler contradict each other, or there is no cache of that name */
  of(context: ExecutionContext): CachedRoute | undefined {
    return this.resolve(context.getClass(), context.getHandler());
  }

  /** @throws as {@link of} */
  resolve(controller: Controller, handler: Handler): CachedRoute | undefined {
    return this.#routes.of(controller, handler, () => this.#make(controller, handler));
  }

  /**
   * Where there may be what a request with an unsafe method changes: with its controller, or all of the application. That the
   * handler's own response is not cached says nothing of that.
   */
  changedBy(context: ExecutionContext): { readonly cache: string | undefined } | undefined {
    const options = this.#optionsOf(context.getClass(), context.getHandler());
    return hasLifetime(options) ? { cache: options.cache } : undefined;
  }

  /** Whether something says for how long: for all of the application, for a handler, or for its controller. */
  hasLifetime(controller?: Controller, handler?: Handler): boolean {
    return hasLifetime(controller && handler ? this.#optionsOf(controller, handler) : this.defaults);
  }

  /** Whether there are options for the responses of a handler, and nothing says for how long. */
  lacksLifetime(controller: Controller, handler: Handler): boolean {
    if (!hasOwnOptions(handler) || !answersGet(handler) || isEventStream(handler)) return false;
    return responseOptionsOf(controller, handler) !== false && !this.hasLifetime(controller, handler);
  }

  #optionsOf(controller: Controller, handler: Handler): CacheResponseOptions {
    return overlaid(this.defaults, statedOptionsOf(controller, handler));
  }

  #make(controller: Controller, handler: Handler): CachedRoute | undefined {
    const own = responseOptionsOf(controller, handler);
    const place = `${controller.name}.${handler.name}`;
    if (hasOptionsInVain(handler))
      this.#log.warn(
        `the options of ${place} have no effect: only responses to GET are cached, event streams aside`,
      );
    // Of a method that is no such route the options of its class say nothing, nor need they be complete for it.
    if (own === false || !answersGet(handler) || isEventStream(handler)) return undefined;
    // Of the application's options it is no part then: nobody has named it.
    if (own === undefined && mayPassOn(controller, handler)) return undefined;
    try {
      const policy = resolveResponsePolicy(overlaid(this.defaults, { ...own }));
      if (policy === undefined) return undefined;
      const name = `${place} ${routeFacts(controller, handler)}`;
      this.#checkPlace(controller, handler, name, policy);
      const cache = cacheNamed(this.modules, policy.cache);
      if (isTurnedOff(cache)) return undefined;
      keepHosts(cache, policy.hosts ?? []);
      const route = new Route(name, cache, policy);
      return {
        route,
        writing: { byHandler: writesItself(controller, handler), byView: isRendered(handler) },
      };
    } catch (error) {
      if (!(error instanceof CacheError)) throw error;
      throw new CacheConfigError(place, `the responses of ${place} cannot be cached: ${error.message}`, {
        cause: error,
      });
    }
  }

  /** @throws CacheArgumentError when what the handler answers cannot be told from what others do */
  #checkPlace(controller: Controller, handler: Handler, name: string, policy: ResponsePolicy): void {
    if (mayPassOn(controller, handler)) {
      throw new CacheArgumentError(
        'it has @Next(), and what is answered after next() may be for one user only: take @Next() away, or say @NoCache()',
      );
    }
    const known = this.#owners.get(name) ?? controller;
    this.#owners.set(name, known);
    if (known !== controller && policy.key !== undefined) {
      throw new CacheArgumentError(
        'another controller has the same name and path, so that the same key would stand for both: rename one of them',
      );
    }
  }
}

function hasLifetime({ ttl, freshness }: CacheResponseOptions): boolean {
  return ttl !== undefined || freshness === 'origin';
}

/** Whether a cache has no tier: clients are not to be told that it stores anything. */
function isTurnedOff(cache: CacheManager): boolean {
  const { memory, redis } = cache.stats();
  return memory === undefined && redis === undefined;
}
