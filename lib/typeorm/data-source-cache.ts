import type { DataSource, EntityManager, EntityMetadata, EntityTarget, ObjectLiteral } from 'typeorm';

import type { CacheManager } from '../core/cache-manager.js';
import { show } from '../primitives/show.js';
import { EntityCache } from '../repository/entity-cache.js';
import { CacheEntityError, CacheQueryError } from '../repository/errors.js';
import { Contexts } from './contexts.js';
import { EntityMapping } from './entity-mapping.js';
import { FindPlans } from './find-plans.js';
import { claimName } from './source-names.js';
import { SourceObserver } from './source-observer.js';
import { TypeOrmAdapter } from './typeorm-adapter.js';

/** All that is worked out once for an entity. */
export interface CachedEntityParts<Entity extends ObjectLiteral> {
  readonly mapping: EntityMapping;
  readonly adapter: TypeOrmAdapter<Entity>;
  readonly cache: EntityCache<Entity>;
  readonly plans: FindPlans<Entity>;
}

const KNOWN = new WeakMap<DataSource, WeakMap<CacheManager, DataSourceCache>>();

/** One data source in one cache: its entities, each with what is known of it. */
export class DataSourceCache {
  /** By metadata, which are others when the data source is initialized again. */
  readonly #entities = new WeakMap<EntityMetadata, CachedEntityParts<ObjectLiteral>>();
  #contexts: { readonly of: readonly EntityMetadata[]; readonly contexts: Contexts } | undefined;

  private constructor(
    readonly source: string,
    readonly dataSource: DataSource,
    readonly cache: CacheManager,
    readonly observer: SourceObserver,
  ) {}

  /**
   * @param source the data source's name
   * @throws CacheEntityError when it is the name of another one in this cache
   */
  static of(source: string, dataSource: DataSource, cache: CacheManager): DataSourceCache {
    let byCache = KNOWN.get(dataSource);
    if (byCache === undefined) KNOWN.set(dataSource, (byCache = new WeakMap()));
    const known = byCache.get(cache);
    // Asked in any case: one data source cannot have two names.
    const anew = known === undefined && claimName(source, dataSource, cache);
    const observer = SourceObserver.of(source, dataSource, cache);
    if (known !== undefined) return known;
    const made = new DataSourceCache(source, dataSource, cache, observer);
    byCache.set(cache, made);
    if (anew) void observer.forget();
    return made;
  }

  /** @throws CacheEntityError if it is no entity of this data source, or cannot be cached as it is declared */
  entity<Entity extends ObjectLiteral>(target: EntityTarget<Entity>): CachedEntityParts<Entity> {
    if (!this.dataSource.hasMetadata(target)) {
      if (!this.dataSource.isInitialized) {
        throw new CacheEntityError(
          `the data source '${this.source}' is not initialized: cached repositories need its entities. Call initialize() before they are made; with manualInitialization they cannot be injected`,
        );
      }
      throw this.#foreign(target);
    }
    const metadata = this.dataSource.getMetadata(target);
    let parts = this.#entities.get(metadata);
    if (parts === undefined) this.#entities.set(metadata, (parts = this.#partsOf(metadata)));
    return parts as unknown as CachedEntityParts<Entity>;
  }

  /** Whose rows may be read, of each of its tables. */
  get contexts(): Contexts {
    const { entityMetadatas: of } = this.dataSource;
    if (this.#contexts?.of !== of) this.#contexts = { of, contexts: new Contexts(of) };
    return this.#contexts.contexts;
  }

  /**
   * The tables of entities that a query names.
   * @throws CacheQueryError, CacheEntityError
   */
  tablesOf(targets: readonly EntityTarget<ObjectLiteral>[] | undefined): string[] | undefined {
    if (targets === undefined) return undefined;
    if (!Array.isArray(targets) || targets.length === 0) {
      throw new CacheQueryError(
        `cached({ tables }) must be a list of the entities that the query reads, not ${show(targets)}: without such, leave it out`,
      );
    }
    return targets.map((target) => {
      if (this.dataSource.hasMetadata(target)) return this.dataSource.getMetadata(target).tablePath;
      throw this.#foreign(target);
    });
  }

  /**
   * How a manager has to read: past the cache in a transaction, and where it has a connection of its own, which may see other
   * rows than others do (`SET search_path`, `SET ROLE`).
   */
  directly(manager: EntityManager): { readonly session: object } | undefined {
    const session = manager.queryRunner ?? this.observer.sessionOf(manager);
    return session && { session };
  }

  #foreign(target: unknown): CacheEntityError {
    return new CacheEntityError(
      `${typeof target === 'function' ? target.name : show(target)} is no entity of the data source '${this.source}': add it to its \`entities\``,
    );
  }

  #partsOf(metadata: EntityMetadata): CachedEntityParts<ObjectLiteral> {
    const mapping = new EntityMapping(this.source, metadata);
    const adapter = new TypeOrmAdapter<ObjectLiteral>(mapping, this.dataSource, this.observer);
    const { options } = mapping.policy;
    const context = this.contexts.of(metadata.tablePath);
    const cache = new EntityCache<ObjectLiteral>({ cache: this.cache, adapter, options, context });
    const plans = new FindPlans<ObjectLiteral>(mapping, this.dataSource, this.observer, this.contexts);
    return { mapping, adapter, cache, plans };
  }
}
