import type { Snapshot } from './feed.js';

/** In what another instance of the namespace was set up differently, in words for whoever operates it. */
export function differences(
  { slots, codec }: Snapshot,
  namespace: string,
  ownSlots: number,
  ownCodec: string,
): string[] {
  const found: string[] = [];
  if (slots.length !== ownSlots) {
    found.push(
      `the namespace '${namespace}' has ${slots.length} slots in Redis, this instance is set to ${ownSlots}: the former ` +
        'counts. Give all instances the same number, then delete the key that ends in ~clock',
    );
  }
  if (codec !== ownCodec) {
    found.push(
      `another instance of the namespace '${namespace}' writes with the codec '${codec}', this one with '${ownCodec}': they ` +
        'cannot read each other, and remove what they cannot read. Give one of them another namespace',
    );
  }
  return found;
}
