import { execFile, execFileSync } from 'node:child_process';
import { accessSync, constants, mkdirSync, mkdtempSync, readdirSync, renameSync, rmSync } from 'node:fs';
import { delimiter, dirname, join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { promisify } from 'node:util';

// jest loads this file as its global set-up too, outside its own module resolution: no relative imports here.

/** How to run a Redis server on this machine. */
export interface RedisBinary {
  path: string;
  env: NodeJS.ProcessEnv;
}

const run = promisify(execFile);

/** Longest a single call of a package tool may take. */
const TIMEOUT = 120_000;

const NAMES = ['redis-server', 'valkey-server'];
const PACKAGES = ['redis-server', 'redis-tools'];
const FETCHED = fileURLToPath(new URL('../../node_modules/.cache/tiered-cache-test/redis', import.meta.url));

/** Set by the global set-up when no server could be had, so that not every suite waits for the same failure again. */
const FAILURE = 'TIERED_CACHE_TEST_NO_REDIS';

const ADVICE =
  'The tests need redis-server or valkey-server. None is on PATH, and fetching it from Debian packages failed (below). ' +
  'Install one (Debian and Ubuntu: apt-get install redis-server; macOS: brew install redis) and run the tests again.';

/** The server on PATH, otherwise the one fetched earlier, otherwise one fetched now. */
export async function findRedis(): Promise<RedisBinary> {
  const present = onPath() ?? fetchedEarlier();
  if (present) return present;
  const failure = process.env[FAILURE];
  if (failure !== undefined) throw new Error(failure);
  try {
    await unpackDebianPackages(PACKAGES, FETCHED);
    const fetched = fetchedBinary();
    assertRuns(fetched);
    return fetched;
  } catch (error) {
    throw new Error(`${ADVICE}\n${(error as Error).message}`, { cause: error });
  }
}

/** jest's global set-up: before the workers start, so that they find the server instead of fetching it side by side. */
export default async function prepareRedis(): Promise<void> {
  await findRedis().catch((error: Error) => {
    process.env[FAILURE] = error.message;
  });
}

function onPath(): RedisBinary | undefined {
  const folders = (process.env['PATH'] ?? '').split(delimiter).filter((folder) => folder !== '');
  const candidates = NAMES.flatMap((name) => folders.map((folder) => join(folder, name)));
  const path = candidates.find(isExecutable);
  return path === undefined ? undefined : { path, env: process.env };
}

function fetchedEarlier(): RedisBinary | undefined {
  const binary = fetchedBinary();
  try {
    assertRuns(binary);
    return binary;
  } catch {
    return undefined;
  }
}

function fetchedBinary(): RedisBinary {
  const libraries = ['usr/lib', 'lib'].flatMap((folder) => libraryFolders(join(FETCHED, folder)));
  return {
    path: join(FETCHED, 'usr/bin/redis-server'),
    env: { ...process.env, LD_LIBRARY_PATH: libraries.join(delimiter) },
  };
}

/** A folder and those in it: Debian keeps libraries in one named after the machine's architecture. */
function libraryFolders(folder: string): string[] {
  try {
    const entries = readdirSync(folder, { withFileTypes: true }).filter((entry) => entry.isDirectory());
    return [folder, ...entries.map((entry) => join(folder, entry.name))];
  } catch {
    return [];
  }
}

function assertRuns({ path, env }: RedisBinary): void {
  execFileSync(path, ['--version'], { env, stdio: 'pipe', timeout: 10_000 });
}

function isExecutable(path: string): boolean {
  try {
    accessSync(path, constants.X_OK);
    return true;
  } catch {
    return false;
  }
}

/**
 * Unpacks Debian packages, and those of their direct dependencies that this machine lacks, into `target` without being root
 * and without touching the machine's own package state. The machine's sources decide where they come from. Several
 * processes may do this at once: the first to finish wins, the others take its result.
 */
async function unpackDebianPackages(packages: readonly string[], target: string): Promise<void> {
  mkdirSync(dirname(target), { recursive: true });
  const work = mkdtempSync(`${target}-`);
  try {
    const options = aptOptions(work);
    // An update can fail in part, one unreachable source among many: only the download decides.
    const update = await run('apt-get', [...options, 'update'], { timeout: TIMEOUT }).catch((error) => error);
    const names = await withMissingDependencies(packages, options);
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
    publish(root, target);
  } finally {
    rmSync(work, { recursive: true, force: true });
  }
}

/** Options that keep everything apt writes inside `work`, and keep it from changing to a user who cannot write there. */
function aptOptions(work: string): string[] {
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

async function withMissingDependencies(packages: readonly string[], options: string[]): Promise<string[]> {
  const { stdout } = await run('apt-cache', [...options.slice(1), 'depends', '--important', ...packages]);
  const dependencies = [...stdout.matchAll(/^\s*Depends: ([a-z0-9][a-z0-9.+-]*)$/gm)].map(
    ([, name]) => name ?? '',
  );
  const missing = await Promise.all(
    dependencies.map(async (name) => ((await isInstalled(name)) ? undefined : name)),
  );
  return [...new Set([...packages, ...missing.filter((name) => name !== undefined)])];
}

async function isInstalled(name: string): Promise<boolean> {
  const query = run('dpkg-query', ['--show', '--showformat=${db:Status-Status}', name]);
  return query.then(
    ({ stdout }) => stdout === 'installed',
    () => false,
  );
}

/** One rename, so that nobody ever sees half a folder. One that is there already stays, unless it is broken. */
function publish(root: string, target: string): void {
  try {
    renameSync(root, target);
  } catch (error) {
    const { code } = error as NodeJS.ErrnoException;
    if (code !== 'ENOTEMPTY' && code !== 'EEXIST') throw error;
    if (fetchedEarlier()) return;
    rmSync(target, { recursive: true, force: true });
    renameSync(root, target);
  }
}
