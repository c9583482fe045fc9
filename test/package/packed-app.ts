import { execFile, spawn } from 'node:child_process';
import { once } from 'node:events';
import { cpSync, existsSync, mkdirSync } from 'node:fs';
import { join } from 'node:path';
import { createInterface } from 'node:readline';
import { fileURLToPath } from 'node:url';
import type { ProcessGuard } from '../support/process-guard.js';

const ROOT = fileURLToPath(new URL('../..', import.meta.url));
const FIXTURES = fileURLToPath(new URL('fixtures', import.meta.url));
const NPM_ARGS = ['--prefer-offline', '--ignore-scripts', '--no-audit', '--no-fund', '--loglevel=error'];

/** Milliseconds that a build or an installation may take at most. */
const TIMEOUT = 180_000;

export interface PackedLibrary {
  /** What went into the tarball, unpacked. */
  readonly folder: string;
  readonly tarball: string;
  /** The tarball's files as npm lists them. */
  readonly files: readonly string[];
}

export interface RunningApp {
  readonly url: string;
  /** SIGTERM; resolves with the exit code or the signal, and with what went to standard error. */
  stop(): Promise<{ end: number | string | null; errors: string }>;
}

/** Builds the library into a folder of its own, `dist` stays as it is, and packs it as for publishing. */
export async function packLibrary(folder: string): Promise<PackedLibrary> {
  mkdirSync(folder);
  for (const name of ['package.json', 'README.md', 'LICENSE', 'CHANGELOG.md']) {
    if (existsSync(join(ROOT, name))) cpSync(join(ROOT, name), join(folder, name));
  }
  await run(ROOT, process.execPath, ['scripts/build.mjs', join(folder, 'dist')]);
  const report = await run(folder, 'npm', ['pack', '--json', ...NPM_ARGS]);
  const [{ filename, files }] = JSON.parse(report) as [{ filename: string; files: { path: string }[] }];
  return { folder, tarball: join(folder, filename), files: files.map(({ path }) => path) };
}

/** Copies a fixture and installs what its lock says, and on top of it the tarball, which may still be in the making. */
export async function installApp(
  fixture: string,
  folder: string,
  library: Promise<PackedLibrary>,
): Promise<string> {
  cpSync(join(FIXTURES, fixture), folder, { recursive: true });
  await run(folder, 'npm', ['ci', ...NPM_ARGS]);
  const { tarball } = await library;
  await run(folder, 'npm', ['install', '--no-save', '--strict-peer-deps', ...NPM_ARGS, tarball]);
  return folder;
}

/** Copies the suites of this repository. What they import from `lib` is what the app has there: the packed library. */
export function copySuites(folder: string): void {
  const suites = join(ROOT, 'test');
  const own = join(suites, 'package');
  cpSync(suites, join(folder, 'suites'), { recursive: true, filter: (path) => path !== own });
}

/** Runs a program to its end and gives its output; fails with all of its output. */
export function run(
  cwd: string,
  command: string,
  args: string[],
  env: NodeJS.ProcessEnv = {},
): Promise<string> {
  return new Promise((resolve, reject) => {
    const options = { cwd, env: { ...cleanEnvironment(), ...env }, timeout: TIMEOUT, maxBuffer: 2 ** 26 };
    execFile(command, args, options, (error, stdout, stderr) => {
      if (!error) resolve(stdout);
      else reject(new Error(`${command} ${args.join(' ')}\n${error.message}\n${stdout}\n${stderr}`));
    });
  });
}

/** Starts a built app, which prints its address first. */
export async function startApp(cwd: string, guard: ProcessGuard): Promise<RunningApp> {
  const child = spawn(process.execPath, ['dist/main.js'], {
    cwd,
    env: cleanEnvironment(),
    stdio: ['ignore', 'pipe', 'pipe'],
  });
  const exited = once(child, 'exit') as Promise<[number | null, string | null]>;
  let errors = '';
  child.stderr.setEncoding('utf8').on('data', (text: string) => (errors += text));
  await once(child, 'spawn');
  const pid = child.pid ?? 0;
  guard.watch(pid);
  child.once('exit', () => guard.forget(pid));
  const lines = createInterface(child.stdout);
  const failed = exited.then(() => Promise.reject(new Error(`the app ended while starting:\n${errors}`)));
  const [url] = (await Promise.race([once(lines, 'line'), failed])) as [string];
  failed.catch(() => undefined);
  return {
    url,
    async stop() {
      child.kill('SIGTERM');
      const [code, signal] = await exited;
      return { end: signal ?? code, errors };
    },
  };
}

/** The environment without what npm and jest put there for this run: a nested npm or jest must not take it for its own. */
function cleanEnvironment(): NodeJS.ProcessEnv {
  const own =
    /^(npm_(lifecycle|package|command|config_local_prefix|execpath)|JEST_|NODE_ENV|NODE_OPTIONS|REDIS_URL)/;
  return Object.fromEntries(Object.entries(process.env).filter(([name]) => !own.test(name)));
}
