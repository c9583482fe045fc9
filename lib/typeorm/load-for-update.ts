import type { EntityManager, FindOptionsWhere, ObjectLiteral, SelectQueryBuilder } from 'typeorm';

import type { EntityId, Row } from '../repository/contract.js';
import type { CachedEntityParts } from './data-source-cache.js';
import type { SourceObserver } from './source-observer.js';
import { ALIAS, transformerOf, valued } from './typeorm-adapter.js';

/** SQLite has no locks for rows: whoever writes has the whole database. */
const WITHOUT_LOCKS: ReadonlySet<string> = new Set(['sqljs', 'better-sqlite3']);

/** The entity as it is in the database. In a transaction its row is locked, and it is noted in which parts of its table it is. */
export async function loadForUpdate<Entity extends ObjectLiteral>(
  observer: SourceObserver,
  { mapping, adapter }: CachedEntityParts<Entity>,
  manager: EntityManager,
  id: EntityId,
): Promise<Entity | null> {
  const { metadata, idColumns } = mapping;
  const where = valued(idColumns, id.values) as FindOptionsWhere<Entity>;
  const session = observer.sessionOf(manager);
  return observer.read(manager.queryRunner ?? session, async (reader) => {
    const builder = reader
      .createQueryBuilder<Entity>(metadata.target, ALIAS)
      .setFindOptions({ where, loadEagerRelations: false });
    const locks = session !== undefined && !WITHOUT_LOCKS.has(reader.dataSource.options.type);
    const { entities, raw } = await (locks ? locked(builder, reader, observer) : builder.getRawAndEntities());
    const row = raw[0] as Row | undefined;
    if (session !== undefined && row !== undefined)
      observer.locked(session, metadata, (column) => adapter.valueOf(row, column));
    return entities[0] ?? null;
  });
}

async function locked<Entity extends ObjectLiteral>(
  builder: SelectQueryBuilder<Entity>,
  { queryRunner, dataSource }: EntityManager,
  observer: SourceObserver,
): Promise<{ entities: Entity[]; raw: ObjectLiteral[] }> {
  if (queryRunner!.isTransactionActive) return builder.setLock('pessimistic_write').getRawAndEntities();
  // TypeORM locks nothing in a transaction that it has not begun itself.
  const [sql, parameters] = builder.getQueryAndParameters();
  const raw: ObjectLiteral[] = await queryRunner!.query(`${sql} FOR UPDATE`, parameters);
  const { mainAlias } = builder.expressionMap;
  const entities = transformerOf(builder, dataSource, queryRunner).transform(raw, mainAlias!) as Entity[];
  await observer.loaded(mainAlias!.metadata, entities, false);
  return { entities, raw };
}
