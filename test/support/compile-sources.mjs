// Compiles TypeScript of this repository for processes that run without jest: as jest does it, so that both run the same.
import { copyFileSync, mkdirSync, readdirSync, symlinkSync, writeFileSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { fileURLToPath } from 'node:url';

import { transformFile } from '@swc/core';

import { SWC_OPTIONS } from './swc-options.mjs';

const ROOT = fileURLToPath(new URL('../..', import.meta.url));

/**
 * @param {readonly string[]} folders in this repository, with what is below them
 * @param {string} into an empty folder, in which they have the same paths and find the same packages
 */
export async function compileSources(folders, into) {
  writeFileSync(join(into, 'package.json'), '{ "type": "module" }');
  symlinkSync(join(ROOT, 'node_modules'), join(into, 'node_modules'));
  await Promise.all(folders.flatMap(sourcesIn).map((file) => compile(file, into)));
}

function sourcesIn(folder) {
  const files = readdirSync(join(ROOT, folder), { recursive: true, encoding: 'utf8' });
  return files.filter((file) => /(?<!\.d|\.spec)\.ts$|\.mjs$/.test(file)).map((file) => join(folder, file));
}

async function compile(file, into) {
  const target = join(into, file.replace(/\.ts$/, '.js'));
  mkdirSync(dirname(target), { recursive: true });
  if (file.endsWith('.mjs')) return copyFileSync(join(ROOT, file), target);
  const { code } = await transformFile(join(ROOT, file), { swcrc: false, ...SWC_OPTIONS });
  writeFileSync(target, code);
}
