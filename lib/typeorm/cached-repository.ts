import type {
  DeepPartial,
  DeleteResult,
  EntityManager,
  EntityTarget,
  FindOptionsWhere,
  InsertResult,
  ObjectLiteral,
  Repository,
  UpdateResult,
} from 'typeorm';

import type { DirectRead, EntityEntryOptions } from '../repository/entity-cache.js';
import type { CachedEntity } from './cached-entity.js';
import { CachedFinder, type CachedQueryOptions } from './cached-finder.js';
import type { CachedEntityParts, DataSourceCache } from './data-source-cache.js';
import { checkUniqueIndex } from './find-options.js';
import { loadForUpdate } from './load-for-update.js';
import { relatedEntities } from './related-entities.js';

/** An id: a scalar, or an object with all parts of a composite one. */
export type CachedEntityId = string | number | bigint | Date | ObjectLiteral;

/** How one read is cached. */
export interface CachedReadOptions extends EntityEntryOptions {
  /** `false` reads the database, and stores nothing. Default true. */
  cache?: boolean;
}

type Changes<Entity extends ObjectLiteral> = Parameters<Repository<Entity>['update']>[1];
type Criteria<Entity extends ObjectLiteral> = Parameters<Repository<Entity>['update']>[0];

/**
 * A repository whose reads are cached and whose writes are seen: not only its own, but every statement that goes through its
 * data source in this process. In a transaction ({@link withManager}) it reads past the cache, and what is written becomes
 * known when the outermost transaction has been committed.
 */
export class CachedRepository<Entity extends ObjectLiteral> {
  readonly #parts: CachedEntityParts<Entity>;

  /** @internal Made by `CachedRepositoryModule`. */
  constructor(
    private readonly source: DataSourceCache,
    private readonly target: EntityTarget<Entity>,
    private readonly given?: EntityManager,
  ) {
    this.#parts = source.entity(target);
  }

  /** Asked anew each time: there are libraries that put the manager of the current transaction in its place. */
  get manager(): EntityManager {
    return this.given ?? this.source.dataSource.manager;
  }

  /** The plain repository, in the same transaction if there is one. Its writes are seen as well. */
  get repository(): Repository<Entity> {
    return this.manager.getRepository(this.target);
  }

  /** The same repository in a manager's transaction. */
  withManager(manager: EntityManager): CachedRepository<Entity> {
    return new CachedRepository(this.source, this.target, manager);
  }

  /**
   * The entity with this id, without its relations.
   * @throws CacheEntityError when that is no id of it, as a scalar for a composite one
   */
  async findById(id: CachedEntityId, options: CachedReadOptions = {}): Promise<CachedEntity<Entity> | null> {
    const { cache, adapter } = this.#parts;
    const { cache: cached, ...entry } = options;
    return cache.one(adapter.idFrom(id), entry, this.#direct(cached)) as Promise<CachedEntity<Entity> | null>;
  }

  /** Several by their ids: in the order asked, `null` for what is not there, one statement for all that is not cached. */
  async findByIds(
    ids: readonly CachedEntityId[],
    options: CachedReadOptions = {},
  ): Promise<(CachedEntity<Entity> | null)[]> {
    const { cache, adapter } = this.#parts;
    const { cache: cached, ...entry } = options;
    const asked = ids.map((id) => adapter.idFrom(id));
    const distinct = [...new Map(asked.map((id) => [id.text, id])).values()];
    const found = await cache.several(distinct, false, entry, this.#direct(cached));
    return asked.map(({ text }) => (found.get(text) ?? null) as CachedEntity<Entity> | null);
  }

  /**
   * The entity with these values in the columns of a unique index. Name one of the columns in `partitionBy`, and only writes
   * to rows with that value outdate it.
   * @throws CacheEntityError when there is no such index
   */
  async findByIndex(
    values: FindOptionsWhere<Entity>,
    options: CachedReadOptions = {},
  ): Promise<CachedEntity<Entity> | null> {
    checkUniqueIndex(this.#parts.mapping.metadata, Object.keys(values));
    const { cache, ...entry } = options;
    return this.#finder(entry, cache).findOne({ where: values, loadEagerRelations: false });
  }

  /** Queries that are cached. */
  cached(options: CachedQueryOptions = {}): CachedFinder<Entity> {
    const { tables, ...entry } = options;
    return this.#finder(entry, true, this.source.tablesOf(tables));
  }

  /** What is related to an entity, or to each of several, by one of its relations: one or `null`, or a list. */
  async relation<Name extends keyof Entity & string>(
    entity: CachedEntity<Entity> | Entity,
    name: Name,
  ): Promise<CachedEntity<Entity[Name]>>;
  async relation<Name extends keyof Entity & string>(
    entities: readonly (CachedEntity<Entity> | Entity)[],
    name: Name,
  ): Promise<CachedEntity<Entity[Name]>[]>;
  async relation(given: unknown, name: string): Promise<unknown> {
    const entities = (Array.isArray(given) ? given : [given]) as Entity[];
    const related = await relatedEntities(this.source, this.#parts, entities, name, this.#direct());
    return Array.isArray(given) ? related : related[0];
  }

  /**
   * The entity as it is in the database, to be changed and saved; in a transaction its row is locked until the end, where the
   * database can do that. If it is saved or removed in there, only those parts of the table are outdated (`partitionBy`) that
   * it was and is in.
   */
  async loadForUpdate(id: CachedEntityId): Promise<Entity | null> {
    return loadForUpdate(this.source.observer, this.#parts, this.manager, this.#parts.adapter.idFrom(id));
  }

  /** @throws CacheReadOnlyError for an entity from the cache */
  async save<T extends DeepPartial<Entity>>(entity: T): Promise<T & Entity>;
  async save<T extends DeepPartial<Entity>>(entities: T[]): Promise<(T & Entity)[]>;
  async save<T extends DeepPartial<Entity>>(given: T | T[]): Promise<unknown> {
    const { observer } = this.source;
    const { name } = this.#parts.mapping.metadata;
    for (const entity of Array.isArray(given) ? given : [given]) observer.checkSavable(entity, name);
    return this.repository.save(given as T);
  }

  /** As the repository's `insert`. Lists of all parts of the table are outdated: `save` tells which part it is. */
  insert(entity: Parameters<Repository<Entity>['insert']>[0]): Promise<InsertResult> {
    return this.repository.insert(entity);
  }

  /** As the repository's `update`. By ids it outdates these rows, by anything else all rows. */
  update(criteria: Criteria<Entity>, changes: Changes<Entity>): Promise<UpdateResult> {
    return this.repository.update(criteria, changes);
  }

  /** As the repository's `delete`. By ids it outdates these rows, by anything else all rows. */
  delete(criteria: Criteria<Entity>): Promise<DeleteResult> {
    return this.repository.delete(criteria);
  }

  /** As the repository's `upsert`. It outdates all rows. */
  upsert(
    entities: Parameters<Repository<Entity>['upsert']>[0],
    conflict: Parameters<Repository<Entity>['upsert']>[1],
  ): Promise<InsertResult> {
    return this.repository.upsert(entities, conflict);
  }

  /** As the repository's `softDelete`, and for the cache as {@link update}. */
  softDelete(criteria: Criteria<Entity>): Promise<UpdateResult> {
    return this.repository.softDelete(criteria);
  }

  /** As the repository's `restore`, and for the cache as {@link update}. */
  restore(criteria: Criteria<Entity>): Promise<UpdateResult> {
    return this.repository.restore(criteria);
  }

  /** As the repository's `increment`, and for the cache as {@link update}. */
  increment(
    where: FindOptionsWhere<Entity>,
    property: keyof Entity & string,
    by: number | string,
  ): Promise<UpdateResult> {
    return this.repository.increment(where, property, by);
  }

  /** For rows that were written by somebody else: the row with this id, and all lists that may have it. */
  async invalidate(id: CachedEntityId): Promise<void> {
    const { cache, adapter } = this.#parts;
    await cache.invalidate(adapter.idFrom(id));
  }

  /** For tables that were written by somebody else: all rows and all lists. */
  async invalidateAll(): Promise<void> {
    await this.#parts.cache.invalidateAll();
  }

  /** The rows whose keys match, as `user:4*`; `user:*` is all of them. Lists are left alone. */
  async invalidatePattern(glob: string): Promise<void> {
    await this.#parts.cache.invalidatePattern(glob);
  }

  #direct(cached = true): DirectRead | undefined {
    return this.source.directly(this.manager) ?? (cached ? undefined : { session: undefined });
  }

  #finder(entry: EntityEntryOptions, cached = true, tables?: readonly string[]): CachedFinder<Entity> {
    return new CachedFinder(this.#parts, entry, tables, () => this.#direct(cached));
  }
}
