import { execFile } from 'node:child_process';
import { existsSync } from 'node:fs';
import { chmod, mkdir, mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { afterAll, afterEach, beforeAll, describe, expect, it } from '@jest/globals';
import { Client } from 'pg';
import { DataSource } from 'typeorm';
import { postgresOwner, withinReach } from './postgres-binary.js';
import { describePostgres, startPostgres, type PostgresServer } from './postgres-server.js';
import { findServer, POSTGRES } from './server-binaries.js';

const closes: (() => Promise<void>)[] = [];

afterEach(async () => {
  for (const close of closes.splice(0).toReversed()) await close();
});

async function connect(url: string): Promise<Client> {
  const client = new Client({ connectionString: url });
  client.on('error', () => undefined);
  await client.connect();
  closes.push(() => client.end());
  return client;
}

async function connectTypeOrm(url: string): Promise<DataSource> {
  const source = await new DataSource({ type: 'postgres', url }).initialize();
  closes.push(() => source.destroy());
  return source;
}

async function valueOf(client: Client, query: string): Promise<unknown> {
  const { rows } = await client.query<unknown[]>({ text: query, rowMode: 'array' });
  return rows[0]?.[0];
}

describePostgres('a shared PostgreSQL', (server) => {
  it('keeps databases apart', async () => {
    const databases = await Promise.all([server().createDatabase(), server().createDatabase()]);
    const [one, other] = await Promise.all(databases.map(({ url }) => connect(url)));
    await one!.query('CREATE TABLE t (x int)');
    expect(await valueOf(one!, `SELECT to_regclass('t')`)).toBe('t');
    expect(await valueOf(other!, `SELECT to_regclass('t')`)).toBeNull();
    expect(await valueOf(other!, 'SELECT current_database()')).toBe(databases[1].database);
  });

  it('gives TypeORM transactions that keep reading what they read first', async () => {
    const { url } = await server().createDatabase();
    const source = await connectTypeOrm(url);
    await source.query('CREATE TABLE t AS SELECT 1 AS x');
    const read = (from: { query(text: string): Promise<unknown> }) => from.query('SELECT x FROM t');
    const transaction = source.transaction('REPEATABLE READ', async (manager) => {
      expect(await read(manager)).toEqual([{ x: 1 }]);
      await source.query('UPDATE t SET x = 2');
      expect(await read(source)).toEqual([{ x: 2 }]);
      expect(await read(manager)).toEqual([{ x: 1 }]);
      await manager.query('UPDATE t SET x = 3');
    });
    await expect(transaction).rejects.toThrow('could not serialize access');
    expect(await read(source)).toEqual([{ x: 2 }]);
  });
});

describePostgres('a PostgreSQL of its own', (shared) => {
  let server: PostgresServer;

  beforeAll(async () => {
    server = await startPostgres({ own: true });
  });

  afterAll(async () => {
    await server?.stop();
  });

  it('breaks its connections when it is killed, and is started again with what was committed', async () => {
    const { url } = await server.createDatabase();
    const client = await connect(url);
    await client.query('CREATE TABLE t AS SELECT 1 AS x');
    const { pid } = server;
    const asleep = client.query('SELECT pg_sleep(600)').catch((error: Error) => error.message);
    await server.kill();
    expect(await asleep).toMatch(/ECONNRESET|terminated/);
    await expect(server.createDatabase()).rejects.toThrow('ECONNREFUSED');
    await server.start();
    expect(server.pid).not.toBe(pid);
    expect(await valueOf(await connect(url), 'SELECT x FROM t')).toBe(1);
  });

  it('does not answer while it is paused, and stops even then, leaving nothing', async () => {
    const client = await connect(server.url);
    const folder = (await valueOf(client, 'SHOW data_directory')) as string;
    const backend = (await valueOf(client, 'SELECT pg_backend_pid()')) as number;
    const { pid } = server;
    server.pause();
    let answered = false;
    const answer = valueOf(client, 'SELECT 1').finally(() => (answered = true));
    const other = await connect(shared().url);
    for (let i = 0; i < 10; i++) await other.query('SELECT 1');
    expect(answered).toBe(false);
    server.resume();
    expect(await answer).toBe(1);
    server.pause();
    await server.stop();
    expect([pid, backend].filter((id) => existsSync(`/proc/${id}`))).toEqual([]);
    expect(existsSync(folder)).toBe(false);
    await expect(connect(server.url)).rejects.toThrow('ECONNREFUSED');
  });

  it('takes arguments and reports what the server says when it does not start', async () => {
    await expect(startPostgres({ args: ['-c', 'no_such_setting=1'] })).rejects.toThrow('no_such_setting');
  });
});

const asRoot = process.getuid?.() === 0 ? describe : describe.skip;

asRoot('programs that only root can reach', () => {
  it('are copied to where the user that PostgreSQL runs as can reach them', async () => {
    const folder = await mkdtemp(join(tmpdir(), 'tiered-cache-test-reach-'));
    closes.push(() => rm(folder, { recursive: true }));
    await chmod(folder, 0o755);
    const root = join(folder, 'private');
    await mkdir(join(root, 'bin'), { recursive: true, mode: 0o700 });
    await writeFile(join(root, 'bin', 'postgres'), '#!/bin/sh\n', { mode: 0o755 });
    const binary = { bin: join(root, 'bin'), root, env: {} };
    expect(withinReach(binary, undefined, folder)).toBe(binary);
    const { bin } = withinReach(binary, postgresOwner(), folder);
    expect(bin).toBe(join(folder, 'programs', 'bin'));
    expect(existsSync(join(bin, 'postgres'))).toBe(true);
  });
});

/** Runs a suite in a jest of its own and gives its report. */
async function runSuite(env: NodeJS.ProcessEnv): Promise<{ code: unknown; report: string }> {
  const jest = ['--experimental-vm-modules', 'node_modules/jest/bin/jest.js', '--runInBand', '--json'];
  const args = [...jest, '--testMatch=**/fixtures/postgres-suite.ts'];
  const cwd = fileURLToPath(new URL('../..', import.meta.url));
  const options = { cwd, env: { ...process.env, POSTGRES_URL: '', ...env } };
  return new Promise((resolve) => {
    execFile(process.execPath, args, options, (error, report) => resolve({ code: error?.code ?? 0, report }));
  });
}

describe('a suite without PostgreSQL', () => {
  it('is left out, and says so, with SKIP_POSTGRES=1', async () => {
    const { code, report } = await runSuite({ SKIP_POSTGRES: '1' });
    expect(code).toBe(0);
    expect(JSON.parse(report)).toMatchObject({ numPendingTests: 1, numTotalTests: 1 });
    expect(report).toContain('the suite (left out: SKIP_POSTGRES=1)');
  });

  it('fails with what to do about it', async () => {
    const { code, report } = await runSuite({ SKIP_POSTGRES: '', [POSTGRES.failure]: 'Install it' });
    expect(code).toBe(1);
    expect(JSON.parse(report)).toMatchObject({ numFailedTests: 1, numTotalTests: 1 });
    expect(report).toContain('Install it');
  });

  it('is told so when there is none on the machine and fetching one fails', async () => {
    const failure = findServer({ ...POSTGRES, folder: '/dev/null/postgres' }, []);
    await expect(failure).rejects.toThrow('apt-get install postgresql');
    await expect(failure).rejects.toThrow('SKIP_POSTGRES=1');
  });
});
