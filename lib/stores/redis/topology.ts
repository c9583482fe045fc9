import type { Cluster, Redis } from 'ioredis';

import { CacheStoreError } from '../../primitives/errors.js';
import type { Bookkeeping } from './bookkeeping.js';
import type { Lane } from './lane.js';

/** What differs between one server and a cluster. */
export interface Topology {
  /** Whether the keys of one call may go to several nodes. */
  readonly isCluster: boolean;
  /** The lane of this tick that a read of the key belongs to. */
  laneToRead(key: string): Lane;
  /** The lane of this tick that a write to the key belongs to. */
  laneToWrite(key: string): Lane;
  /**
   * Sends what was collected, without waiting for the end of the tick. Once this resolves, what is asked on any connection
   * finds all that was written before.
   */
  settle(): Promise<void>;
  /** The nodes that between them hold every key. */
  masters(): Redis[];
  /** The one node whose clock counts, for as long as it can be told which that is. */
  clockNode(): Redis | undefined;
}

export interface TopologyOptions {
  /** Whether the connections are ours: those may be ended, and are expected to connect by themselves. */
  readonly owned: boolean;
  /** Milliseconds after which a tick's commands are given up. */
  readonly commandTimeout: number;
  /** Milliseconds after which those among them are given up that loads wait for. */
  readonly patience: () => number;
  /** How announcements are put. */
  readonly bookkeeping: Bookkeeping;
  /** Told whenever commands are about to be sent. */
  readonly onSend: () => void;
}

/**
 * Runs once everything that the current callback of the event loop set in motion has run: all promise callbacks, and all
 * that those bring about. What was called by then travels together.
 */
export function atEndOfTick(run: () => void): void {
  queueMicrotask(() => process.nextTick(run));
}

const ENDED = new WeakSet<object>();

/** Ends the connection there is now, once; it is made again if `again`. Several lanes may find out at once that it is dead. */
export function breakOff(connection: Redis, again: boolean): void {
  if (ENDED.has(connection.stream)) return;
  ENDED.add(connection.stream);
  connection.disconnect(again);
}

export function isCluster(client: Redis | Cluster): client is Cluster {
  return client.isCluster;
}

/** How many bytes a connection has brought so far. */
export function receivedBy(connection: Redis | undefined): number {
  // It has no stream before the first attempt to connect.
  return connection?.stream?.bytesRead ?? 0;
}

/** Clients that have been connected: what they are given while they are not, now, might wait for long. */
const BEEN_READY = new WeakSet<Redis | Cluster>();

export function noteReady(client: Redis | Cluster): void {
  BEEN_READY.add(client);
}

/** Whether a command sent now waits for the client's first connection, which is being made at this moment. */
export function isStarting(client: Redis | Cluster): boolean {
  const { status, options } = client;
  if (status === 'wait') return true;
  if (BEEN_READY.has(client)) return false;
  return (status === 'connecting' || status === 'connect') && options.enableOfflineQueue === true;
}

export function notReady(status: string, after: number): CacheStoreError {
  return new CacheStoreError(`Redis is not ready after ${after} ms (${status})`, { trouble: 'unreachable' });
}

export function notConnected(status: string): CacheStoreError {
  return new CacheStoreError(
    `Redis is not connected (${status}): nothing was sent, and the connection is being made again in the background`,
    { trouble: 'unreachable' },
  );
}
