import { execFileSync } from 'node:child_process';
import { readFileSync, writeFileSync } from 'node:fs';
import { fileURLToPath } from 'node:url';

const PAGE = fileURLToPath(new URL('../../../docs/coherence-check.md', import.meta.url));
const PRETTIER = fileURLToPath(new URL('../../../node_modules/prettier/bin/prettier.cjs', import.meta.url));
const MARKERS = ['<!-- results -->', '<!-- end of results -->'];

/** Puts the table into its page, in place of the one that is there. */
export function write(text) {
  const page = readFileSync(PAGE, 'utf8');
  const [start, end] = MARKERS.map((marker) => page.indexOf(marker));
  if (start < 0 || end < start) throw new Error(`${PAGE} lacks the markers ${MARKERS.join(' and ')}`);
  writeFileSync(PAGE, `${page.slice(0, start + MARKERS[0].length)}\n\n${text}\n\n${page.slice(end)}`);
  execFileSync(process.execPath, [PRETTIER, '--write', PAGE], { stdio: 'ignore' });
}
