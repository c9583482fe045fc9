import type { Redis } from 'ioredis';

import { LEASE_MARK } from '../lease.js';
import type { Change, Staleness } from '../store.js';
import { type Announcing, packEpoch, packHashes, packNumber } from './bookkeeping.js';
import { ANNOUNCE } from './clock-scripts.js';
import { CLAIM, DISCARD, FILL, RECLAIM, RELEASE, REMOVE, RENEW, SET, SWEEP } from './scripts.js';

/** What a lane holds besides reads. */
export type Write = Exclude<Change, { kind: 'remove' | 'set' }> | Setting | Removing | Announcing | Sweeping;

/** Values to be stored on one server, by one command. */
export interface Setting {
  readonly kind: 'set';
  /** The first key. */
  readonly key: string;
  readonly values: ToSet[];
  /** Until when, by the clock of the server they go to; `undefined` where that is not known: then it is one value. */
  readonly until: number | undefined;
}

/** A value to be stored. */
export type ToSet = Extract<Change, { kind: 'set' }>;

/** Keys on one server, or one key, to be removed. */
export interface Removing {
  readonly kind: 'remove';
  /** The first of them. */
  readonly key: string;
  readonly keys: readonly string[];
}

/** Keys on one server, or one key, to be swept. */
export interface Sweeping extends Staleness {
  readonly kind: 'sweep';
  /** The first of them. */
  readonly key: string;
  readonly keys: readonly string[];
}

/** The commands of a connection, of a pipeline or of a cluster client; ioredis' types lack `evalBuffer`. */
export interface Commands extends Pick<Redis, 'set' | 'mgetBuffer'> {
  evalBuffer(script: string, keys: number, ...args: (string | Buffer | number)[]): Promise<unknown>;
}

/**
 * Sends one command.
 * @param prefix goes before each key
 * @param clockKey where the clock is, if it is on the same server as all keys
 */
export function issue(
  commands: Commands,
  write: Write,
  prefix: string,
  clockKey: string | undefined,
): Promise<unknown> {
  const key = prefix + write.key;
  switch (write.kind) {
    case 'set':
      return issueSet(commands, write, prefix);
    case 'remove':
      return commands.evalBuffer(
        REMOVE,
        write.keys.length,
        ...write.keys.map((one) => prefix + one),
        LEASE_MARK,
      );
    case 'claim':
      return commands.evalBuffer(CLAIM, 1, key, write.lease, Math.ceil(write.ttl));
    case 'renew':
      return commands.evalBuffer(RENEW, 1, key, write.lease, Math.ceil(write.ttl), packNumber(write.until));
    case 'release':
      return commands.evalBuffer(RELEASE, 1, key, write.lease);
    case 'reclaim': {
      const { head, length, lease, now, ttl } = write;
      const times = [packNumber(now), packNumber(now + ttl), Math.ceil(ttl)];
      return commands.evalBuffer(RECLAIM, 1, key, head, length, lease, ...times);
    }
    case 'discard':
      return commands.evalBuffer(DISCARD, 1, key, write.head);
    case 'sweep': {
      const keys = write.keys.map((one) => prefix + one);
      return commands.evalBuffer(
        SWEEP,
        keys.length,
        ...keys,
        write.head,
        write.offset,
        packNumber(write.before),
      );
    }
    case 'announce':
      return commands.evalBuffer(ANNOUNCE, 2, key, prefix + write.streamKey, ...write.args);
    case 'fill': {
      const { lease, value, ttl, guard } = write;
      const args = [lease, value, Math.ceil(ttl), packEpoch(guard.epoch), packNumber(guard.clock)];
      const keys = clockKey === undefined ? [key] : [key, prefix + clockKey];
      return commands.evalBuffer(FILL, keys.length, ...keys, ...args, packHashes(guard.hashes));
    }
  }
}

function issueSet(commands: Commands, { key, values, until }: Setting, prefix: string): Promise<unknown> {
  const [first] = values as [ToSet];
  if (until === undefined) return commands.set(prefix + key, first.value, 'PX', Math.ceil(first.ttl));
  const args: (string | Buffer | number)[] = [];
  for (const value of values) args.push(prefix + value.key);
  args.push(until);
  for (const { value, ttl } of values) args.push(value, Math.ceil(ttl));
  return commands.evalBuffer(SET, values.length, ...args);
}
