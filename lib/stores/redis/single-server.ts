import type { Redis } from 'ioredis';

import { Deadlines, silent } from './deadlines.js';
import { Lane } from './lane.js';
import { send } from './send.js';
import {
  atEndOfTick,
  breakOff,
  isStarting,
  notConnected,
  receivedBy,
  type Topology,
  type TopologyOptions,
} from './topology.js';

/** One connection: a single server, or the current master behind Sentinels. It keeps the order of all commands. */
export class SingleServer implements Topology {
  readonly isCluster = false;
  readonly #deadlines: Deadlines<Lane>;
  #lane: Lane | undefined;

  constructor(
    private readonly client: Redis,
    private readonly options: TopologyOptions,
  ) {
    this.#deadlines = new Deadlines({
      timeout: options.commandTimeout,
      patience: options.patience,
      received: () => receivedBy(client),
      onLate: () => this.#giveUp(),
    });
  }

  laneToRead(): Lane {
    return this.#lane ?? this.#open();
  }

  laneToWrite(): Lane {
    return this.#lane ?? this.#open();
  }

  /** There is one connection, on which everything keeps its order. */
  async settle(): Promise<void> {
    this.#flush();
  }

  readonly #flush = (): void => {
    const lane = this.#lane;
    if (lane === undefined) return;
    this.#lane = undefined;
    lane.seal(this.options.bookkeeping);
    this.options.onSend();
    void this.#transmit(lane);
  };

  masters(): Redis[] {
    return [this.client];
  }

  clockNode(): Redis {
    return this.client;
  }

  #open(): Lane {
    atEndOfTick(this.#flush);
    const lane = new Lane();
    if (this.#deadlines.overdue.size > 0) lane.hurry(silent());
    return (this.#lane = lane);
  }

  async #transmit(lane: Lane): Promise<void> {
    const { client } = this;
    if (client.status !== 'ready' && !isStarting(client)) return lane.finish(notConnected(client.status));
    this.#deadlines.watch(lane);
    const { clockKey } = this.options.bookkeeping;
    await send(lane, { connection: client, prefix: '', slotPrefix: undefined, clockKey });
    this.#deadlines.forget(lane);
    lane.finish();
  }

  /**
   * A connection that is silent for so long may be dead without the system knowing, and until there is a new one calls fail
   * at once instead of waiting.
   */
  #giveUp(): void {
    if (this.options.owned && this.client.status === 'ready') breakOff(this.client, true);
  }
}
