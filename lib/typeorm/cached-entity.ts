type Untouched =
  | string
  | number
  | bigint
  | boolean
  | symbol
  | null
  | undefined
  | Date
  | Uint8Array
  | ((...args: never[]) => unknown);

/**
 * An instance from the cache: typed so that it cannot be changed, since it may be older than its row, and saving it would write
 * that back. Its methods stay. What is to be changed and saved comes from `loadForUpdate`.
 */
export type CachedEntity<T> = T extends Untouched ? T : { readonly [K in keyof T]: CachedEntity<T[K]> };

/** What `relation` gives for a property: a list, or one that may be missing. Lazy relations are awaited. */
export type CachedRelation<T> =
  Awaited<T> extends readonly unknown[]
    ? CachedEntity<Awaited<T>>
    : CachedEntity<NonNullable<Awaited<T>>> | null;
