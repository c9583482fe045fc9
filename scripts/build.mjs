// Builds the package twice: ES modules for Node, CommonJS for tools that cannot load them (jest in
// CommonJS mode). Node itself always gets the ES modules, so there is one class identity per process.
// `node scripts/build.mjs [folder]`; the folder is `dist` unless another one is named.
import { execFileSync } from 'node:child_process';
import { rmSync, writeFileSync } from 'node:fs';
import { join, resolve } from 'node:path';
import { fileURLToPath } from 'node:url';

const root = fileURLToPath(new URL('..', import.meta.url));
const tsc = join(root, 'node_modules/typescript/bin/tsc');
const target = resolve(root, process.argv[2] ?? 'dist');
const builds = { esm: 'tsconfig.build.json', cjs: 'tsconfig.cjs.json' };

rmSync(target, { recursive: true, force: true });
for (const [folder, project] of Object.entries(builds)) {
  const args = [tsc, '-p', project, '--outDir', join(target, folder)];
  execFileSync(process.execPath, args, { cwd: root, stdio: 'inherit' });
}
writeFileSync(join(target, 'cjs/package.json'), '{ "type": "commonjs" }\n');
