import { fork } from 'node:child_process';
import { once } from 'node:events';
import { fileURLToPath } from 'node:url';

const WORKER = fileURLToPath(new URL('worker.mjs', import.meta.url));

/** A contender in a process of its own, so that none pays for the code and the garbage of another. */
export class ContenderProcess {
  #child = fork(WORKER, { execArgv: ['--expose-gc', ...profiling()] });
  #answer = () => {};

  constructor(file, task) {
    this.file = file;
    this.task = task;
    this.#child.on('message', (answer) => this.#answer(answer));
    this.#child.on('exit', (code, signal) => this.#answer({ error: `its process ended: ${signal ?? code}` }));
  }

  /** @param urls { redisUrl, postgresUrl } */
  open(urls) {
    return this.#ask({ command: 'open', file: this.file, task: this.task, urls });
  }

  /** @returns {{ value: number, loads?: number }} what this round measured */
  round() {
    return this.#ask({ command: 'round' });
  }

  async close() {
    await this.#ask({ command: 'close' });
    this.#child.disconnect();
    await once(this.#child, 'exit');
  }

  /** Ends the process at once, after a failure. */
  kill() {
    this.#child.kill('SIGKILL');
  }

  async #ask(message) {
    const answer = await new Promise((resolve) => {
      this.#answer = resolve;
      this.#child.send(message);
    });
    if (answer.error !== undefined) throw new Error(`${this.task.setup}: ${answer.error}`);
    return answer.result;
  }
}

/** `CPU_PROFILE=<folder>` keeps a profile of every contender there. */
function profiling() {
  const folder = process.env['CPU_PROFILE'];
  return folder === undefined ? [] : ['--cpu-prof', `--cpu-prof-dir=${folder}`];
}
