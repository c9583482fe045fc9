/**
 * Deeper values are refused. Encoding is recursive, native JSON.stringify too: this depth fits the stack of Node with room
 * to spare for whoever calls.
 */
export const MAX_DEPTH = 1_024;

/**
 * Characters of RegExp source in one value. A RegExp is compiled while it is read, which takes up to 0.2 ms for each
 * character (`\p{RGI_Emoji}`): hostile data could keep a process busy with that.
 */
export const MAX_REGEXP_SOURCE = 2_000;
