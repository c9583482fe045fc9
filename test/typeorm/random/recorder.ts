import type { QueryRunner } from 'typeorm';

import { OPERATION } from './model.js';
import type { ReadForm } from './read-forms.js';
import { now, type ReadKind, type ReadRecord, type Records, type WriteRecord } from './records.js';
import type { Session } from './session.js';

/** When a snapshot was taken that reads are from. */
export interface Snapshot {
  readonly began: number;
  /** The end of the first read. */
  ended?: number;
}

/** What one process notes of what it does. */
export class Recorder {
  readonly #reads: ReadRecord[] = [];
  readonly #writes: WriteRecord[] = [];
  readonly #ownWritesMissed: string[] = [];
  readonly #refused: Record<string, number> = {};
  #numbers = 0;

  constructor(readonly process: number) {}

  /** Different each time, in all processes. */
  token(): string {
    return `${this.process}.${this.#numbers++}`;
  }

  async read(form: ReadForm, session: Session, how: ReadKind, snapshot?: Snapshot): Promise<void> {
    const began = snapshot?.began ?? now();
    const seen = await form.run(session);
    const ended = snapshot?.ended ?? now();
    if (snapshot !== undefined) snapshot.ended = ended;
    this.#reads.push({ form: form.name, process: this.process, how, began, ended, seen });
  }

  /** What is written on a connection until this is called again belongs to one operation. */
  async begin(runner: QueryRunner): Promise<string> {
    const operation = this.token();
    await runner.query(`SELECT set_config('${OPERATION}', $1, false)`, [operation]);
    return operation;
  }

  wrote(write: WriteRecord): void {
    this.#writes.push(write);
  }

  missedOwnWrite(what: string): void {
    this.#ownWritesMissed.push(what);
  }

  /** The database did not want it: a deadlock, a foreign key of a row that is gone. */
  refused(error: unknown): void {
    const message = (error as Error).message.replaceAll(/"[^"]*"|\d+/g, '…').slice(0, 90);
    this.#refused[message] = (this.#refused[message] ?? 0) + 1;
  }

  records(): Records {
    return {
      reads: this.#reads,
      writes: this.#writes,
      ownWritesMissed: this.#ownWritesMissed,
      refused: this.#refused,
    };
  }
}
