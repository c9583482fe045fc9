import { getDataSourceToken, TypeOrmModule } from '@nestjs/typeorm';
import { CachedRepositoryModule, getCachedRepositoryToken } from 'nestjs-tiered-cache/typeorm';

import { openApplication } from './nest-application.mjs';
import {
  changeOf,
  checked,
  fillUsers,
  idOf,
  idsOf,
  missingOf,
  openUsers,
  teamOf,
  User,
} from './users-on-postgres.mjs';

const NAME = 'nestjs-tiered-cache';
const VALUES = 'instances, new ones';
const offers = { findById: 'findById', findByIds: 'findByIds', list: 'cached().find', update: 'update' };

/** This library's repository, as an application gets it. */
export const contender = {
  name: NAME,
  package: NAME,
  setups: {
    'cached-repository': {
      values: VALUES,
      offers,
      open: (urls) => open('cached-repository', urls, { maxSize: 5_000 }),
    },
    'cached-repository-redis': {
      name: `${NAME}, memory tier off`,
      values: VALUES,
      offers,
      open: (urls) => open('cached-repository-redis', urls, false),
    },
  },
};

async function open(setup, { redisUrl, postgresUrl }, memory) {
  const { options, statements, drop } = await openUsers(postgresUrl, setup);
  // Each run has tables of its own, so it has keys of its own.
  const namespace = `bench:${setup}:${process.pid}`;
  const app = await openApplication(
    { namespace, memory, redis: { url: redisUrl } },
    [],
    [TypeOrmModule.forRoot(options), CachedRepositoryModule.forFeature([User])],
  );
  await fillUsers(app.get(getDataSourceToken()));
  const users = app.get(getCachedRepositoryToken(User), { strict: false });
  return checked({
    statements,
    findById: (i) => users.findById(idOf(i)),
    findByIds: (i) => users.findByIds(idsOf(i)),
    before: { findByIds: (i) => Promise.all(missingOf(i).map((id) => users.invalidate(id))) },
    list: (i) => users.cached().find({ where: { team: teamOf(i) }, order: { id: 'ASC' } }),
    update: (i) => users.update(idOf(i), changeOf(i)),
    async close() {
      await app.close();
      await drop();
    },
  });
}
