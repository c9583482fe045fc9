import { CacheStoreError, type StoreTrouble } from '../../primitives/errors.js';
import type { Write } from './issue.js';
import { troubleOf } from './trouble.js';

export function connectionFailure(what: string, cause: unknown): CacheStoreError {
  return storeFailure(`the connection to ${what} failed`, cause, undefined, 'unreachable');
}

export function readFailure(cause: unknown): CacheStoreError {
  return storeFailure('Redis did not answer a read', cause);
}

const WRITES: Readonly<Record<Write['kind'], string>> = {
  set: 'store',
  fill: 'store',
  remove: 'remove',
  discard: 'remove',
  sweep: 'sweep',
  claim: 'lease',
  reclaim: 'lease',
  renew: 'lease',
  release: 'give back the lease of',
  announce: 'announce an invalidation under',
};

export function writeFailure(write: Write, cause: unknown): CacheStoreError {
  const { kind, key } = write;
  const others = countOf(write) - 1;
  const what = `Redis did not ${WRITES[kind]} '${key}'`;
  return others > 0 ? storeFailure(`${what} and ${others} more`, cause) : storeFailure(what, cause, key);
}

function countOf(write: Write): number {
  if (write.kind === 'set') return write.values.length;
  return 'keys' in write ? write.keys.length : 1;
}

/**
 * Wraps an error of ioredis. Those carry the command they answer with all its arguments: passwords for `AUTH` and `HELLO`,
 * values for `SET`. Only the command's name is kept, since errors end up in logs.
 * @param otherwise the trouble if the error says nothing of it
 */
export function storeFailure(
  what: string,
  cause: unknown,
  key?: string,
  otherwise?: StoreTrouble,
): CacheStoreError {
  const trouble = troubleOf(cause) ?? otherwise;
  return new CacheStoreError(`${what}: ${reasonOf(cause)}`, { key, cause: withoutArguments(cause), trouble });
}

function reasonOf(cause: unknown): string {
  if (!(cause instanceof Error)) return String(cause);
  // How ioredis puts it when it may not send a command again. It tells to change an option, which is not the point.
  if (cause.name === 'MaxRetriesPerRequestError') return 'the connection was lost before the answer came';
  // Node puts several failed attempts to connect (IPv4, IPv6) into one AggregateError, whose message is empty.
  return cause.message || (cause as NodeJS.ErrnoException).code || cause.name;
}

function withoutArguments(cause: unknown): unknown {
  if (typeof cause !== 'object' || cause === null || !('command' in cause)) return cause;
  const { command } = cause;
  if (typeof command === 'object' && command !== null && 'name' in command) {
    cause.command = { name: command.name };
  }
  return cause;
}
