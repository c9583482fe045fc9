// A Redis server that hangs, dies, loads, or refuses what it is told.
import { mkdirSync, rmSync } from 'node:fs';
import { join } from 'node:path';

import { afterEach, beforeAll, beforeEach, describe, it } from '@jest/globals';

import { majorVersion, redisCommand, type RedisServer, startRedis, until } from '../support/redis-server.js';
import { PRECISE } from './instances.js';
import { expectUnharmed, type Sickness } from './sick.js';

/** In microseconds for each key. */
const SLOW_TO_LOAD = ['--key-load-delay', '1000', '--loading-process-events-interval-bytes', '1024'];

let server: RedisServer;
/** The major version of Redis. */
let major: number;

beforeAll(async () => {
  const any = await startRedis();
  major = await majorVersion(any);
  await any.stop();
});
beforeEach(async () => {
  // Older ones do not start with these arguments.
  server = await startRedis({ args: [...PRECISE, ...(major < 7 ? [] : SLOW_TO_LOAD)] });
});
afterEach(async () => {
  server.resume();
  await server.stop();
});

const set = (option: string, value: string | number): Promise<string> =>
  server.command('CONFIG', 'SET', option, value);

const asAdmin = (...command: string[]): Promise<string> =>
  redisCommand({ host: server.host, port: server.port, password: 'secret' }, ...command);

/** Its data take it a second or two to load. */
async function restartWithData(): Promise<void> {
  for (let i = 0; i < 100; i++) await server.command('SET', `ballast:${i}`, 'x'.repeat(2_000));
  await server.command('SAVE');
  await server.kill();
  await server.start();
}

async function saves(): Promise<boolean> {
  await server.command('BGSAVE').catch(() => undefined);
  return until(async () => {
    const info = await server.command('INFO', 'persistence');
    if (!info.includes('rdb_bgsave_in_progress:0')) return undefined;
    return info.includes('rdb_last_bgsave_status:ok') ? 'ok' : 'failed';
  }).then((status) => status === 'ok');
}

interface Fault extends Pick<Sickness, 'name' | 'begin' | 'end' | 'opens' | 'lasts' | 'part'> {
  /** The major version of Redis before which it need not be noticed. */
  since?: number;
}

const FAULTS: Fault[] = [
  {
    name: 'it hangs',
    begin: () => server.pause(),
    end: () => server.resume(),
    opens: ['silent'],
    lasts: 4_000,
  },
  {
    name: 'it is killed, and comes back empty',
    begin: () => server.kill(),
    end: () => server.start(),
    opens: ['unreachable'],
  },
  {
    lasts: 500,
    name: 'it is killed, and loads its data (LOADING)',
    begin: restartWithData,
    end: () => until(async () => (await server.command('INFO', 'persistence')).includes('\nloading:0')),
    opens: ['unreachable', 'loading'],
    // Older ones cannot be made so slow that it must be noticed.
    since: 7,
  },
  {
    name: 'a script keeps it busy',
    begin: async () => {
      await set('lua-time-limit', 10);
      void server.command('EVAL', 'while true do end', 0).catch(() => undefined);
    },
    end: () => until(() => server.command('SCRIPT', 'KILL').catch(() => undefined)),
    opens: ['silent', 'busy'],
  },
  {
    name: 'it has become a replica (READONLY)',
    begin: () => server.command('REPLICAOF', '127.0.0.1', 1),
    end: () => server.command('REPLICAOF', 'NO', 'ONE'),
    opens: ['read-only', 'unreachable'],
  },
  {
    name: 'it wants a password (NOAUTH)',
    begin: async () => {
      await set('requirepass', 'secret');
      await asAdmin('CLIENT', 'KILL', 'TYPE', 'normal').catch(() => undefined);
    },
    end: () => asAdmin('CONFIG', 'SET', 'requirepass', ''),
    opens: ['unauthorized', 'unreachable'],
  },
  {
    name: 'its memory is full (OOM)',
    begin: () => set('maxmemory', 1),
    end: () => set('maxmemory', 0),
    opens: ['out-of-memory'],
    part: 'writes',
  },
  {
    name: 'it cannot save to its disk (MISCONF)',
    begin: async () => {
      mkdirSync(join(server.folder, 'dump.rdb', 'in-the-way'), { recursive: true });
      await set('save', '3600 1');
      await until(async () => !(await saves()));
    },
    end: async () => {
      rmSync(join(server.folder, 'dump.rdb'), { recursive: true });
      await until(saves);
    },
    opens: ['disk'],
    part: 'writes',
  },
  {
    name: 'too few replicas are there (NOREPLICAS)',
    begin: () => set('min-replicas-to-write', 1),
    end: () => set('min-replicas-to-write', 0),
    opens: ['replicas'],
    part: 'writes',
    // Older ones let scripts write all the same.
    since: 7,
  },
];

describe('nobody waits for Redis, and it is used again at once, when', () => {
  it.each(FAULTS)('$name', async ({ since = 0, ...fault }) => {
    const redis = { port: server.port };
    const opens = major < since ? undefined : fault.opens;
    await expectUnharmed({ redis, witness: redis, ...fault, opens });
  });
});
