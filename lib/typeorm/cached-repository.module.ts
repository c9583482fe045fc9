import { type DynamicModule, Inject, type InjectionToken, Module, type Provider } from '@nestjs/common';
import { getDataSourceToken } from '@nestjs/typeorm';
import type { DataSource, ObjectLiteral } from 'typeorm';

import type { CacheManager } from '../core/cache-manager.js';
import { getCacheToken } from '../nest/tokens.js';
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
   * @throws CacheEntityError at start, for an entity that cannot be cached as it is declared
   */
  static forFeature(
    entities: readonly EntityClass[],
    dataSource = DEFAULT_SOURCE,
    { cache }: CachedRepositoryModuleOptions = {},
  ): DynamicModule {
    const providers: Provider[] = entities.map((entity) => ({
      provide: getCachedRepositoryToken(entity, dataSource),
      inject: [getDataSourceToken(dataSource), getCacheToken(cache)],
      useFactory: (of: DataSource, manager: CacheManager) =>
        new CachedRepository(DataSourceCache.of(dataSource, of, manager), entity),
    }));
    return { module: CachedRepositoryModule, providers, exports: providers };
  }
}
