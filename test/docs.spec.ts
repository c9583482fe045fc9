import { readFileSync } from 'node:fs';
import { fileURLToPath } from 'node:url';
import { expect, it } from '@jest/globals';
import { readTree } from './support/module-graph.js';

it('the page of errors names every code and its class', () => {
  const page = readFileSync(fileURLToPath(new URL('../docs/errors.md', import.meta.url)), 'utf8');
  const sources = [...readTree(fileURLToPath(new URL('../lib', import.meta.url)), '.ts').values()];
  const declared = sources.flatMap((text) => [
    ...text.matchAll(/class (\w+) extends CacheError \{[^}]*?readonly code = '(\w+)'/g),
  ]);
  const known = declared.map(([, name, code]) => `${code} ${name}`);
  const listed = [...page.matchAll(/^\| `(\w+)` +\| `(\w+)`/gm)].map(([, code, name]) => `${code} ${name}`);
  expect(known.length).toBeGreaterThan(9);
  expect(new Set(listed)).toEqual(new Set(known));
});
