import { spawn, type ChildProcess } from 'node:child_process';
import { chmodSync, chownSync, mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import type { Writable } from 'node:stream';

/**
 * Ends with its standard input; the last line it read names the processes that are still running, each after the signal it
 * is to get. A stopped process needs SIGCONT to obey any but SIGKILL. One that was told to end by itself may still write.
 */
const SCRIPT = `last=; while read -r line; do last=$line; done; folder=$1; set -- $last
while [ $# -gt 1 ]; do kill "-$1" "$2"; kill -CONT "$2"; shift 2; done
rm -rf -- "$folder" || { sleep 1; rm -rf -- "$folder"; }`;

/** Who a server runs as, where it does not run as the tests do. */
export interface ProcessOwner {
  uid: number;
  gid: number;
}

/**
 * Sees to it that no server outlives the tests that started it, however they end. A shell in a session of its own holds the
 * end of a pipe from this process: when the pipe closes, be it because this process was killed, it kills what is left and
 * removes the folder. jest does not run exit listeners of test files reliably, so there are none.
 */
export class ProcessGuard {
  #shell: ChildProcess | undefined;
  #folder: string | undefined;
  readonly #signals = new Map<number, 'KILL' | 'QUIT'>();
  #folders = 0;

  /** A new folder, the owner's, that disappears with the last server. All folders are below the `parent` of the first. */
  makeFolder({ owner, parent = tmpdir() }: { owner?: ProcessOwner; parent?: string } = {}): string {
    this.#folder ??= mkdtempSync(join(parent, 'tiered-cache-test-'));
    this.#folders++;
    const folder = mkdtempSync(join(this.#folder, 'server-'));
    if (owner) {
      chmodSync(this.#folder, 0o711);
      chownSync(folder, owner.uid, owner.gid);
    }
    return folder;
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

  watch(pid: number, signal: 'KILL' | 'QUIT' = 'KILL'): void {
    this.#signals.set(pid, signal);
    this.#tell();
  }

  /** To be called as soon as the process is gone: its number may be given to another one. */
  forget(pid: number): void {
    if (this.#signals.delete(pid)) this.#tell();
  }

  #tell(): void {
    this.#shell ??= startShell(this.#folder ?? '');
    const line = [...this.#signals].map(([pid, signal]) => `${signal} ${pid}`).join(' ');
    this.#shell.stdin?.write(`${line}\n`);
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
