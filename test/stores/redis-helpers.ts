import type { RedisOptions } from '../../lib/stores/redis/redis-options.js';
import { createRedisStore } from '../../lib/stores/redis/redis-store.js';
import type { RemoteStore } from '../../lib/stores/store.js';
import type { RedisServer } from '../support/redis-server.js';

/** Of a namespace that no test looks at. */
export const SETTINGS = {
  namespace: 'test',
  instance: '0011223344556677',
  codec: 'json.1',
  slots: 64,
  streamLength: 100,
};

/** Opens stores, remembers what they report, and closes them. */
export class Stores {
  errors: Error[] = [];
  ready = 0;
  readonly #open: RemoteStore[] = [];

  async open(options: RedisOptions): Promise<RemoteStore> {
    const store = await createRedisStore(options, SETTINGS, {
      onError: (error) => this.errors.push(error),
      onReady: () => this.ready++,
    });
    this.#open.push(store);
    return store;
  }

  async close(): Promise<void> {
    await Promise.all(this.#open.splice(0).map((store) => store.close()));
    this.errors = [];
    this.ready = 0;
  }
}

/** How often the server was given a command since `CONFIG RESETSTAT`. */
export async function callsOf(server: RedisServer, command: string): Promise<number> {
  const stats = await server.command('INFO', 'commandstats');
  return Number(new RegExp(`cmdstat_${command}:calls=(\\d+)`).exec(stats)?.[1] ?? 0);
}
