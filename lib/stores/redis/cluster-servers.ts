import type { Cluster, Redis } from 'ioredis';

import type { CacheStoreError } from '../../primitives/errors.js';
import { Deadlines, silent } from './deadlines.js';
import { hashSlot } from './hash-slot.js';
import { type Commands, issue, type Write } from './issue.js';
import type { Lane } from './lane.js';
import { NodeLane } from './node-lane.js';
import { type Misrouted, send } from './send.js';
import { readFailure, writeFailure } from './store-failure.js';
import {
  atEndOfTick,
  breakOff,
  isStarting,
  notConnected,
  receivedBy,
  type Topology,
  type TopologyOptions,
} from './topology.js';

/** Stands for the reply to a write that a later one replaced before it could be sent anew: nothing was found or granted. */
const REPLACED = 'replaced';

/**
 * A Redis Cluster: a lane per master and tick, each of them one write to that master. `Cluster#pipeline` is not used, since
 * it gives up as a whole when a single slot is being moved.
 *
 * A node turns away commands on slots that it no longer has, or not yet (MOVED, ASK, TRYAGAIN). They then go a detour, and
 * what comes later could overtake them: on the same connection, when the node gets the slot meanwhile, or on another one.
 * So that the commands on a key keep their order nevertheless,
 * - one that comes when a write on its key is under way waits for that, in a lane that is sent when the earlier ones are
 *   through, however many ticks that takes;
 * - within a lane, a write that was turned away is dropped if a later one on its key was accepted, and reads of its key are
 *   repeated once it has gone its detour.
 */
export class ClusterServers implements Topology {
  readonly isCluster = true;
  /** This tick's lanes, by address. */
  #lanes = new Map<string, NodeLane>();
  /** Lanes that wait for earlier ones, by address. */
  readonly #waiting = new Map<string, NodeLane>();
  /** For each key with a write called and not yet through, the newest lane that holds one. */
  readonly #writing = new Map<string, NodeLane>();
  readonly #searching = new Set<string>();
  readonly #deadlines: Deadlines<NodeLane>;

  constructor(
    private readonly cluster: Cluster,
    private readonly options: TopologyOptions,
  ) {
    this.#deadlines = new Deadlines({
      timeout: options.commandTimeout,
      patience: options.patience,
      received: ({ address }) => receivedBy(this.#nodes().get(address)),
      onLate: ({ address }) => this.#giveUp(address),
    });
  }

  laneToRead(key: string): Lane {
    return this.#laneOf(key);
  }

  laneToWrite(key: string): Lane {
    const lane = this.#laneOf(key);
    this.#writing.set(key, lane);
    return lane;
  }

  async settle(): Promise<void> {
    this.#flush();
    for (const lane of new Set(this.#writing.values())) await lane.through;
  }

  readonly #flush = (): void => {
    if (this.#lanes.size === 0) return;
    const lanes = this.#lanes;
    this.#lanes = new Map();
    this.options.onSend();
    const nodes = this.#nodes();
    for (const lane of lanes.values()) {
      this.#deadlines.watch(lane);
      lane.through = this.#run(lane, nodes.get(lane.address));
    }
  };

  masters(): Redis[] {
    return this.cluster.nodes('master');
  }

  /** The master of slot 0: as long as the slot stays where it is, every process asks the same node. */
  clockNode(): Redis | undefined {
    return this.#nodes().get(this.#owner(0));
  }

  get #keyPrefix(): string {
    return this.cluster.options.keyPrefix ?? '';
  }

  #laneOf(key: string): NodeLane {
    const writing = this.#writing.size === 0 ? undefined : this.#writing.get(key);
    if (writing !== undefined && writing.isOpen) return writing;
    const address = this.#owner(hashSlot(this.#keyPrefix + key));
    if (writing === undefined) return this.#lanes.get(address) ?? this.#open(address);
    const lane = this.#waiting.get(address);
    if (lane === undefined || !lane.isOpen) return this.#openWaiting(address, writing);
    lane.after.add(writing);
    return lane;
  }

  #open(address: string): NodeLane {
    if (this.#lanes.size === 0) atEndOfTick(this.#flush);
    const lane = this.#laneTo(address);
    this.#lanes.set(address, lane);
    return lane;
  }

  #openWaiting(address: string, writing: NodeLane): NodeLane {
    const lane = this.#laneTo(address);
    this.#waiting.set(address, lane);
    lane.after.add(writing);
    lane.through = this.#runLater(lane);
    return lane;
  }

  /** Reads and claims are not sent behind something that this very node has not answered in time. */
  #laneTo(address: string): NodeLane {
    const lane = new NodeLane(address);
    for (const overdue of this.#deadlines.overdue) {
      if (!overdue.closed || overdue.answered || overdue.address !== address) continue;
      lane.hurry(silent());
      break;
    }
    return lane;
  }

  /** The address of a slot's master as ioredis knows it, empty when it does not. */
  #owner(slot: number): string {
    return this.cluster.slots[slot]?.[0] ?? '';
  }

  #nodes(): Map<string, Redis> {
    return new Map(this.cluster.nodes('all').map((node) => [addressOf(node), node]));
  }

  async #runLater(lane: NodeLane): Promise<void> {
    this.#deadlines.watch(lane);
    // More may be added to the set meanwhile: the loop gets to them.
    for (const earlier of lane.after) await earlier.through;
    lane.after.clear();
    if (this.#waiting.get(lane.address) === lane) this.#waiting.delete(lane.address);
    await this.#run(lane, this.#nodes().get(lane.address));
  }

  /** Never rejects. */
  async #run(lane: NodeLane, node: Redis | undefined): Promise<void> {
    lane.closed = true;
    if (!lane.over) lane.seal(this.options.bookkeeping);
    if (!lane.over) await this.#transmit(lane, node);
    this.#deadlines.forget(lane);
    lane.finish();
    for (const write of lane.writes) {
      const { key } = write;
      if (this.#writing.get(key) === lane) this.#writing.delete(key);
    }
  }

  async #transmit(lane: NodeLane, node: Redis | undefined): Promise<void> {
    const { status } = this.cluster;
    if (status === 'ready' && node !== undefined) {
      // The connections of a cluster prefix keys themselves only if the option was given for them.
      const prefix = node.options.keyPrefix ? '' : this.#keyPrefix;
      const misrouted = await send(lane, {
        connection: node,
        prefix,
        slotPrefix: this.#keyPrefix,
        clockKey: undefined,
      });
      lane.answered = true;
      return this.#detour(lane, misrouted);
    }
    if (isStarting(this.cluster)) return this.#detour(lane, lane.everything());
    if (status === 'ready') void this.#search(lane);
    lane.finish(notConnected(status === 'ready' ? `its node ${lane.address} has left` : status));
  }

  /** Through ioredis' own routing. Writes one after the other: one that is retried must not be overtaken. */
  async #detour(lane: NodeLane, { writes, reads }: Misrouted): Promise<void> {
    const turnedAway = new Set<string>();
    for (const place of writes) {
      if (lane.over) return;
      const write = lane.writes[place]!;
      turnedAway.add(write.key);
      lane.answerWrite(place, lane.isReplaced(place) ? REPLACED : await this.#routeWrite(write));
    }
    const again =
      turnedAway.size === 0 ? [] : [...lane.reads.keys()].filter((i) => turnedAway.has(lane.reads[i]!));
    await Promise.all(
      [...new Set([...reads, ...again])].map(async (place) => {
        lane.answerRead(place, await this.#routeRead(lane.reads[place]!));
      }),
    );
  }

  // With automatic pipelining ioredis throws at once where it does not know whose slot that is.

  async #routeRead(key: string): Promise<Buffer | null | CacheStoreError> {
    try {
      return await this.cluster.getBuffer(key);
    } catch (error) {
      return readFailure(error);
    }
  }

  async #routeWrite(write: Write): Promise<unknown> {
    try {
      return await issue(this.cluster as unknown as Commands, write, '', undefined);
    } catch (error) {
      return writeFailure(write, error);
    }
  }

  /** As with a single server: the connection may be dead. ioredis makes a new one when it is needed. */
  #giveUp(address: string): void {
    const node = this.options.owned ? this.#nodes().get(address) : undefined;
    if (node?.stream) breakOff(node, false);
  }

  /**
   * The connection to a node has ended. ioredis finds out what became of it only when a command needs it, and tries that
   * for a second or two: this is that command, so that callers need not wait for it.
   */
  async #search({ address, reads, writes }: NodeLane): Promise<void> {
    if (this.#searching.has(address)) return;
    this.#searching.add(address);
    await this.#routeRead(reads[0] ?? writes[0]!.key);
    this.#searching.delete(address);
  }
}

function addressOf({ options }: Redis): string {
  return `${options.host}:${options.port}`;
}
