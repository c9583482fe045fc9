import type { EntityManager, EntityTarget, ObjectLiteral, RelationMetadata } from 'typeorm';
import type { ColumnMetadata } from 'typeorm/metadata/ColumnMetadata.js';

import type { EntityId, Partition, Read, Session } from '../repository/contract.js';
import { CacheEntityError } from '../repository/errors.js';
import type { RelationPlan } from '../repository/related.js';
import type { EntityMapping } from './entity-mapping.js';
import type { SourceObserver } from './source-observer.js';
import { checkNoView, inStatements } from './statement-limits.js';

/** Where the ids of parents and of what is related to them stand, in one table. */
interface Link {
  /** The table that has both. */
  readonly from: EntityTarget<ObjectLiteral>;
  readonly path: string;
  readonly parent: readonly ColumnMetadata[];
  readonly related: readonly ColumnMetadata[];
}

/**
 * How to find what is related by a to-many relation, or by the side of a one-to-one relation that has no column for it.
 * @throws CacheEntityError for a relation whose keys are not ids
 */
export function relationPlan(
  relation: RelationMetadata,
  owner: EntityMapping,
  target: EntityMapping,
  observer: SourceObserver,
): RelationPlan {
  checkNoView(target.metadata);
  const link = linkOf(relation, owner, target);
  return {
    name: relation.propertyPath,
    reads: (parent) => readsOf(relation, link, parent, target),
    run: (parents, session) => run(link, parents, owner, target, observer, session),
  };
}

function linkOf(relation: RelationMetadata, owner: EntityMapping, target: EntityMapping): Link {
  const junction = relation.junctionEntityMetadata;
  if (junction !== undefined) {
    const [parent, related] = relation.isOwning
      ? [junction.ownerColumns, junction.inverseColumns]
      : [junction.inverseColumns, junction.ownerColumns];
    return { from: junction.tablePath, path: junction.tablePath, parent, related };
  }
  const parent = relation.inverseRelation?.joinColumns ?? [];
  const leads =
    parent.length > 0 && parent.every(({ referencedColumn }) => owner.idColumns.includes(referencedColumn!));
  if (!leads) {
    throw new CacheEntityError(
      `${owner.metadata.name}.${relation.propertyPath} does not lead to the id of ${owner.metadata.name}: query it with cached().find()`,
    );
  }
  const { metadata } = target;
  return { from: metadata.target, path: metadata.tablePath, parent, related: target.idColumns };
}

/** A to-many relation is a query on the foreign key, which may be what its table is partitioned by. */
function readsOf(
  relation: RelationMetadata,
  { path }: Link,
  parent: EntityId,
  target: EntityMapping,
): Read[] {
  const own = target.shape.table;
  if (path !== own) return [path, own].map((table) => ({ table, partitions: undefined }));
  const column = relation.inverseRelation!.joinColumns;
  const partition = target.partitionColumns.find((one) => column.length === 1 && one.column === column[0]);
  const value = partition?.text(parent.values[0]);
  const partitions: Partition[] | undefined =
    value === undefined ? undefined : [{ column: partition!.name, value }];
  return [{ table: own, partitions }];
}

async function run(
  link: Link,
  parents: readonly EntityId[],
  owner: EntityMapping,
  target: EntityMapping,
  observer: SourceObserver,
  session: Session | undefined,
): Promise<ReadonlyMap<string, readonly EntityId[]>> {
  const { parent, related } = link;
  const lists = new Map<string, EntityId[]>(parents.map(({ text }) => [text, []]));
  await observer.read(session, async (manager) => {
    // Each of them in one statement only.
    const distinct = [...new Map(parents.map((id) => [id.text, id])).values()];
    const idsOf = (row: ObjectLiteral): EntityId => target.idOfRow(related.map((_, i) => row[`t${i}`]));
    let unknown = false;
    for (const some of inStatements(
      distinct.map((id) => owner.inDatabase(id)),
      parent.length,
    )) {
      for (const row of await relatedRows(link, some, manager)) {
        const list = lists.get(owner.idOfRow(parent.map((_, i) => row[`p${i}`])).text);
        if (list === undefined) unknown = true;
        else list.push(idsOf(row));
      }
    }
    if (!unknown) return;
    // A foreign key may be another spelling of the id: whose it is the database says, asked for one at a time.
    for (const id of distinct)
      lists.set(id.text, (await relatedRows(link, [owner.inDatabase(id)], manager)).map(idsOf));
  });
  return lists;
}

function relatedRows(
  { from, parent, related }: Link,
  parents: readonly (readonly unknown[])[],
  manager: EntityManager,
): Promise<ObjectLiteral[]> {
  const builder = manager.createQueryBuilder().from(from, 'r');
  const nameOf = ({ databaseName }: ColumnMetadata): string =>
    `${builder.escape('r')}.${builder.escape(databaseName)}`;
  parent.forEach((column, i) => builder.addSelect(nameOf(column), `p${i}`));
  related.forEach((column, i) => builder.addSelect(nameOf(column), `t${i}`).addOrderBy(nameOf(column)));
  if (parent.length === 1) {
    const values = parents.map(([value]) => value);
    return builder.where(`${nameOf(parent[0]!)} IN (:...values)`, { values }).getRawMany<ObjectLiteral>();
  }
  const alternatives = parents.map((values, n) => {
    const equal = parent.map((column, i) => `${nameOf(column)} = :v${n}_${i}`);
    values.forEach((value, i) => builder.setParameter(`v${n}_${i}`, value));
    return `(${equal.join(' AND ')})`;
  });
  return builder.where(`(${alternatives.join(' OR ')})`).getRawMany<ObjectLiteral>();
}
