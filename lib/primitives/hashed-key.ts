import { hash } from 'node:crypto';

/** 192 bits of SHA-256 in base64url: whoever chooses what goes in has all the time in the world to look for a collision. */
const LENGTH = 32;

/**
 * One key of several parts, which may be anybody's input. Each part goes in with its length before it: no parts but the same
 * ones, in the same order, give the same key.
 */
export function hashedKey(parts: readonly string[]): string {
  return hashedText(joinedParts(parts));
}

/** The parts as one text, which no other parts give. */
export function joinedParts(parts: readonly string[]): string {
  let text = '';
  for (const part of parts) text += `${part.length}:${part}`;
  return text;
}

/** The key of what {@link joinedParts} gives. */
export function hashedText(text: string): string {
  // Halves of surrogate pairs would all become the same bytes. A digit begins one form, a quotation mark the other.
  return hash('sha256', text.isWellFormed() ? text : JSON.stringify(text), 'base64url').slice(0, LENGTH);
}
