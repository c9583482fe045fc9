import type { EntityMetadata } from 'typeorm';

import { show } from '../primitives/show.js';
import type { EntityId } from '../repository/contract.js';
import { CacheEntityError } from '../repository/errors.js';
import type { EntityMapping } from './entity-mapping.js';
import { checkUniqueIndex } from './find-options.js';

/** @throws CacheEntityError unless it is an id. A list is none, though that is how ids are stored with lists */
export function idAsked(mapping: EntityMapping, id: unknown): EntityId {
  if (!Array.isArray(id)) return mapping.idFrom(id);
  throw new CacheEntityError(
    `${show(id)} is no id of ${mapping.metadata.name} (a list): give one id, an object for one of several parts, or call findByIds`,
  );
}

/** @throws CacheEntityError unless these are values of all columns of a unique index */
export function checkIndexValues(metadata: EntityMetadata, values: unknown): void {
  if (typeof values !== 'object' || values === null || Array.isArray(values)) {
    throw new CacheEntityError(
      `findByIndex takes an object with the columns of a unique index of ${metadata.name}, not ${show(values)}`,
    );
  }
  checkUniqueIndex(metadata, Object.keys(values));
  for (const [name, value] of Object.entries(values)) {
    if (value !== undefined && value !== null) continue;
    throw new CacheEntityError(
      `findByIndex: ${metadata.name}.${name} is ${String(value)}, which no unique index tells apart: give a value, or query with cached().findOne()`,
    );
  }
}
