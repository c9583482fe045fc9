import { execFileSync } from 'node:child_process';
import { fileURLToPath } from 'node:url';

const here = fileURLToPath(new URL('..', import.meta.url));
let isCompiled = false;

/** A module of the tests' support, which finds, fetches and starts servers. */
export function compiled(name) {
  if (!isCompiled) {
    const args = ['../node_modules/typescript/bin/tsc', '-p', '.'];
    execFileSync(process.execPath, args, { cwd: here, stdio: 'inherit' });
    isCompiled = true;
  }
  return import(`../dist/${name}.js`);
}
