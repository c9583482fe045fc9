/** How long entries live, in milliseconds: longer than a run. In a Redis that is not ours nothing stays behind. */
export const TTL_MS = 600_000;

/** The size of a line of a list. */
const LINE = 600;

/** A value of about `bytes` bytes as JSON: an object as a database gives them, or a page of such objects. */
export function makeValue(index, bytes) {
  if (bytes < 300) return padded({ id: index, name: `User ${index}` }, bytes);
  if (bytes <= 2_000) return padded(record(index), bytes);
  const items = Array.from({ length: Math.round(bytes / LINE) }, (_, i) => padded(record(index + i), LINE));
  return { page: index, total: items.length, items };
}

function record(index) {
  return {
    id: index,
    name: `User ${index}`,
    email: `user.${index}@example.com`,
    active: index % 3 !== 0,
    score: index * 1.25,
    createdAt: new Date(1_700_000_000_000 + index * 1_000).toISOString(),
    address: { street: `${index} Station Road`, city: 'Springfield', postcode: null },
    roles: ['reader', 'editor'],
  };
}

function padded(value, bytes) {
  const room = bytes - JSON.stringify({ ...value, about: '' }).length;
  const about = 'The quick brown fox jumps over the lazy dog. '.repeat(Math.ceil(room / 45)).slice(0, room);
  return { ...value, about };
}

/** A key as one flat string: a template with several parts would be a rope, which costs more memory and a first look-up. */
export function makeKey(prefix, index) {
  return Buffer.from(`${prefix}:${index}`).toString('latin1');
}
