import type { DataSource, EntityManager, FindManyOptions, ObjectLiteral, SelectQueryBuilder } from 'typeorm';
import { DriverUtils } from 'typeorm/driver/DriverUtils.js';

import { hashArguments } from '../nest/decorators/args-hash.js';
import type { InstancesPlan, Read, Row, Session, ValuePlan } from '../repository/contract.js';
import { CacheQueryError } from '../repository/errors.js';
import type { Contexts } from './contexts.js';
import type { EntityMapping } from './entity-mapping.js';
import { copiedOptions } from './copied-options.js';
import { checkFindOptions, partitionsOf } from './find-options.js';
import { hasOwnSql } from './own-sql.js';
import type { SourceObserver } from './source-observer.js';
import { columnsOf, schemaOfRelated, unfilledOf } from './stored-columns.js';
import { ALIAS, ownRow, plainRow, transformerOf } from './typeorm-adapter.js';

/** What a list comes to: its entities, and how many there are in all. */
export interface FoundRows<Entity> {
  readonly entities: Entity[];
  readonly count: number | undefined;
}

interface StoredRows {
  readonly rows: readonly Row[];
  readonly count?: number;
}

/** Makes plans of find options: what tells a query from others, what it reads, and how it is run. */
export class FindPlans<Entity extends ObjectLiteral> {
  constructor(
    private readonly mapping: EntityMapping,
    private readonly dataSource: DataSource,
    private readonly observer: SourceObserver,
    private readonly contexts: Contexts,
  ) {}

  /**
   * A query for entities: by their ids, unless it selects columns or joins relations, or ids do not find their rows.
   * @param tables what it reads besides, if it says so
   */
  list(
    given: FindManyOptions<Entity>,
    counted: boolean,
    tables: readonly string[] | undefined,
  ): InstancesPlan | ValuePlan<FoundRows<Entity>> {
    const { metadata } = this.mapping;
    const options = copiedOptions(given);
    checkFindOptions(options, metadata);
    const eager = options.loadEagerRelations !== false && metadata.eagerRelations.length > 0;
    // Nobody hears of it when the rows of a view change.
    const byIds = metadata.tableType !== 'view' && this.mapping.findsAgain;
    const whole = options.select === undefined && options.relations === undefined && !eager;
    return whole && byIds ? this.#instances(options, counted, tables) : this.#rows(options, counted, tables);
  }

  /** A query for a number, or whether there is anything. */
  count(
    given: FindManyOptions<Entity>,
    kind: 'count' | 'exists',
    tables: readonly string[] | undefined,
  ): ValuePlan<number> {
    const options = copiedOptions(given);
    checkFindOptions(options, this.mapping.metadata);
    const run = (manager: EntityManager): Promise<number> => {
      const repository = manager.getRepository<Entity>(this.mapping.metadata.target);
      return kind === 'count'
        ? repository.count(copiedOptions(options))
        : repository.exists(copiedOptions(options)).then(Number);
    };
    return {
      kind: 'value',
      ...this.#described(this.#builder(this.dataSource.manager, options), kind, options, tables),
      run: (session) => this.observer.read(session, run),
      revive: (stored) => stored as number,
    };
  }

  #instances(
    options: FindManyOptions<Entity>,
    counted: boolean,
    tables: readonly string[] | undefined,
  ): InstancesPlan {
    const { mapping } = this;
    const select: ObjectLiteral = {};
    for (const column of mapping.idColumns) column.setEntityValue(select, true);
    const idsOnly = { ...options, select, loadEagerRelations: false } as FindManyOptions<Entity>;
    const run = async (manager: EntityManager): ReturnType<InstancesPlan['run']> => {
      const builder = this.#idsBuilder(manager, idsOnly);
      const [found, count] = counted ? await builder.getManyAndCount() : [await builder.getMany()];
      return {
        ids: found.map((entity) => mapping.idOfInstance(entity)),
        ...(count !== undefined && { count }),
      };
    };
    return {
      kind: 'instances',
      withDeleted: options.withDeleted === true,
      ...this.#described(
        this.#idsBuilder(this.dataSource.manager, idsOnly),
        counted ? 'page' : 'list',
        options,
        tables,
      ),
      run: (session) => this.observer.read(session, run),
    };
  }

  /** Entities with their relations, or parts of them: TypeORM makes them of the rows that were stored, as it did the first time. */
  #rows(
    options: FindManyOptions<Entity>,
    counted: boolean,
    tables: readonly string[] | undefined,
  ): ValuePlan<FoundRows<Entity>> {
    const joined = { ...options, relationLoadStrategy: 'join' } as FindManyOptions<Entity>;
    const own = this.#builder(this.dataSource.manager, joined);
    checkFilled(own);
    const described = this.#described(own, counted ? 'rows page' : 'rows', joined, tables);
    const run = (session: Session | undefined): Promise<StoredRows> =>
      this.observer.read(session, async (manager) => {
        const builder = this.#builder(manager, joined);
        const { raw } = await builder.getRawAndEntities<Row>();
        const rows = raw.map((row) => this.#withoutHidden(plainRow(row), builder));
        return counted ? { rows, count: await this.#builder(manager, joined).getCount() } : { rows };
      });
    return {
      kind: 'value',
      ...described,
      run,
      revive: async (stored) => {
        const { rows, count } = stored as StoredRows;
        // The first pass over a query prepares what the transformer needs.
        const transformer = transformerOf(own, this.dataSource);
        const entities = transformer.transform(rows.map(ownRow), own.expressionMap.mainAlias!) as Entity[];
        await this.observer.loaded(this.mapping.metadata, entities, true);
        this.observer.handedOutAll(this.mapping.metadata, entities);
        return { entities, count };
      },
    };
  }

  /** TypeORM's own way to page what is joined orders by what it has selected. */
  #idsBuilder(manager: EntityManager, idsOnly: FindManyOptions<Entity>): SelectQueryBuilder<Entity> {
    const builder = this.#builder(manager, idsOnly);
    if (idsOnly.skip === undefined && idsOnly.take === undefined) return builder;
    const { allOrderBys, selects } = builder.expressionMap;
    const selected = new Set(selects.map(({ selection }) => selection));
    return builder.addSelect(Object.keys(allOrderBys).filter((order) => !selected.has(order)));
  }

  /** Operators are TypeORM's from then on: it applies transformers to what is in them. */
  #builder(manager: EntityManager, options: FindManyOptions<Entity>): SelectQueryBuilder<Entity> {
    return manager
      .createQueryBuilder<Entity>(this.mapping.metadata.target, ALIAS)
      .setFindOptions(copiedOptions(options))
      .callListeners(false);
  }

  #described(
    builder: SelectQueryBuilder<Entity>,
    kind: string,
    options: FindManyOptions<Entity>,
    tables: readonly string[] | undefined,
  ): Pick<InstancesPlan, 'key' | 'reads' | 'context'> {
    const { skip, take, relations, select, withDeleted } = options;
    const [sql, parameters] = builder.getQueryAndParameters();
    let key: string;
    try {
      const schemas = builder.expressionMap.aliases.map((alias) =>
        alias.hasMetadata ? schemaOfRelated(alias.metadata) : '',
      );
      const parts = [kind, sql, parameters, skip, take, relations, select, withDeleted, tables, schemas];
      key = hashArguments(parts);
    } catch (error) {
      throw new CacheQueryError(
        `a query of ${this.mapping.metadata.name} cannot be told from others: ${(error as Error).message}`,
        { cause: error },
      );
    }
    const reads = this.#readsOf(builder, options, tables);
    const context = this.contexts.besides(
      this.mapping.shape.table,
      reads.map(({ table }) => table),
    );
    return { key, reads, context };
  }

  #readsOf(
    builder: SelectQueryBuilder<Entity>,
    options: FindManyOptions<Entity>,
    named: readonly string[] | undefined,
  ): Read[] {
    const { mapping } = this;
    const { aliases, joinAttributes } = builder.expressionMap;
    const metadatas = [
      ...aliases.flatMap((alias) => (alias.hasMetadata ? [alias.metadata] : [])),
      ...joinAttributes.flatMap(
        ({ junctionAlias, relation }) => (junctionAlias && relation?.junctionEntityMetadata) || [],
      ),
    ];
    if (
      named === undefined &&
      (hasOwnSql(options, mapping.metadata, builder) ||
        metadatas.some(({ tableType }) => tableType === 'view'))
    ) {
      throw new CacheQueryError(
        `which tables a query of ${mapping.metadata.name} reads cannot be told, since it has SQL of its own (Raw, a virtual column) or reads a view: ` +
          'name their entities in cached({ tables: […] })',
      );
    }
    const paths = metadatas.map(({ tablePath }) => tablePath);
    const own = mapping.shape.table;
    const alone = paths.filter((path) => path === own).length === 1 && named?.includes(own) !== true;
    const tables = new Set([...paths, ...(named ?? [])]);
    return Array.from(tables, (table) => ({
      table,
      partitions: table === own && alone ? partitionsOf(options.where, mapping) : undefined,
    }));
  }

  /** Drops what other entities exclude, and what a selection has of columns with `select: false`. */
  #withoutHidden(row: Row, { expressionMap }: SelectQueryBuilder<Entity>): Row {
    const kept: Record<string, unknown> = { ...row };
    for (const alias of expressionMap.aliases) {
      if (!alias.hasMetadata) continue;
      for (const { databaseName } of columnsOf(alias.metadata).hidden) {
        delete kept[DriverUtils.buildAlias(this.dataSource.driver, undefined, alias.name, databaseName)];
      }
    }
    return kept;
  }
}

/** @throws CacheQueryError for entities with properties that are not made of the rows of the query */
function checkFilled({ expressionMap }: SelectQueryBuilder<ObjectLiteral>): void {
  for (const alias of expressionMap.aliases) {
    const property = alias.hasMetadata ? unfilledOf(alias.metadata) : undefined;
    if (property === undefined) continue;
    throw new CacheQueryError(
      `${alias.metadata.name}.${property} is a @RelationId(), which is not filled from the cache: exclude it in its @CacheEntity, or leave its entity out of the query and use relation(…)`,
    );
  }
}
