import { createHash } from 'node:crypto';

/** Of any text: in UTF-16, where halves of surrogate pairs are told apart. */
export function digestOf(text: string): string {
  return createHash('sha256').update(text, 'utf16le').digest('base64url');
}
