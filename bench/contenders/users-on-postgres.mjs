import { deepStrictEqual } from 'node:assert';

import { CacheEntity } from 'nestjs-tiered-cache/typeorm';
import { Client } from 'pg';
import { EntitySchema } from 'typeorm';

const USERS = 1_000;
export const TEAM_SIZE = 50;
const TEAMS = USERS / TEAM_SIZE;
/** As many as are asked for one by one. */
const ASKED = 256;

export class User {}
Reflect.decorate([CacheEntity({ ttl: '10m' })], User);

const UserSchema = new EntitySchema({
  name: 'User',
  target: User,
  columns: {
    id: { type: 'int', primary: true },
    name: { type: 'text' },
    email: { type: 'text' },
    active: { type: 'boolean' },
    score: { type: 'int' },
    team: { type: 'int' },
    createdAt: { type: 'timestamptz' },
    about: { type: 'text' },
  },
  indices: [{ columns: ['team'] }],
});

/** A data source whose tables are in a schema of its own, and what counts its statements. */
export async function openUsers(postgresUrl, setup) {
  const schema = `bench_${setup.replaceAll('-', '_')}_${process.pid}`;
  await execute(postgresUrl, `CREATE SCHEMA ${schema}`);
  let statements = 0;
  const none = () => {};
  const logger = { logQuery: () => void statements++, logQueryError: none, logQuerySlow: none };
  return {
    options: {
      type: 'postgres',
      url: postgresUrl,
      schema,
      entities: [UserSchema],
      synchronize: true,
      logging: ['query'],
      logger: { ...logger, logSchemaBuild: none, logMigration: none, log: none },
    },
    statements: () => statements,
    drop: () => execute(postgresUrl, `DROP SCHEMA ${schema} CASCADE`),
  };
}

export async function fillUsers(dataSource) {
  const users = Array.from({ length: USERS }, (_, i) => userOf(i + 1));
  await dataSource.getRepository(User).insert(users);
}

export const idOf = (i) => (i % ASKED) + 1;
export const teamOf = (i) => i % TEAMS;
/** A hundred of them, others each time. */
export const idsOf = (i) => Array.from({ length: 100 }, (_, at) => ((i * 100 + at) % USERS) + 1);
/** Every tenth of those. */
export const missingOf = (i) => idsOf(i).filter((_, at) => at % 10 === 0);
export const changeOf = (i) => ({ score: i % 1_000_000 });

/** Sees to it that what is measured gives what is asked for, the second time as the first; and has it cached. */
export async function checked(adapter) {
  for (let time = 0; time < 2; time++) {
    for (let i = 0; i < ASKED; i++) deepStrictEqual(plain(await adapter.findById(i)), plain(userOf(idOf(i))));
    for (let i = 0; i < TEAMS; i++) {
      const list = await adapter.list(i);
      const own = Array.from({ length: TEAM_SIZE }, (_, at) => userOf(at * TEAMS + (teamOf(i) || TEAMS)));
      deepStrictEqual(plain(list), plain(own));
      if (!(list[0] instanceof User)) throw new Error('a list without instances of the class');
    }
    for (let i = 0; i < USERS / 100; i++) {
      const found = (await adapter.findByIds(i)).map(({ id }) => id);
      deepStrictEqual(
        found.toSorted((a, b) => a - b),
        idsOf(i),
      );
    }
  }
  return adapter;
}

function userOf(id) {
  return {
    id,
    name: `User ${id}`,
    email: `user.${id}@example.com`,
    active: id % 3 !== 0,
    score: id,
    team: id % TEAMS,
    createdAt: new Date(1_700_000_000_000 + id * 1_000),
    about: 'The quick brown fox jumps over the lazy dog. '.repeat(10).slice(0, 430),
  };
}

function plain(value) {
  return JSON.parse(JSON.stringify(value));
}

async function execute(url, statement) {
  const client = new Client({ connectionString: url });
  await client.connect();
  try {
    await client.query(statement);
  } finally {
    await client.end();
  }
}
