import type { EntityManager, ObjectLiteral, Repository } from 'typeorm';

import { CachedRepository } from '../../../lib/typeorm/cached-repository.js';
import type { DataSourceCache } from '../../../lib/typeorm/data-source-cache.js';
import type { Choices } from './choices.js';
import type { KnownRows } from './known-rows.js';
import {
  type Author,
  type Book,
  ENTITIES,
  type Review,
  type Stamped,
  type Tag,
  type TableName,
} from './model.js';

export interface Repositories {
  readonly author: CachedRepository<Author>;
  readonly book: CachedRepository<Book>;
  readonly review: CachedRepository<Review>;
  readonly tag: CachedRepository<Tag>;
}

export function repositoriesOf(source: DataSourceCache, manager?: EntityManager): Repositories {
  const make = <Entity extends ObjectLiteral>(entity: new () => Entity): CachedRepository<Entity> =>
    new CachedRepository(source, entity, manager);
  return {
    author: make(ENTITIES.author),
    book: make(ENTITIES.book),
    review: make(ENTITIES.review),
    tag: make(ENTITIES.tag),
  };
}

/** What forms of reading and writing work with: in a transaction, or outside of one. */
export interface Session {
  readonly repositories: Repositories;
  readonly manager: EntityManager;
  readonly choices: Choices;
  readonly known: KnownRows;
  /** A new value for a row. */
  token(): string;
}

/** What all tables have in common. */
export function cachedOf({ repositories }: Session, table: TableName): CachedRepository<Stamped> {
  return repositories[table];
}

/** Past the cached repository. */
export function plainOf({ manager }: Session, table: TableName): Repository<Stamped> {
  return manager.getRepository<Stamped>(ENTITIES[table]);
}
