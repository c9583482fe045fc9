import { execFile, execFileSync } from 'node:child_process';
import { cpSync, realpathSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { dirname, join, relative } from 'node:path';
import { promisify } from 'node:util';
import type { ProcessOwner } from './process-guard.js';
import { findServer, libraryPath, POSTGRES } from './server-binaries.js';

/** How to run PostgreSQL on this machine. */
export interface PostgresBinary {
  /** The folder of `initdb` and `postgres`. */
  bin: string;
  /** What they need besides the machine's libraries lies in here: PostgreSQL finds it relative to `bin`. */
  root: string;
  env: NodeJS.ProcessEnv;
}

export async function findPostgres(): Promise<PostgresBinary> {
  const { path, env } = await findServer(POSTGRES);
  // The folder of the program itself, not of a link to it: `initdb` need not be linked.
  const bin = dirname(realpathSync(path));
  const fetched = realpathOf(POSTGRES.folder);
  const isFetched = fetched !== undefined && bin.startsWith(fetched);
  return { bin, root: isFetched ? fetched : dirname(bin), env: settled(env) };
}

/** As root, which PostgreSQL refuses to run as: another user of this machine. Otherwise nobody else. */
export function postgresOwner(): ProcessOwner | undefined {
  if (process.getuid?.() !== 0) return undefined;
  for (const user of ['postgres', 'nobody']) {
    try {
      const [uid, gid] = ['-u', '-g'].map((kind) =>
        Number(execFileSync('id', [kind, user], { stdio: 'pipe' })),
      );
      if (uid && gid) return { uid, gid };
    } catch {
      // No such user.
    }
  }
  throw new Error('PostgreSQL refuses to run as root, and there is no user postgres or nobody to run it as');
}

/** A folder for temporary files that the owner can enter: the usual one may be below a home only root can enter. */
export function reachableFolder(owner: ProcessOwner | undefined): string {
  const folders = [tmpdir(), '/tmp', '/var/tmp'];
  const found = folders.find((folder) => runs(['/bin/sh', '-c', 'cd "$1"', 'sh', folder], owner));
  if (found === undefined) throw new Error(`PostgreSQL's user can enter none of ${folders.join(', ')}`);
  return found;
}

/** The binary itself if the owner can run it, otherwise a copy in `folder`, which the owner has to be able to enter. */
export function withinReach(
  binary: PostgresBinary,
  owner: ProcessOwner | undefined,
  folder: string,
): PostgresBinary {
  if (runs([join(binary.bin, 'postgres'), '--version'], owner, binary.env)) return binary;
  const root = join(folder, 'programs');
  cpSync(binary.root, root, { recursive: true, verbatimSymlinks: true });
  const copied = 'LD_LIBRARY_PATH' in binary.env ? { LD_LIBRARY_PATH: libraryPath(root) } : {};
  return { bin: join(root, relative(binary.root, binary.bin)), root, env: { ...binary.env, ...copied } };
}

/** An empty cluster in `folder`/data, for which anybody on this machine is the superuser `postgres`. */
export async function initCluster(
  { bin, env }: PostgresBinary,
  owner: ProcessOwner | undefined,
  folder: string,
): Promise<void> {
  const settings = ['--no-sync', '--auth=trust', '--username=postgres', '--locale=C', '--encoding=UTF8'];
  const args = [...settings, '-D', join(folder, 'data')];
  await promisify(execFile)(join(bin, 'initdb'), args, { ...owner, env, cwd: folder });
}

function runs([path = '', ...args]: string[], owner?: ProcessOwner, env = process.env): boolean {
  try {
    execFileSync(path, args, { ...owner, env, cwd: '/', stdio: 'pipe', timeout: 10_000 });
    return true;
  } catch {
    return false;
  }
}

/** Without the machine's own settings for PostgreSQL and its clients, and with messages in English. */
function settled(env: NodeJS.ProcessEnv): NodeJS.ProcessEnv {
  const kept = Object.entries(env).filter(([name]) => !/^(?:PG|LC_|LANG)/.test(name));
  return { ...Object.fromEntries(kept), LC_ALL: 'C' };
}

function realpathOf(path: string): string | undefined {
  try {
    return realpathSync(path);
  } catch {
    return undefined;
  }
}
