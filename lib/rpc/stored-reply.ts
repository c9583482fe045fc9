/** What is stored of a reply that is not one value. */
interface Emissions {
  readonly emissions: readonly unknown[];
}

/**
 * What is stored of a reply: the value it consists of, as the options of an entry take it to be (`type`, `tags`,
 * `negativeTtl`); otherwise the list of what was emitted. A value that looks like such a list is stored as one.
 */
export function packReply(emissions: readonly unknown[]): unknown {
  return isOneValue(emissions) ? emissions[0] : { emissions };
}

/** Whether a reply is stored as the value it consists of. */
export function isOneValue(emissions: readonly unknown[]): boolean {
  return emissions.length === 1 && emissions[0] !== undefined && !isPacked(emissions[0]);
}

export function unpackReply(stored: unknown): readonly unknown[] {
  return isPacked(stored) ? stored.emissions : [stored];
}

/** What a function of the reply gets: the value, or all that was emitted. */
export function replyValue(stored: unknown): unknown {
  const emissions = unpackReply(stored);
  return emissions.length === 1 ? emissions[0] : emissions;
}

function isPacked(value: unknown): value is Emissions {
  return typeof value === 'object' && value !== null && Object.hasOwn(value, 'emissions');
}
