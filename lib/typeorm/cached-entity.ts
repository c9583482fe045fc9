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
export type CachedEntity<T> = T extends Untouched
  ? T
  : T extends readonly (infer E)[]
    ? readonly CachedEntity<E>[]
    : { readonly [K in keyof T]: CachedEntity<T[K]> };
