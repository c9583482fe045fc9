import { CacheValueError } from '../primitives/errors.js';
import { CODEC_ID } from './codec.js';

/**
 * What a remote tier stores beside an encoded value.
 *
 * | bytes | meaning |
 * |---|---|
 * | 2 | `tc` |
 * | 1 | version of this layout |
 * | 1 | n, the length of the codec's id |
 * | n | the codec's id, ASCII |
 * | 8 | when the entry expires: milliseconds since 1970 by the store's clock, a float64, little endian |
 * | 4 | m, the length of the tags, little endian |
 * | m | the tags, a JSON array, absent when there are none |
 * | rest | the encoded value |
 */
export interface Envelope {
  readonly payload: Buffer;
  readonly expiresAt: number;
  readonly tags: readonly string[] | undefined;
}

const VERSION = 1;
const FIXED = 12;

/** Reads and writes envelopes of one codec. */
export class EnvelopeFormat {
  /** Everything before the expiry is the same for all entries of a cache, so one comparison checks it. */
  readonly #start: Buffer;

  constructor(codecId: string) {
    if (!CODEC_ID.test(codecId)) {
      throw new CacheValueError(
        `a codec's id must be 1 to 16 characters of a-z, 0-9, '-' and '.', not '${codecId}'`,
      );
    }
    this.#start = Buffer.from([0x74, 0x63, VERSION, codecId.length, ...Buffer.from(codecId, 'latin1')]);
  }

  seal(payload: Uint8Array, expiresAt: number, tags: readonly string[] | undefined): Buffer {
    const start = this.#start;
    const tagText = tags === undefined ? '' : JSON.stringify(tags);
    const tagBytes = tags === undefined ? 0 : Buffer.byteLength(tagText);
    const sealed = Buffer.allocUnsafe(start.length + FIXED + tagBytes + payload.byteLength);
    sealed.set(start, 0);
    sealed.writeDoubleLE(expiresAt, start.length);
    sealed.writeUInt32LE(tagBytes, start.length + 8);
    if (tagBytes > 0) sealed.write(tagText, start.length + FIXED);
    sealed.set(payload, start.length + FIXED + tagBytes);
    return sealed;
  }

  /**
   * @returns the parts; `payload` shares memory with `sealed`
   * @throws Error when this is not an envelope of this layout and codec
   */
  open(sealed: Buffer): Envelope {
    const start = this.#start;
    const body = start.length + FIXED;
    if (sealed.length < body || sealed.compare(start, 0, start.length, 0, start.length) !== 0) {
      throw new Error('not an entry of this library, or one of another version or codec');
    }
    const expiresAt = sealed.readDoubleLE(start.length);
    const tagBytes = sealed.readUInt32LE(start.length + 8);
    if (!Number.isFinite(expiresAt) || sealed.length < body + tagBytes)
      throw new Error('the entry is cut off or damaged');
    const tags = tagBytes === 0 ? undefined : parseTags(sealed.toString('utf8', body, body + tagBytes));
    return { payload: sealed.subarray(body + tagBytes), expiresAt, tags };
  }
}

function parseTags(text: string): readonly string[] {
  const tags: unknown = JSON.parse(text);
  if (Array.isArray(tags) && tags.every((tag) => typeof tag === 'string')) return tags;
  throw new Error("the entry's tags are damaged");
}
