import { Redis } from 'ioredis';

import { compiled } from './compiled.mjs';

/** The Redis that `REDIS_URL` names, otherwise a server of its own, found or fetched as the tests do it. */
export async function provideRedis() {
  const given = process.env['REDIS_URL'];
  const server = given === undefined || given === '' ? await startServer() : undefined;
  const url = server?.url ?? given;
  return {
    url,
    version: await versionOf(url),
    /** Empties the server if it is ours. Elsewhere entries go when their ttl ends. */
    async empty() {
      await server?.command('FLUSHALL');
    },
    stop: async () => server?.stop(),
  };
}

/** A server that may be restarted. */
export function ownRedis() {
  return startServer();
}

async function startServer() {
  const { startRedis } = await compiled('redis-process');
  return startRedis();
}

async function versionOf(url) {
  const client = new Redis(url, { maxRetriesPerRequest: 1 });
  try {
    const info = await client.info('server');
    return /^redis_version:(.+)\r?$/m.exec(info)?.[1] ?? '';
  } finally {
    client.disconnect();
  }
}
