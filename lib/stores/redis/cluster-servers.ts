import type { Cluster, Redis } from 'ioredis';

import { Deadlines } from './deadlines.js';
import { hashSlot } from './hash-slot.js';
import { keyOf, Lane, type Write } from './lane.js';
import { type Misrouted, send } from './send.js';
import { readFailure, writeFailure } from './store-failure.js';
import { atEndOfTick, notConnected, type Topology, type TopologyOptions } from './topology.js';

/**
 * A Redis Cluster: a lane per master and tick, each of them one write to that master. `Cluster#pipeline` is not used, since
 * it gives up as a whole when a single slot is being moved.
 *
 * How the order of commands on one key is kept while slots move, when the table of slots may change between two ticks:
 * - a key that has a write under way stays with the node that write was sent to, even if the slot has a new owner;
 * - what that node turns away (MOVED, ASK, TRYAGAIN) goes its detour only after everything sent to it earlier is through.
 * So if an earlier write takes a detour, all later commands on its key follow it there, in their order.
 */
export class ClusterServers implements Topology {
  readonly isCluster = true;
  /** This tick's lanes, by address. */
  #lanes = new Map<string, Lane>();
  /** For each key with a write under way, the newest lane that holds one. */
  readonly #writing = new Map<string, Lane>();
  /** By address, the lane sent last, until it is through. */
  readonly #last = new Map<string, Promise<void>>();
  readonly #searching = new Set<string>();
  readonly #deadlines: Deadlines;

  constructor(
    private readonly cluster: Cluster,
    private readonly options: TopologyOptions,
  ) {
    this.#deadlines = new Deadlines(options.commandTimeout, ({ address }) => this.#giveUp(address));
  }

  laneToRead(key: string): Lane {
    const writing = this.#writing.size === 0 ? undefined : this.#writing.get(key);
    const address = writing?.address ?? this.#owner(hashSlot(this.#keyPrefix + key));
    return this.#lanes.get(address) ?? this.#open(address);
  }

  laneToWrite(key: string): Lane {
    const lane = this.laneToRead(key);
    this.#writing.set(key, lane);
    return lane;
  }

  readonly flush = (): void => {
    if (this.#lanes.size === 0) return;
    const lanes = this.#lanes;
    this.#lanes = new Map();
    this.options.onSend();
    const nodes = this.#nodes();
    for (const lane of lanes.values()) this.#start(lane, nodes.get(lane.address));
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

  #open(address: string): Lane {
    if (this.#lanes.size === 0) atEndOfTick(this.flush);
    const lane = new Lane(address);
    this.#lanes.set(address, lane);
    return lane;
  }

  /** The address of a slot's master as ioredis knows it, empty when it does not. */
  #owner(slot: number): string {
    return this.cluster.slots[slot]?.[0] ?? '';
  }

  #nodes(): Map<string, Redis> {
    return new Map(this.cluster.nodes('all').map((node) => [addressOf(node), node]));
  }

  #start(lane: Lane, node: Redis | undefined): void {
    const { address } = lane;
    const through = this.#transmit(lane, node, this.#last.get(address));
    this.#last.set(address, through);
    void through.then(() => this.#forget(lane, through));
  }

  #forget(lane: Lane, through: Promise<void>): void {
    if (this.#last.get(lane.address) === through) this.#last.delete(lane.address);
    for (const write of lane.writes) {
      const key = keyOf(write);
      if (this.#writing.get(key) === lane) this.#writing.delete(key);
    }
  }

  async #transmit(lane: Lane, node: Redis | undefined, before: Promise<void> | undefined): Promise<void> {
    const misrouted = this.#begin(lane, node);
    if (misrouted === undefined) return;
    this.#deadlines.watch(lane);
    const { writes, reads } = await misrouted;
    if (writes.length > 0 || reads.length > 0) {
      await before;
      await this.#detour(lane, { writes, reads });
    }
    this.#deadlines.forget(lane);
    lane.finish();
  }

  /** @returns what needs a detour; `undefined` if the lane has come to its end already */
  #begin(lane: Lane, node: Redis | undefined): Promise<Misrouted> | Misrouted | undefined {
    const { status } = this.cluster;
    if (status === 'ready' && node !== undefined) {
      // The connections of a cluster prefix keys themselves only if the option was given for them.
      const prefix = node.options.keyPrefix ? '' : this.#keyPrefix;
      return send(lane, { connection: node, prefix, slotPrefix: this.#keyPrefix });
    }
    if (status === 'wait' || status === 'connecting' || status === 'connect') return everythingOf(lane);
    if (status === 'ready') this.#search(lane);
    lane.finish(notConnected(status === 'ready' ? `its node ${lane.address} has left` : status));
    return undefined;
  }

  /** Through ioredis' own routing. Writes one after the other: one that is retried must not be overtaken. */
  async #detour(lane: Lane, { writes, reads }: Misrouted): Promise<void> {
    for (const place of writes) {
      if (lane.over) return;
      lane.answerWrite(place, await this.#routeWrite(lane.writes[place]!));
    }
    await Promise.all(
      reads.map(async (place) => {
        lane.answerRead(place, await this.cluster.getBuffer(lane.reads[place]!).catch(readFailure));
      }),
    );
  }

  async #routeWrite(write: Write): Promise<unknown> {
    try {
      if (typeof write === 'string') return await this.cluster.unlink(write);
      return await this.cluster.set(write.key, write.value, 'PX', Math.ceil(write.ttl));
    } catch (error) {
      return writeFailure(write, error);
    }
  }

  /** As with a single server: the connection may be dead. ioredis makes a new one when it is needed. */
  #giveUp(address: string): void {
    if (this.options.owned) this.#nodes().get(address)?.disconnect();
  }

  /**
   * The connection to a node has ended. ioredis finds out what became of it only when a command needs it, and tries that
   * for a second or two: this is that command, so that callers need not wait for it.
   */
  #search(lane: Lane): void {
    const { address } = lane;
    const key = lane.reads[0] ?? keyOf(lane.writes[0]!);
    if (this.#searching.has(address)) return;
    this.#searching.add(address);
    const ended = (): boolean => this.#searching.delete(address);
    this.cluster.exists(key).then(ended, ended);
  }
}

function addressOf({ options }: Redis): string {
  return `${options.host}:${options.port}`;
}

function everythingOf(lane: Lane): Misrouted {
  return { writes: [...lane.writes.keys()], reads: [...lane.reads.keys()] };
}
