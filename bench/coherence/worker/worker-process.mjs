import { fork } from 'node:child_process';
import { once } from 'node:events';
import { fileURLToPath } from 'node:url';

import { within } from '../time.mjs';

const WORKER = fileURLToPath(new URL('main.mjs', import.meta.url));
const LATE = Symbol('late');

/** A process with a cache of its own. Whatever it does not answer in time it did not do; it can always be ended. */
export class WorkerProcess {
  #calls = new Map();
  #last = 0;
  #expected = false;
  #errors = '';

  /** @param hooks `onRecords` gets what it reports, `onEnd` is called when it ends though nobody asked it to */
  constructor(number, hooks) {
    this.number = number;
    this.child = fork(WORKER, { serialization: 'advanced', stdio: ['ignore', 'ignore', 'pipe', 'ipc'] });
    this.child.stderr.on('data', (chunk) => {
      this.#errors = `${this.#errors}${chunk}`.slice(-2_000);
    });
    this.child.on('message', ({ records, ...answer }) => {
      if (records === undefined) this.#calls.get(answer.call)?.(answer);
      else hooks.onRecords(records);
    });
    this.child.on('exit', (code, signal) => {
      for (const answer of this.#calls.values()) answer({ error: `its process ended: ${signal ?? code}` });
      if (!this.#expected) hooks.onEnd(`${signal ?? `code ${code}`}\n${this.#errors}`);
    });
  }

  /** @returns what the command gave, or `fallback`, where there is one, if it failed or took too long */
  async ask(command, { given, patience = 15_000, ...otherwise } = {}) {
    const call = ++this.#last;
    const answered = new Promise((resolve) => {
      this.#calls.set(call, resolve);
      if (this.child.connected) this.child.send({ command, given, call });
      else resolve({ error: 'its process has ended' });
    });
    const answer = await within(patience, answered, LATE);
    this.#calls.delete(call);
    const error = answer === LATE ? `no answer within ${patience} ms` : answer.error;
    if (error === undefined) return answer.result;
    if ('fallback' in otherwise) return otherwise.fallback;
    throw new Error(`process ${this.number}, ${command}: ${error}`);
  }

  /** Ends the process, in good order if it can. */
  async end() {
    this.#expected = true;
    await this.ask('close', { patience: 4_000, fallback: undefined });
    if (this.child.exitCode !== null || this.child.signalCode !== null) return;
    const gone = once(this.child, 'exit');
    this.child.kill('SIGKILL');
    await gone;
  }
}
