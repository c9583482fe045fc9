import type { EntityMetadata, ObjectLiteral } from 'typeorm';
import type { ColumnMetadata } from 'typeorm/metadata/ColumnMetadata.js';

import { show } from '../primitives/show.js';
import type { EntityId, EntityShape, Partition } from '../repository/contract.js';
import { CacheEntityError } from '../repository/errors.js';
import { type EntityPolicy, policyOf } from './cache-entity.js';
import { type ColumnText, columnText, idText } from './column-text.js';
import { columnsOf, excludedOf, rootOf, schemaOf, unfilledOf } from './stored-columns.js';
import { looseText } from './value-text.js';

/** A column that queries are told apart by. */
interface PartitionColumn {
  readonly name: string;
  readonly column: ColumnMetadata;
  readonly text: (value: unknown) => string | undefined;
}

/** What the cache has to know of an entity of TypeORM, worked out once. */
export class EntityMapping {
  readonly shape: EntityShape;
  /** The columns that are stored. */
  readonly columns: readonly ColumnMetadata[];
  readonly partitionColumns: readonly PartitionColumn[];
  readonly policy: EntityPolicy;
  readonly #idColumns: readonly ColumnMetadata[];
  /** For each part of an id. */
  readonly #texts: readonly ColumnText[];

  /** @throws CacheEntityError if it cannot be cached as it is declared */
  constructor(
    source: string,
    readonly metadata: EntityMetadata,
  ) {
    const policy = policyOf(metadata.target);
    if (policy === undefined) {
      throw new CacheEntityError(`${metadata.name} has no @CacheEntity(): put it beside @Entity()`);
    }
    this.policy = policy;
    checkProperties(metadata, policy);
    this.#idColumns = metadata.primaryColumns;
    if (this.#idColumns.length === 0)
      throw new CacheEntityError(`${metadata.name} has no primary key to be cached by`);
    this.#texts = this.#idColumns.map(idText);
    this.columns = columnsOf(metadata).stored;
    const { deleteDateColumn } = metadata;
    if (deleteDateColumn !== undefined && !this.columns.includes(deleteDateColumn)) {
      throw new CacheEntityError(
        `${metadata.name}.${deleteDateColumn.propertyPath} says whether a row is deleted and has to be stored: do not exclude it`,
      );
    }
    this.partitionColumns = policy.partitionBy.map((name) => partitionColumn(metadata, name));
    const { name } = policy;
    this.shape = { source, table: metadata.tablePath, name, schema: schemaOf(metadata, name) };
  }

  /** @throws CacheEntityError unless it is an id, or something that has one */
  idFrom(id: unknown): EntityId {
    const { name } = this.metadata;
    const columns = this.#idColumns;
    const whole =
      typeof id === 'object' &&
      id !== null &&
      !Array.isArray(id) &&
      !(id instanceof Date) &&
      !Buffer.isBuffer(id);
    const values = whole
      ? columns.map((column) => column.getEntityValue(id as ObjectLiteral) as unknown)
      : Array.isArray(id)
        ? (id as unknown[])
        : [id];
    if (values.length !== columns.length) {
      const parts = columns.map(({ propertyPath }) => propertyPath).join(', ');
      throw new CacheEntityError(
        `the id of ${name} has several parts: give an object with ${parts}, not ${show(id)}`,
      );
    }
    return this.#id(values, id);
  }

  /** The id of a row. @param raw the values of its id columns, as the driver gave them */
  idOfRow(raw: readonly unknown[]): EntityId {
    const { driver } = this.metadata.dataSource;
    return this.idOfValues(
      raw.map((value, i) => driver.prepareHydratedValue(value, this.#idColumns[i]!) as unknown),
    );
  }

  idOfInstance(entity: ObjectLiteral): EntityId {
    return this.idOfValues(this.#idColumns.map((column) => column.getEntityValue(entity) as unknown));
  }

  /** The id of a row that is there. @param values as instances have them */
  idOfValues(values: readonly unknown[]): EntityId {
    // A database may have what nobody can ask for, as a date before the year 1.
    const texts = values.map((value, i) => this.#texts[i]!.text(value) ?? looseText(value));
    return texts.every((text) => text !== undefined)
      ? { text: joined(texts), values }
      : this.#refuse(values, undefined);
  }

  /** The values of an id as SQL compares them, with transformers applied. */
  inDatabase({ values }: EntityId): unknown[] {
    const { driver } = this.metadata.dataSource;
    return values.map((value, i) => driver.preparePersistentValue(value, this.#idColumns[i]!) as unknown);
  }

  /** The text of an id as a statement or an event has it; `undefined` when it may be that of any row. */
  exactId(valueOf: (column: ColumnMetadata) => unknown): string | undefined {
    if (this.looseIds) return undefined;
    const texts = this.#idColumns.map((column, i) => this.#texts[i]!.text(valueOf(column)));
    return texts.every((text) => text !== undefined) ? joined(texts) : undefined;
  }

  get idColumns(): readonly ColumnMetadata[] {
    return this.#idColumns;
  }

  /** Whether ids of different texts may be one to the database. */
  get looseIds(): boolean {
    return this.#texts.some(({ exact }) => !exact);
  }

  /** Whether the id of a row that was read finds it again. */
  get findsAgain(): boolean {
    return this.#texts.every(({ returns }) => returns);
  }

  /** The parts of the table that an instance is in; `undefined` when it does not say. */
  partitionsOf(entity: ObjectLiteral): Partition[] | undefined {
    const partitions: Partition[] = [];
    for (const { name, column, text } of this.partitionColumns) {
      const given = column.getEntityValue(entity) as unknown;
      const value = given === null ? '\0' : text(given);
      if (value === undefined) return undefined;
      partitions.push({ column: name, value });
    }
    return partitions;
  }

  #id(values: readonly unknown[], given: unknown): EntityId {
    const sent: unknown[] = [];
    const texts: string[] = [];
    for (let i = 0; i < values.length; i++) {
      const { text: textOf, sent: valueOf } = this.#texts[i]!;
      const text = textOf(values[i]);
      if (text === undefined) return this.#refuse(values, given);
      texts.push(text);
      sent.push(valueOf === undefined ? values[i] : valueOf(values[i]));
    }
    return { text: joined(texts), values: sent };
  }

  #refuse(values: readonly unknown[], given: unknown): never {
    const parts = this.#idColumns.map(({ propertyPath, type }) =>
      typeof type === 'string' ? `${propertyPath}: ${type}` : propertyPath,
    );
    throw new CacheEntityError(
      `${show(given ?? values[0])} is no id of ${this.metadata.name} (${parts.join(', ')}): give the value that an instance has there`,
    );
  }
}

/** Texts may hold anything: a length before each keeps them apart. */
function joined(texts: readonly string[]): string {
  return texts.length === 1 ? texts[0]! : texts.map((text) => `${text.length}.${text}`).join('');
}

function checkProperties(metadata: EntityMetadata, { exclude, partitionBy }: EntityPolicy): void {
  const excluded = excludedOf(metadata);
  for (const property of exclude) {
    const columns = metadata.columns.filter((column) => rootOf(column) === property);
    if (columns.length === 0 && !metadata.relationIds.some(({ propertyName }) => propertyName === property))
      throw new CacheEntityError(
        `@CacheEntity on ${metadata.name}: exclude names '${property}', which is no column`,
      );
    if (columns.some(({ isPrimary }) => isPrimary)) {
      throw new CacheEntityError(
        `@CacheEntity on ${metadata.name}: '${property}' is part of the id and cannot be excluded`,
      );
    }
  }
  const both = partitionBy.find((property) => excluded.has(property));
  if (both !== undefined) {
    throw new CacheEntityError(
      `@CacheEntity on ${metadata.name}: '${both}' cannot both be excluded and partition the table`,
    );
  }
  const ids = unfilledOf(metadata);
  if (ids !== undefined) {
    throw new CacheEntityError(
      `${metadata.name}.${ids} is a @RelationId(), which is not filled from the cache: add it to exclude, and use a column for the foreign key, or relation(…)`,
    );
  }
  const computed = metadata.columns.find(
    (column) => column.isVirtualProperty && !excluded.has(rootOf(column)),
  );
  if (computed !== undefined) {
    throw new CacheEntityError(
      `${metadata.name}.${computed.propertyPath} is a virtual column, whose tables are not known: add it to exclude`,
    );
  }
}

function partitionColumn(metadata: EntityMetadata, name: string): PartitionColumn {
  const joins = metadata.findRelationWithPropertyPath(name)?.joinColumns;
  const columns = joins ?? metadata.columns.filter(({ propertyPath }) => propertyPath === name);
  const [column] = columns;
  const text = columns.length === 1 && column!.isSelect ? columnText(column!) : undefined;
  if (column === undefined || text === undefined) {
    throw new CacheEntityError(
      `@CacheEntity on ${metadata.name}: the table cannot be partitioned by '${name}': give a selected column, or a to-one relation with one, ` +
        'of whole numbers, UUIDs, booleans, enums or strings that compare exactly, without a transformer',
    );
  }
  return { name, column, text };
}
