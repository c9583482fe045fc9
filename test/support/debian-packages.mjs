import { execFile } from 'node:child_process';
import { mkdirSync, mkdtempSync, readdirSync, renameSync, rmSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { promisify } from 'node:util';

// Plain JavaScript, for what jest's global set-up imports is resolved by Node alone, which finds no `x.ts` for `./x.js`.

const run = promisify(execFile);

/** Longest a single call of a package tool may take. */
const TIMEOUT = 120_000;

/** All but the compiler that PostgreSQL would load for its JIT: 100 MB. */
const LIBRARIES = /^(?:lib(?!llvm)|zlib)/;

/** @param {import('./debian-packages.mjs').Wanted} wanted */
export async function unpackDebianPackages(wanted) {
  mkdirSync(dirname(wanted.target), { recursive: true });
  const work = mkdtempSync(`${wanted.target}-`);
  try {
    const options = aptOptions(work);
    // An update can fail in part, one unreachable source among many: only the download decides.
    const update = await run('apt-get', [...options, 'update'], { timeout: TIMEOUT }).catch((error) => error);
    const names = await packagesToFetch(wanted, options);
    const debs = join(work, 'debs');
    mkdirSync(debs);
    await run('apt-get', [...options, 'download', ...names], { cwd: debs, timeout: TIMEOUT }).catch(
      (error) => {
        throw new Error(`apt-get could not download ${names.join(', ')}: ${error.message}\n${update.stderr}`);
      },
    );
    const root = join(work, 'root');
    for (const deb of readdirSync(debs)) {
      await run('dpkg', ['-x', join(debs, deb), root], { timeout: TIMEOUT });
    }
    publish(root, wanted);
  } finally {
    rmSync(work, { recursive: true, force: true });
  }
}

/**
 * Options that keep everything apt writes inside `work`, and keep it from changing to a user who cannot write there.
 *
 * @param {string} work
 */
function aptOptions(work) {
  const state = join(work, 'state');
  const cache = join(work, 'cache');
  mkdirSync(join(state, 'lists', 'partial'), { recursive: true });
  mkdirSync(join(cache, 'archives', 'partial'), { recursive: true });
  const settings = [
    `Dir::State=${state}`,
    'Dir::State::status=/var/lib/dpkg/status',
    `Dir::Cache=${cache}`,
    'Debug::NoLocking=1',
    'APT::Sandbox::User=',
    'Acquire::Retries=2',
  ];
  return ['-q', ...settings.flatMap((setting) => ['-o', setting])];
}

/**
 * @param {import('./debian-packages.mjs').Wanted} wanted
 * @param {string[]} options
 */
async function packagesToFetch({ name, parts }, options) {
  const dependencies = await dependenciesOf(name, options);
  const names = new Set([name]);
  for (const each of names) {
    for (const dependency of dependencies.get(each) ?? []) {
      const isMissing = LIBRARIES.test(dependency) && !(await isInstalled(dependency));
      if (isMissing || parts.test(dependency)) names.add(dependency);
    }
  }
  return [...names];
}

/**
 * What a package depends on, directly or not: the names each of these packages gives.
 *
 * @param {string} name
 * @param {string[]} options
 */
async function dependenciesOf(name, options) {
  const query = ['depends', '--recurse', '--important', name];
  const { stdout } = await run('apt-cache', [...options.slice(1), ...query]);
  // A package's name stands at the beginning of a line; what it depends on follows, indented.
  const paragraphs = stdout.split(/\n(?=\S)/).map((paragraph) => paragraph.split('\n'));
  return new Map(
    paragraphs.map(([head = '', ...lines]) => [
      head.trim(),
      lines.flatMap((line) => /Depends: ([a-z0-9][a-z0-9.+-]*)$/.exec(line)?.[1] ?? []),
    ]),
  );
}

/** @param {string} name */
async function isInstalled(name) {
  const query = run('dpkg-query', ['--show', '--showformat=${db:Status-Status}', name]);
  return query.then(
    ({ stdout }) => stdout === 'installed',
    () => false,
  );
}

/**
 * One rename, so that nobody ever sees half a folder. One that is there already stays, unless it is broken.
 *
 * @param {string} root
 * @param {import('./debian-packages.mjs').Wanted} wanted
 */
function publish(root, { target, isUsable }) {
  try {
    renameSync(root, target);
  } catch (error) {
    const { code } = /** @type {NodeJS.ErrnoException} */ (error);
    if (code !== 'ENOTEMPTY' && code !== 'EEXIST') throw error;
    if (isUsable()) return;
    rmSync(target, { recursive: true, force: true });
    renameSync(root, target);
  }
}
