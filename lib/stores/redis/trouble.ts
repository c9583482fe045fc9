import type { StoreTrouble } from '../../primitives/errors.js';

/** Redis answered with something else than such a question can be answered with. */
export class GarbledReply extends Error {
  constructor(command: string, reply: unknown) {
    super(`the reply to ${command} is none: ${Array.isArray(reply) ? 'an array' : typeof reply}`);
    this.name = 'GarbledReply';
  }
}

/** What the first word of an error that Redis answers with says of Redis as a whole. */
const BY_CODE: Readonly<Record<string, StoreTrouble>> = {
  LOADING: 'loading',
  BUSY: 'busy',
  NOAUTH: 'unauthorized',
  WRONGPASS: 'unauthorized',
  READONLY: 'read-only',
  MASTERDOWN: 'read-only',
  OOM: 'out-of-memory',
  MISCONF: 'disk',
  NOREPLICAS: 'replicas',
  CLUSTERDOWN: 'cluster-down',
  MOVED: 'cluster-down',
  ASK: 'cluster-down',
  TRYAGAIN: 'cluster-down',
};

/** Errors that ioredis makes itself when it has no connection, or has lost it. */
const CONNECTION_ERRORS = new Set(['AbortError', 'ClusterAllFailedError', 'MaxRetriesPerRequestError']);
const CONNECTION =
  /connection is closed|connection was lost|isn't writeable|isn't ready|is disconnect|none of startup nodes|unreachable/i;

/**
 * What an error of ioredis, or one of its answers, says of Redis as a whole. Nothing if it is about one key or one command:
 * then Redis did answer.
 */
export function troubleOf(cause: unknown): StoreTrouble | undefined {
  // Not `instanceof Error`: tests run in realms of their own, in which those of Node are none.
  if (typeof cause !== 'object' || cause === null || !('message' in cause)) return undefined;
  if ('trouble' in cause) return cause.trouble as StoreTrouble | undefined;
  const { name, message } = cause as Error;
  if (name === 'ReplyError') return ofReply(message);
  // What ioredis adds to the errors of its parser.
  if (name === 'GarbledReply' || /Please report this/.test(message)) return 'garbled';
  if (CONNECTION_ERRORS.has(name)) return 'unreachable';
  if (/redirections/.test(message)) return 'cluster-down';
  if (isSystemError(cause as Error) || CONNECTION.test(message)) return 'unreachable';
  return /timed? ?out|no answer within/i.test(message) ? 'silent' : undefined;
}

function isSystemError(error: Error): boolean {
  const { code } = error as NodeJS.ErrnoException;
  return typeof code === 'string' && /^E[A-Z]+$/.test(code);
}

function ofReply(message: string): StoreTrouble | undefined {
  // Before Redis 7 the error of a command within a script is in the middle of that of the script.
  const [code] = /\b(?:READONLY|OOM|MISCONF|NOREPLICAS)\b/.exec(message) ?? /^[A-Z]+/.exec(message) ?? [''];
  // What may be done to a key is about that key; a command that is not permitted at all is about all of them.
  if (code === 'NOPERM') return /\brun the\b/.test(message) ? 'unauthorized' : undefined;
  return Object.hasOwn(BY_CODE, code) ? BY_CODE[code] : undefined;
}
