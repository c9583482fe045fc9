import type { InjectionToken, ModuleMetadata, OptionalFactoryDependency, Type } from '@nestjs/common';

import type { CacheOptions } from '../core/cache-options.js';

/** Options of `CacheModule.forRoot`. */
export interface CacheModuleOptions extends CacheOptions {
  /** Whether every module may inject the cache without importing this one. Default true. */
  isGlobal?: boolean;
}

/** What an asynchronous source of options returns. Name and scope are given to `forRootAsync` itself. */
export type CacheModuleFactoryOptions = Omit<CacheModuleOptions, 'name' | 'isGlobal'>;

/** A provider that makes options, for `useClass` and `useExisting`. */
export interface CacheOptionsFactory {
  /** The options of a cache; name and scope are given to `forRootAsync`. */
  createCacheOptions(): CacheModuleFactoryOptions | Promise<CacheModuleFactoryOptions>;
}

/** Options of `CacheModule.forRootAsync`: exactly one of `useFactory`, `useClass` and `useExisting`. */
export interface CacheModuleAsyncOptions extends Pick<ModuleMetadata, 'imports'> {
  /** The cache's name; the default cache without it. */
  name?: string;
  /** Whether every module may inject the cache without importing this one. Default true. */
  isGlobal?: boolean;
  /** What `useFactory` is given. */
  inject?: (InjectionToken | OptionalFactoryDependency)[];
  /** Makes the options from what `inject` names. */
  // The arguments are whatever `inject` names.
  // oxlint-disable-next-line typescript/no-explicit-any
  useFactory?: (...args: any[]) => CacheModuleFactoryOptions | Promise<CacheModuleFactoryOptions>;
  /** A class that is instantiated to make the options. */
  useClass?: Type<CacheOptionsFactory>;
  /** A provider, exported by one of `imports`, that makes the options. */
  useExisting?: InjectionToken<CacheOptionsFactory>;
}
