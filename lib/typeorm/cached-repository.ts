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

import { show } from '../primitives/show.js';
import type { DirectRead, EntityEntryOptions } from '../repository/entity-cache.js';
import { CacheEntityError } from '../repository/errors.js';
import type { CachedEntity, CachedRelation } from './cached-entity.js';
import { CachedFinder, type CachedQueryOptions } from './cached-finder.js';
import type { CachedEntityParts, DataSourceCache } from './data-source-cache.js';
import { checkIndexValues, idAsked } from './asked.js';
import { entryOptionsOf } from './read-options.js';
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
  #parts: CachedEntityParts<Entity>;
  #generation: number;

  /** @internal Made by `CachedRepositoryModule`. */
  constructor(
    private readonly source: DataSourceCache,
    private readonly target: EntityTarget<Entity>,
    private readonly given?: EntityManager,
  ) {
    this.#generation = source.observer.generation;
    this.#parts = source.entity(target);
  }

  /** Asked anew each time: there are libraries that put the manager of the current transaction in its place. */
  get manager(): EntityManager {
    return this.given ?? this.source.dataSource.manager;
  }

  /** The plain repository, in the same transaction if there is one. Its writes are seen as well. */
  get repository(): Repository<Entity> {
    // Before anything is written: a data source that was initialized again has to be heard first.
    void this.source.observer.attached();
    return this.manager.getRepository(this.target);
  }

  /**
   * The same repository in a manager's transaction. With a manager that has a connection of its own it always reads past the
   * cache: that connection may see other rows than others do.
   */
  withManager(manager: EntityManager): CachedRepository<Entity> {
    return new CachedRepository(this.source, this.target, manager);
  }

  /**
   * The entity with this id, without its relations.
   * @throws CacheEntityError when that is no id of it, as a scalar for a composite one
   */
  async findById(id: CachedEntityId, options?: CachedReadOptions): Promise<CachedEntity<Entity> | null> {
    const parts = this.#current();
    const { cache, mapping } = parts instanceof Promise ? await parts : parts;
    const entry = entryOptionsOf(options, 'cache');
    const found = cache.one(idAsked(mapping, id), entry, this.#direct(options?.cache));
    return found as Promise<CachedEntity<Entity> | null>;
  }

  /**
   * Several by their ids: in the order asked, `null` for what is not there, one statement for all that is not cached.
   * @throws CacheEntityError when one of them is no id
   */
  async findByIds(
    ids: readonly CachedEntityId[],
    options?: CachedReadOptions,
  ): Promise<(CachedEntity<Entity> | null)[]> {
    const entry = entryOptionsOf(options, 'cache');
    if (!Array.isArray(ids)) throw new CacheEntityError(`findByIds takes a list of ids, not ${show(ids)}`);
    // Whoever asked may change the list as soon as this waits.
    const given = [...(ids as readonly CachedEntityId[])];
    const { cache, mapping } = await this.#current();
    const asked = given.map((id) => idAsked(mapping, id));
    const distinct = [...new Map(asked.map((id) => [id.text, id])).values()];
    const found = await cache.several(distinct, false, entry, this.#direct(options?.cache));
    return asked.map(({ text }) => (found.get(text) ?? null) as CachedEntity<Entity> | null);
  }

  /**
   * The entity with these values in the columns of a unique index. Name one of the columns in `partitionBy`, and only writes
   * to rows with that value outdate it.
   * @throws CacheEntityError when there is no such index, or a value is missing
   */
  async findByIndex(
    values: FindOptionsWhere<Entity>,
    options?: CachedReadOptions,
  ): Promise<CachedEntity<Entity> | null> {
    const { mapping } = await this.#current();
    checkIndexValues(mapping.metadata, values);
    return this.#finder(entryOptionsOf(options, 'cache'), options?.cache).findOne({
      where: values,
      loadEagerRelations: false,
    });
  }

  /** Queries that are cached. @throws CacheArgumentError, CacheQueryError or CacheEntityError for wrong options */
  cached(options?: CachedQueryOptions): CachedFinder<Entity> {
    const entry = entryOptionsOf(options, 'tables');
    return this.#finder(entry, true, this.source.tablesOf(options?.tables));
  }

  /**
   * What is related to an entity, or to each of several, by one of its relations: one or `null`, or a list.
   * @throws CacheEntityError when there is no such relation, or what it leads to cannot be cached
   */
  async relation<Name extends keyof Entity & string>(
    entity: CachedEntity<Entity> | Entity,
    name: Name,
  ): Promise<CachedRelation<Entity[Name]>>;
  async relation<Name extends keyof Entity & string>(
    entities: readonly (CachedEntity<Entity> | Entity)[],
    name: Name,
  ): Promise<CachedRelation<Entity[Name]>[]>;
  async relation(given: unknown, name: string): Promise<unknown> {
    const entities = (Array.isArray(given) ? given : [given]) as Entity[];
    const parts = await this.#current();
    const related = await relatedEntities(this.source, parts, entities, name, this.#direct());
    return Array.isArray(given) ? related : related[0];
  }

  /**
   * The entity as it is in the database, to be changed and saved; in a transaction its row is locked until the end, where the
   * database can do that. If it is saved or removed in there, only those parts of the table are outdated (`partitionBy`) that
   * it was and is in.
   */
  async loadForUpdate(id: CachedEntityId): Promise<Entity | null> {
    const parts = await this.#current();
    return loadForUpdate(this.source.observer, parts, this.manager, idAsked(parts.mapping, id));
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
    const { cache, mapping } = await this.#current();
    await cache.invalidate(idAsked(mapping, id));
  }

  /** For tables that were written by somebody else: all rows and all lists. */
  async invalidateAll(): Promise<void> {
    await (await this.#current()).cache.invalidateAll();
  }

  /** The rows whose keys match, as `user:4*`; `user:*` is all of them, in the caller's own context. Lists are left alone. */
  async invalidatePattern(glob: string): Promise<void> {
    await (await this.#current()).cache.invalidatePattern(glob);
  }

  /** What is known of the entity; a promise only where something has to be waited for first. */
  #current(): CachedEntityParts<Entity> | Promise<CachedEntityParts<Entity>> {
    const { observer } = this.source;
    const attached = observer.attached();
    if (this.#generation !== observer.generation) {
      this.#parts = this.source.entity(this.target);
      this.#generation = observer.generation;
    }
    return attached === undefined ? this.#parts : attached.then(() => this.#parts);
  }

  #direct(cached = true): DirectRead | undefined {
    return this.source.directly(this.manager) ?? (cached ? undefined : { session: undefined });
  }

  #finder(entry: EntityEntryOptions, cached = true, tables?: readonly string[]): CachedFinder<Entity> {
    return new CachedFinder(
      () => this.#current(),
      entry,
      tables,
      () => this.#direct(cached),
    );
  }
}
