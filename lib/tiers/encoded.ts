/** Bytes as a string with a character for each of them. */
export function bytesToText(bytes: Uint8Array | string): string {
  return typeof bytes === 'string' ? bytes : asBuffer(bytes).toString('latin1');
}

/** The reverse of {@link bytesToText}; bytes are taken as they are. */
export function textToBytes(encoded: Uint8Array | string): Uint8Array {
  return typeof encoded === 'string' ? Buffer.from(encoded, 'latin1') : encoded;
}

function asBuffer(bytes: Uint8Array): Buffer {
  return Buffer.isBuffer(bytes) ? bytes : Buffer.from(bytes.buffer, bytes.byteOffset, bytes.byteLength);
}
