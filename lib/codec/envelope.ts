import { CacheValueError } from '../primitives/errors.js';
import { CODEC_ID } from './codec.js';

/**
 * What a remote tier stores beside an encoded value. Times are milliseconds since 1970 by the store's clock. Numbers are
 * little endian.
 *
 * | bytes | meaning |
 * |---|---|
 * | 2 | `tc` |
 * | 1 | version of this layout |
 * | 1 | n, the length of the codec's id |
 * | n | the codec's id, ASCII |
 * | 8 | random: no two entries begin alike |
 * | 8 | epoch of the invalidation clock |
 * | 8 | the invalidation clock as of which the value was loaded, a float64 |
 * | 8 | when loading it began, a float64 |
 * | 8 | when the entry expires, a float64 |
 * | 8 | until when it may be served to those who take an expired one, a float64 |
 * | 4 | how many milliseconds loading it took |
 * | 4 | m, the length of the tags |
 * | 4 | v, the length of the encoded value |
 * | m | the tags, a JSON array, absent when there are none |
 * | v | the encoded value |
 *
 * Whatever comes after that is not part of it: a lease of somebody who is loading its successor.
 */
export interface Envelope extends EnvelopeHead {
  readonly payload: Buffer;
  /** Bytes of the whole envelope. */
  readonly length: number;
}

/** What is said about a value. */
export interface EnvelopeHead {
  /** Hexadecimal. */
  readonly epoch: string;
  readonly asOf: number;
  readonly bornAt: number;
  readonly expiresAt: number;
  readonly staleUntil: number;
  /** Milliseconds. */
  readonly loadTime: number;
  readonly tags: readonly string[] | undefined;
}

const VERSION = 3;
const EPOCH = 8;
const AS_OF = 16;
const BORN_AT = 24;
const EXPIRES_AT = 32;
const STALE_UNTIL = 40;
const LOAD_TIME = 48;
const TAG_BYTES = 52;
const VALUE_BYTES = 56;
const FIXED = 60;
const MOST_32 = 2 ** 32 - 1;
const RANDOM = 8;

/** Reads and writes envelopes of one codec. */
export class EnvelopeFormat {
  /** Up to the codec's id it is the same for all entries of a cache, so one comparison checks it. */
  readonly #start: Buffer;
  /** The last epoch written or read, in both forms: there is hardly ever another. */
  #epoch = { text: '', bytes: Buffer.alloc(EPOCH) };

  constructor(codecId: string) {
    if (!CODEC_ID.test(codecId)) {
      throw new CacheValueError(
        `a codec's id must be 1 to 16 characters of a-z, 0-9, '-' and '.', not '${codecId}'`,
      );
    }
    this.#start = Buffer.from([0x74, 0x63, VERSION, codecId.length, ...Buffer.from(codecId, 'latin1')]);
  }

  /** How all entries of this codec begin, and where they have the clock value as of which they were loaded. */
  get layout(): { readonly head: Buffer; readonly offset: number } {
    return { head: this.#start, offset: this.#start.length + AS_OF };
  }

  /** How many bytes make an entry different from every other. */
  get headLength(): number {
    return this.#start.length + RANDOM;
  }

  seal(payload: Uint8Array, head: EnvelopeHead): Buffer {
    const { epoch, asOf, bornAt, expiresAt, staleUntil, loadTime, tags } = head;
    const start = this.#start.length;
    const tagText = tags === undefined ? '' : JSON.stringify(tags);
    const tagBytes = tags === undefined ? 0 : Buffer.byteLength(tagText);
    const sealed = Buffer.allocUnsafe(start + FIXED + tagBytes + payload.byteLength);
    if (epoch !== this.#epoch.text) this.#epoch = { text: epoch, bytes: Buffer.from(epoch, 'hex') };
    sealed.set(this.#start, 0);
    sealed.writeUInt32LE(Math.random() * 2 ** 32, start);
    sealed.writeUInt32LE(Math.random() * 2 ** 32, start + 4);
    sealed.set(this.#epoch.bytes, start + EPOCH);
    sealed.writeDoubleLE(asOf, start + AS_OF);
    sealed.writeDoubleLE(bornAt, start + BORN_AT);
    sealed.writeDoubleLE(expiresAt, start + EXPIRES_AT);
    sealed.writeDoubleLE(staleUntil, start + STALE_UNTIL);
    sealed.writeUInt32LE(Math.min(Math.round(loadTime), MOST_32), start + LOAD_TIME);
    sealed.writeUInt32LE(tagBytes, start + TAG_BYTES);
    sealed.writeUInt32LE(payload.byteLength, start + VALUE_BYTES);
    if (tagBytes > 0) sealed.write(tagText, start + FIXED);
    sealed.set(payload, start + FIXED + tagBytes);
    return sealed;
  }

  /**
   * @returns the parts; `payload` shares memory with `sealed`
   * @throws Error when this is not an envelope of this layout and codec
   */
  open(sealed: Buffer): Envelope {
    const { length: start } = this.#start;
    const body = start + FIXED;
    if (sealed.length < body || sealed.compare(this.#start, 0, start, 0, start) !== 0) {
      throw new Error('not an entry of this library, or one of another version or codec');
    }
    const asOf = sealed.readDoubleLE(start + AS_OF);
    const bornAt = sealed.readDoubleLE(start + BORN_AT);
    const expiresAt = sealed.readDoubleLE(start + EXPIRES_AT);
    const staleUntil = sealed.readDoubleLE(start + STALE_UNTIL);
    const loadTime = sealed.readUInt32LE(start + LOAD_TIME);
    const tagBytes = sealed.readUInt32LE(start + TAG_BYTES);
    const end = body + tagBytes + sealed.readUInt32LE(start + VALUE_BYTES);
    if (!Number.isFinite(asOf + bornAt + expiresAt + staleUntil) || sealed.length < end) {
      throw new Error('the entry is cut off or damaged');
    }
    const tags = tagBytes === 0 ? undefined : parseTags(sealed.toString('utf8', body, body + tagBytes));
    const payload = sealed.subarray(body + tagBytes, end);
    const epoch = this.#readEpoch(sealed);
    return { payload, length: end, epoch, asOf, bornAt, expiresAt, staleUntil, loadTime, tags };
  }

  #readEpoch(sealed: Buffer): string {
    const at = this.#start.length + EPOCH;
    if (sealed.compare(this.#epoch.bytes, 0, EPOCH, at, at + EPOCH) === 0) return this.#epoch.text;
    const bytes = Buffer.from(sealed.subarray(at, at + EPOCH));
    this.#epoch = { text: bytes.toString('hex'), bytes };
    return this.#epoch.text;
  }
}

function parseTags(text: string): readonly string[] {
  const tags: unknown = JSON.parse(text);
  if (Array.isArray(tags) && tags.every((tag) => typeof tag === 'string')) return tags;
  throw new Error("the entry's tags are damaged");
}
