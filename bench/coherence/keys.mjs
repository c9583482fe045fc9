// What is cached: a few dozen hot keys, each the name of a row in the database, and what can be invalidated together.

const named = (count, name) => Array.from({ length: count }, (_, i) => name(i));

const USERS = named(8, (i) => `user:${i}`);
const POSTS = named(8, (i) => `user:${i}:posts`);
const PAGES = named(10, (i) => `page:${i}`);

/**
 * Rows that are also written with `set`. Only one process changes each of them, one change at a time: if two processes
 * could change a row and then set its value, the older value might be set last, and no cache could know.
 */
const RATES = named(8, (i) => `rate:${i}`);

export const KEYS = [...USERS, ...POSTS, ...PAGES, ...RATES];

const INDEX = new Map(KEYS.map((key, index) => [key, index]));
const RATE_KEYS = new Set(RATES);

export const indexOf = (key) => INDEX.get(key);

/** Whether the process with this number may change the row, and whether nobody else does. */
export const isOwned = (key) => RATE_KEYS.has(key);
export const mayChange = (key, slot, processes) => !isOwned(key) || INDEX.get(key) % processes === slot;

export function tagsOf(key) {
  const [family, id] = key.split(':');
  if (family === 'user') return ['users', `author-${id % 4}`];
  return family === 'page' ? ['site'] : [];
}

const TAGS = ['users', 'site', ...named(4, (i) => `author-${i}`)];
const PREFIXES = ['user:', 'page:', 'rate:', 'user:3:', 'user:5:'];
const PATTERNS = new Map([
  ['user:*:posts', /^user:.*:posts$/],
  ['page:?', /^page:.$/],
  ['*:3', /^.*:3$/],
  ['user:[0-3]', /^user:[0-3]$/],
]);

/** Everything one call can invalidate: what it is called with, and the keys it covers. */
export const TARGETS = {
  delete: KEYS.map((key) => ({ target: key, keys: [key] })),
  set: RATES.map((key) => ({ target: key, keys: [key] })),
  invalidateTags: TAGS.map((tag) => ({ target: tag, keys: KEYS.filter((key) => tagsOf(key).includes(tag)) })),
  clearPrefix: PREFIXES.map((prefix) => ({
    target: prefix,
    keys: KEYS.filter((key) => key.startsWith(prefix)),
  })),
  clearPattern: [...PATTERNS].map(([glob, matches]) => ({
    target: glob,
    keys: KEYS.filter((key) => matches.test(key)),
  })),
  clear: [{ target: '', keys: KEYS }],
};
