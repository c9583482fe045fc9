// Each library is set up as its documentation recommends for memory and Redis in several processes. All are given the same:
//   redis         { host, port }, or { name, sentinels } for a master behind Sentinels
//   ttl           milliseconds, long enough that nothing expires during a run
//   maxStaleness  milliseconds, for whom it is an option
//   strict        whether an invalidation has to reject when Redis could not be told, where it can be made to
// `entryPrefix` is what the names of entries begin with in Redis; every other key there is bookkeeping.
// `open` gives an object with the calls the library has, of: get, getOrSet(key, load, tags), getMany(keys), set(key, value,
// tags), getOrSetMany(keys, load, tagsOf), delete, deleteMany, invalidateTags(tag), clearPrefix, clearPattern, clear, close.
// What it lacks is not called. With `contact()` it says whether it knows itself to be cut off from Redis, and how many of its
// calls to Redis have failed so far; where there is none, that is guessed from what was done to its connections.

const FILES = {
  'nestjs-tiered-cache': 'nestjs-tiered-cache',
  bentocache: 'bentocache',
  'cache-manager': 'cache-manager',
  cacheable: 'cacheable',
  sound: 'sound',
  delayed: 'broken',
  deaf: 'broken',
  late: 'broken',
  forgetful: 'broken',
};

export const SUBJECT = 'nestjs-tiered-cache';
export const PEERS = ['bentocache', 'cacheable', 'cache-manager'];

export async function loadLibrary(id) {
  const file = FILES[id];
  if (file === undefined) throw new Error(`--only ${id}: the libraries are ${Object.keys(FILES).join(', ')}`);
  const { libraries } = await import(`./${file}.mjs`);
  return libraries[id];
}
