import { TABLES, type TableName } from './model.js';
import type { Choices } from './choices.js';

/** Some that are gone are asked for again and again. */
const MOST_GONE = 20;

/** The ids that a process has come across, so that it asks for rows that are there, were there, and will be. */
export class KnownRows {
  readonly #there = new Map<TableName, Set<number>>(TABLES.map((table) => [table, new Set()]));
  readonly #gone = new Map<TableName, number[]>(TABLES.map((table) => [table, []]));
  readonly #highest = new Map<TableName, number>();

  saw(table: TableName, id: number): void {
    this.#there.get(table)!.add(id);
    this.#highest.set(table, Math.max(this.#highest.get(table) ?? 0, id));
  }

  missed(table: TableName, id: number): void {
    if (!this.#there.get(table)!.delete(id)) return;
    const gone = this.#gone.get(table)!;
    gone.push(id);
    if (gone.length > MOST_GONE) gone.shift();
  }

  /** These are all that there are. */
  sawAll(table: TableName, ids: readonly number[]): void {
    const all = new Set(ids);
    for (const id of this.#there.get(table)!) if (!all.has(id)) this.missed(table, id);
  }

  count(table: TableName): number {
    return this.#there.get(table)!.size;
  }

  /** One that is there, as far as is known. */
  pickThere(table: TableName, choices: Choices): number {
    const there = [...this.#there.get(table)!];
    return there.length === 0 ? 1 : choices.pick(there);
  }

  /** Those that there have been for the longest. */
  lowest(table: TableName, count: number): number[] {
    return [...this.#there.get(table)!].toSorted((a, b) => a - b).slice(0, count);
  }

  pick(table: TableName, choices: Choices): number {
    const chance = choices.next();
    if (chance < 0.06) return (this.#highest.get(table) ?? 0) + 1 + choices.below(2);
    const gone = this.#gone.get(table)!;
    return chance < 0.1 && gone.length > 0 ? choices.pick(gone) : this.pickThere(table, choices);
  }
}
