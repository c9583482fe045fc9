import type { DataSource, EntityManager, EntityMetadata, ObjectLiteral, QueryRunner } from 'typeorm';
import type { ColumnMetadata } from 'typeorm/metadata/ColumnMetadata.js';

import type { CacheManager } from '../core/cache-manager.js';
import { CacheClosedError } from '../primitives/errors.js';
import type { Row, Session } from '../repository/contract.js';
import { CacheEntityError, CacheReadOnlyError } from '../repository/errors.js';
import { WriteLog } from '../repository/write-log.js';
import { connectionOf } from './connection.js';
import type { SqlDialect } from './sql/effects.js';
import { SourceTables } from './source-tables.js';
import { WriteSubscriber } from './write-subscriber.js';

/** The drivers whose transactions are statements, so that they can be seen. */
const DIALECTS: Partial<Record<string, SqlDialect>> = {
  postgres: 'postgres',
  cockroachdb: 'postgres',
  mysql: 'mysql',
  mariadb: 'mysql',
  sqljs: 'sqlite',
  'better-sqlite3': 'sqlite',
};

/** One for each data source, which it does not keep alive. */
const OBSERVERS = new WeakMap<DataSource, SourceObserver>();

/** What the cache does with one data source: it reads from it, and sees what is written to it. */
export class SourceObserver {
  readonly log: WriteLog;
  /** Of the metadata that the data source has now. */
  tables!: SourceTables;
  readonly #caches = new Set<CacheManager>();
  #watched: DataSource['subscribers'] = [];
  #subscriber!: WriteSubscriber;
  #generation = 0;
  #forgetting: Promise<void> | undefined;
  /** The instances made of what was stored, with the row where it is one. */
  readonly #handedOut = new WeakMap<object, Row | undefined>();
  /** Which runner began the transaction that is open on a connection. */
  readonly #began = new WeakMap<Session, QueryRunner>();
  #strayReads = 0;

  private constructor(
    readonly source: string,
    private readonly dataSource: DataSource,
    private readonly dialect: SqlDialect,
  ) {
    this.log = new WriteLog({
      source,
      tables: () => new Set(dataSource.entityMetadatas.map(({ tablePath }) => tablePath)),
      invalidate: (tags) => this.#invalidate(tags),
    });
    this.#attach();
  }

  /**
   * @param source the data source's name
   * @param cache told of all that is written from now on
   * @throws CacheEntityError when the driver's transactions cannot be seen, or it has another name
   */
  static of(source: string, dataSource: DataSource, cache: CacheManager): SourceObserver {
    const { type } = dataSource.options;
    const dialect = DIALECTS[type];
    if (dialect === undefined) {
      throw new CacheEntityError(
        `repositories of a data source of type ${type} cannot be cached, since its transactions cannot be seen: those of ${Object.keys(DIALECTS).join(', ')} can`,
      );
    }
    let observer = OBSERVERS.get(dataSource);
    if (observer === undefined)
      OBSERVERS.set(dataSource, (observer = new SourceObserver(source, dataSource, dialect)));
    if (observer.source !== source) {
      throw new CacheEntityError(
        `one data source cannot be cached under two names, '${observer.source}' and '${source}': what is written would be known under one of them`,
      );
    }
    observer.#caches.add(cache);
    return observer;
  }

  /** The session whose transaction a manager is in, if it is in one. */
  sessionOf({ queryRunner }: EntityManager): Session | undefined {
    const runner = queryRunner ?? this.#onlyRunner();
    return runner !== undefined && this.#isInTransaction(runner) ? runner : undefined;
  }

  /** How often the data source was initialized again: its metadata are others then. */
  get generation(): number {
    return this.#generation;
  }

  /**
   * To be called before each use. A data source that is destroyed and initialized again drops its subscribers: they are put
   * back, and what is cached is dropped, since writes may have passed unseen.
   * @returns `undefined` when nothing has to be waited for
   */
  attached(): Promise<void> | undefined {
    if (this.dataSource.subscribers === this.#watched) return this.#forgetting;
    if (this.dataSource.subscribers.includes(this.#subscriber)) {
      this.#watched = this.dataSource.subscribers;
      return this.#forgetting;
    }
    this.#generation++;
    this.#attach();
    return this.forget();
  }

  /** Makes unusable what is cached of the data source. */
  forget(): Promise<void> {
    const session = {};
    this.log.writeAnything(session);
    const forgetting = this.log.settle(session).finally(() => {
      if (this.#forgetting === forgetting) this.#forgetting = undefined;
    });
    return (this.#forgetting = forgetting);
  }

  /** See `EntityAdapter`. */
  committedState(): number | undefined {
    const runner = this.#onlyRunner();
    if (runner === undefined) return this.#strayReads;
    return this.#isInTransaction(runner) ? undefined : this.log.begun;
  }

  /** A transaction was begun on a runner's connection. */
  begin(runner: QueryRunner): void {
    const connection = connectionOf(runner);
    if (!this.log.isOpen(connection)) this.#began.set(connection, runner);
    this.log.begin(connection);
  }

  /**
   * Somebody has read. A connection may have gone back to the pool with a transaction that raw SQL has begun: whoever gets it
   * next, without being in that transaction, reads what is not committed.
   */
  hasRead(runner: QueryRunner): void {
    const connection = connectionOf(runner);
    if (this.log.isOpen(connection) && this.#began.get(connection) !== runner) this.#strayReads++;
  }

  /** A row was read and locked in a transaction. @param valueOf what it has in a column */
  locked(session: Session, metadata: EntityMetadata, valueOf: (column: ColumnMetadata) => unknown): void {
    const row = this.tables.lockedRow(metadata, valueOf);
    if (row !== undefined) this.log.lock(connectionOf(session as QueryRunner), row);
  }

  /** Reads within a session, or else on the master: a replica may not have yet what was invalidated here. */
  async read<T>(session: Session | undefined, work: (manager: EntityManager) => Promise<T>): Promise<T> {
    if (session !== undefined) return work((session as QueryRunner).manager);
    if (!('replication' in this.dataSource.options)) return work(this.dataSource.manager);
    const runner = this.dataSource.createQueryRunner('master');
    try {
      return await work(runner.manager);
    } finally {
      await runner.release();
    }
  }

  /**
   * Has `@AfterLoad` and subscribers see entities as if TypeORM had loaded them.
   * @param related whether they have their relations with them
   * @returns `undefined` when nobody listens: most entities are hits, and a promise would be half of what they cost
   */
  loaded(
    metadata: EntityMetadata,
    entities: readonly ObjectLiteral[],
    related: boolean,
  ): Promise<void> | undefined {
    const listened = metadata.afterLoadListeners.length > 0 || (related && metadata.relations.length > 0);
    const subscribed = this.dataSource.subscribers.some((one) => one.afterLoad !== undefined);
    return listened || subscribed ? this.#broadcast(metadata, entities) : undefined;
  }

  /** Entities made of what was stored were given to somebody, with what is related to them. */
  handedOutAll(metadata: EntityMetadata, entities: readonly ObjectLiteral[]): void {
    for (const entity of entities) {
      if (this.#handedOut.has(entity)) continue;
      this.handedOut(entity);
      for (const relation of metadata.relations) {
        // Of a lazy one that was not loaded there is nothing, and in an object that is not there TypeORM does not look.
        const isLost = relation.isLazy && relation.embeddedMetadata !== undefined;
        const related: unknown = isLost ? undefined : relation.getEntityValue(entity);
        if (typeof related !== 'object' || related === null) continue;
        this.handedOutAll(relation.inverseEntityMetadata, Array.isArray(related) ? related : [related]);
      }
    }
  }

  /** An instance made of what was stored was given to somebody. */
  handedOut(entity: object, row?: Row): void {
    this.#handedOut.set(entity, row);
  }

  /** @throws CacheReadOnlyError for an instance that came from the cache, however it is to be saved */
  checkSavable(entity: object, name: string): void {
    if (!this.#handedOut.has(entity)) return;
    throw new CacheReadOnlyError(
      `this ${name} came from the cache and may be older than its row: load it with loadForUpdate(id), change that, and save it`,
    );
  }

  /** The row that an instance was made of, if it was one. */
  rowOf(entity: object): Row | undefined {
    return this.#handedOut.get(entity);
  }

  #attach(): void {
    this.tables = new SourceTables(this.dataSource);
    this.#subscriber = new WriteSubscriber(this, this.tables, this.dialect);
    this.#watched = this.dataSource.subscribers;
    this.#watched.push(this.#subscriber);
  }

  async #broadcast(metadata: EntityMetadata, entities: readonly ObjectLiteral[]): Promise<void> {
    const runner = this.dataSource.createQueryRunner();
    try {
      await runner.broadcaster.broadcast('Load', metadata, entities as ObjectLiteral[]);
    } finally {
      // A subscriber may have asked the database with it.
      if (runner !== this.#onlyRunner()) await runner.release();
    }
  }

  /** Where all share one connection, that one. */
  #onlyRunner(): QueryRunner | undefined {
    return (this.dataSource.driver as { queryRunner?: QueryRunner }).queryRunner;
  }

  #isInTransaction(runner: QueryRunner): boolean {
    return runner.isTransactionActive || this.log.isOpen(connectionOf(runner));
  }

  /** The data is written, whatever becomes of the cache: a cache that cannot be told says so itself, and tells it later. */
  async #invalidate(tags: readonly string[]): Promise<void> {
    await Promise.all(Array.from(this.#caches, (cache) => this.#tell(cache, tags)));
  }

  async #tell(cache: CacheManager, tags: readonly string[]): Promise<void> {
    try {
      await cache.invalidateTags(tags);
    } catch (error) {
      if (error instanceof CacheClosedError) this.#caches.delete(cache);
    }
  }
}
