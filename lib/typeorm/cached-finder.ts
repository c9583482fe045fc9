import type { EntityTarget, FindManyOptions, FindOneOptions, ObjectLiteral } from 'typeorm';

import type { DirectRead, EntityEntryOptions } from '../repository/entity-cache.js';
import { show } from '../primitives/show.js';
import { CacheQueryError } from '../repository/errors.js';
import type { CachedEntity } from './cached-entity.js';
import { copiedOptions } from './copied-options.js';
import type { CachedEntityParts } from './data-source-cache.js';

/** How one query is cached. */
export interface CachedQueryOptions extends EntityEntryOptions {
  /** Entities that it reads besides those that can be told from it: of a view, or of SQL of its own. */
  tables?: readonly EntityTarget<ObjectLiteral>[];
}

/** Queries whose results are kept until one of the tables they read is written to. */
export class CachedFinder<Entity extends ObjectLiteral> {
  /** @internal */
  constructor(
    private readonly parts: () => CachedEntityParts<Entity> | Promise<CachedEntityParts<Entity>>,
    private readonly options: EntityEntryOptions,
    private readonly tables: readonly string[] | undefined,
    private readonly direct: () => DirectRead | undefined,
  ) {}

  /**
   * As the repository's `find`.
   * @throws CacheQueryError for what cannot be cached
   */
  async find(options: FindManyOptions<Entity> = {}): Promise<CachedEntity<Entity>[]> {
    return (await this.#list(options, false)).entities;
  }

  /** As the repository's `findOne`: without a condition it is an error. @throws as {@link find} */
  async findOne(options: FindOneOptions<Entity>): Promise<CachedEntity<Entity> | null> {
    checkOptions(options);
    if (!options?.where) {
      throw new CacheQueryError(
        'findOne needs a condition: give { where: … }, or say that any row will do: find({ take: 1 })',
      );
    }
    const { entities } = await this.#list({ ...options, take: 1 }, false);
    return entities[0] ?? null;
  }

  /** As the repository's `findAndCount`. @throws as {@link find} */
  async findAndCount(options: FindManyOptions<Entity> = {}): Promise<[CachedEntity<Entity>[], number]> {
    const { entities, count } = await this.#list(options, true);
    return [entities, count!];
  }

  /** As the repository's `count`. @throws as {@link find} */
  async count(options: FindManyOptions<Entity> = {}): Promise<number> {
    return this.#count(options, 'count');
  }

  /** As the repository's `exists`. @throws as {@link find} */
  async exists(options: FindManyOptions<Entity> = {}): Promise<boolean> {
    return (await this.#count(options, 'exists')) === 1;
  }

  async #count(options: FindManyOptions<Entity>, kind: 'count' | 'exists'): Promise<number> {
    checkOptions(options);
    const parts = this.parts();
    // Whoever asked may change the options as soon as this waits.
    const asked = parts instanceof Promise ? copiedOptions(options) : options;
    const { plans, cache } = parts instanceof Promise ? await parts : parts;
    return cache.value(plans.count(asked, kind, this.tables), this.options, this.direct());
  }

  async #list(
    options: FindManyOptions<Entity>,
    counted: boolean,
  ): Promise<{ readonly entities: CachedEntity<Entity>[]; readonly count: number | undefined }> {
    checkOptions(options);
    const parts = this.parts();
    const asked = parts instanceof Promise ? copiedOptions(options) : options;
    const { plans, cache } = parts instanceof Promise ? await parts : parts;
    const plan = plans.list(asked, counted, this.tables);
    const direct = this.direct();
    if (plan.kind === 'value') {
      const { entities, count } = await cache.value(plan, this.options, direct);
      return { entities: entities as CachedEntity<Entity>[], count };
    }
    const { instances, count } = await cache.list(plan, this.options, direct);
    return { entities: instances as CachedEntity<Entity>[], count };
  }
}

/** @throws CacheQueryError */
function checkOptions(options: unknown): void {
  if (options === undefined || (typeof options === 'object' && options !== null && !Array.isArray(options)))
    return;
  throw new CacheQueryError(`the options of a query must be an object, not ${show(options)}`);
}
