import { spawn, type ChildProcess } from 'node:child_process';
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import type { Writable } from 'node:stream';

/** Ends with its standard input; the last line it read names the processes that are still running. */
const SCRIPT = `last=; while read -r line; do last=$line; done; [ -z "$last" ] || kill -9 $last; rm -rf -- "$1"`;

/**
 * Sees to it that no server outlives the tests that started it, however they end. A shell in a session of its own holds the
 * end of a pipe from this process: when the pipe closes, be it because this process was killed, it kills what is left and
 * removes the folder. jest does not run exit listeners of test files reliably, so there are none.
 */
export class ProcessGuard {
  #shell: ChildProcess | undefined;
  #folder: string | undefined;
  readonly #pids = new Set<number>();
  #folders = 0;

  /** A new folder that disappears with the last server. */
  makeFolder(): string {
    this.#folder ??= mkdtempSync(join(tmpdir(), 'tiered-cache-test-'));
    this.#folders++;
    return mkdtempSync(join(this.#folder, 'server-'));
  }

  /** Gives a folder of {@link makeFolder} back. */
  removeFolder(folder: string): void {
    rmSync(folder, { recursive: true, force: true });
    if (--this.#folders > 0) return;
    this.#shell?.stdin?.end();
    this.#shell = undefined;
    if (this.#folder !== undefined) rmSync(this.#folder, { recursive: true, force: true });
    this.#folder = undefined;
  }

  watch(pid: number): void {
    this.#pids.add(pid);
    this.#tell();
  }

  /** To be called as soon as the process is gone: its number may be given to another one. */
  forget(pid: number): void {
    if (this.#pids.delete(pid)) this.#tell();
  }

  #tell(): void {
    this.#shell ??= startShell(this.#folder ?? '');
    this.#shell.stdin?.write(`${[...this.#pids].join(' ')}\n`);
  }
}

function startShell(folder: string): ChildProcess {
  const shell = spawn('/bin/sh', ['-c', SCRIPT, 'guard', folder], {
    detached: true,
    stdio: ['pipe', 'ignore', 'ignore'],
  });
  shell.unref();
  // A pipe of a child is a socket, which can be kept from holding the event loop; its type does not say so.
  (shell.stdin as Writable & { unref?(): void }).unref?.();
  return shell;
}
