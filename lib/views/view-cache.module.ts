import { type DynamicModule, Module } from '@nestjs/common';

import type { CacheManager } from '../core/cache-manager.js';
import { checkObject } from '../core/option-checks.js';
import { getCacheToken } from '../nest/tokens.js';
import { ViewCache, type ViewCacheOptions } from './view-cache.js';

/** Options of `ViewCacheModule.forRoot`. */
export interface ViewCacheModuleOptions extends ViewCacheOptions {
  /** The name of the cache that keeps the fragments; without it the default one. */
  cache?: string;
}

/** Provides {@link ViewCache} to all modules, on a cache of `CacheModule`. */
@Module({})
export class ViewCacheModule {
  /** @throws CacheConfigError, for most of what is wrong when the application starts */
  static forRoot(given: ViewCacheModuleOptions): DynamicModule {
    checkObject(given, 'options');
    const { cache, ...options } = given;
    const provider = {
      provide: ViewCache,
      inject: [getCacheToken(cache)],
      useFactory: (manager: CacheManager) => new ViewCache(manager, options),
    };
    return { module: ViewCacheModule, global: true, providers: [provider], exports: [ViewCache] };
  }
}
