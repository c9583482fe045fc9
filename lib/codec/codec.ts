/** What a codec's id looks like. */
export const CODEC_ID = /^[a-z0-9.-]{1,16}$/;

/**
 * Turns values into bytes and back. One codec serves all tiers of a cache, so that a value has the same type and shape
 * wherever it is read from.
 *
 * A codec must be a pure function of its input: `decode(encode(value))` equals `value`, each `decode` returns objects
 * that no other call has returned, and an encoded value keeps nothing of the original alive or shared.
 */
export interface CacheCodec {
  /**
   * Names the format, 1 to 16 characters of `a-z`, `0-9`, `-` and `.`. Stored with each entry; an entry written under
   * another id is a miss, so change it whenever the format changes.
   */
  readonly id: string;
  /**
   * @throws any error when the value holds something that cannot be represented; say where in its message.
   * `CacheValueError` is passed on as it is, others are wrapped in one.
   */
  encode(value: unknown): Uint8Array;
  /** @throws any error when the bytes are not what `encode` writes: the entry is then a miss */
  decode(bytes: Uint8Array): unknown;
}
