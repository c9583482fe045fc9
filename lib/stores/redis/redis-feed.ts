import type { Cluster, Redis } from 'ioredis';

import type { ClockReading, Feed, Poll, RawMessage, Snapshot } from '../../coherence/feed.js';
import { type Bookkeeping, readClock, readHeader } from './bookkeeping.js';
import { databaseOf, endConnection } from './connection.js';
import type { Commands } from './issue.js';
import { CLOCK_LAYOUT, JOIN } from './clock-scripts.js';
import { storeFailure } from './store-failure.js';
import { atMost } from './time-limit.js';
import { notConnected } from './topology.js';

/** The most messages taken at once. Fewer are asked for as long as so many take longer than there is time. */
const BATCH = 500;

/**
 * Where invalidations come so fast that each would be an answer of its own, they are collected for so many milliseconds: an
 * instance must not be kept busy by asking.
 */
const COLLECT = 2;

type StreamReply = [key: Buffer, entries: [id: Buffer, fields: Buffer[] | null][]][] | null;

/**
 * Reads the stream of invalidations, on a connection of its own: it waits there for messages. Questions about the clock go
 * the usual way.
 */
export class RedisFeed implements Feed {
  #heardAt = -Infinity;
  #batch = BATCH;

  /**
   * @param client for the clock
   * @param listener for the stream alone
   * @param timeout milliseconds that Redis may take beyond what it was asked to wait
   */
  constructor(
    private readonly client: Redis | Cluster,
    private readonly listener: Redis | Cluster,
    private readonly bookkeeping: Bookkeeping,
    private readonly timeout: number,
  ) {
    // Whoever polls is told when that fails; without a listener ioredis writes to the console.
    listener.on('error', () => {});
    listener.on('node error', () => {});
  }

  async join(seen: ClockReading | undefined, lost: boolean): Promise<Snapshot> {
    const { clockKey, streamKey } = this.bookkeeping;
    const { status } = this.client;
    // Somebody else's client may keep it in a queue: each attempt would put one more there.
    if (status !== 'ready' && status !== 'wait') throw notConnected(status);
    try {
      const args = this.bookkeeping.joinArguments(seen, lost);
      const asked = (this.client as unknown as Commands).evalBuffer(JOIN, 2, clockKey, streamKey, ...args);
      return readClock(await atMost(this.timeout, asked, () => late(this.timeout)));
    } catch (error) {
      throw storeFailure('the invalidation clock could not be read', error);
    }
  }

  async poll(after: number, patience: number): Promise<Poll> {
    const limit = patience + this.timeout;
    try {
      return await atMost(limit, this.#poll(after, patience), () => this.#giveUp(limit));
    } catch (error) {
      throw storeFailure('the stream of invalidations could not be read', error);
    }
  }

  close(): Promise<void> {
    return endConnection(this.listener, 'at once');
  }

  async #poll(after: number, patience: number): Promise<Poll> {
    if (performance.now() - this.#heardAt < COLLECT) {
      await new Promise((resolve) => setTimeout(resolve, COLLECT));
    }
    await this.#followDatabase();
    const { clockKey, streamKey } = this.bookkeeping;
    const batch = this.#batch;
    const replies = await this.listener
      .pipeline()
      .getrangeBuffer(clockKey, 0, CLOCK_LAYOUT.header - 1)
      .xreadBuffer('COUNT', batch, 'BLOCK', patience, 'STREAMS', streamKey, `${after}-0`)
      .exec();
    const [header, stream] = replies ?? [];
    if (header === undefined || stream === undefined) throw new Error('no reply');
    // A key of another type is not there as far as this is concerned.
    if (isWrongType(header[0]) || isWrongType(stream[0]))
      return { reading: undefined, messages: [], more: false };
    if (header[0]) throw header[0];
    if (stream[0]) throw stream[0];
    const entries = (stream[1] as StreamReply)?.[0]?.[1] ?? [];
    if (entries.length > 0) this.#heardAt = performance.now();
    const more = entries.length === batch;
    if (more) this.#batch = Math.min(BATCH, batch * 2);
    return { reading: readHeader(header[1]), messages: entries.map(readMessage), more };
  }

  /** Somebody else's client may have been told to go to another database when this connection was made already. */
  async #followDatabase(): Promise<void> {
    const [own, theirs] = [databaseOf(this.listener), databaseOf(this.client)];
    if (own !== undefined && theirs !== undefined && own !== theirs)
      await (this.listener as Redis).select(theirs);
  }

  /** A connection that is silent for so long may be dead without the system knowing. */
  #giveUp(limit: number): never {
    this.listener.disconnect(true);
    this.#batch = Math.ceil(this.#batch / 4);
    return late(limit);
  }
}

function readMessage([id, fields]: [Buffer, Buffer[] | null]): RawMessage {
  const values = new Map<string, Buffer>();
  const pairs = fields ?? [];
  for (let i = 0; i + 1 < pairs.length; i += 2) values.set(pairs[i]!.toString('latin1'), pairs[i + 1]!);
  const tip = Number(values.get('t')?.toString('latin1'));
  return {
    clock: Number(id.toString('latin1').replace(/-0$/, '')),
    epoch: values.get('e')?.toString('hex'),
    body: values.get('m')?.toString('utf8'),
    tip,
    before: Number(values.get('b')?.toString('latin1')),
    sentAt: tip / 1000,
  };
}

function isWrongType(error: Error | null): boolean {
  return error !== null && error.message.startsWith('WRONGTYPE');
}

function late(limit: number): never {
  throw new Error(`no answer within ${limit} ms`);
}
