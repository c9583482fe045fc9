import { Redis } from 'ioredis';
import 'reflect-metadata';
import { DataSource, In } from 'typeorm';

import { TTL_MS } from '../harness/values.mjs';
import { changeOf, checked, fillUsers, idOf, idsOf, openUsers, teamOf, User } from './users-on-postgres.mjs';

const VALUES = 'instances, new ones';
const offers = { findById: 'findOneBy', findByIds: 'findBy In', list: 'find', update: 'update' };

/** TypeORM's repository, alone and with TypeORM's own cache in Redis. */
export const contender = {
  name: 'TypeORM',
  package: 'typeorm',
  setups: {
    typeorm: { values: VALUES, offers, open: (urls) => open('typeorm', urls) },
    'typeorm-ping': {
      name: 'TypeORM and a `PING` of Redis after it',
      values: VALUES,
      offers: { update: 'update' },
      open: (urls) => open('typeorm-ping', urls),
    },
    'typeorm-cache': {
      name: 'TypeORM, its own `cache` in Redis',
      values: VALUES,
      offers: { findById: 'findOne', list: 'find', update: 'update' },
      open: (urls) => open('typeorm-cache', urls),
    },
  },
};

async function open(setup, { redisUrl, postgresUrl }) {
  const { options, statements, drop } = await openUsers(postgresUrl, setup);
  const isCached = setup === 'typeorm-cache';
  const dataSource = new DataSource({ ...options, ...(isCached && { cache: cacheIn(redisUrl) }) });
  await dataSource.initialize();
  await fillUsers(dataSource);
  const users = dataSource.getRepository(User);
  const redis = new Redis(redisUrl);
  const cache = isCached ? (id) => ({ cache: { id: `bench:${id}`, milliseconds: TTL_MS } }) : () => ({});
  const after = {
    typeorm: () => {},
    'typeorm-ping': () => redis.ping(),
    'typeorm-cache': (i) => dataSource.queryResultCache.remove([`bench:user:${idOf(i)}`]),
  }[setup];
  return checked({
    statements: isCached ? statements : undefined,
    findById: (i) => users.findOne({ where: { id: idOf(i) }, ...cache(`user:${idOf(i)}`) }),
    findByIds: (i) => users.findBy({ id: In(idsOf(i)) }),
    list: (i) =>
      users.find({ where: { team: teamOf(i) }, order: { id: 'ASC' }, ...cache(`team:${teamOf(i)}`) }),
    async update(i) {
      await users.update(idOf(i), changeOf(i));
      await after(i);
    },
    async close() {
      await dataSource.destroy();
      await redis.quit();
      await drop();
    },
  });
}

function cacheIn(redisUrl) {
  const { hostname: host, port, username, password } = new URL(redisUrl);
  return { type: 'ioredis', options: { host, port: Number(port || 6379), username, password } };
}
