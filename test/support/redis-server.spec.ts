import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { existsSync } from 'node:fs';
import { fileURLToPath } from 'node:url';
import { transformFileSync } from '@swc/core';
import { afterEach, describe, expect, it } from '@jest/globals';
import { redisCommand, startCluster, startRedis, until, type RedisServer } from './redis-server.js';

const stops: (() => Promise<void>)[] = [];

async function started(...options: Parameters<typeof startRedis>): Promise<RedisServer> {
  const server = await startRedis(...options);
  stops.push(() => server.stop());
  return server;
}

function isAlive(pid: number | undefined): boolean {
  if (pid === undefined) return false;
  try {
    return process.kill(pid, 0);
  } catch {
    return false;
  }
}

/** The guard's own source as something a plain Node process can import. */
function guardAsModule(): string {
  const path = fileURLToPath(new URL('process-guard.ts', import.meta.url));
  const { code } = transformFileSync(path, {
    jsc: { parser: { syntax: 'typescript' }, target: 'es2022' },
    module: { type: 'es6' },
  });
  return `data:text/javascript,${encodeURIComponent(code)}`;
}

afterEach(async () => {
  await Promise.all(stops.splice(0).map((stop) => stop()));
});

describe('startRedis', () => {
  it('starts a server that answers and stops it, its process gone', async () => {
    const server = await started();
    const { pid } = server;
    expect(await server.command('SET', 'k', 'ü')).toBe('OK');
    expect(await redisCommand(server, 'STRLEN', 'k')).toBe('2');
    expect(server.url).toBe(`redis://127.0.0.1:${server.port}`);
    await server.stop();
    expect(isAlive(pid)).toBe(false);
    await expect(redisCommand(server, 'PING')).rejects.toThrow('ECONNREFUSED');
  });

  it('starts many at once, each on a port of its own', async () => {
    const servers = await Promise.all(Array.from({ length: 8 }, () => started()));
    expect(new Set(servers.map((server) => server.port)).size).toBe(8);
    expect(new Set(servers.map((server) => server.pid)).size).toBe(8);
  });

  it('comes back empty on its port after restart and after kill', async () => {
    const server = await started();
    const { pid } = server;
    await server.command('SET', 'k', 'v');
    await server.restart();
    expect(server.pid).not.toBe(pid);
    expect(await server.command('EXISTS', 'k')).toBe('0');
    await server.kill();
    expect(server.pid).toBeUndefined();
    await expect(server.command('PING')).rejects.toThrow('ECONNREFUSED');
    await server.start();
    expect(await server.command('PING')).toBe('PONG');
  });

  it('does not answer while it is paused, and stops even then', async () => {
    const server = await started();
    const other = await started();
    server.pause();
    let answered = false;
    const reply = server.command('PING').then((text) => {
      answered = true;
      return text;
    });
    for (let i = 0; i < 10; i++) await other.command('PING');
    expect(answered).toBe(false);
    server.resume();
    expect(await reply).toBe('PONG');
    server.pause();
    const { pid } = server;
    await server.stop();
    expect(isAlive(pid)).toBe(false);
  });

  it('takes a password and arguments', async () => {
    const server = await started({ password: "a b'c", args: ['--maxmemory', '10mb'] });
    expect(await server.command('CONFIG', 'SET', 'maxmemory-policy', 'allkeys-lru')).toBe('OK');
    await expect(redisCommand({ host: server.host, port: server.port }, 'PING')).rejects.toThrow('NOAUTH');
  });

  it('reports what the server says when it does not start', async () => {
    await expect(startRedis({ args: ['--no-such-option', 'x'] })).rejects.toThrow('no-such-option');
  });
});

describe('startCluster', () => {
  it('covers all slots with three masters and three replicas', async () => {
    const cluster = await startCluster({ replicas: true });
    stops.push(() => cluster.stop());
    expect(cluster.nodes).toHaveLength(6);
    for (const node of cluster.nodes) {
      expect(await node.command('CLUSTER', 'INFO')).toContain('cluster_slots_ok:16384');
    }
    const roles = await Promise.all(cluster.nodes.map((node) => node.command('INFO', 'replication')));
    expect(roles.map((role) => /role:(\w+)/.exec(role)?.[1])).toEqual([
      ...Array<string>(3).fill('master'),
      ...Array<string>(3).fill('slave'),
    ]);
  });
});

describe('ProcessGuard', () => {
  it('kills what is left and removes the folder when the process that holds it is killed', async () => {
    // The child plays the test process: it starts a long-running program under a guard and is then killed.
    const script = `
      import { spawn } from 'node:child_process';
      const { ProcessGuard } = await import(process.argv[1]);
      const guard = new ProcessGuard();
      const folder = guard.makeFolder();
      const program = spawn('sleep', ['600'], { stdio: 'ignore' });
      guard.watch(program.pid);
      console.log(JSON.stringify({ pid: program.pid, folder }));`;
    const holder = spawn(process.execPath, ['--input-type=module', '-e', script, guardAsModule()], {
      stdio: ['ignore', 'pipe', 'inherit'],
    });
    const [line] = (await once(holder.stdout, 'data')) as [Buffer];
    const { pid, folder } = JSON.parse(line.toString()) as { pid: number; folder: string };
    expect(isAlive(pid)).toBe(true);
    holder.kill('SIGKILL');
    await until(() => !isAlive(pid), { what: 'the program being killed' });
    await until(() => !existsSync(folder), { what: 'the folder being removed' });
  });
});
