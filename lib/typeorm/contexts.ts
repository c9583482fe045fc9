import type { EntityMetadata } from 'typeorm';

import { allContexts, type ReadContext } from '../repository/read-context.js';
import { policyOf } from './cache-entity.js';

/**
 * The contexts of a data source's entities, by tables: whoever reads a table may get rows of any class that is stored there,
 * and a query gets rows of all tables it reads.
 */
export class Contexts {
  readonly #byTable = new Map<string, ReadContext[]>();

  constructor(metadatas: readonly EntityMetadata[]) {
    // In an order that does not depend on how the entities are listed: all instances have to agree on keys.
    const sorted = metadatas.toSorted((a, b) => (a.name < b.name ? -1 : 1));
    for (const { tablePath, target } of sorted) {
      const known = this.#byTable.get(tablePath) ?? [];
      const contexts = policyOf(target)?.contexts ?? [];
      this.#byTable.set(tablePath, [...new Set([...known, ...contexts])]);
    }
  }

  /** Of the rows of one table. */
  of(table: string): ReadContext | undefined {
    return allContexts(this.#byTable.get(table) ?? []);
  }

  /** Of all rows that a query sees, those of `own` excepted. */
  besides(own: string, tables: Iterable<string>): ReadContext | undefined {
    const known = new Set(this.#byTable.get(own));
    const others = [...new Set(tables)].toSorted().flatMap((table) => this.#byTable.get(table) ?? []);
    return allContexts([...new Set(others)].filter((context) => !known.has(context)));
  }
}
