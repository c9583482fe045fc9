import { spawn, type ChildProcess } from 'node:child_process';
import { once } from 'node:events';
import { closeSync, openSync, readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { freePort } from './ports.js';
import { ProcessGuard } from './process-guard.js';
import { redisCommand } from './redis-wire.js';
import { findServer, REDIS, type ServerBinary } from './server-binaries.js';
import { until } from './until.js';

export interface StartRedisOptions {
  /** `requirepass`. */
  password?: string;
  /** More command line arguments, after the usual ones: `['--maxmemory', '10mb']`. */
  args?: readonly string[];
  /** Starts a Sentinel, which monitors nothing until `SENTINEL MONITOR` tells it to. */
  sentinel?: boolean;
}

const guard = new ProcessGuard();
const HOST = '127.0.0.1';
const ATTEMPTS = 5;

/** Starts a Redis server of its own, without persistence, on a free loopback port. */
export async function startRedis(options: StartRedisOptions = {}): Promise<RedisServer> {
  const binary = await findServer(REDIS);
  const folder = guard.makeFolder();
  try {
    for (let attempt = 1; ; attempt++) {
      const server = new RedisServer(binary, folder, await freePort(), options);
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

/** A running server. Its data is gone after `kill`, `stop` and `restart`: nothing is ever written to disk. */
export class RedisServer {
  readonly host = HOST;
  readonly port: number;
  readonly password: string | undefined;
  readonly #binary: ServerBinary;
  readonly #folder: string;
  readonly #args: readonly string[];
  readonly #sentinelConfig: string | undefined;
  #child: ChildProcess | undefined;
  #stopped = false;

  constructor(binary: ServerBinary, folder: string, port: number, options: StartRedisOptions) {
    this.#binary = binary;
    this.#folder = folder;
    this.port = port;
    this.password = options.password;
    this.#args = options.args ?? [];
    this.#sentinelConfig = options.sentinel === true ? join(folder, 'sentinel.conf') : undefined;
  }

  get url(): string {
    const credentials = this.password === undefined ? '' : `:${encodeURIComponent(this.password)}@`;
    return `redis://${credentials}${this.host}:${this.port}`;
  }

  /** Where it runs, and would save its data. */
  get folder(): string {
    return this.#folder;
  }

  /** The running process's id; `undefined` after `kill` and `stop`. */
  get pid(): number | undefined {
    return this.#child?.pid;
  }

  /** Starts the process, again after `kill`, on the same port; resolves once it answers. */
  async start(): Promise<void> {
    if (this.#child) throw new Error(`the server on port ${this.port} is running`);
    if (this.#stopped) throw new Error(`the server on port ${this.port} was stopped for good`);
    // A Sentinel keeps what it knows in its file and refuses to start without one.
    if (this.#sentinelConfig !== undefined) writeFileSync(this.#sentinelConfig, '', { flag: 'a' });
    const log = openSync(join(this.#folder, 'log'), 'w');
    const child = spawn(this.#binary.path, this.#arguments(), {
      cwd: this.#folder,
      env: this.#binary.env,
      stdio: ['ignore', log, log],
    });
    closeSync(log);
    await once(child, 'spawn');
    child.unref();
    const pid = child.pid as number;
    guard.watch(pid);
    child.once('exit', () => {
      guard.forget(pid);
      if (this.#child === child) this.#child = undefined;
    });
    this.#child = child;
    await until(() => this.#answers(), { what: `redis-server on port ${this.port} answering` });
  }

  /** Sends a command and gives its reply, if that is a line or a bulk string. */
  command(...command: (string | number)[]): Promise<string> {
    return redisCommand(this, ...command);
  }

  /** SIGKILL, as if the machine had lost its power; `start` brings it back. */
  async kill(): Promise<void> {
    await this.#end('SIGKILL');
  }

  /** SIGSTOP: the connections stay open and nothing answers. */
  pause(): void {
    this.#child?.kill('SIGSTOP');
  }

  resume(): void {
    this.#child?.kill('SIGCONT');
  }

  /** Ends the process in good order and starts an empty one on the same port. */
  async restart(): Promise<void> {
    await this.#end('SIGTERM');
    await this.start();
  }

  /** Ends the process for good and removes its folder. May be called twice. */
  async stop(): Promise<void> {
    if (this.#stopped) return;
    this.#stopped = true;
    await this.#end('SIGTERM');
    guard.removeFolder(this.#folder);
  }

  #arguments(): string[] {
    const password = this.password === undefined ? [] : ['--requirepass', this.password];
    const place = ['--port', `${this.port}`, '--bind', HOST, '--dir', this.#folder, '--daemonize', 'no'];
    const persistence = ['--save', '', '--appendonly', 'no'];
    const sentinel = this.#sentinelConfig === undefined ? [] : [this.#sentinelConfig, '--sentinel'];
    return [...sentinel, ...place, ...persistence, ...password, ...this.#args];
  }

  /** Whether it is this very process that answers: another worker's server may have got the port first. */
  async #answers(): Promise<boolean> {
    const child = this.#child;
    if (!child) {
      throw new Error(`redis-server did not start:\n${readFileSync(join(this.#folder, 'log'), 'utf8')}`);
    }
    const info = await redisCommand(this, 'INFO', 'server').catch(() => '');
    return info.includes(`process_id:${child.pid}\r\n`);
  }

  async #end(signal: 'SIGTERM' | 'SIGKILL'): Promise<void> {
    const child = this.#child;
    if (!child) return;
    child.ref();
    const gone = once(child, 'exit');
    child.kill('SIGCONT');
    child.kill(signal);
    const patience = setTimeout(() => child.kill('SIGKILL'), 2_000);
    await gone;
    clearTimeout(patience);
  }
}
