import { MAX_KEY_LENGTH } from '../primitives/key.js';
import type { Partition, Read } from './contract.js';
import { digestOf } from './digest.js';

/**
 * The tags of what was read from tables. Rows and queries carry them; whatever writes invalidates them. They name tables and
 * ids, not keys: whoever writes need not know who has cached what, in which version of the application, for which tenant.
 */
export class TableTags {
  readonly #table: string;

  constructor(source: string, table: string) {
    this.#table = `db:${source}/${table}`;
  }

  /** Of queries that may see any row. */
  get queries(): string {
    return this.#table;
  }

  /** Of queries that see only parts, whichever. */
  get partitions(): string {
    return `${this.#table}?`;
  }

  /** Of all rows. */
  get rows(): string {
    return `${this.#table}#`;
  }

  /** Of what is known not to be there. */
  get absent(): string {
    return `${this.#table}-`;
  }

  row(id: string): string {
    return bounded(`${this.#table}#${id}`);
  }

  partition({ column, value }: Partition): string {
    return bounded(`${this.#table}?${column}=${value}`);
  }
}

/** The tags of a query. */
export function tagsOfReads(source: string, reads: readonly Read[]): string[] {
  const tags = reads.flatMap(({ table, partitions }) => {
    const names = new TableTags(source, table);
    if (partitions === undefined) return [names.queries];
    return [names.partitions, ...partitions.map((partition) => names.partition(partition))];
  });
  return [...new Set(tags)];
}

function bounded(tag: string): string {
  return tag.length <= MAX_KEY_LENGTH && tag.isWellFormed() ? tag : `db:#${digestOf(tag)}`;
}
