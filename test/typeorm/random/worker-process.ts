import { type ChildProcess, fork } from 'node:child_process';
import { once } from 'node:events';

import { ProcessGuard } from '../../support/process-guard.js';
import type { Deeds } from './worker.js';

interface Message {
  readonly ready?: true;
  readonly id?: number;
  readonly result?: unknown;
  readonly error?: string;
}

const guard = new ProcessGuard();

/** A process of its own that does what it is told. */
export class WorkerProcess {
  readonly #answers = new Map<number, (answer: Message) => void>();
  #questions = 0;

  private constructor(private readonly child: ChildProcess) {
    child.on('message', (message: Message) => this.#answers.get(message.id!)?.(message));
    child.once('exit', () => {
      for (const [id, answer] of this.#answers) answer({ id, error: 'a worker process has ended' });
    });
  }

  /** @param file compiled */
  static async start(file: string): Promise<WorkerProcess> {
    const env = { ...process.env, NODE_OPTIONS: '' };
    const child = fork(file, { execArgv: [], env, serialization: 'advanced' });
    await once(child, 'message');
    const pid = child.pid!;
    guard.watch(pid);
    child.once('exit', () => guard.forget(pid));
    return new WorkerProcess(child);
  }

  run<D extends keyof Deeds>(deed: D, ...args: Parameters<Deeds[D]>): ReturnType<Deeds[D]> {
    const id = this.#questions++;
    const answer = new Promise((resolve, reject) => {
      this.#answers.set(id, ({ result, error }) => {
        this.#answers.delete(id);
        if (error === undefined) resolve(result);
        else reject(new Error(error));
      });
    });
    this.child.send({ id, deed, args });
    return answer as ReturnType<Deeds[D]>;
  }

  async stop(): Promise<void> {
    if (this.child.exitCode !== null || this.child.signalCode !== null) return;
    const gone = once(this.child, 'exit');
    this.child.kill('SIGKILL');
    await gone;
  }
}
