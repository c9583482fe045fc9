import type { Logger } from '@nestjs/common';
import type { ModuleRef } from '@nestjs/core';

import type { CacheManager } from '../core/cache-manager.js';
import { getCacheToken } from '../nest/tokens.js';
import { CacheConfigError } from '../primitives/errors.js';

/** @throws CacheConfigError when the application has no such cache */
export function cacheNamed(modules: ModuleRef, name: string | undefined): CacheManager {
  try {
    return modules.get(getCacheToken(name), { strict: false });
  } catch (cause) {
    const problem =
      name === undefined
        ? "there is no cache without a name: import CacheModule.forRoot() in your application's module, or name another: cache: 'pages'"
        : `there is no such cache: import CacheModule.forRoot({ name: '${name}' }) in your application's module`;
    throw new CacheConfigError('cache', problem, { cause });
  }
}

/** Finds caches for requests that are answered without one, too. */
export class CachesIfAny {
  readonly #said = new Set<string>();

  constructor(
    private readonly modules: ModuleRef,
    private readonly log: Logger,
  ) {}

  /** @param place who asks: that there is none is said once for each; `undefined`: it need not be said */
  find(name: string | undefined, place: string | undefined): CacheManager | undefined {
    try {
      return cacheNamed(this.modules, name);
    } catch (error) {
      if (place === undefined || this.#said.has(place)) return undefined;
      this.#said.add(place);
      this.log.error(`${place} invalidates nothing: ${(error as Error).message}`);
      return undefined;
    }
  }
}
