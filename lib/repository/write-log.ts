import { Changes, type LockedRow, type RowReport, type TableWrite } from './changes.js';
import type { Session } from './contract.js';

/** What was written since a savepoint, or since the transaction began. */
interface Frame {
  /** `undefined` for the transaction's own. */
  readonly savepoint: string | undefined;
  readonly changes: Changes;
}

/** Where the log sends what has become visible to others. */
export interface WriteTarget {
  readonly source: string;
  /** All tables that may have been read. */
  tables(): Iterable<string>;
  /** Makes everything that carries one of these tags unusable. Must not reject: the data is written, whatever becomes of the cache. */
  invalidate(tags: readonly string[]): Promise<void>;
}

/**
 * What sessions have written, until it becomes visible to others: at once outside of a transaction, and with the outermost
 * commit inside of one. An invalidation before that is undone by the next reader, who still finds the old rows.
 */
export class WriteLog {
  readonly #open = new WeakMap<Session, Frame[]>();
  readonly #loose = new WeakMap<Session, Changes>();

  #begun = 0;

  constructor(private readonly target: WriteTarget) {}

  /** How many transactions were begun. */
  get begun(): number {
    return this.#begun;
  }

  /** Whether a transaction is open. */
  isOpen(session: Session): boolean {
    return this.#open.has(session);
  }

  /** A transaction was begun. In one that is open nothing changes. */
  begin(session: Session): void {
    if (!this.isOpen(session)) this.#start(session, [{ savepoint: undefined, changes: new Changes() }]);
  }

  /** A statement has written to a table. Outside of a transaction {@link settle} has to follow. */
  write(session: Session, write: TableWrite): void {
    this.#changesOf(session).write(write);
  }

  /** Tells more of a row that a statement has written, or will have written before the transaction ends. */
  report(session: Session, report: RowReport): void {
    // Outside of a transaction what the statement did is invalidated already.
    this.#open.get(session)?.at(-1)!.changes.report(report);
  }

  /**
   * A row was read and locked: until the transaction ends, or is rolled back to a savepoint before this, nobody else writes it.
   * Only of such a row it is known in which parts of its table it was before it was written.
   */
  lock(session: Session, row: LockedRow): void {
    const frames = this.#open.get(session);
    // Where it was before what this transaction has written itself is not known any more.
    if (frames === undefined || frames.some(({ changes }) => changes.mayHaveWritten(row.table, row.id)))
      return;
    frames.at(-1)!.changes.lock(row);
  }

  /** A statement has written to tables that cannot be told. */
  writeAnything(session: Session): void {
    this.#changesOf(session).writeAnything();
  }

  /**
   * A savepoint was set.
   * @param begins whether a savepoint outside of a transaction begins one, which its release commits
   */
  savepoint(session: Session, savepoint: string, begins = false): void {
    if (begins && !this.isOpen(session)) this.#start(session, []);
    this.#open.get(session)?.push({ savepoint, changes: new Changes() });
  }

  /** The savepoint is gone, and what was written since belongs to whatever was before it. */
  async release(session: Session, savepoint: string): Promise<void> {
    const frames = this.#open.get(session);
    const at = lastOf(frames, savepoint);
    if (frames === undefined || at === -1) return;
    if (at === 0) return this.commit(session);
    for (const { changes } of frames.splice(at)) frames.at(-1)!.changes.take(changes);
  }

  /** What was written since the savepoint is undone; the savepoint stays. */
  rollbackTo(session: Session, savepoint: string): void {
    const frames = this.#open.get(session);
    const at = lastOf(frames, savepoint);
    if (frames === undefined || at === -1) return;
    frames.splice(at, frames.length, { savepoint, changes: new Changes() });
  }

  /** The transaction is undone. */
  rollback(session: Session): void {
    this.#open.delete(session);
  }

  /** What the session has written is visible, or may be. Resolves when none of it is served any more. Never rejects. */
  async commit(session: Session): Promise<void> {
    const frames = this.#open.get(session);
    this.#open.delete(session);
    if (frames === undefined) return;
    const all = new Changes();
    for (const { changes } of frames) all.take(changes);
    await this.#publish(all);
  }

  /** To be called after each statement: outside of a transaction its writes are visible now. */
  async settle(session: Session): Promise<void> {
    const changes = this.#loose.get(session);
    if (changes === undefined) return;
    this.#loose.delete(session);
    await this.#publish(changes);
  }

  #start(session: Session, frames: Frame[]): void {
    this.#begun++;
    this.#open.set(session, frames);
  }

  async #publish(changes: Changes): Promise<void> {
    const tags = changes.tags(this.target.source, this.target.tables());
    if (tags.length > 0) await this.target.invalidate(tags);
  }

  #changesOf(session: Session): Changes {
    const frames = this.#open.get(session);
    if (frames !== undefined) return frames.at(-1)!.changes;
    let changes = this.#loose.get(session);
    if (changes === undefined) this.#loose.set(session, (changes = new Changes()));
    return changes;
  }
}

/** Names may be used twice: the later one hides the earlier. */
function lastOf(frames: readonly Frame[] | undefined, savepoint: string): number {
  return frames?.findLastIndex((frame) => frame.savepoint === savepoint) ?? -1;
}
