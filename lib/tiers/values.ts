import { freezeDeep } from '../codec/freeze.js';
import type { ClassType, TypeReviver } from '../codec/class-type.js';
import type { CacheCodec } from '../codec/codec.js';
import { CacheConfigError, CacheValueError } from '../primitives/errors.js';
import { userKey } from '../primitives/key.js';
import { textToBytes } from './encoded.js';
import type { Entry } from './entry.js';

/**
 * How a reader is kept from changing what others will read.
 * - unset: plain data is deep-frozen and shared; what freezing does not protect (Map, Date, Buffer …) is decoded anew for
 *   each reader.
 * - `'freeze'`: as unset.
 * - `'clone'`: every reader gets an object of its own, which it may change.
 * - `'share'`: those who read so share one object that is not frozen; one who changes it changes it for the others. Other
 *   readers are not affected.
 */
export type Isolation = 'share' | 'freeze' | 'clone';

/** How a reader wants a value. */
export interface Reading {
  readonly isolation: Isolation | undefined;
  /** The class whose instances the reader wants. */
  readonly type: ClassType | undefined;
}

/** Turns values into entries' bytes, and entries into what a reader is given. */
export class Values {
  constructor(
    private readonly codec: CacheCodec,
    private readonly reviver: TypeReviver | undefined,
  ) {}

  /**
   * @param stored for messages
   * @throws CacheValueError when the codec cannot represent the value
   */
  encode(stored: string, value: unknown): Uint8Array {
    const key = userKey(stored);
    if (value === undefined) {
      throw new CacheValueError(
        "undefined cannot be cached, it means 'nothing here': use null for a known absence",
        {
          key,
        },
      );
    }
    try {
      return this.codec.encode(value);
    } catch (error) {
      const reason = error instanceof Error ? error.message : String(error);
      throw new CacheValueError(`the value of '${key}' cannot be cached: ${reason}`, { key, cause: error });
    }
  }

  /** The encoded value of an entry. */
  bytesOf({ bytes, value }: Entry): Uint8Array {
    return bytes === undefined ? this.codec.encode(value) : textToBytes(bytes);
  }

  /**
   * Decodes an entry that came from outside this process, so that one that is corrupt is found out before it is used.
   * @throws whatever the codec throws when the bytes are corrupt
   */
  accept(entry: Entry, { isolation, type }: Reading): void {
    const value = this.codec.decode(textToBytes(entry.bytes!));
    if (type !== undefined || isolation === 'clone') entry.value = value;
    else if (isolation === 'share') entry.loose = value;
    else this.#settle(entry, value);
  }

  /** What a reader is given. */
  read(entry: Entry, { isolation, type }: Reading): unknown {
    if (type !== undefined) return this.#revive(type, this.#own(entry));
    if (isolation === 'clone') return this.#own(entry);
    if (isolation === 'share') return (entry.loose ??= this.#own(entry));
    if (entry.bytes === undefined) return entry.value;
    if (!entry.decodePerReader) this.#settle(entry, this.#own(entry));
    return entry.bytes === undefined ? entry.value : this.#own(entry);
  }

  /** Shares a decoded value among readers if freezing protects it, and otherwise keeps it for the next reader alone. */
  #settle(entry: Entry, value: unknown): void {
    entry.value = value;
    if (freezeDeep(value)) entry.bytes = undefined;
    else entry.decodePerReader = true;
  }

  /** A copy that nobody else has: the one decoded in advance, if it is still there. */
  #own(entry: Entry): unknown {
    if (entry.bytes === undefined) return this.codec.decode(this.codec.encode(entry.value));
    const decoded = entry.value;
    if (decoded === undefined) return this.codec.decode(textToBytes(entry.bytes));
    entry.value = undefined;
    return decoded;
  }

  #revive(type: ClassType, plain: unknown): unknown {
    if (this.reviver === undefined) {
      throw new CacheConfigError(
        'type',
        `reading a value as ${type.name} needs the package class-transformer: npm i class-transformer`,
      );
    }
    return this.reviver.revive(type, plain);
  }
}
