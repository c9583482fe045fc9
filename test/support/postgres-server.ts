// What test suites import: a PostgreSQL found or fetched on any machine, gone when the suites of the file are over.
import { randomUUID } from 'node:crypto';
import { afterAll, beforeAll, describe } from '@jest/globals';
import { Client } from 'pg';
import { startProcess, type PostgresProcess } from './postgres-process.js';

export interface StartPostgresOptions {
  /** A server of its own even if `POSTGRES_URL` names one: for suites that kill or pause it. */
  own?: boolean;
  /** More command line arguments, after the usual ones: `['-c', 'max_connections=5']`. Only for a server of its own. */
  args?: readonly string[];
}

/** A database and how to reach it. */
export interface PostgresDatabase {
  readonly url: string;
  readonly host: string;
  readonly port: number;
  readonly user: string;
  readonly password?: string;
  readonly database: string;
}

/** The server that `POSTGRES_URL` names, otherwise one of its own. */
export async function startPostgres({ own, args }: StartPostgresOptions = {}): Promise<PostgresServer> {
  const url = process.env['POSTGRES_URL'] ?? '';
  if (url !== '' && own !== true && args === undefined) return new PostgresServer(url);
  const server = await startProcess(args ?? []);
  return new PostgresServer(`postgres://postgres@${server.host}:${server.port}/postgres`, server);
}

/** A running server, itself named by the database that is there from the start. */
export class PostgresServer implements PostgresDatabase {
  readonly url: string;
  readonly host: string;
  readonly port: number;
  readonly user: string;
  readonly password?: string;
  readonly database: string;
  readonly #process: PostgresProcess | undefined;
  readonly #created: string[] = [];

  constructor(url: string, process?: PostgresProcess) {
    const { host, port, user, password, database = '' } = new Client({ connectionString: url });
    this.url = url;
    this.host = host;
    this.port = port;
    this.user = user ?? '';
    if (password) this.password = password;
    this.database = database;
    this.#process = process;
  }

  /** The server's process; `undefined` after `kill` and `stop`, and where it is not the tests' own. */
  get pid(): number | undefined {
    return this.#process?.pid;
  }

  /** An empty database that nobody else uses. */
  async createDatabase(): Promise<PostgresDatabase> {
    const database = `test_${randomUUID().replaceAll('-', '')}`;
    await this.#execute(`CREATE DATABASE ${database} TEMPLATE template0`);
    this.#created.push(database);
    const url = new URL(this.url);
    url.pathname = `/${database}`;
    const { host, port, user, password } = this;
    return { url: url.href, host, port, user, ...(password === undefined ? {} : { password }), database };
  }

  /** Ends it for good, its databases gone: all of its own server's, those created here on one that others use too. */
  async stop(): Promise<void> {
    if (this.#process) return this.#process.stop();
    for (const database of this.#created.splice(0)) {
      await this.#execute(`DROP DATABASE IF EXISTS ${database} WITH (FORCE)`);
    }
  }

  /** As if the machine had lost its power; `start` brings it back, with what was committed. */
  async kill(): Promise<void> {
    await this.#own('killed').kill();
  }

  async start(): Promise<void> {
    await this.#own('started').start();
  }

  /** The connections stay open and nothing answers. */
  pause(): void {
    this.#own('paused').pause();
  }

  resume(): void {
    this.#own('resumed').resume();
  }

  #own(what: string): PostgresProcess {
    if (this.#process) return this.#process;
    throw new Error(`the server that POSTGRES_URL names cannot be ${what}: start it with { own: true }`);
  }

  async #execute(statement: string): Promise<void> {
    const client = new Client({ connectionString: this.url });
    // Without a listener a broken connection would end the process; the statement fails of it anyway.
    client.on('error', () => undefined);
    try {
      await client.connect();
      await client.query(statement);
    } finally {
      await client.end();
    }
  }
}

let shared: Promise<PostgresServer> | undefined;

/**
 * A suite that needs PostgreSQL. All of a file share one server, which is there from the suite's `beforeAll` on; where none
 * can be had, the suite fails with a message that says how to get one, and with `SKIP_POSTGRES=1` it is left out.
 */
export function describePostgres(name: string, suite: (server: () => PostgresServer) => void): void {
  let server: PostgresServer | undefined;
  const started = (): PostgresServer => {
    if (server) return server;
    throw new Error('the server is there from beforeAll on');
  };
  const isLeftOut = process.env['SKIP_POSTGRES'] === '1';
  const declare = isLeftOut ? describe.skip : describe;
  declare(isLeftOut ? `${name} (left out: SKIP_POSTGRES=1)` : name, () => {
    beforeAll(async () => {
      shared ??= startPostgres();
      server = await shared;
    });
    suite(started);
  });
  // Outside the suite, so that the next one in the file finds the server running.
  afterAll(stopShared);
}

async function stopShared(): Promise<void> {
  const starting = shared;
  shared = undefined;
  // One that could not be started has failed its suite already.
  const server = await starting?.catch(() => undefined);
  await server?.stop();
}
