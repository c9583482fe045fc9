import type { EntityManager, FindOptionsWhere, ObjectLiteral } from 'typeorm';

import type { EntityId } from '../repository/contract.js';
import type { CachedEntityParts } from './data-source-cache.js';
import type { SourceObserver } from './source-observer.js';
import { valued } from './typeorm-adapter.js';

/** SQLite has no locks for rows: whoever writes has the whole database. */
const WITHOUT_LOCKS: ReadonlySet<string> = new Set(['sqljs', 'better-sqlite3']);

/** The entity as it is in the database. In a transaction its row is locked. */
export async function loadForUpdate<Entity extends ObjectLiteral>(
  observer: SourceObserver,
  { mapping }: CachedEntityParts<Entity>,
  manager: EntityManager,
  id: EntityId,
): Promise<Entity | null> {
  const { metadata, idColumns } = mapping;
  const where = valued(idColumns, id.values) as FindOptionsWhere<Entity>;
  const session = observer.sessionOf(manager);
  return observer.read(manager.queryRunner ?? session, (reader) => {
    const locks = session !== undefined && !WITHOUT_LOCKS.has(reader.dataSource.options.type);
    return reader.getRepository<Entity>(metadata.target).findOne({
      where,
      loadEagerRelations: false,
      ...(locks && { lock: { mode: 'pessimistic_write' as const } }),
    });
  });
}
