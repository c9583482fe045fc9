import { type DynamicModule, Module, type Provider } from '@nestjs/common';

import { CacheManager } from '../core/cache-manager.js';
import { CacheModule as TieredCacheModule } from '../nest/cache.module.js';
import { CacheConfigError } from '../primitives/errors.js';
import { Cache } from './cache.js';
import {
  type CacheModuleAsyncOptions,
  type CacheModuleOptions,
  type CacheOptions,
  type CacheOptionsFactory,
  tieredOptions,
} from './cache-module-options.js';
import { CACHE_MANAGER } from './tokens.js';

const OPTIONS = Symbol('nestjs-tiered-cache:compat-options');

/** Makes the options, for the cache itself and for what is around it. */
@Module({})
class CacheOptionsModule {}

/**
 * The module of `@nestjs/cache-manager`, over a cache of this package: provides it under `CACHE_MANAGER` and the class `Cache`, with
 * the calls of cache-manager, and under `CacheManager` with its own.
 */
@Module({})
export class CacheModule {
  /**
   * Makes a cache of these options.
   * @param options see {@link CacheModuleOptions}. They are checked when the application starts, which fails with `CacheConfigError`
   * for what cannot be taken over
   */
  static register<_Store = unknown>(options: CacheModuleOptions<_Store> = {}): DynamicModule {
    return describe(options?.isGlobal, {}, [{ provide: OPTIONS, useValue: options }]);
  }

  /** Takes the options from a factory, a class or a provider. */
  static registerAsync<_Store = unknown>(options: CacheModuleAsyncOptions<_Store>): DynamicModule {
    const { isGlobal, imports = [], extraProviders = [] } = options;
    return describe(isGlobal, { imports }, [...sourceOf(options), ...extraProviders]);
  }
}

function describe(
  isGlobal = false,
  metadata: Pick<DynamicModule, 'imports'>,
  providers: Provider[],
): DynamicModule {
  const options: DynamicModule = { ...metadata, module: CacheOptionsModule, providers, exports: [OPTIONS] };
  const tiered = TieredCacheModule.forRootAsync({
    isGlobal,
    imports: [options],
    inject: [OPTIONS],
    useFactory: tieredOptions,
  });
  return {
    module: CacheModule,
    global: isGlobal,
    imports: [options, tiered],
    providers: [
      {
        provide: CACHE_MANAGER,
        inject: [CacheManager, OPTIONS],
        useFactory: (manager: CacheManager, { ttl, refreshThreshold }: CacheOptions) =>
          new Cache(manager, { ttl, refreshThreshold }),
      },
      { provide: Cache, useExisting: CACHE_MANAGER },
    ],
    exports: [CACHE_MANAGER, Cache, tiered],
  };
}

function sourceOf({ useFactory, inject, useClass, useExisting }: CacheModuleAsyncOptions): Provider[] {
  if (useFactory !== undefined) return [{ provide: OPTIONS, inject: inject ?? [], useFactory }];
  const factory = useClass ?? useExisting;
  if (factory === undefined) {
    throw new CacheConfigError(
      'registerAsync',
      'registerAsync needs one of useFactory, useClass and useExisting',
    );
  }
  const make = (source: CacheOptionsFactory): unknown => source.createCacheOptions();
  const options: Provider = { provide: OPTIONS, inject: [factory], useFactory: make };
  return useClass === undefined ? [options] : [options, useClass];
}
