import {
  type DynamicModule,
  Inject,
  type InjectionToken,
  Module,
  type Provider,
  Scope,
} from '@nestjs/common';
import { ModuleRef } from '@nestjs/core';
import { getDataSourceToken } from '@nestjs/typeorm';
import type { DataSource, ObjectLiteral } from 'typeorm';

import type { CacheManager } from '../core/cache-manager.js';
import { getCacheToken } from '../nest/tokens.js';
import { CacheConfigError } from '../primitives/errors.js';
import { unknownOption } from '../primitives/did-you-mean.js';
import { show } from '../primitives/show.js';
import { CacheEntityError } from '../repository/errors.js';
import { CachedRepository } from './cached-repository.js';
import { DataSourceCache } from './data-source-cache.js';

/** A class with `@Entity()` and `@CacheEntity()`. */
export type EntityClass<Entity extends ObjectLiteral = ObjectLiteral> = abstract new (
  ...args: never[]
) => Entity;

/** As TypeOrmModule calls a data source without a name. */
const DEFAULT_SOURCE = 'default';

/** Options of `CachedRepositoryModule.forFeature`. */
export interface CachedRepositoryModuleOptions {
  /** The name of the cache; without it the default one. */
  cache?: string;
  /**
   * Which database a data source is for, where the token does not always give the same: with one for each tenant, from a
   * provider of request scope, the tenant's name. Up to 64 letters, digits, `_`, `-` and `.`; different databases must have
   * different ones, and all instances of the application the same. Databases share no entries.
   */
  database?: (dataSource: DataSource) => string;
}

/** The injection token of an entity's cached repository. @param dataSource its name; without it the default one */
export function getCachedRepositoryToken(entity: EntityClass, dataSource = DEFAULT_SOURCE): InjectionToken {
  if (typeof entity !== 'function') {
    throw new CacheEntityError(
      'there is no entity here: is the file with it imported by one that it imports itself?',
    );
  }
  return tokenOf(dataSource, entity);
}

/** Injects the {@link CachedRepository} of an entity that `CachedRepositoryModule.forFeature` was given. */
export function InjectCachedRepository(
  entity: EntityClass,
  dataSource = DEFAULT_SOURCE,
): PropertyDecorator & ParameterDecorator {
  return Inject(getCachedRepositoryToken(entity, dataSource));
}

const TOKENS = new WeakMap<object, Map<string, symbol>>();

/** Two classes may have one name. */
function tokenOf(dataSource: string, entity: EntityClass): symbol {
  let tokens = TOKENS.get(entity);
  if (tokens === undefined) TOKENS.set(entity, (tokens = new Map()));
  let token = tokens.get(dataSource);
  if (token === undefined)
    tokens.set(dataSource, (token = Symbol(`CachedRepository(${entity.name}, ${dataSource})`)));
  return token;
}

/** Provides cached repositories beside `TypeOrmModule`, whose data source they use, and `CacheModule`. */
@Module({})
export class CachedRepositoryModule {
  /**
   * @param dataSource its name; without it the default one
   * @throws CacheConfigError for wrong options
   * @throws CacheEntityError at start, for an entity that cannot be cached as it is declared, and for a data source of request
   * scope without `database`
   */
  static forFeature(
    entities: readonly EntityClass[],
    dataSource = DEFAULT_SOURCE,
    options: CachedRepositoryModuleOptions = {},
  ): DynamicModule {
    checkFeature(entities, dataSource, options);
    const { cache, database } = options;
    const providers: Provider[] = entities.map((entity) => ({
      provide: getCachedRepositoryToken(entity, dataSource),
      inject: [getDataSourceToken(dataSource), getCacheToken(cache)],
      useFactory: (of: DataSource, manager: CacheManager) =>
        new CachedRepository(DataSourceCache.of(sourceName(dataSource, of, database), of, manager), entity),
    }));
    const check: Provider = {
      provide: Symbol('CachedRepositoryModule.check'),
      inject: [ModuleRef],
      useFactory: (modules: ModuleRef) => ({
        onModuleInit: () => checkScope(modules, dataSource, database !== undefined),
      }),
    };
    return { module: CachedRepositoryModule, providers: [...providers, check], exports: providers };
  }
}

const OPTION_NAMES = ['cache', 'database'];

function checkFeature(entities: unknown, dataSource: unknown, options: object): void {
  if (!Array.isArray(entities)) {
    throw new CacheConfigError('entities', `forFeature takes a list of entities, not ${show(entities)}`);
  }
  if (typeof dataSource !== 'string' || dataSource === '') {
    throw new CacheConfigError(
      'dataSource',
      `forFeature takes the name of a data source, not ${show(dataSource)}: the one that TypeOrmModule.forRoot was given, or none`,
    );
  }
  if (typeof options !== 'object' || options === null)
    throw new CacheConfigError(
      'options',
      `the options of forFeature must be an object, not ${show(options)}`,
    );
  for (const name of Object.keys(options)) {
    if (OPTION_NAMES.includes(name)) continue;
    throw new CacheConfigError(name, unknownOption(name, OPTION_NAMES));
  }
}

/** What is cached of the first tenant would be read by the second one, perhaps in another process, where nobody sees both. */
function checkScope(modules: ModuleRef, dataSource: string, named: boolean): void {
  if (named || modules.introspect(getDataSourceToken(dataSource) as string).scope === Scope.DEFAULT) return;
  throw new CacheEntityError(
    `the data source '${dataSource}' is not the same for every request, and each of its databases needs a name of its own: ` +
      'CachedRepositoryModule.forFeature(entities, dataSource, { database: (dataSource) => … })',
  );
}

function sourceName(
  name: string,
  dataSource: DataSource,
  database: CachedRepositoryModuleOptions['database'],
): string {
  if (database === undefined) return name;
  const which: unknown = database(dataSource);
  if (typeof which === 'string' && /^[\w.-]{1,64}$/.test(which)) return `${name}(${which})`;
  throw new CacheEntityError(
    `database gave ${show(which)} for the data source '${name}': return up to 64 letters, digits, '_', '-' and '.'`,
  );
}
