import type { Redis } from 'ioredis';

import { atMost } from './time-limit.js';

/** How many keys Redis looks at per call: well under a millisecond in which it serves nobody else. */
const COUNT = 500;

export interface ScanOptions {
  /** The option of ioredis. */
  readonly keyPrefix: string;
  readonly prefix: string;
  /** Milliseconds that each step may take. */
  readonly timeout: number;
  /** Awaited between steps. */
  readonly pause: (() => Promise<void>) | undefined;
}

/**
 * The keys of one node that begin with `prefix`, in batches. ioredis puts its `keyPrefix` before keys, but neither before
 * a MATCH pattern, nor does it take it off the keys that SCAN finds: both are done here.
 */
export async function* scanKeys(
  node: Redis,
  { keyPrefix, prefix, timeout, pause }: ScanOptions,
): AsyncGenerator<string[]> {
  const pattern = `${escapeGlob(keyPrefix + prefix)}*`;
  let cursor = '0';
  // A cursor means nothing to another server, or to the same one started anew.
  const connection = watch(node);
  const { losses } = connection;
  try {
    do {
      const step = node.scan(cursor, 'MATCH', pattern, 'COUNT', COUNT);
      const [next, keys] = await atMost(timeout, step, () => tooLate(timeout));
      if (connection.losses > losses) throw new Error('the connection was lost on the way');
      cursor = next;
      if (keys.length > 0) yield keyPrefix === '' ? keys : keys.map((key) => key.slice(keyPrefix.length));
      await pause?.();
    } while (cursor !== '0');
  } finally {
    unwatch(node, connection);
  }
}

/** How often a node's connection was lost while scans of it are under way. */
interface Watched {
  scans: number;
  losses: number;
  readonly onClose: () => void;
}

/** Scans of one node share a listener: there may be any number of them, and Node warns of more than ten listeners. */
const watched = new WeakMap<Redis, Watched>();

function watch(node: Redis): Watched {
  let connection = watched.get(node);
  if (connection === undefined) {
    const fresh: Watched = { scans: 0, losses: 0, onClose: () => void fresh.losses++ };
    watched.set(node, (connection = fresh));
    node.on('close', fresh.onClose);
  }
  connection.scans++;
  return connection;
}

function unwatch(node: Redis, connection: Watched): void {
  if (--connection.scans > 0) return;
  node.removeListener('close', connection.onClose);
  watched.delete(node);
}

function tooLate(timeout: number): never {
  throw new Error(`no answer within ${timeout} ms (option redis.commandTimeout)`);
}

/** What Redis takes literally in a pattern. Source: `stringmatchlen` in its util.c. */
function escapeGlob(text: string): string {
  return text.replaceAll(/[*?[\]\\]/g, '\\$&');
}
