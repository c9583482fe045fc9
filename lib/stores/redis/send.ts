import type { ChainableCommander, Redis } from 'ioredis';

import { hashSlot } from './hash-slot.js';
import { type Commands, issue } from './issue.js';
import type { Lane } from './lane.js';
import { readFailure, writeFailure } from './store-failure.js';
import { GarbledReply } from './trouble.js';

/** The most keys of one MGET: Redis serves nobody else while it answers a command. */
const KEYS_PER_COMMAND = 1_000;
/** The most commands written at once, which bounds the memory that takes. */
const COMMANDS_PER_PIPELINE = 1_000;

/** Up to so many commands a pipeline costs more than it saves. */
const COMMANDS_WITHOUT_PIPELINE = 3;

/** Commands of a lane that have to be asked of another node of the cluster: their places. */
export interface Misrouted {
  readonly writes: number[];
  readonly reads: number[];
}

/** Where a lane goes. */
export interface Destination {
  readonly connection: Redis;
  /** Put before every key, where ioredis does not do that by itself. */
  readonly prefix: string;
  /** In a cluster: what keys begin with when their slot is worked out. Then no command spans two slots. */
  readonly slotPrefix: string | undefined;
  /** The key of the invalidation clock, if it is on the same server as all others. */
  readonly clockKey: string | undefined;
}

/**
 * Sends a lane's commands in their order, and resolves once all of them are answered: writes first, then the reads as few
 * MGETs. Nothing is awaited between them, so that lanes keep the order in which they are sent. Never rejects.
 * @returns what went to the wrong node of a cluster
 */
export function send(lane: Lane, destination: Destination): Promise<Misrouted> {
  return new Sending(lane, destination).run();
}

/** The commands of one lane are numbered: first its writes, then its groups of reads. */
class Sending {
  readonly #misrouted: Misrouted = { writes: [], reads: [] };
  /** The places of the keys that each MGET reads; `undefined` when one MGET reads all. */
  readonly #groups: number[][] | undefined;
  readonly #count: number;

  constructor(
    private readonly lane: Lane,
    private readonly to: Destination,
  ) {
    this.#groups = groupReads(lane.reads, to.slotPrefix);
    this.#count = lane.writes.length + (this.#groups?.length ?? 1);
  }

  async run(): Promise<Misrouted> {
    const { connection } = this.to;
    const sent: Promise<void>[] = [];
    // With automatic pipelining a command outside of a pipeline would be overtaken by a later pipeline.
    if (this.#count <= COMMANDS_WITHOUT_PIPELINE && connection.options.enableAutoPipelining !== true) {
      for (let n = 0; n < this.#count; n++) sent.push(this.#runAlone(n));
    } else {
      for (let from = 0; from < this.#count; from += COMMANDS_PER_PIPELINE) {
        sent.push(this.#runPipeline(connection.pipeline(), from));
      }
    }
    for (const one of sent) await one;
    return this.#misrouted;
  }

  async #runAlone(n: number): Promise<void> {
    try {
      this.#answer(n, await this.#issue(n, this.to.connection as unknown as Commands));
    } catch (error) {
      this.#refuse(n, error);
    }
  }

  async #runPipeline(pipeline: ChainableCommander, from: number): Promise<void> {
    const to = Math.min(from + COMMANDS_PER_PIPELINE, this.#count);
    // A pipeline has the commands of a connection; only their types differ.
    for (let n = from; n < to; n++) void this.#issue(n, pipeline as unknown as Commands);
    try {
      const answers = (await pipeline.exec()) ?? [];
      for (let n = from; n < to; n++) {
        const [error, answer] = answers[n - from]!;
        if (error) this.#refuse(n, error);
        else this.#take(n, answer);
      }
    } catch (error) {
      for (let n = from; n < to; n++) this.#refuse(n, error);
    }
  }

  #issue(n: number, commands: Commands): Promise<unknown> {
    const { writes, reads } = this.lane;
    const { prefix } = this.to;
    const write = writes[n];
    if (write !== undefined) return issue(commands, write, prefix, this.to.clockKey);
    const places = this.#groups?.[n - writes.length];
    if (places === undefined && prefix === '') return commands.mgetBuffer(reads);
    const keys = places === undefined ? reads : places.map((place) => reads[place]!);
    return commands.mgetBuffer(keys.map((key) => prefix + key));
  }

  #take(n: number, answer: unknown): void {
    try {
      this.#answer(n, answer);
    } catch (error) {
      this.#refuse(n, error);
    }
  }

  #answer(n: number, answer: unknown): void {
    const { lane } = this;
    if (n < lane.writes.length) return lane.answerWrite(n, answer);
    const places = this.#groups?.[n - lane.writes.length];
    const values = checkValues(answer, places?.length ?? lane.reads.length);
    if (places === undefined) return lane.answerReads(values);
    for (let i = 0; i < places.length; i++) lane.answerRead(places[i]!, values[i]!);
  }

  #refuse(n: number, error: unknown): void {
    const { lane } = this;
    const misrouted = this.#misrouted;
    const elsewhere = this.to.slotPrefix !== undefined && isMisrouted(error);
    const write = lane.writes[n];
    if (write !== undefined) {
      if (elsewhere) misrouted.writes.push(n);
      else lane.answerWrite(n, writeFailure(write, error));
      return;
    }
    const places = this.#groups?.[n - lane.writes.length] ?? lane.reads.keys();
    const failure = elsewhere ? undefined : readFailure(error);
    for (const place of places) {
      if (failure === undefined) misrouted.reads.push(place);
      else lane.answerRead(place, failure);
    }
  }
}

/** @throws GarbledReply unless these are the values of so many keys */
function checkValues(answer: unknown, count: number): (Buffer | null)[] {
  if (!Array.isArray(answer) || answer.length !== count) throw new GarbledReply('MGET', answer);
  for (let i = 0; i < count; i++) {
    if (answer[i] !== null && !Buffer.isBuffer(answer[i])) throw new GarbledReply('MGET', answer[i]);
  }
  return answer as (Buffer | null)[];
}

/** The places of the keys of each MGET, or `undefined` when one is enough for all. */
function groupReads(keys: readonly string[], slotPrefix: string | undefined): number[][] | undefined {
  if (slotPrefix === undefined && keys.length > 0 && keys.length <= KEYS_PER_COMMAND) return undefined;
  const groups: number[][] = [];
  const open = new Map<number, number[]>();
  for (const [place, key] of keys.entries()) {
    const slot = slotPrefix === undefined ? 0 : hashSlot(slotPrefix + key);
    let group = open.get(slot);
    if (group === undefined || group.length === KEYS_PER_COMMAND) {
      group = [];
      groups.push(group);
      open.set(slot, group);
    }
    group.push(place);
  }
  return groups;
}

/** TRYAGAIN: some keys of an MGET have moved to another node already and some have not. */
function isMisrouted(error: unknown): boolean {
  return error instanceof Error && /^(?:MOVED|ASK|TRYAGAIN) /.test(error.message);
}
