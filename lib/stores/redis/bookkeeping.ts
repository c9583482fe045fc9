import type { ClockReading, Snapshot } from '../../coherence/feed.js';
import { type Invalidation, invalidationOf, mergeInvalidations } from '../../coherence/invalidation.js';
import { encodeMessage } from '../../coherence/message.js';
import { prefixHash, tagHash } from '../../coherence/slots.js';
import { CLOCK_LAYOUT } from './clock-scripts.js';

/** What the bookkeeping of one namespace needs to know. */
export interface NamespaceSettings {
  readonly namespace: string;
  /** Tells this instance from the others. */
  readonly instance: string;
  /** The id of the codec: up to 16 ASCII characters. */
  readonly codec: string;
  /** For a clock that has to be made; one that is there keeps its number. */
  readonly slots: number;
  /** About how many messages the stream keeps. */
  readonly streamLength: number;
}

/** An announcement as it is sent. */
export interface Announcing {
  readonly kind: 'announce';
  readonly key: string;
  readonly streamKey: string;
  readonly args: readonly (string | Buffer | number)[];
}

/** The most keys of one message. */
const KEYS_PER_MESSAGE = 5_000;

/** A sane number of slots: more than this is no clock of ours. */
const MOST_SLOTS = 2 ** 24;

/**
 * The keys that hold the clock of a namespace and its stream, and what scripts are told about them. Both keys are in one slot
 * of a cluster; no entry has such a key, since those have a colon after the namespace, which has none itself.
 */
export class Bookkeeping {
  readonly clockKey: string;
  readonly streamKey: string;
  /** What a clock is made with, but for its epoch. */
  readonly #made: readonly [codec: string, slots: Buffer];

  constructor(private readonly settings: NamespaceSettings) {
    this.#made = [settings.codec.padEnd(16), packNumber(settings.slots)];
    const name = settings.namespace.replace(/[%:{}]/g, encodeURIComponent);
    this.clockKey = `{${name}}~clock`;
    this.streamKey = `{${name}}~invalidations`;
  }

  /** As few announcements as there can be of messages that are not huge. */
  announcements(invalidations: readonly Invalidation[]): Announcing[] {
    const merged = mergeInvalidations(invalidations);
    const { keys } = merged;
    const parts = [
      this.#announcement(
        keys.length > KEYS_PER_MESSAGE ? { ...merged, keys: keys.slice(0, KEYS_PER_MESSAGE) } : merged,
      ),
    ];
    for (let from = KEYS_PER_MESSAGE; from < keys.length; from += KEYS_PER_MESSAGE) {
      parts.push(this.#announcement(invalidationOf({ keys: keys.slice(from, from + KEYS_PER_MESSAGE) })));
    }
    return parts;
  }

  #announcement(merged: Invalidation): Announcing {
    const { instance, streamLength } = this.settings;
    const hashes = [...merged.tags.map(tagHash), ...merged.prefixes.map(prefixHash)];
    const args = [...this.#make(), streamLength, encodeMessage(instance, merged), packHashes(hashes)];
    return { kind: 'announce', key: this.clockKey, streamKey: this.streamKey, args };
  }

  joinArguments(seen: ClockReading | undefined, lost: boolean): (string | Buffer | number)[] {
    const position = seen === undefined ? ['', 0] : [packEpoch(seen.epoch), seen.clock];
    return [...this.#make(), ...position, lost ? '1' : '0', seen?.tip ?? ''];
  }

  /** An epoch must never come twice: each attempt to make a clock has its own. */
  #make(): (string | Buffer)[] {
    const epoch = Buffer.allocUnsafe(8);
    epoch.writeUInt32LE(Math.random() * 2 ** 32);
    epoch.writeUInt32LE(Math.random() * 2 ** 32, 4);
    return [epoch, ...this.#made];
  }
}

export function packNumber(value: number): Buffer {
  const packed = Buffer.allocUnsafe(8);
  packed.writeDoubleLE(value);
  return packed;
}

export function packEpoch(epoch: string): Buffer {
  return Buffer.from(epoch, 'hex');
}

export function packHashes(hashes: readonly number[]): Buffer {
  const packed = Buffer.allocUnsafe(hashes.length * 4);
  for (let i = 0; i < hashes.length; i++) packed.writeUInt32LE(hashes[i]!, i * 4);
  return packed;
}

/** What an announcement is answered with: epoch, clock and tip. */
export function readAnnounced(reply: unknown): Required<ClockReading> {
  if (!Buffer.isBuffer(reply) || reply.length !== 24)
    throw new TypeError('not the answer to an announcement');
  return { epoch: reply.toString('hex', 0, 8), clock: reply.readDoubleLE(8), tip: reply.readDoubleLE(16) };
}

/** @returns `undefined` when this is not the beginning of a clock */
export function readHeader(head: unknown): ClockReading | undefined {
  const { magic, epoch, codec, clock, tip, header } = CLOCK_LAYOUT;
  if (!Buffer.isBuffer(head) || head.length < header || head.toString('latin1', 0, magic.length) !== magic) {
    return undefined;
  }
  return {
    epoch: head.toString('hex', epoch, codec),
    clock: head.readDoubleLE(clock),
    tip: head.readDoubleLE(tip),
  };
}

/** @throws TypeError when this is no clock */
export function readClock(bytes: unknown): Snapshot {
  const reading = readHeader(bytes);
  const { codec, slots: slotsAt, header } = CLOCK_LAYOUT;
  const count = reading === undefined ? 0 : (bytes as Buffer).readDoubleLE(slotsAt);
  if (reading === undefined || !Number.isInteger(count) || count < 1 || count > MOST_SLOTS) {
    throw new TypeError('what Redis has under the key of the clock is no clock');
  }
  const clock = bytes as Buffer;
  const slots = new Float64Array(count);
  const stored = Math.min(count, Math.floor((clock.length - header) / 8));
  for (let slot = 0; slot < stored; slot++) slots[slot] = clock.readDoubleLE(header + slot * 8);
  return { ...reading, slots, codec: clock.toString('latin1', codec, slotsAt).trimEnd() };
}
