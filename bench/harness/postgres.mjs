import { Client } from 'pg';

import { compiled } from './compiled.mjs';

/** The PostgreSQL that `POSTGRES_URL` names, otherwise a server of its own, found or fetched as the tests do it. */
export async function providePostgres() {
  const given = process.env['POSTGRES_URL'];
  const server = given === undefined || given === '' ? await startServer() : undefined;
  const url = server === undefined ? given : `postgres://postgres@${server.host}:${server.port}/postgres`;
  return { url, version: await versionOf(url), stop: async () => server?.stop() };
}

async function startServer() {
  const { startProcess } = await compiled('postgres-process');
  return startProcess([]);
}

async function versionOf(url) {
  const client = new Client({ connectionString: url });
  await client.connect();
  try {
    const { rows } = await client.query('SHOW server_version');
    return rows[0].server_version.split(' ', 1)[0];
  } finally {
    await client.end();
  }
}
