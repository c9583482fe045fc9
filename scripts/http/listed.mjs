import { readFileSync } from 'node:fs';

/** The tests in the first column of the page's table. */
export function readListed(page) {
  return new Set([...readFileSync(page, 'utf8').matchAll(/^\| `([^`]+)`/gm)].map(([, id]) => id));
}
