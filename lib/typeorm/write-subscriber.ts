import type {
  EntityMetadata,
  EntitySubscriberInterface,
  InsertEvent,
  ObjectLiteral,
  QueryRunner,
  RecoverEvent,
  RemoveEvent,
  SoftRemoveEvent,
  UpdateEvent,
} from 'typeorm';
import type { AfterQueryEvent } from 'typeorm/subscriber/event/QueryEvent.js';

import { connectionOf } from './connection.js';
import type { SqlDialect, SqlEffect } from './sql/effects.js';
import { readSql } from './sql/read-sql.js';
import type { SourceTables } from './source-tables.js';
import type { SourceObserver } from './source-observer.js';

/**
 * Sees all that is written through a data source. Statements decide what was written: every one of them comes by here,
 * whatever made it. The events of entities only add in which parts of a table rows are.
 */
export class WriteSubscriber implements EntitySubscriberInterface {
  constructor(
    private readonly observer: SourceObserver,
    private readonly tables: SourceTables,
    private readonly dialect: SqlDialect,
  ) {}

  // Awaited by TypeORM before whoever wrote goes on.
  async afterQuery(event: AfterQueryEvent): Promise<void> {
    const { query, parameters, queryRunner, success } = event;
    const effects = readSql(query, Array.isArray(parameters) ? parameters : undefined, this.dialect);
    if (effects.length === 0) return this.observer.hasRead(queryRunner);
    const { log } = this.observer;
    const result = success && effects.length === 1 ? resultOf(event) : undefined;
    for (const effect of effects) await this.#take(queryRunner, effect, success, result);
    const connection = connectionOf(queryRunner);
    if (!log.isOpen(connection)) await log.settle(connection);
  }

  afterInsert({ queryRunner, metadata, entity }: InsertEvent<ObjectLiteral>): void {
    if (entity === undefined) return;
    for (const report of this.tables.reportsOf(metadata, undefined, entity))
      this.observer.log.report(connectionOf(queryRunner), report);
  }

  // A cached instance whose row is gone would be inserted again.
  beforeInsert({ entity, metadata }: InsertEvent<ObjectLiteral>): void {
    if (entity !== undefined) this.observer.checkSavable(entity, metadata.name);
  }

  beforeUpdate({ entity, metadata }: UpdateEvent<ObjectLiteral>): void {
    if (entity !== undefined) this.observer.checkSavable(entity, metadata.name);
  }

  afterUpdate({ queryRunner, metadata, entity, databaseEntity }: UpdateEvent<ObjectLiteral>): void {
    this.#changed(queryRunner, metadata, databaseEntity, entity);
  }

  afterRemove({ queryRunner, metadata, databaseEntity }: RemoveEvent<ObjectLiteral>): void {
    this.#changed(queryRunner, metadata, databaseEntity, undefined);
  }

  afterSoftRemove({ queryRunner, metadata, databaseEntity, entity }: SoftRemoveEvent<ObjectLiteral>): void {
    this.#changed(queryRunner, metadata, databaseEntity, entity);
  }

  afterRecover({ queryRunner, metadata, databaseEntity, entity }: RecoverEvent<ObjectLiteral>): void {
    this.#changed(queryRunner, metadata, databaseEntity, entity);
  }

  /**
   * @param before the row as it was when TypeORM looked, which others may have changed since; without it, as in updates by
   * criteria, nothing is known of rows
   */
  #changed(
    runner: QueryRunner,
    metadata: EntityMetadata,
    before: ObjectLiteral | undefined,
    after: ObjectLiteral | undefined,
  ): void {
    if (before === undefined) return;
    const now = after && { ...before, ...defined(after) };
    for (const report of this.tables.reportsOf(metadata, before, now))
      this.observer.log.report(connectionOf(runner), report);
  }

  async #take(runner: QueryRunner, effect: SqlEffect, success: boolean, result: unknown): Promise<void> {
    const { log } = this.observer;
    const connection = connectionOf(runner);
    switch (effect.kind) {
      case 'begin':
        // Where a transaction is open already, MySQL commits it; others go on with it.
        if (success && this.dialect === 'mysql') await log.commit(connection);
        return success ? this.observer.begin(runner) : undefined;
      case 'commit':
        // One that failed may have been carried out: its answer was lost.
        return log.commit(connection);
      case 'rollback':
        return log.rollback(connection);
      case 'savepoint':
        return success ? log.savepoint(connection, effect.name, this.dialect === 'sqlite') : undefined;
      case 'release':
        return success ? log.release(connection, effect.name) : undefined;
      case 'rollback-to':
        return success ? log.rollbackTo(connection, effect.name) : undefined;
      case 'unknown':
        return log.writeAnything(connection);
      case 'write': {
        const writes = this.tables.writesOf(effect, result);
        if (writes === undefined) return log.writeAnything(connection);
        for (const write of writes) log.write(connection, write);
      }
    }
  }
}

/** sql.js does not say with the result how many rows were written, but can be asked until the next statement. */
function resultOf({ dataSource, rawResults }: AfterQueryEvent): unknown {
  const { databaseConnection } = dataSource.driver as {
    databaseConnection?: { getRowsModified?: () => number };
  };
  const affectedRows = databaseConnection?.getRowsModified?.();
  return affectedRows === undefined ? (rawResults as unknown) : { affectedRows };
}

/** What is `undefined` is not written. */
function defined(entity: ObjectLiteral): ObjectLiteral {
  return Object.fromEntries(Object.entries(entity).filter(([, value]) => value !== undefined));
}
