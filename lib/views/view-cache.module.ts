import { type DynamicModule, Module } from '@nestjs/common';

import type { CacheManager } from '../core/cache-manager.js';
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
  /** @throws CacheConfigError at start */
  static forRoot({ cache, ...options }: ViewCacheModuleOptions): DynamicModule {
    const provider = {
      provide: ViewCache,
      inject: [getCacheToken(cache)],
      useFactory: (manager: CacheManager) => new ViewCache(manager, options),
    };
    return { module: ViewCacheModule, global: true, providers: [provider], exports: [ViewCache] };
  }
}
