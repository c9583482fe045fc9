import type { DataSource, DataSourceOptions } from 'typeorm';

import type { EntityClass } from '../../lib/typeorm/index.js';
import { CachedRepository } from '../../lib/typeorm/cached-repository.js';
import { DataSourceCache } from '../../lib/typeorm/data-source-cache.js';
import { type Bench, benchOf, redisFor } from '../support/caches.js';
import { openSource, SQLJS } from './shop.js';

/** A data source with empty tables, and a cache for it. */
export interface OpenEntities extends Bench {
  readonly source: DataSource;
  readonly statements: string[];
  readonly cached: DataSourceCache;
  of<E extends object>(entity: abstract new () => E): CachedRepository<E>;
  /** How many SELECTs there were since this was asked last. */
  selects(): number;
  /** All that Redis holds, as text. */
  stored(): string;
}

export async function openEntities(
  entities: EntityClass[],
  options: DataSourceOptions = SQLJS,
  redis = redisFor('memory + redis'),
): Promise<OpenEntities> {
  const { source, statements } = await openSource({ ...options, entities });
  const bench = await benchOf('memory + redis', {}, redis);
  const cached = DataSourceCache.of('default', source, bench.cache);
  return {
    ...bench,
    source,
    statements,
    cached,
    of: <E extends object>(entity: abstract new () => E) => new CachedRepository<E>(cached, entity),
    selects: () => statements.splice(0).filter((sql) => sql.startsWith('SELECT')).length,
    stored: () =>
      redis
        .keys()
        .map((key) => redis.read(key)!.toString('latin1'))
        .join('\n'),
  };
}
