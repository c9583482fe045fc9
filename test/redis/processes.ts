import { type ChildProcess, fork } from 'node:child_process';
import { once } from 'node:events';
import { join } from 'node:path';

import type { CacheOptions } from '../../lib/core/cache-options.js';
import { compileSources } from '../support/compile-sources.mjs';
import { ProcessGuard } from '../support/process-guard.js';
import type { Deeds } from './workers/instance.js';

const WORKERS = join('test', 'redis', 'workers');

/** Instances of a cache in processes of their own: `workers/instance.ts`, with the library compiled from its source. */
export class Processes {
  readonly #guard = new ProcessGuard();
  readonly #running = new Set<WorkerProcess>();
  #folder = '';

  async build(): Promise<void> {
    this.#folder = this.#guard.makeFolder();
    await compileSources(['lib', WORKERS], this.#folder);
  }

  /** @param clockShift by how many milliseconds the wall clock of the process is wrong */
  async start(options: CacheOptions, clockShift = 0): Promise<WorkerProcess> {
    const folder = join(this.#folder, WORKERS);
    const preload = clockShift === 0 ? [] : ['--import', join(folder, 'shifted-clock.js')];
    const child = fork(join(folder, 'instance.js'), {
      execArgv: preload,
      env: { ...process.env, NODE_OPTIONS: '', CLOCK_SHIFT: `${clockShift}` },
      // undefined and Map survive it.
      serialization: 'advanced',
    });
    await once(child, 'spawn');
    const worker = new WorkerProcess(child);
    this.#guard.watch(worker.pid);
    this.#running.add(worker);
    child.once('exit', () => {
      this.#guard.forget(worker.pid);
      this.#running.delete(worker);
    });
    await worker.ready;
    await worker.run('open', options);
    return worker;
  }

  /** Ends what is still running. */
  async end(): Promise<void> {
    await Promise.all([...this.#running].map((worker) => worker.kill()));
  }

  /** Ends everything for good. */
  async stop(): Promise<void> {
    await this.end();
    this.#guard.removeFolder(this.#folder);
  }
}

interface Message {
  readonly ready?: true;
  readonly loading?: string;
  readonly id?: number;
  readonly result?: unknown;
  readonly error?: string;
}

/** One such process. */
export class WorkerProcess {
  readonly pid: number;
  /** The keys of the loads that have begun. */
  readonly loading: string[] = [];
  readonly ready: Promise<void>;
  readonly #answers = new Map<number, (answer: Message) => void>();
  #questions = 0;

  constructor(private readonly child: ChildProcess) {
    this.pid = child.pid!;
    this.ready = new Promise((resolve, reject) => {
      child.once('exit', () => reject(new Error('a worker process ended while it was starting')));
      child.on('message', (message: Message) => {
        if (message.ready) resolve();
        else if (message.loading !== undefined) this.loading.push(message.loading);
        else this.#answers.get(message.id!)?.(message);
      });
    });
  }

  run<D extends keyof Deeds>(deed: D, ...args: Parameters<Deeds[D]>): ReturnType<Deeds[D]> {
    const id = this.#questions++;
    const answer = new Promise((resolve, reject) => {
      this.#answers.set(id, ({ result, error }) => {
        if (error === undefined) resolve(result);
        else reject(new Error(error));
      });
      this.child.once('exit', () => reject(new Error(`the process ended before it answered to ${deed}`)));
    });
    this.child.send({ id, deed, args });
    return answer as ReturnType<Deeds[D]>;
  }

  /** SIGKILL; resolves when it is gone. */
  async kill(): Promise<void> {
    const gone = once(this.child, 'exit');
    this.child.kill('SIGKILL');
    await gone;
  }
}
