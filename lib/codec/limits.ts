/** Deeper values are refused: native JSON.stringify is recursive, and must not run out of stack. */
export const MAX_DEPTH = 2_000;

/**
 * Characters of RegExp source in one value. A RegExp compiles while it is read, at up to 0.03 ms for each character, and
 * hostile data could keep a process busy with that.
 */
export const MAX_REGEXP_SOURCE = 10_000;
