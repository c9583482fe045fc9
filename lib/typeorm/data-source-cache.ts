import type { DataSource, EntityManager, EntityMetadata, EntityTarget, ObjectLiteral } from 'typeorm';

import type { CacheManager } from '../core/cache-manager.js';
import { show } from '../primitives/show.js';
import { EntityCache } from '../repository/entity-cache.js';
import { CacheEntityError } from '../repository/errors.js';
import { Contexts } from './contexts.js';
import { EntityMapping } from './entity-mapping.js';
import { FindPlans } from './find-plans.js';
import { SourceObserver } from './source-observer.js';
import { TypeOrmAdapter } from './typeorm-adapter.js';

/** All that is worked out once for an entity. */
export interface CachedEntityParts<Entity extends ObjectLiteral> {
  readonly mapping: EntityMapping;
  readonly adapter: TypeOrmAdapter<Entity>;
  readonly cache: EntityCache<Entity>;
  readonly plans: FindPlans<Entity>;
}

const KNOWN = new WeakMap<DataSource, Map<CacheManager, DataSourceCache>>();

/** One data source in one cache: its entities, each with what is known of it. */
export class DataSourceCache {
  /** Whose rows may be read, of each of its tables. */
  readonly contexts: Contexts;
  readonly #entities = new Map<EntityMetadata, CachedEntityParts<ObjectLiteral>>();

  private constructor(
    readonly source: string,
    readonly dataSource: DataSource,
    readonly cache: CacheManager,
    readonly observer: SourceObserver,
  ) {
    this.contexts = new Contexts(dataSource.entityMetadatas);
  }

  /** @param source the data source's name */
  static of(source: string, dataSource: DataSource, cache: CacheManager): DataSourceCache {
    const observer = SourceObserver.of(source, dataSource, cache);
    let byCache = KNOWN.get(dataSource);
    if (byCache === undefined) KNOWN.set(dataSource, (byCache = new Map()));
    let known = byCache.get(cache);
    if (known === undefined)
      byCache.set(cache, (known = new DataSourceCache(source, dataSource, cache, observer)));
    return known;
  }

  /** @throws CacheEntityError if it is no entity of this data source, or cannot be cached as it is declared */
  entity<Entity extends ObjectLiteral>(target: EntityTarget<Entity>): CachedEntityParts<Entity> {
    if (!this.dataSource.hasMetadata(target)) {
      throw new CacheEntityError(
        `${typeof target === 'function' ? target.name : show(target)} is no entity of the data source '${this.source}': add it to its \`entities\``,
      );
    }
    const metadata = this.dataSource.getMetadata(target);
    let parts = this.#entities.get(metadata);
    if (parts === undefined) this.#entities.set(metadata, (parts = this.#partsOf(metadata)));
    return parts as unknown as CachedEntityParts<Entity>;
  }

  /** The tables of entities. */
  tablesOf(targets: readonly EntityTarget<ObjectLiteral>[] | undefined): string[] | undefined {
    return targets?.map((target) => this.dataSource.getMetadata(target).tablePath);
  }

  /** How a manager has to read: past the cache in a transaction. */
  directly(manager: EntityManager): { readonly session: object } | undefined {
    const session = this.observer.sessionOf(manager);
    return session && { session };
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
