import { type DynamicModule, type InjectionToken, Module, type Provider } from '@nestjs/common';
import { ModulesContainer } from '@nestjs/core';

import type { CacheManager } from '../core/cache-manager.js';
import type { CacheOptions } from '../core/cache-options.js';
import { didYouMean } from '../primitives/did-you-mean.js';
import { CacheConfigError } from '../primitives/errors.js';
import { show } from '../primitives/show.js';
import type { CacheHost } from './cache-host.js';
import type {
  CacheModuleAsyncOptions,
  CacheModuleFactoryOptions,
  CacheModuleOptions,
  CacheOptionsFactory,
} from './cache-module-options.js';
import { startTogether } from './start-together.js';
import { getCacheToken } from './tokens.js';

/**
 * Makes one cache and provides it: under the class `CacheManager`, or under `getCacheToken(name)` when it has a name. Import
 * it once for each cache. Options are checked when the application starts.
 */
@Module({})
export class CacheModule {
  /**
   * Makes a cache of these options.
   * @param options see {@link CacheModuleOptions}; none makes a memory cache of 1,000 entries
   */
  static forRoot(options: CacheModuleOptions = {}): DynamicModule {
    return describe(options?.name, options?.isGlobal, { useFactory: () => options });
  }

  /** Takes the options from a factory, a class or a provider. */
  static forRootAsync(options: CacheModuleAsyncOptions): DynamicModule {
    checkAsyncOptions(options);
    const { name, isGlobal, imports } = options;
    const source = optionsSource(options);
    return { ...describe(name, isGlobal, source.options, source.extra), imports };
  }
}

interface FactorySource {
  readonly inject?: CacheModuleAsyncOptions['inject'];
  // oxlint-disable-next-line typescript/no-explicit-any
  readonly useFactory: (...args: any[]) => CacheOptions | Promise<CacheOptions>;
}

function describe(
  name: string | undefined,
  isGlobal = true,
  source: FactorySource,
  extra: Provider[] = [],
): DynamicModule {
  const token = getCacheToken(name);
  // A class of its own for each cache: Nest instantiates it once, and calls its shutdown hook.
  const host = Symbol(`CacheHost(${name ?? 'default'})`);
  return {
    module: CacheModule,
    global: isGlobal,
    providers: [
      ...extra,
      {
        provide: host,
        inject: [ModulesContainer, ...(source.inject ?? [])],
        useFactory: async (modules: ModulesContainer, ...args: unknown[]) => {
          checkOnlyOne(modules, token, name);
          return startTogether(modules, await source.useFactory(...args));
        },
      },
      { provide: token, inject: [host], useFactory: (started: CacheHost): CacheManager => started.manager },
    ],
    exports: [token],
  };
}

/** Of two global caches of one name Nest would inject either, depending on the order of imports. */
function checkOnlyOne(modules: ModulesContainer, token: InjectionToken, name: string | undefined): void {
  const caches = [...modules.values()].filter(
    (module) => module.isGlobal && module.metatype === CacheModule && module.providers.has(token),
  );
  if (caches.length <= 1) return;
  throw new CacheConfigError(
    'name',
    `there are ${caches.length} global caches ${name === undefined ? 'without a name' : `of the name '${name}'`}: ` +
      'give each a name of its own, or set isGlobal to false and import each where it is used',
  );
}

function optionsSource(options: CacheModuleAsyncOptions): { options: FactorySource; extra: Provider[] } {
  const { name, inject, useFactory, useClass, useExisting } = options;
  const given = [useFactory, useClass, useExisting].filter((source) => source !== undefined);
  if (given.length !== 1) {
    throw new CacheConfigError(
      'forRootAsync',
      `forRootAsync needs exactly one of useFactory, useClass and useExisting, not ${given.length}`,
    );
  }
  const named = (made: CacheModuleFactoryOptions): CacheOptions => withName(made, name);
  if (useFactory !== undefined) {
    return {
      options: { inject, useFactory: async (...args) => named(await useFactory(...args)) },
      extra: [],
    };
  }
  const factory = (useClass ?? useExisting)!;
  return {
    options: {
      inject: [factory],
      useFactory: async (source: CacheOptionsFactory) => named(await source.createCacheOptions()),
    },
    extra: useClass === undefined ? [] : [useClass],
  };
}

const ASYNC_OPTION_NAMES = ['name', 'isGlobal', 'imports', 'inject', 'useFactory', 'useClass', 'useExisting'];

/** Here, and not when the application starts: Nest itself needs them to build its modules. */
function checkAsyncOptions(options: unknown): void {
  if (typeof options !== 'object' || options === null) {
    throw new CacheConfigError(
      'forRootAsync',
      'forRootAsync needs an object with one of useFactory, useClass and useExisting',
    );
  }
  for (const option of Object.keys(options)) {
    if (ASYNC_OPTION_NAMES.includes(option)) continue;
    const hint = didYouMean(option, ASYNC_OPTION_NAMES);
    throw new CacheConfigError(
      option,
      `unknown option ${option}${hint}: forRootAsync takes ${ASYNC_OPTION_NAMES.join(', ')}`,
    );
  }
  const { useFactory, isGlobal } = options as Partial<Record<string, unknown>>;
  if (useFactory !== undefined && typeof useFactory !== 'function') {
    throw new CacheConfigError('useFactory', `useFactory is ${show(useFactory)}: expected a function`);
  }
  if (isGlobal !== undefined && typeof isGlobal !== 'boolean') {
    throw new CacheConfigError('isGlobal', `isGlobal is ${show(isGlobal)}: expected true or false`);
  }
}

/** The token is fixed before the factory runs, so a name it comes up with would be ignored. */
function withName(made: unknown, name: string | undefined): CacheOptions {
  if (typeof made !== 'object' || made === null || Array.isArray(made)) return made as CacheOptions;
  for (const option of ['name', 'isGlobal']) {
    if (option in made) {
      throw new CacheConfigError(
        option,
        `${option} is given to forRootAsync itself, beside useFactory, not by the factory`,
      );
    }
  }
  return name === undefined ? made : { ...made, name };
}
