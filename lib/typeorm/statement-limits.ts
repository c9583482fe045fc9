import type { EntityMetadata } from 'typeorm';

import { CacheQueryError } from '../repository/errors.js';

/** SQLite takes 32,766 parameters, PostgreSQL and MySQL 65,535. */
const MOST_VALUES = 30_000;
/** SQLite takes expressions that are 1,000 deep. */
const MOST_ALTERNATIVES = 500;

/** Ids in as many parts as it takes for databases to understand the conditions on them. @param columns of an id */
export function* inStatements<Id>(ids: readonly Id[], columns: number): Generator<readonly Id[]> {
  const most = columns === 1 ? MOST_VALUES : MOST_ALTERNATIVES;
  for (let at = 0; at < ids.length; at += most) yield ids.slice(at, at + most);
}

/** @throws CacheQueryError for a view: nobody hears of it when its rows change */
export function checkNoView({ tableType, name }: EntityMetadata): void {
  if (tableType !== 'view') return;
  throw new CacheQueryError(
    `${name} is a view, whose rows cannot be cached by their ids: use cached({ tables: […] }).find() with the entities that it is made of, or the plain repository`,
  );
}
