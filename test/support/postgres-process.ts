import { spawn, type ChildProcess } from 'node:child_process';
import { once } from 'node:events';
import { closeSync, openSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { childrenOf, signal } from './child-processes.js';
import { freePort } from './ports.js';
import {
  findPostgres,
  initCluster,
  postgresOwner,
  reachableFolder,
  withinReach,
  type PostgresBinary,
} from './postgres-binary.js';
import { ProcessGuard, type ProcessOwner } from './process-guard.js';
import { until } from './until.js';

const guard = new ProcessGuard();
const HOST = '127.0.0.1';
const ATTEMPTS = 5;

/**
 * Nothing has to survive a power cut, and nothing is to run in the background. A commit still waits until it is written, which
 * costs nothing without fsync: `kill` would lose it otherwise.
 */
const SETTINGS = [
  `listen_addresses=${HOST}`,
  'unix_socket_directories=',
  'fsync=off',
  'full_page_writes=off',
  'shared_buffers=16MB',
  'max_connections=200',
  'autovacuum=off',
  'max_logical_replication_workers=0',
  'jit=off',
  // In the server's own folder, to be removed with it.
  'dynamic_shared_memory_type=mmap',
  // The one zone it knows where the machine has no time zone data.
  'timezone=GMT',
  'log_timezone=GMT',
];

/** Starts a PostgreSQL server of its own, with an empty cluster, on a free loopback port. */
export async function startProcess(args: readonly string[]): Promise<PostgresProcess> {
  const found = await findPostgres();
  const owner = postgresOwner();
  const folder = guard.makeFolder({ owner, parent: reachableFolder(owner) });
  try {
    const binary = withinReach(found, owner, folder);
    await initCluster(binary, owner, folder);
    for (let attempt = 1; ; attempt++) {
      const server = new PostgresProcess({ binary, owner, folder, port: await freePort(), args });
      try {
        await server.start();
        return server;
      } catch (error) {
        await server.kill();
        if (attempt === ATTEMPTS) throw error;
      }
    }
  } catch (error) {
    guard.removeFolder(folder);
    throw error;
  }
}

interface Installation {
  binary: PostgresBinary;
  owner: ProcessOwner | undefined;
  folder: string;
  port: number;
  args: readonly string[];
}

/** A running server. What was committed is still there after `kill` and `start`. */
export class PostgresProcess {
  readonly host = HOST;
  readonly #installation: Installation;
  #child: ChildProcess | undefined;
  #paused: number[] = [];
  #stopped = false;

  constructor(installation: Installation) {
    this.#installation = installation;
  }

  get port(): number {
    return this.#installation.port;
  }

  get folder(): string {
    return this.#installation.folder;
  }

  /** The running server's id, which the processes of its connections have as their parent; `undefined` after its end. */
  get pid(): number | undefined {
    return this.#child?.pid;
  }

  /** Starts the server, again after `kill`, on the same port; resolves once it takes connections. */
  async start(): Promise<void> {
    const { binary, owner, folder, port, args } = this.#installation;
    if (this.#child) throw new Error(`the server on port ${port} is running`);
    if (this.#stopped) throw new Error(`the server on port ${port} was stopped for good`);
    const log = openSync(join(folder, 'log'), 'w');
    const settings = [...SETTINGS, `port=${port}`].flatMap((setting) => ['-c', setting]);
    const child = spawn(join(binary.bin, 'postgres'), ['-D', join(folder, 'data'), ...settings, ...args], {
      ...owner,
      cwd: folder,
      env: binary.env,
      stdio: ['ignore', log, log],
    });
    closeSync(log);
    await once(child, 'spawn');
    child.unref();
    const pid = child.pid as number;
    guard.watch(pid, 'QUIT');
    child.once('exit', () => {
      guard.forget(pid);
      if (this.#child === child) this.#child = undefined;
    });
    this.#child = child;
    await until(() => this.#takesConnections(), { what: `postgres on port ${port} taking connections` });
  }

  /**
   * Ends it as a power cut would: its connections break without a word, and the next start has to recover. The server itself
   * gets SIGQUIT instead of SIGKILL, which would leave a segment of System V's shared memory on the machine for ever.
   */
  async kill(): Promise<void> {
    this.pause();
    for (const pid of this.#paused) signal(pid, 'SIGKILL');
    await this.#end('SIGQUIT');
  }

  /** SIGSTOP to all its processes: the connections stay open and nothing answers. */
  pause(): void {
    const pid = this.#child?.pid;
    if (pid === undefined) return;
    // The server first, which starts the others. What it was just starting shows in the next look.
    signal(pid, 'SIGSTOP');
    const isNew = (child: number) => !this.#paused.includes(child);
    for (let found = childrenOf(pid); found.some(isNew); found = childrenOf(pid)) {
      for (const child of found.filter(isNew)) {
        signal(child, 'SIGSTOP');
        // A stopped process does not see that the server is gone.
        guard.watch(child);
        this.#paused.push(child);
      }
    }
  }

  resume(): void {
    for (const pid of this.#paused.splice(0)) {
      guard.forget(pid);
      signal(pid, 'SIGCONT');
    }
    this.#child?.kill('SIGCONT');
  }

  /** Ends it for good and removes its folder. May be called twice. */
  async stop(): Promise<void> {
    if (this.#stopped) return;
    this.#stopped = true;
    // Unlike SIGTERM, this does not wait for the clients to leave.
    await this.#end('SIGINT');
    guard.removeFolder(this.folder);
  }

  /** Its own word: the file is in its own folder, and begins with the process that wrote it. */
  #takesConnections(): boolean {
    const child = this.#child;
    if (!child) throw new Error(`postgres did not start:\n${readFileSync(join(this.folder, 'log'), 'utf8')}`);
    const lines = readIfThere(join(this.folder, 'data', 'postmaster.pid')).split('\n');
    return lines[0] === `${child.pid}` && lines[7]?.trim() === 'ready';
  }

  async #end(name: 'SIGINT' | 'SIGQUIT'): Promise<void> {
    const child = this.#child;
    if (!child) return;
    child.ref();
    const gone = once(child, 'exit');
    child.kill(name);
    this.resume();
    const patience = setTimeout(() => child.kill('SIGKILL'), 5_000);
    await gone;
    clearTimeout(patience);
  }
}

function readIfThere(path: string): string {
  try {
    return readFileSync(path, 'utf8');
  } catch {
    return '';
  }
}
