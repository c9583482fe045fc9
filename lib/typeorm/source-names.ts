import type { DataSource } from 'typeorm';
import { DriverUtils } from 'typeorm/driver/DriverUtils.js';

import type { CacheManager } from '../core/cache-manager.js';
import { CacheEntityError } from '../repository/errors.js';

/** Whose name it is: the place of its database, `undefined` for one in this process' memory. */
interface Named {
  readonly place: string | undefined;
  readonly dataSource: WeakRef<DataSource>;
}

const NAMES = new WeakMap<CacheManager, Map<string, Named>>();

/** What decides which rows a data source sees. */
const PLACE = ['host', 'port', 'socketPath', 'database', 'schema', 'username', 'location'] as const;

/** Those that drivers take when none is given. */
const PORTS: Record<string, number> = { postgres: 5432, cockroachdb: 26_257, mysql: 3306, mariadb: 3306 };

/**
 * Reserves a name for a data source's database in a cache: whoever has the same name gets the same entries.
 * @returns whether it was that of another database before, which is gone
 * @throws CacheEntityError when it is that of another database
 */
export function claimName(name: string, dataSource: DataSource, cache: CacheManager): boolean {
  let names = NAMES.get(cache);
  if (names === undefined) NAMES.set(cache, (names = new Map()));
  const known = names.get(name);
  const place = placeOf(dataSource);
  if (known === undefined || place !== undefined || known.place !== undefined) {
    if (known !== undefined && known.place !== place) throw taken(name);
    names.set(name, { place, dataSource: new WeakRef(dataSource) });
    return false;
  }
  const other = known.dataSource.deref();
  if (other === dataSource) return false;
  if (other?.isInitialized === true) throw taken(name);
  names.set(name, { place, dataSource: new WeakRef(dataSource) });
  return true;
}

function placeOf({ options }: DataSource): string | undefined {
  const { type } = options;
  const { replication } = options as { replication?: { master: object } };
  const all = DriverUtils.buildDriverOptions(replication?.master ?? options) as Record<string, unknown>;
  const file = all['location'] ?? all['database'];
  if (
    (type === 'sqljs' || type === 'better-sqlite3') &&
    (typeof file !== 'string' || /^(?::memory:)?$/.test(file))
  )
    return undefined;
  const { schema } = options as { schema?: string };
  const known: Record<string, unknown> = { host: 'localhost', port: PORTS[type], ...all, schema };
  const parts = PLACE.map((part) => String((known[part] ?? '') as string | number));
  return JSON.stringify([type, ...parts, ...settingsOf(options)]);
}

/** What PostgreSQL is told with the connection: the `search_path` may be among it. */
function settingsOf({ extra, ...options }: { extra?: { options?: string } } & object): string[] {
  const { url, replication } = options as { url?: string; replication?: { master: { url?: string } } };
  const [, query = ''] = (replication?.master.url ?? url ?? '').split('?');
  return [extra?.options ?? '', new URLSearchParams(query).get('options') ?? ''];
}

function taken(name: string): CacheEntityError {
  return new CacheEntityError(
    `two databases cannot be cached under one name, '${name}', since each would show the other's rows: give the data sources names of their own, ` +
      'or say which database each is: CachedRepositoryModule.forFeature(entities, name, { database: (dataSource) => … })',
  );
}
