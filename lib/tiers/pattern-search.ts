import { matchesPattern, nameOf, type Pattern } from '../coherence/invalidation.js';
import type { Recorder } from '../observability/recorder.js';
import type { Clock } from '../primitives/clock.js';
import { storedKey } from '../primitives/key.js';
import type { RemoteStore } from '../stores/store.js';

/** With more beginnings than these one scan that gives back more keys is cheaper: each goes through the whole database. */
const MOST_HEADS = 4;
/** The most patterns that each key of a batch is held against: together that is a few milliseconds. */
const MOST_PATTERNS = 50;

/** A scan, and what it is for: the patterns whose keys all begin with `head`. */
interface Scan {
  readonly head: string;
  readonly patterns: readonly Pattern[];
}

/**
 * Looks in the store for what patterns match, and removes it.
 *
 * A scan finds every key that was there before it began, and still is: the entry of a load that began before the pattern was
 * given is there, or its lease is. So a scan may serve any pattern that was given before it began, and none that came later.
 * One search is under way at a time; the patterns that come meanwhile are the next one, however many they are.
 */
export class PatternSearch {
  #collected = new Map<string, Pattern>();
  /** The search that those collected will be part of. */
  #next: Promise<void> | undefined;
  #last: Promise<void> = Promise.resolve();

  /** @param root what all full keys begin with @param remove removes full keys */
  constructor(
    private readonly store: Pick<RemoteStore, 'scan'>,
    private readonly root: string,
    private readonly remove: (keys: readonly string[]) => Promise<unknown>,
    private readonly time: Clock,
    private readonly recorder: Recorder,
  ) {}

  /** @throws CacheStoreError when the store could not be searched; what was found until then is removed */
  removeMatching(patterns: readonly Pattern[]): Promise<void> {
    for (const pattern of patterns) this.#collected.set(nameOf(pattern), pattern);
    return (this.#next ??= this.#last = this.#search(this.#last));
  }

  async #search(last: Promise<void>): Promise<void> {
    // Its failure is that of those who waited for it.
    await last.catch(() => {});
    const patterns = [...this.#collected.values()];
    this.#collected = new Map();
    this.#next = undefined;
    for (const scan of scansFor(patterns)) await this.#scan(scan);
  }

  async #scan({ head, patterns }: Scan): Promise<void> {
    const begun = this.time.now();
    const { length } = this.root;
    let looked = 0;
    let removed = 0;
    for await (const batch of this.store.scan(this.root + head)) {
      const found = batch.filter((full) => {
        const key = full.slice(length);
        return patterns.some((pattern) => matchesPattern(pattern, key));
      });
      if (found.length > 0) await this.remove(found);
      looked += batch.length;
      removed += found.length;
    }
    const what = patterns.map(({ view, glob }) => view + glob.source);
    this.recorder.coherence.scanned(what, looked, removed, this.time.now() - begun);
  }
}

/** As few scans as there can be without giving back many keys that none of them is for, or holding keys up for long. */
function scansFor(patterns: readonly Pattern[]): Scan[] {
  const byHead = new Map<string, Pattern[]>();
  for (const pattern of patterns) {
    const head = headOf(pattern);
    const others = byHead.get(head);
    if (others === undefined) byHead.set(head, [pattern]);
    else others.push(pattern);
  }
  const groups: Iterable<readonly [string, readonly Pattern[]]> =
    byHead.size > MOST_HEADS ? [[commonBeginning([...byHead.keys()]), patterns]] : byHead;
  const scans: Scan[] = [];
  for (const [head, all] of groups) {
    for (let at = 0; at < all.length; at += MOST_PATTERNS) {
      scans.push({ head, patterns: all.slice(at, at + MOST_PATTERNS) });
    }
  }
  return scans;
}

/** What every key that matches begins with. */
function headOf({ view, glob }: Pattern): string {
  return glob.head === '' ? view : storedKey(view, glob.head);
}

/** @param texts at least one */
function commonBeginning(texts: readonly string[]): string {
  return texts.reduce((common, text) => {
    let length = 0;
    while (length < common.length && common[length] === text[length]) length++;
    // Half a character cannot be sent.
    return common.slice(0, common.slice(0, length).isWellFormed() ? length : length - 1);
  });
}
