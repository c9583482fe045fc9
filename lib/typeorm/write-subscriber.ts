import type {
  DataSource,
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

import type { SqlDialect, SqlEffect } from './sql/effects.js';
import { readSql } from './sql/read-sql.js';
import { SourceTables } from './source-tables.js';
import type { SourceObserver } from './source-observer.js';

/**
 * Sees all that is written through a data source. Statements decide what was written: every one of them comes by here,
 * whatever made it. The events of entities only add in which parts of a table rows are.
 */
export class WriteSubscriber implements EntitySubscriberInterface {
  readonly #tables: SourceTables;

  constructor(
    private readonly observer: SourceObserver,
    dataSource: DataSource,
    private readonly dialect: SqlDialect,
  ) {
    this.#tables = new SourceTables(dataSource);
  }

  // Awaited by TypeORM before whoever wrote goes on.
  async afterQuery(event: AfterQueryEvent): Promise<void> {
    const { query, parameters, queryRunner, success } = event;
    const effects = readSql(query, Array.isArray(parameters) ? parameters : undefined, this.dialect);
    if (effects.length === 0) return;
    const { log } = this.observer;
    const result = success && effects.length === 1 ? resultOf(event) : undefined;
    for (const effect of effects) await this.#take(queryRunner, effect, success, result);
    if (!log.isOpen(queryRunner)) await log.settle(queryRunner);
  }

  afterInsert({ queryRunner, metadata, entity }: InsertEvent<ObjectLiteral>): void {
    if (entity === undefined) return;
    for (const report of this.#tables.reportsOf(metadata, undefined, [entity]))
      this.observer.log.report(queryRunner, report);
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

  /** @param before the row as it was; without it, as in updates by criteria, nothing is known of rows */
  #changed(
    runner: QueryRunner,
    metadata: EntityMetadata,
    before: ObjectLiteral | undefined,
    after: ObjectLiteral | undefined,
  ): void {
    if (before === undefined) return;
    const now = after === undefined ? [] : [{ ...before, ...defined(after) }];
    for (const report of this.#tables.reportsOf(metadata, before, [before, ...now]))
      this.observer.log.report(runner, report);
  }

  async #take(runner: QueryRunner, effect: SqlEffect, success: boolean, result: unknown): Promise<void> {
    const { log } = this.observer;
    switch (effect.kind) {
      case 'begin':
        // Where a transaction is open already, MySQL commits it; others go on with it.
        if (success && this.dialect === 'mysql') await log.commit(runner);
        return success ? log.begin(runner) : undefined;
      case 'commit':
        // One that failed may have been carried out: its answer was lost.
        return log.commit(runner);
      case 'rollback':
        return log.rollback(runner);
      case 'savepoint':
        return success ? log.savepoint(runner, effect.name, this.dialect === 'sqlite') : undefined;
      case 'release':
        return success ? log.release(runner, effect.name) : undefined;
      case 'rollback-to':
        return success ? log.rollbackTo(runner, effect.name) : undefined;
      case 'unknown':
        return log.writeAnything(runner);
      case 'write': {
        const writes = this.#tables.writesOf(effect, result);
        if (writes === undefined) return log.writeAnything(runner);
        for (const write of writes) log.write(runner, write);
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
