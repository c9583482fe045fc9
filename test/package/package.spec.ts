import { readFileSync, readdirSync, realpathSync } from 'node:fs';
import { join, relative, sep } from 'node:path';
import { fileURLToPath } from 'node:url';
import { afterAll, beforeAll, describe, expect, it } from '@jest/globals';
import { FRAMEWORK_FREE } from '../support/library-rules.js';
import { packagesLoadedBy, readTree } from '../support/module-graph.js';
import { ProcessGuard } from '../support/process-guard.js';
import { startRedis } from '../support/redis-server.js';
import {
  copySuites,
  installApp,
  packLibrary,
  run,
  startApp,
  type PackedLibrary,
  type RunningApp,
} from './packed-app.js';

const INSTALL_LIMIT = 300_000;
const RUN_LIMIT = 180_000;

const guard = new ProcessGuard();
const folder = guard.makeFolder();
let library: PackedLibrary;
let nest11: string;
let nest12: string;

beforeAll(async () => {
  const packing = packLibrary(join(folder, 'library'));
  const installing = [
    installApp('nest11-commonjs', join(folder, 'nest11'), packing),
    installApp('nest12-esm', join(folder, 'nest12'), packing),
  ];
  // Nothing may still be writing when the folder is removed.
  await Promise.allSettled([packing, ...installing]);
  library = await packing;
  [nest11 = '', nest12 = ''] = await Promise.all(installing);
}, INSTALL_LIMIT);

afterAll(() => guard.removeFolder(folder));

async function getJson(app: RunningApp, path: string): Promise<unknown> {
  const response = await fetch(`${app.url}/${path}`);
  return response.json();
}

describe('the tarball', () => {
  it('holds both builds with their types, and no sources or tests', () => {
    const others = library.files.filter((path) => !path.startsWith('dist/'));
    const expected = ['CHANGELOG.md', 'LICENSE', 'README.md', 'package.json'];
    expect(others.toSorted()).toEqual(expected);
    for (const build of ['esm', 'cjs']) {
      const scripts = library.files.filter(
        (path) => path.startsWith(`dist/${build}/`) && path.endsWith('.js'),
      );
      expect(scripts).toContain(`dist/${build}/index.js`);
      const types = scripts.map((path) => path.replace(/\.js$/, '.d.ts'));
      expect(library.files).toEqual(expect.arrayContaining(types));
    }
  });

  it('loads no framework, driver or ORM below the Nest layer', () => {
    const tree = readTree(join(library.folder, 'dist/esm'), '.js');
    const files = [...tree.keys()].filter((path) => FRAMEWORK_FREE.some((layer) => path.startsWith(layer)));
    expect(files.length).toBeGreaterThan(10);
    const loaded = new Set(files.flatMap((path) => [...packagesLoadedBy(tree, path)]));
    const packages = [...loaded].filter((name) => !name.startsWith('node:'));
    expect(packages).toEqual(['lru-cache']);
  });

  it('loads optional peers only when they are used', () => {
    const tree = readTree(join(library.folder, 'dist/esm'), '.js');
    const manifest = JSON.parse(readFileSync(join(library.folder, 'package.json'), 'utf8')) as {
      peerDependenciesMeta: Record<string, { optional: boolean }>;
    };
    const optional = Object.keys(manifest.peerDependenciesMeta);
    expect(optional).toEqual(expect.arrayContaining(['ioredis', 'class-transformer']));
    expect([...packagesLoadedBy(tree, 'index.js')].filter((name) => optional.includes(name))).toEqual([]);
  });
});

interface JestReport {
  testResults: { name: string; assertionResults: { fullName: string; status: string }[] }[];
}

/** The tests of each suite by their names, those that did not pass with their status before it. */
function testsBySuite(app: string, { testResults }: JestReport): Map<string, string[]> {
  const nameOf = ({ status, fullName }: { status: string; fullName: string }) =>
    status === 'passed' ? fullName : `${status}: ${fullName}`;
  return new Map(
    testResults.map(({ name, assertionResults }) => [
      relative(realpathSync(app), name).split(sep).join('/'),
      assertionResults.map(nameOf),
    ]),
  );
}

describe('an app on Nest 11, CommonJS', () => {
  it(
    'passes in jest, with Redis and TypeORM, its own tests and the suites of responses as they are on Nest 12',
    async () => {
      copySuites(nest11);
      const redis = await startRedis();
      try {
        const report = await run(nest11, 'npm', ['test', '--', '--json', '--silent'], {
          REDIS_URL: redis.url,
        });
        const tests = testsBySuite(nest11, JSON.parse(report.slice(report.indexOf('{'))) as JestReport);
        const own = [...tests].filter(([path]) => path.startsWith('test/'));
        expect(own.flatMap(([, names]) => names)).toHaveLength(45);
        expect([...tests.keys()].filter((path) => path.startsWith('suites/')).toSorted()).toEqual([
          'suites/compat/interceptor.spec.ts',
          'suites/compat/rpc.spec.ts',
          'suites/graphql/operations.spec.ts',
          'suites/graphql/resolvers.spec.ts',
          'suites/http/invalidation-aborted.spec.ts',
          'suites/http/invalidation-addresses.spec.ts',
          'suites/http/invalidation-caches.spec.ts',
          'suites/http/invalidation-options.spec.ts',
          'suites/http/invalidation-parts.spec.ts',
          'suites/http/invalidation-writing.spec.ts',
          'suites/http/invalidation.spec.ts',
          'suites/http/returns.spec.ts',
          'suites/http/table.spec.ts',
          'suites/http/views.spec.ts',
          'suites/rpc/commands.spec.ts',
        ]);
        expect(
          [...tests.values()].flat().filter((name) => /^(failed|pending|todo|skipped)/.test(name)),
        ).toEqual([]);
        // Nest 11 does not know what else there is on Nest 12: web responses and generators.
        const hits = tests
          .get('suites/http/table.spec.ts')!
          .filter((name) => name.includes('a hit is the miss'));
        expect(hits.map((name) => name.replace(/^.*, on /, ''))).toEqual([
          'express a hit is the miss: status',
          'express a hit is the miss: res',
          'fastify a hit is the miss: status',
          'fastify a hit is the miss: res',
        ]);
      } finally {
        await redis.stop();
      }
    },
    RUN_LIMIT,
  );

  it(
    'works with plain require, and leaves nothing open that would keep the process alive',
    async () => {
      const redis = await startRedis();
      try {
        const report = await run(nest11, process.execPath, ['plain.cjs'], { REDIS_URL: redis.url });
        const price = { id: 1, run: 1 };
        expect(JSON.parse(report)).toEqual({ found: [price, price], stored: price });
      } finally {
        await redis.stop();
      }
    },
    RUN_LIMIT,
  );

  it(
    'builds, runs and ends',
    async () => {
      await run(nest11, 'npm', ['run', 'build']);
      const app = await startApp(nest11, guard);
      for (let i = 0; i < 2; i++) expect(await getJson(app, 'products/1')).toEqual({ label: 'Chair (1)' });
      for (let i = 0; i < 2; i++) expect(await getJson(app, 'prices/1')).toMatchObject({ amount: '1999' });
      expect(await getJson(app, 'stats')).toMatchObject({ cache: { hits: 1 }, prices: { hits: 1 } });
      expect(await app.stop()).toEqual({ end: 'SIGTERM', errors: '' });
    },
    RUN_LIMIT,
  );
});

describe('an app on Nest 12, ES modules, without the optional peers', () => {
  it(
    'builds, runs and ends',
    async () => {
      const installed = readdirSync(join(nest12, 'node_modules'));
      expect(installed).not.toContain('ioredis');
      expect(installed).not.toContain('class-transformer');
      await run(nest12, 'npm', ['run', 'build']);
      const app = await startApp(nest12, guard);
      for (let i = 0; i < 2; i++) {
        expect(await getJson(app, 'greetings/Ada')).toEqual({ text: 'Hello Ada', run: 1 });
      }
      expect(await getJson(app, 'stats')).toMatchObject({ hits: 1, misses: 1, loads: 1 });
      expect(await app.stop()).toEqual({ end: 'SIGTERM', errors: '' });
    },
    RUN_LIMIT,
  );

  it('gives require and import the same classes', async () => {
    const report = JSON.parse(await run(nest12, process.execPath, ['identity.cjs'])) as Record<
      string,
      unknown
    >;
    expect(report).toEqual({
      names: expect.any(Number),
      different: [],
      manager: 'function',
      entities: 'function',
      responses: 'function',
    });
    expect(report['names']).toBeGreaterThan(10);
  });
});

describe('every lock file', () => {
  const root = fileURLToPath(new URL('../..', import.meta.url));

  it.each([
    '.',
    'bench',
    'bench/codecs',
    'test/package/fixtures/nest11-commonjs',
    'test/package/fixtures/nest12-esm',
  ])('names no host and every platform: %s', (path) => {
    const text = readFileSync(join(root, path, 'package-lock.json'), 'utf8');
    expect(text).not.toMatch(/https?:\/\/[^"]*\.tgz/);
    const { packages } = JSON.parse(text) as {
      packages: Record<string, { optionalDependencies?: Record<string, string> }>;
    };
    const names = new Set(
      Object.keys(packages).map((key) => key.slice(key.lastIndexOf('node_modules/') + 13)),
    );
    const optional = Object.values(packages).flatMap((entry) =>
      Object.keys(entry.optionalDependencies ?? {}),
    );
    expect(optional.filter((name) => !names.has(name))).toEqual([]);
  });
});
