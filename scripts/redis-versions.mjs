// npm run check:redis-versions [-- <suite>/<server> …]
// Runs what depends on Redis against the servers of several Debian releases. They are fetched without being root, from the
// archive that this machine's apt uses, and kept in node_modules/.cache.
import { execFile, spawnSync } from 'node:child_process';
import {
  chmodSync,
  existsSync,
  mkdirSync,
  mkdtempSync,
  readdirSync,
  readFileSync,
  renameSync,
  rmSync,
  writeFileSync,
} from 'node:fs';
import { delimiter, dirname, join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { promisify } from 'node:util';

const run = promisify(execFile);

/** Redis 6.0, 7.0 and 8.0, Valkey 8.1. No Debian release has 6.2, the oldest that is promised: 6.0 has to do. */
const VERSIONS = ['bullseye/redis', 'bookworm/redis', 'trixie/redis', 'trixie/valkey'];
const SUITES = ['test/redis', 'test/stores', 'test/support/redis-', 'test/cache'];

const PACKAGE = fileURLToPath(new URL('..', import.meta.url));
const CACHE = join(PACKAGE, 'node_modules/.cache/tiered-cache-redis-versions');
const KEYRING = '/usr/share/keyrings/debian-archive-keyring.gpg';

/** Longest a single call of a package tool may take. */
const TIMEOUT = 300_000;

const ADVICE =
  'This check fetches Redis and Valkey from the archive of Debian, so it needs Debian, apt-get and dpkg, sources of apt with ' +
  `that archive, a keyring that knows the release (package debian-archive-keyring: ${KEYRING}), and the network. ` +
  'Elsewhere, put the folder of any redis-server in front of PATH and run npm test.';

const asked = process.argv.slice(2);
const unknown = asked.filter((version) => !VERSIONS.includes(version));
if (unknown.length > 0) throw new Error(`not one of ${VERSIONS.join(', ')}: ${unknown.join(', ')}`);

const servers = [];
// All of them first: whoever lacks one is not to learn it after minutes of tests.
for (const version of asked.length > 0 ? asked : VERSIONS) servers.push(await prepared(version));
const table = {};
for (const { name, path } of servers) {
  console.log(`\n${name}`);
  table[name] = test(dirname(path));
}
console.table(table);
process.exitCode = Object.values(table).every(({ failed, passed }) => failed === 0 && passed > 0) ? 0 : 1;

async function prepared(version) {
  const folder = join(CACHE, version.replace('/', '-'));
  try {
    if (!existsSync(folder)) await fetch(version, folder);
    const path = serverOf(version, folder);
    const { stdout } = await run(path, ['--version']);
    const [, product, number] = /^(\w+) server v=(\S+)/.exec(stdout) ?? [];
    return { name: `${product} ${number}`, path };
  } catch (error) {
    throw new Error(`${version} could not be had. ${ADVICE}\n${error.message}`, { cause: error });
  }
}

/** Many tests measure how long something takes. On a machine that is busy with something else, those need a second try. */
function test(bin) {
  const first = jest(bin, SUITES);
  const again = first.suites.length > 0 && first.passed > 0 ? jest(bin, first.suites) : first;
  const second = Math.max(first.failed - again.failed, 0);
  return { passed: first.passed + second, failed: again.failed, 'passed at the second try': second };
}

/** The tests take the first `redis-server` on PATH. */
function jest(bin, suites) {
  const file = join(bin, 'results.json');
  rmSync(file, { force: true });
  const node = ['--experimental-vm-modules', '--disable-warning=ExperimentalWarning'];
  const options = ['--ci', '--runInBand', '--forceExit', '--json', `--outputFile=${file}`];
  spawnSync(process.execPath, [...node, 'node_modules/jest/bin/jest.js', ...options, ...suites], {
    cwd: PACKAGE,
    stdio: 'inherit',
    env: { ...process.env, REDIS_URL: '', PATH: `${bin}${delimiter}${process.env.PATH}` },
  });
  const results = existsSync(file) ? JSON.parse(readFileSync(file, 'utf8')) : undefined;
  const failed = results?.testResults.filter(({ status }) => status === 'failed') ?? [];
  return {
    passed: results?.numPassedTests ?? 0,
    // A suite that cannot even be loaded has no tests to fail.
    failed: results === undefined ? 1 : Math.max(results.numFailedTests, failed.length),
    suites: failed.map(({ name }) => name),
  };
}

/** Unpacks a server and all that it depends on, the C library included, into `folder`. */
async function fetch(version, folder) {
  const [suite, product] = version.split('/');
  mkdirSync(CACHE, { recursive: true });
  const work = mkdtempSync(`${folder}-`);
  try {
    const options = aptOptions(work, suite, await archives());
    // Only one of the archives need have the suite: the download decides.
    const update = await run('apt-get', [...options, 'update'], { timeout: TIMEOUT }).catch((error) => error);
    const install = ['install', '--yes', '--download-only', '--no-install-recommends', `${product}-server`];
    await run('apt-get', [...options, ...install], { timeout: TIMEOUT }).catch((error) => {
      throw new Error(`${error.message}\n${update.stderr}`);
    });
    const root = join(work, 'unpacked/root');
    mkdirSync(root, { recursive: true });
    const debs = join(work, 'cache/archives');
    for (const deb of readdirSync(debs).filter((name) => name.endsWith('.deb'))) {
      await run('dpkg', ['-x', join(debs, deb), root], { timeout: TIMEOUT });
    }
    // One rename, so that nobody ever sees half a folder.
    renameSync(join(work, 'unpacked'), folder);
  } finally {
    rmSync(work, { recursive: true, force: true });
  }
}

/** Where this machine's apt gets packages from. apt takes nothing that is not signed by Debian, wherever it comes from. */
async function archives() {
  const { stdout } = await run('apt-get', ['indextargets', '--format', '$(COMPONENT) $(REPO_URI)']);
  const uris = [...stdout.matchAll(/^main (\S+)$/gm)].map(([, uri]) => uri);
  if (uris.length === 0) throw new Error('no source of apt has a component "main"');
  return [...new Set(uris)];
}

/** Options that show apt one release and a machine without any package, and keep everything it writes inside `work`. */
function aptOptions(work, suite, uris) {
  for (const folder of ['state/lists/partial', 'cache/archives/partial']) {
    mkdirSync(join(work, folder), { recursive: true });
  }
  writeFileSync(join(work, 'status'), '');
  const sources = uris.map((uri) => `deb [signed-by=${KEYRING}] ${uri} ${suite} main\n`);
  writeFileSync(join(work, 'sources.list'), sources.join(''));
  const settings = {
    'Dir::State': join(work, 'state'),
    'Dir::State::status': join(work, 'status'),
    'Dir::Cache': join(work, 'cache'),
    'Dir::Etc::sourcelist': join(work, 'sources.list'),
    'Dir::Etc::sourceparts': '/dev/null',
    'Dir::Etc::preferences': '/dev/null',
    'Dir::Etc::preferencesparts': '/dev/null',
    'Debug::NoLocking': '1',
    'APT::Sandbox::User': '',
    'APT::Default-Release': '',
    'Acquire::Retries': '2',
  };
  return ['-q', ...Object.entries(settings).flatMap(([name, value]) => ['-o', `${name}=${value}`])];
}

/**
 * A `redis-server` that runs with its own release's C library, older or newer than this machine's. It becomes the server:
 * the tests watch and kill the process that they have started.
 */
function serverOf(version, folder) {
  const root = join(folder, 'root');
  const libraries = ['usr/lib', 'lib'].flatMap((name) => subfolders(join(root, name)));
  // Not the one in lib64: that is a link to the machine's own.
  const loader = libraries
    .flatMap((library) => readdirSync(library).map((name) => join(library, name)))
    .find((path) => /\/ld-linux[^/]*\.so\.\d+$/.test(path));
  if (loader === undefined)
    throw new Error(`${version} was unpacked without a dynamic loader: remove ${folder}`);
  const binary = join(root, 'usr/bin', `${version.split('/')[1]}-server`);
  const script = join(folder, 'bin/redis-server');
  mkdirSync(dirname(script), { recursive: true });
  writeFileSync(
    script,
    `#!/bin/sh\nexec '${loader}' --library-path '${libraries.join(delimiter)}' '${binary}' "$@"\n`,
  );
  chmodSync(script, 0o755);
  return script;
}

/** A folder and those in it: Debian keeps libraries in one named after the machine's architecture. */
function subfolders(folder) {
  if (!existsSync(folder)) return [];
  const children = readdirSync(folder, { withFileTypes: true }).filter((entry) => entry.isDirectory());
  return [folder, ...children.map((entry) => join(folder, entry.name))];
}
