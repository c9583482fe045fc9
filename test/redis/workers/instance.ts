// One instance of a cache in a process of its own, which does what it is told. Run as compiled by ../processes.ts.
import type { CacheOptions } from '../../../lib/core/cache-options.js';
import { type CreatedCache, createCache } from '../../../lib/create-cache.js';
import type { CacheStats, EntryOptions } from '../../../lib/index.js';

/** What many callers of one key were given. */
export interface Loaded {
  readonly values: unknown[];
  readonly loads: number;
}

let created: CreatedCache | undefined;

/** What can be asked of the process, by name. */
const DEEDS = {
  async open(options: CacheOptions): Promise<void> {
    created = await createCache(options);
  },
  /** Calls a method of the cache. */
  async call(method: string, ...args: unknown[]): Promise<unknown> {
    const cache = created!.manager as unknown as Record<string, (...args: unknown[]) => unknown>;
    return cache[method]!(...args);
  },
  /** So many callers ask for a key at once; a load takes so many milliseconds. Tells when one begins. */
  async load(
    key: string,
    value: unknown,
    { callers, takes, ...options }: EntryOptions & { callers: number; takes: number },
  ): Promise<Loaded> {
    let loads = 0;
    const loader = async (): Promise<unknown> => {
      loads++;
      process.send!({ loading: key });
      await new Promise((resolve) => setTimeout(resolve, takes));
      return value;
    };
    const calls = Array.from({ length: callers }, () => created!.manager.getOrSet(key, loader, options));
    return { values: await Promise.all(calls), loads };
  },
  async stats(): Promise<CacheStats> {
    return created!.manager.stats();
  },
  /** The wall clock as this process has it. */
  async clock(): Promise<number> {
    return Date.now();
  },
  async close(): Promise<void> {
    await created!.close();
    process.disconnect();
  },
};

export type Deeds = typeof DEEDS;

interface Request {
  readonly id: number;
  readonly deed: keyof Deeds;
  readonly args: never[];
}

async function answer({ id, deed, args }: Request): Promise<void> {
  try {
    const run: (...args: never[]) => Promise<unknown> = DEEDS[deed];
    const result = await run(...args);
    if (process.connected) process.send!({ id, result });
  } catch (error) {
    process.send!({ id, error: String(error) });
  }
}

process.on('message', (request: Request) => void answer(request));
process.send!({ ready: true });
