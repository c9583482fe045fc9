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
  let lost = false;
  const onClose = (): void => void (lost = true);
  node.on('close', onClose);
  try {
    do {
      const step = node.scan(cursor, 'MATCH', pattern, 'COUNT', COUNT);
      const [next, keys] = await atMost(timeout, step, () => tooLate(timeout));
      if (lost) throw new Error('the connection was lost on the way');
      cursor = next;
      if (keys.length > 0) yield keyPrefix === '' ? keys : keys.map((key) => key.slice(keyPrefix.length));
      await pause?.();
    } while (cursor !== '0');
  } finally {
    node.removeListener('close', onClose);
  }
}

function tooLate(timeout: number): never {
  throw new Error(`no answer within ${timeout} ms (option redis.commandTimeout)`);
}

/** What Redis takes literally in a pattern. Source: `stringmatchlen` in its util.c. */
function escapeGlob(text: string): string {
  return text.replaceAll(/[*?[\]\\]/g, '\\$&');
}
