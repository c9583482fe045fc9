import { CachedMethod, type CacheManager } from '../../lib/index.js';

export const KEY = 'user:1:posts';
export const TAGS = ['posts'];

/** Everything that makes KEY, tagged `posts`, unusable; `set` stores the new row. */
export const INVALIDATIONS = {
  delete: (cache: CacheManager) => cache.delete(KEY),
  set: (cache: CacheManager, row: number) => cache.set(KEY, row, { tags: TAGS }),
  invalidateTags: (cache: CacheManager) => cache.invalidateTags(TAGS),
  'a prefix': (cache: CacheManager) => cache.clearPattern('user:1:*'),
  'a pattern': (cache: CacheManager) => cache.clearPattern('*:p?sts'),
  clear: (cache: CacheManager) => cache.clear(),
} as const satisfies Record<string, (cache: CacheManager, row: number) => Promise<unknown>>;
export type InvalidationName = keyof typeof INVALIDATIONS;

type Read = () => Promise<number>;

class Posts {
  @CachedMethod({ key: KEY, tags: TAGS })
  async find(read: Read): Promise<number> {
    return read();
  }
}

/** As Nest injects it. */
function postsIn(cache: CacheManager): Posts {
  const injected = Reflect.getMetadata('self:properties_metadata', Posts) as { key: symbol }[];
  return Object.assign(new Posts(), { [injected[0]!.key]: cache });
}

/** Whatever ends in the row being stored. */
export const LOADS = {
  getOrSet: (cache: CacheManager, read: Read) => cache.getOrSet(KEY, read, { tags: TAGS }),
  'getOrSet, tags from the value': (cache: CacheManager, read: Read) =>
    cache.getOrSet(KEY, read, { tags: () => TAGS }),
  getOrSetMany: async (cache: CacheManager, read: Read) => {
    const load = async (): Promise<Map<string, number>> => new Map([[KEY, await read()]]);
    return (await cache.getOrSetMany([KEY], load, { tags: TAGS })).get(KEY)!;
  },
  '@CachedMethod': (cache: CacheManager, read: Read) => postsIn(cache).find(read),
  setResult: (cache: CacheManager, read: Read) =>
    cache.setResult(read, () => ({ key: KEY, options: { tags: TAGS } })),
} as const satisfies Record<string, (cache: CacheManager, read: Read) => Promise<number>>;
export type LoadName = keyof typeof LOADS;

/** The names in a record like these. */
export function namesOf<K extends string>(record: Readonly<Record<K, unknown>>): K[] {
  return Object.keys(record) as K[];
}
