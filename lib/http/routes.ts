import type { ExecutionContext } from '@nestjs/common';
import type { ModuleRef } from '@nestjs/core';

import type { CacheManager } from '../core/cache-manager.js';
import { getCacheToken } from '../nest/tokens.js';
import { CacheConfigError, CacheError } from '../primitives/errors.js';
import type { CacheResponseOptions } from './cache-response-options.js';
import { isEventStream, isRendered, responseOptionsOf, routeFacts, writesItself } from './metadata.js';
import type { Writing } from './replay.js';
import { resolveResponsePolicy } from './response-policy.js';
import { Route } from './route.js';

/** A handler whose responses are cached. */
export interface CachedRoute {
  readonly route: Route;
  readonly writing: Writing;
}

type Controller = { readonly name: string };
type Handler = (...args: never[]) => unknown;

/** Which handlers are cached, and how; decided once for each. */
export class Routes {
  readonly #routes = new WeakMap<Handler, Map<Controller, CachedRoute | undefined>>();

  /** @param defaults what holds where no decorator says anything */
  constructor(
    private readonly modules: ModuleRef,
    private readonly defaults: CacheResponseOptions,
  ) {}

  /** @throws CacheConfigError when the options of a handler contradict each other, or there is no cache of that name */
  of(context: ExecutionContext): CachedRoute | undefined {
    const handler = context.getHandler() as Handler;
    const controller = context.getClass();
    const known = this.#routes.get(handler);
    if (known?.has(controller)) return known.get(controller);
    return this.resolve(controller, handler);
  }

  /** @throws as {@link of} */
  resolve(controller: Controller, handler: Handler): CachedRoute | undefined {
    const routes = this.#routes.get(handler) ?? new Map<Controller, CachedRoute | undefined>();
    this.#routes.set(handler, routes);
    const made = this.#make(controller, handler);
    routes.set(controller, made);
    return made;
  }

  #make(controller: Controller, handler: Handler): CachedRoute | undefined {
    const own = responseOptionsOf(controller, handler);
    if (own === false || isEventStream(handler)) return undefined;
    const place = `${controller.name}.${handler.name}`;
    try {
      const policy = resolveResponsePolicy({ ...this.defaults, ...own });
      if (policy === undefined) return undefined;
      const route = new Route(
        `${place} ${routeFacts(controller, handler)}`,
        this.#cache(policy.cache),
        policy,
      );
      return {
        route,
        writing: { byHandler: writesItself(controller, handler.name), byView: isRendered(handler) },
      };
    } catch (error) {
      if (!(error instanceof CacheError)) throw error;
      throw new CacheConfigError(place, `the responses of ${place} cannot be cached: ${error.message}`, {
        cause: error,
      });
    }
  }

  #cache(name: string | undefined): CacheManager {
    try {
      return this.modules.get(getCacheToken(name), { strict: false });
    } catch (cause) {
      const what = name === undefined ? 'CacheModule.forRoot()' : `CacheModule.forRoot({ name: '${name}' })`;
      throw new CacheConfigError(
        'cache',
        `there is no such cache: import ${what} in your application's module`,
        { cause },
      );
    }
  }
}
