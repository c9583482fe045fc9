import type { QueryRunner } from 'typeorm';

import { PLAIN_FORMS, WRITE_FORMS } from './all-writes.js';
import { READ_FORMS } from './read-forms.js';
import type { Recorder } from './recorder.js';
import { now } from './records.js';
import { cachedOf, type Session } from './session.js';
import type { OwnWrite } from './write-forms.js';

/** Thrown to have a transaction rolled back. */
class Rollback extends Error {}

/** What the transaction has written, by row; a savepoint that is rolled back forgets what came after it. */
type Own = Map<string, OwnWrite>;

/** Transactions of several reads and writes: TypeORM's and raw ones, with savepoints, committed and rolled back. */
export class Transactions {
  constructor(
    private readonly recorder: Recorder,
    private readonly runner: QueryRunner,
    private readonly end: { left: number },
  ) {}

  async run(session: Session): Promise<void> {
    const chance = session.choices.next();
    try {
      if (chance < 0.2) await this.#repeatable(session);
      else if (chance < 0.6) await this.#writing(session, (work) => this.#managed(work), false);
      else if (chance < 0.8) await this.#writing(session, (work) => this.#started(work), false);
      else await this.#writing(session, (work) => this.#raw(work), true);
    } catch (error) {
      if (!(error instanceof Rollback)) this.recorder.refused(error);
    }
  }

  /** Reads the same snapshot all the time. */
  async #repeatable(session: Session): Promise<void> {
    const { runner, recorder, end } = this;
    const steps = 2 + session.choices.below(4);
    const snapshot = { began: now() };
    await runner.startTransaction('REPEATABLE READ');
    try {
      for (let i = 0; i < steps; i++, end.left--)
        await recorder.read(session.choices.weighted(READ_FORMS), session, 'direct', snapshot);
    } finally {
      await runner.commitTransaction();
    }
  }

  /** @param around runs the work in a transaction, and says when its end began */
  async #writing(
    session: Session,
    around: (work: () => Promise<void>) => Promise<{ visibleFrom: number }>,
    isRaw: boolean,
  ): Promise<void> {
    const { recorder, runner } = this;
    const operation = await recorder.begin(runner);
    const record = { operation, form: 'transaction', process: recorder.process, atomic: true };
    const began = now();
    try {
      const { visibleFrom } = await around(() => this.#steps(session, isRaw));
      recorder.wrote({ ...record, visibleFrom, acknowledged: now() });
    } catch (error) {
      recorder.wrote({ ...record, visibleFrom: began });
      throw error;
    }
  }

  async #managed(work: () => Promise<void>): Promise<{ visibleFrom: number }> {
    let visibleFrom = 0;
    await this.runner.manager.transaction(async () => {
      await work();
      visibleFrom = now();
    });
    return { visibleFrom };
  }

  async #started(work: () => Promise<void>): Promise<{ visibleFrom: number }> {
    const { runner } = this;
    await runner.startTransaction();
    try {
      await work();
      const visibleFrom = now();
      await runner.commitTransaction();
      return { visibleFrom };
    } catch (error) {
      await runner.rollbackTransaction();
      throw error;
    }
  }

  async #raw(work: () => Promise<void>): Promise<{ visibleFrom: number }> {
    const { runner } = this;
    await runner.query('BEGIN');
    try {
      await work();
      const visibleFrom = now();
      await runner.query('COMMIT');
      return { visibleFrom };
    } catch (error) {
      await runner.query('ROLLBACK');
      throw error;
    }
  }

  async #steps(session: Session, isRaw: boolean, own: Own = new Map(), depth = 0): Promise<void> {
    const { choices } = session;
    const steps = 1 + choices.below(depth === 0 ? 4 : 2);
    for (let i = 0; i < steps; i++, this.end.left--) {
      if (choices.chance(0.25) && depth < 2) await this.#nested(session, isRaw, own, depth);
      else await this.#step(session, isRaw, own);
    }
    if (choices.chance(depth === 0 ? 0.25 : 0.4)) throw new Rollback();
  }

  async #nested(session: Session, isRaw: boolean, own: Own, depth: number): Promise<void> {
    const inner: Own = new Map(own);
    const work = (): Promise<void> => this.#steps(session, isRaw, inner, depth + 1);
    try {
      if (isRaw) await this.#savepoint(`s${depth}`, work);
      else await this.runner.manager.transaction(work);
      own.clear();
      for (const [row, write] of inner) own.set(row, write);
    } catch (error) {
      if (!(error instanceof Rollback)) throw error;
    }
    await this.#check(session, own);
  }

  async #savepoint(name: string, work: () => Promise<void>): Promise<void> {
    const { runner } = this;
    await runner.query(`SAVEPOINT ${name}`);
    try {
      await work();
      await runner.query(`RELEASE SAVEPOINT ${name}`);
    } catch (error) {
      await runner.query(`ROLLBACK TO SAVEPOINT ${name}`);
      throw error;
    }
  }

  async #step(session: Session, isRaw: boolean, own: Own): Promise<void> {
    const { choices } = session;
    if (choices.chance(0.3)) {
      await this.recorder.read(choices.weighted(READ_FORMS), session, 'inside');
      return this.#check(session, own);
    }
    const write = await choices.weighted(isRaw ? PLAIN_FORMS : WRITE_FORMS).run(session);
    // What this one has changed of rows that an earlier one wrote is not known, unless it says so.
    own.clear();
    if (write !== undefined) own.set(`${write.table}:${write.id}`, write);
    await this.#check(session, own);
  }

  /** The transaction sees what it wrote. */
  async #check(session: Session, own: Own): Promise<void> {
    for (const { table, id, value } of own.values()) {
      const row = await cachedOf(session, table).findById(id);
      // A book that is marked as deleted can be changed, and is still not there.
      if ((row?.value ?? null) === value || (table === 'book' && row === null)) continue;
      this.recorder.missedOwnWrite(`${table} ${id} was ${row?.value}, and not ${value}`);
    }
  }
}
