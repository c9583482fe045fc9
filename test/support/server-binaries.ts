import { execFileSync } from 'node:child_process';
import { accessSync, constants, readdirSync } from 'node:fs';
import { delimiter, join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { unpackDebianPackages } from './debian-packages.mjs';

// jest loads this file as its global set-up too, outside its own module resolution: it can import nothing that is TypeScript.

/** How to run a server on this machine. */
export interface ServerBinary {
  path: string;
  env: NodeJS.ProcessEnv;
}

/** Where a server comes from. */
export interface ServerSource {
  names: readonly string[];
  /** The Debian package to begin with, and which of those it depends on hold the server too. */
  package: string;
  parts: RegExp;
  /** Where what was fetched is kept. */
  folder: string;
  /** Set by the global set-up when no server could be had, so that not every suite waits for the same failure again. */
  failure: string;
  advice: string;
}

const CACHE = fileURLToPath(new URL('../../node_modules/.cache/tiered-cache-test', import.meta.url));

export const REDIS: ServerSource = {
  names: ['redis-server', 'valkey-server'],
  package: 'redis-server',
  parts: /^redis-tools$/,
  folder: join(CACHE, 'redis'),
  failure: 'TIERED_CACHE_TEST_NO_REDIS',
  advice:
    'The tests need redis-server or valkey-server. None is on PATH, and fetching it from Debian packages failed (below). ' +
    'Install one (Debian and Ubuntu: apt-get install redis-server; macOS: brew install redis) and run the tests again.',
};

export const POSTGRES: ServerSource = {
  names: ['postgres'],
  package: 'postgresql',
  parts: /^postgresql-\d+$/,
  folder: join(CACHE, 'postgres'),
  failure: 'TIERED_CACHE_TEST_NO_POSTGRES',
  advice:
    'These tests need PostgreSQL: POSTGRES_URL names none, its server programs are neither on PATH nor in ' +
    '/usr/lib/postgresql, and fetching them from Debian packages failed (below). Install them (Debian and Ubuntu: apt-get ' +
    'install postgresql; macOS: brew install postgresql@17, its bin folder on PATH) and run the tests again, or leave ' +
    'these suites out with SKIP_POSTGRES=1.',
};

/** The server installed on this machine, otherwise the one fetched earlier, otherwise one fetched now. */
export async function findServer(source: ServerSource, folders = machineFolders()): Promise<ServerBinary> {
  const failure = process.env[source.failure];
  if (failure !== undefined) throw new Error(failure);
  const installed = findProgram(source.names, folders);
  if (installed !== undefined) return { path: installed, env: process.env };
  const present = fetchedEarlier(source);
  if (present) return present;
  try {
    const { folder: target, parts } = source;
    const isUsable = () => fetchedEarlier(source) !== undefined;
    await unpackDebianPackages({ name: source.package, parts, target, isUsable });
    return fetchedBinary(source);
  } catch (error) {
    throw new Error(`${source.advice}\n${(error as Error).message}`, { cause: error });
  }
}

/** jest's global set-up: before the workers start, so that they find the servers instead of fetching them side by side. */
export default async function prepareServers(): Promise<void> {
  const { POSTGRES_URL: url = '', SKIP_POSTGRES: skip } = process.env;
  const sources = url === '' && skip !== '1' ? [REDIS, POSTGRES] : [REDIS];
  const prepare = (source: ServerSource) =>
    findServer(source).catch((error: Error) => {
      process.env[source.failure] = error.message;
    });
  await Promise.all(sources.map(prepare));
}

function machineFolders(): string[] {
  const path = (process.env['PATH'] ?? '').split(delimiter).filter((folder) => folder !== '');
  return [...path, ...programFolders('/')];
}

/** Where Debian keeps servers: PostgreSQL's are in a folder of their own for each version, the newest first here. */
function programFolders(root: string): string[] {
  const versions = join(root, 'usr/lib/postgresql');
  const newestFirst = subfolders(versions).toSorted((a, b) => Number(b) - Number(a));
  return [join(root, 'usr/bin'), ...newestFirst.map((version) => join(versions, version, 'bin'))];
}

function findProgram(names: readonly string[], folders: readonly string[]): string | undefined {
  return names.flatMap((name) => folders.map((folder) => join(folder, name))).find(isExecutable);
}

function isExecutable(path: string): boolean {
  try {
    accessSync(path, constants.X_OK);
    return true;
  } catch {
    return false;
  }
}

function subfolders(folder: string): string[] {
  try {
    const entries = readdirSync(folder, { withFileTypes: true });
    return entries.filter((entry) => entry.isDirectory()).map((entry) => entry.name);
  } catch {
    return [];
  }
}

function fetchedEarlier(source: ServerSource): ServerBinary | undefined {
  try {
    return fetchedBinary(source);
  } catch {
    return undefined;
  }
}

/** Throws unless it is there and runs. */
function fetchedBinary({ names, folder }: ServerSource): ServerBinary {
  const path = findProgram(names, programFolders(folder));
  if (path === undefined) throw new Error(`no ${names.join(' or ')} in the packages`);
  const env = { ...process.env, LD_LIBRARY_PATH: libraryPath(folder) };
  execFileSync(path, ['--version'], { env, stdio: 'pipe', timeout: 10_000 });
  return { path, env };
}

/** For the loader: Debian keeps libraries in a folder named after the machine's architecture. */
export function libraryPath(root: string): string {
  const folders = ['usr/lib', 'lib'].map((folder) => join(root, folder));
  return folders
    .flatMap((folder) => [folder, ...subfolders(folder).map((name) => join(folder, name))])
    .join(delimiter);
}
