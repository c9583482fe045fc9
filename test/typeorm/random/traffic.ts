import { setImmediate as turn } from 'node:timers/promises';

import type { DataSource, QueryRunner } from 'typeorm';

import type { DataSourceCache } from '../../../lib/typeorm/data-source-cache.js';
import { WRITE_FORMS } from './all-writes.js';
import { Choices } from './choices.js';
import { KnownRows } from './known-rows.js';
import { MOVES, WHERE_IT_IS } from './move-forms.js';
import { READ_FORMS } from './read-forms.js';
import { Recorder } from './recorder.js';
import { now } from './records.js';
import { repositoriesOf, type Session } from './session.js';
import { Transactions } from './transactions.js';
import type { WriteForm } from './write-forms.js';

/** What one process does. */
export class Traffic {
  readonly known = new KnownRows();
  readonly recorder: Recorder;

  constructor(
    process: number,
    private readonly source: DataSource,
    private readonly cached: DataSourceCache,
  ) {
    this.recorder = new Recorder(process);
  }

  /** A number of operations, one after the other; the same choices for the same seed, but the database decides what comes of them. */
  async call(operations: number, seed: number): Promise<void> {
    const runner = this.source.createQueryRunner();
    const choices = new Choices(seed);
    const end = { left: operations };
    const transactions = new Transactions(this.recorder, runner, end);
    try {
      while (end.left > 0) {
        const chance = choices.next();
        if (chance < 0.9) end.left--;
        if (chance < 0.66)
          await this.recorder.read(choices.weighted(READ_FORMS), this.outside(choices), 'cached');
        else if (chance < 0.9)
          await this.write(choices.weighted(WRITE_FORMS), this.#on(runner, choices), runner);
        else await transactions.run(this.#on(runner, choices));
        // What memory answers takes no turn of the event loop.
        await turn();
      }
    } finally {
      await runner.release();
    }
  }

  /** Rows are moved, and looked for. */
  async move(operations: number, seed: number): Promise<void> {
    const runner = this.source.createQueryRunner();
    const choices = new Choices(seed);
    try {
      for (let i = 0; i < operations; i++) {
        if (choices.chance(0.6)) await this.recorder.read(WHERE_IT_IS, this.outside(choices), 'cached');
        else await this.write(choices.weighted(MOVES), this.#on(runner, choices), runner);
        await turn();
      }
    } finally {
      await runner.release();
    }
  }

  /** For reads: on any connection. */
  outside(choices: Choices): Session {
    const { source, cached, known } = this;
    return { repositories: repositoriesOf(cached), manager: source.manager, choices, known, token: () => '' };
  }

  /** A write outside of a transaction. */
  async write(form: WriteForm, session: Session, runner: QueryRunner): Promise<void> {
    const { recorder } = this;
    const operation = await recorder.begin(runner);
    const { process } = recorder;
    const record = { operation, form: form.name, process, atomic: false, visibleFrom: now() };
    try {
      await form.run(session);
      recorder.wrote({ ...record, acknowledged: now() });
    } catch (error) {
      recorder.refused(error);
      recorder.wrote(record);
    }
  }

  /** For writes, and for transactions: on one connection. */
  #on({ manager }: QueryRunner, choices: Choices): Session {
    const { cached, known, recorder } = this;
    const repositories = repositoriesOf(cached, manager);
    return { repositories, manager, choices, known, token: () => recorder.token() };
  }
}
