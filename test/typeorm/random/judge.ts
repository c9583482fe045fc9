import type { Condition, HistoryRow, ReadRecord, Seen, SeenLinks, SeenRow, WriteRecord } from './records.js';
import { type RowTimeline, Timeline, type Version } from './timeline.js';

/** What a read may have done wrong. */
export const FAULTS = ['staleOwn', 'staleBeyond', 'staleAtRest', 'uncommitted', 'wrong'] as const;
/**
 * `staleOwn`: older than what this process was told before. `staleBeyond`: older than what another process was told longer ago
 * than the bound. `staleAtRest`: older than anything, with everybody told. `uncommitted`: what was never committed, or not
 * yet. `wrong`: anything else.
 */
export type Fault = (typeof FAULTS)[number];

export interface Verdict {
  readonly faults: Readonly<Record<Fault, number>>;
  readonly examples: readonly string[];
  readonly rows: number;
  readonly lists: number;
  /** Pages between whose two statements a row went. */
  readonly torn: number;
  /** For how long others had been told what readers did not see yet, in milliseconds, in ascending order. */
  readonly delays: readonly number[];
}

const MOST_EXAMPLES = 20;

/** Compares what was read with what was committed. Reads that overlap a write may see it or not, but nothing else. */
export function judge(
  reads: readonly ReadRecord[],
  writes: readonly WriteRecord[],
  history: readonly HistoryRow[],
  bound: number,
): Verdict {
  const judging = new Judging(new Timeline(history, writes, bound));
  const inOrder = reads.toSorted((a, b) => a.began - b.began);
  const longest = inOrder.reduce((most, { began, ended }) => Math.max(most, ended - began), 0);
  for (const read of inOrder) judging.take(read, longest);
  return judging.verdict();
}

class Judging {
  readonly #faults: Record<Fault, number> = {
    staleOwn: 0,
    staleBeyond: 0,
    staleAtRest: 0,
    uncommitted: 0,
    wrong: 0,
  };
  readonly #examples: string[] = [];
  readonly #delays: number[] = [];
  #rows = 0;
  #lists = 0;
  #torn = 0;

  constructor(private readonly timeline: Timeline) {}

  take(read: ReadRecord, longest: number): void {
    this.timeline.moveTo(read.began, read.began + longest);
    for (const seen of read.seen) {
      const fault = this.#faultOf(read, seen);
      if (fault === undefined) continue;
      this.#faults[fault]++;
      if (this.#examples.length < MOST_EXAMPLES)
        this.#examples.push(`${fault}: ${JSON.stringify({ ...read, seen })}`);
    }
  }

  verdict(): Verdict {
    const delays = this.#delays.toSorted((a, b) => a - b);
    return {
      faults: this.#faults,
      examples: this.#examples,
      rows: this.#rows,
      lists: this.#lists,
      torn: this.#torn,
      delays,
    };
  }

  #faultOf(read: ReadRecord, seen: Seen): Fault | undefined {
    if (seen.kind === 'row') {
      this.#rows++;
      return this.#faultOfRow(read, seen);
    }
    // What the transaction wrote itself decides what is in there, and is not known here.
    if (read.how === 'inside') return undefined;
    this.#lists++;
    const bounds = this.#bounds(read, seen, true);
    if (fits(bounds, seen)) return undefined;
    if (seen.kind === 'count' && seen.paged === true && bounds.may.size > bounds.must.size) {
      this.#torn++;
      return undefined;
    }
    if (read.how !== 'cached') return read.how === 'rest' ? 'staleAtRest' : 'wrong';
    return fits(this.#bounds(read, seen, false), seen) ? 'staleBeyond' : 'staleOwn';
  }

  #faultOfRow(read: ReadRecord, seen: SeenRow): Fault | undefined {
    const row = this.timeline.find(seen.table, String(seen.id));
    if (seen.stamp === null) return this.#faultOfAbsence(read, row, seen);
    const at = row.indexOf(seen.stamp);
    const [own, all] = [floorOf(row, read, false), floorOf(row, read, true)];
    // Its own writes may be undone later.
    if (at === -1)
      return read.how === 'inside' && seen.stamp > row.versions[all]!.stamp ? undefined : 'uncommitted';
    this.#noteDelay(read, row, at);
    if (at < all) return read.how === 'rest' ? 'staleAtRest' : at < own ? 'staleOwn' : 'staleBeyond';
    const version = row.versions[at]!;
    if (read.how !== 'inside' && version.write.visibleFrom > read.ended) return 'uncommitted';
    return isVisible(version, seen.withDeleted) ? undefined : 'wrong';
  }

  #faultOfAbsence(read: ReadRecord, row: RowTimeline, seen: SeenRow): Fault | undefined {
    if (read.how === 'inside') return undefined;
    const mayBe = (all: boolean): boolean =>
      [...row.possible(floorOf(row, read, all), read.ended)].some(
        (version) => !isVisible(version, seen.withDeleted),
      );
    if (mayBe(true)) return undefined;
    if (read.how === 'rest') return 'staleAtRest';
    return mayBe(false) ? 'staleBeyond' : 'staleOwn';
  }

  /** For how long another process has known more than this one. */
  #noteDelay(read: ReadRecord, row: RowTimeline, at: number): void {
    if (read.how !== 'cached' || at >= row.known.anybody) return;
    const told = row.versions
      .slice(at + 1, row.known.anybody + 1)
      .map(({ write }) => write.acknowledged ?? Infinity);
    this.#delays.push(read.began - Math.min(...told));
  }

  /** Which rows a list may have. @param all whether what others have done has to be known */
  #bounds(read: ReadRecord, seen: Exclude<Seen, SeenRow>, all: boolean): Bounds {
    const bounds: Bounds = { must: new Set(), may: new Set() };
    const possible = (row: RowTimeline): Version[] => [...row.possible(floorOf(row, read, all), read.ended)];
    for (const row of this.timeline.living(seen.kind === 'links' ? 'book_tag' : seen.table)) {
      const listed = this.#listed(row, seen);
      if (listed === undefined) continue;
      const versions = possible(row);
      const other =
        listed.other === undefined ? [] : possible(listed.other).map((version) => isVisible(version));
      const belongs = versions.map((version) => meets(version, seen));
      if (belongs.includes(true) && (listed.other === undefined || other.includes(true)))
        bounds.may.add(listed.id);
      if (!belongs.includes(false) && !other.includes(false)) bounds.must.add(listed.id);
    }
    return bounds;
  }

  /** As what a row is in a list, and what else has to be there for that. */
  #listed(row: RowTimeline, seen: Exclude<Seen, SeenRow>): { id: number; other?: RowTimeline } | undefined {
    if (seen.kind !== 'links') {
      const other = seen.of && this.timeline.find(seen.of, String(seen.value));
      return { id: Number(row.name), ...(other && { other }) };
    }
    const [book, tag] = row.name.split('-');
    if ((seen.from === 'book' ? book : tag) !== String(seen.id)) return undefined;
    const [table, id] = seen.from === 'book' ? (['tag', tag!] as const) : (['book', book!] as const);
    return { id: Number(id), other: this.timeline.find(table, id) };
  }
}

interface Bounds {
  readonly must: Set<number>;
  readonly may: Set<number>;
}

function fits({ must, may }: Bounds, seen: Exclude<Seen, SeenRow>): boolean {
  if (seen.kind === 'count') return must.size <= seen.count && seen.count <= may.size;
  const ids = new Set(seen.ids);
  return seen.ids.every((id) => may.has(id)) && [...must].every((id) => ids.has(id));
}

/** The version that a read may not see anything older than. */
function floorOf({ known }: RowTimeline, { how, process }: ReadRecord, all: boolean): number {
  if (how !== 'cached') return known.anybody;
  const own = known.own.get(process) ?? 0;
  return all ? Math.max(own, known.told) : own;
}

function isVisible({ state }: Version, withDeleted = false): boolean {
  return state !== null && (withDeleted || (state['deletedAt'] ?? null) === null);
}

function meets(version: Version, seen: Condition | SeenLinks): boolean {
  if ('from' in seen) return version.state !== null;
  const { column, value, withDeleted } = seen;
  return isVisible(version, withDeleted) && (column === undefined || version.state![column] === value);
}
