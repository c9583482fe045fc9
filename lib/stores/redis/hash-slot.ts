/** Slots of a Redis Cluster. */
export const HASH_SLOTS = 16_384;

/** CRC16-CCITT (XMODEM), a table row per byte. */
const CRC16 = Uint16Array.from({ length: 256 }, (_, byte) => {
  let crc = byte << 8;
  for (let bit = 0; bit < 8; bit++) crc = crc & 0x8000 ? (crc << 1) ^ 0x1021 : crc << 1;
  return crc;
});

/**
 * The slot a key belongs to: CRC16 of the key, or of what stands between the first `{` and the next `}` if that is not
 * empty, modulo 16,384.
 * Source: Redis Cluster specification, "Key distribution model", "Hash tags" and appendix A,
 * https://redis.io/docs/latest/operate/oss_and_stack/reference/cluster-spec/
 */
export function hashSlot(key: string): number {
  const part = hashTag(key);
  let crc = 0;
  for (let i = 0; i < part.length; i++) {
    const code = part.charCodeAt(i);
    if (code > 127) return slotOfBytes(Buffer.from(part));
    crc = ((crc << 8) ^ CRC16[(crc >> 8) ^ code]!) & 0xffff;
  }
  return crc % HASH_SLOTS;
}

function slotOfBytes(bytes: Buffer): number {
  let crc = 0;
  for (const byte of bytes) crc = ((crc << 8) ^ CRC16[(crc >> 8) ^ byte]!) & 0xffff;
  return crc % HASH_SLOTS;
}

function hashTag(key: string): string {
  const open = key.indexOf('{');
  if (open === -1) return key;
  const close = key.indexOf('}', open + 1);
  return close > open + 1 ? key.slice(open + 1, close) : key;
}
