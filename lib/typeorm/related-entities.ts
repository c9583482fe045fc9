import type { EntityMetadata, ObjectLiteral, RelationMetadata } from 'typeorm';

import { didYouMean } from '../primitives/did-you-mean.js';
import { show } from '../primitives/show.js';
import type { EntityId, Row } from '../repository/contract.js';
import type { DirectRead, EntityCache } from '../repository/entity-cache.js';
import { CacheEntityError } from '../repository/errors.js';
import { relatedTo } from '../repository/related.js';
import type { EntityMapping } from './entity-mapping.js';
import type { CachedEntityParts, DataSourceCache } from './data-source-cache.js';
import { relationPlan } from './relation-plans.js';
import { columnsOf } from './stored-columns.js';

/**
 * What is related to each of several entities by one of their relations: one or `null`, or a list.
 * @throws CacheEntityError when there is no such relation, or its target cannot be cached
 */
export async function relatedEntities<Entity extends ObjectLiteral>(
  source: DataSourceCache,
  parts: CachedEntityParts<Entity>,
  entities: readonly Entity[],
  name: string,
  direct: DirectRead | undefined,
): Promise<unknown[]> {
  const { mapping, adapter } = parts;
  const relation = findRelation(mapping.metadata, name);
  const target = source.entity(relation.inverseEntityMetadata.target);
  checkFindsAgain(mapping.metadata, name, [mapping, target.mapping]);
  const ids = entities.map((entity) => adapter.idFrom(entity));
  if (relation.isWithJoinColumn) return toOne(source, parts, target, relation, entities, ids, direct);
  const tables = [relation.junctionEntityMetadata?.tablePath, target.mapping.shape.table];
  const plan = {
    ...relationPlan(relation, mapping, target.mapping, source.observer),
    context: source.contexts.besides(
      mapping.shape.table,
      tables.filter((table) => table !== undefined),
    ),
  };
  const owner = parts.cache as unknown as EntityCache<object>;
  const lists = await relatedTo(ids, plan, owner, target.cache, direct);
  return relation.isOneToOne ? lists.map(([one]) => one ?? null) : lists;
}

function findRelation(metadata: EntityMetadata, name: unknown): RelationMetadata {
  const relation = typeof name === 'string' ? metadata.findRelationWithPropertyPath(name) : undefined;
  if (relation !== undefined) return relation;
  const names = metadata.relations.map(({ propertyPath }) => propertyPath);
  throw new CacheEntityError(
    `${metadata.name} has no relation ${show(name)}${didYouMean(String(name), names)}: there are ${names.join(', ') || 'none'}`,
  );
}

function checkFindsAgain(metadata: EntityMetadata, name: string, keys: readonly EntityMapping[]): void {
  const vague = keys.find(({ findsAgain }) => !findsAgain);
  if (vague === undefined) return;
  throw new CacheEntityError(
    `${metadata.name}.${name} cannot be followed by ids, since those of ${vague.metadata.name} are finer in the database than in JavaScript: query it with cached().find()`,
  );
}

/**
 * The foreign key is in the entity's own row: what it names is read as any other row. An entity from the cache refers to what
 * it did when it was read, as it shows the rest of its row; in a transaction, what was written in it counts.
 */
async function toOne<Entity extends ObjectLiteral>(
  source: DataSourceCache,
  { mapping, adapter, cache }: CachedEntityParts<Entity>,
  target: CachedEntityParts<ObjectLiteral>,
  relation: RelationMetadata,
  entities: readonly Entity[],
  ids: readonly EntityId[],
  direct: DirectRead | undefined,
): Promise<unknown[]> {
  const { joinColumns } = relation;
  if (!joinColumns.every(({ referencedColumn }) => target.mapping.idColumns.includes(referencedColumn!))) {
    throw new CacheEntityError(
      `${mapping.metadata.name}.${relation.propertyPath} does not refer to the id of ${target.mapping.metadata.name}: query it with cached().findOne()`,
    );
  }
  const { hidden } = columnsOf(mapping.metadata);
  if (joinColumns.some(({ databaseName }) => hidden.some((one) => one.databaseName === databaseName))) {
    throw new CacheEntityError(
      `${mapping.metadata.name}.${relation.propertyPath} cannot be followed, since its column is hidden and never stored: read it with the plain repository`,
    );
  }
  const { observer } = source;
  const knownRow = (entity: Entity): Row | undefined =>
    direct === undefined ? observer.rowOf(entity) : undefined;
  const foreign = ids.filter((_, i) => knownRow(entities[i]!) === undefined);
  const loaded =
    foreign.length === 0 ? new Map<string, Entity>() : await cache.several(foreign, true, {}, direct);
  const keys = entities.map((entity, i) => {
    const row = knownRow(entity) ?? observer.rowOf(loaded.get(ids[i]!.text) ?? {});
    const values = row && joinColumns.map((column) => adapter.valueOf(row, column));
    return values?.every((value) => value !== null && value !== undefined)
      ? target.mapping.idOfRow(values)
      : undefined;
  });
  const wanted = [
    ...new Map(keys.flatMap((id) => (id === undefined ? [] : [[id.text, id] as const]))).values(),
  ];
  const found = await target.cache.several(wanted, false, {}, direct);
  return keys.map((id) => (id && found.get(id.text)) ?? null);
}
