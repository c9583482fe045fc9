import { fileURLToPath } from 'node:url';
import { describe, expect, it } from '@jest/globals';
import { LIBRARY_RULES } from './support/library-rules.js';
import { layerViolations, type LayerRules } from './support/layers.js';
import { packagesLoadedBy, readTree } from './support/module-graph.js';

describe('the library', () => {
  const tree = readTree(fileURLToPath(new URL('../lib', import.meta.url)), '.ts');

  it('keeps to its layers', () => {
    expect(tree.size).toBeGreaterThan(20);
    expect(layerViolations(tree, LIBRARY_RULES)).toEqual([]);
  });
});

describe('the check itself', () => {
  const rules: LayerRules = {
    layers: ['index.ts', 'top/', 'middle/', 'bottom/'],
    packages: {
      framework: ['top/'],

      '@scope/': ['top/glue.ts'],
      driver: ['bottom/driver/'],
    },
    maxLines: 3,
  };
  const check = (files: Record<string, string>): string[] =>
    layerViolations(new Map(Object.entries(files)), rules);
  const bottom = { 'bottom/b.ts': 'export const b = 1;' };
  const top = { 'top/t.ts': 'export const t = 1;' };

  it.each([
    ['downwards', { ...bottom, 'top/t.ts': `import { b } from '../bottom/b.js';` }],
    ['within a folder', { ...bottom, 'bottom/c.ts': `export * from './b.js';` }],
    ['a package in its place', { 'top/t.ts': `import 'framework/sub'; import 'node:fs';` }],
    ['a package in its subfolder', { 'bottom/driver/d.ts': `import type { D } from 'driver';` }],
    ['a scope in its file', { 'top/glue.ts': `export { x } from '@scope/any/deep.js';` }],
  ])('allows imports: %s', (_, files) => {
    expect(check(files)).toEqual([]);
  });

  it.each([
    ['import', `import { t } from '../top/t.js';`],
    ['type import', `import type { T } from '../top/t.js';`],
    ['inline type import', `export type X = import('../top/t.js').T;`],
    ['re-export', `export { t } from '../top/t.js';`],
    ['star re-export', `export * from '../top/t.js';`],
    ['dynamic import', `export const load = () => import('../top/t.js');`],
    ['require', `const t = require('../top/t.js');`],
  ])('refuses to look upwards by %s', (_, text) => {
    expect(check({ ...top, 'bottom/b.ts': text })).toEqual([
      'bottom/b.ts imports top/t.ts, which is above it',
    ]);
  });

  it.each([
    ['framework', 'bottom/b.ts', 'bottom/b.ts imports framework, which only top/ may'],
    ['@scope/core/sub', 'top/t.ts', 'top/t.ts imports @scope/core, which only top/glue.ts may'],
    ['driver', 'bottom/b.ts', 'bottom/b.ts imports driver, which only bottom/driver/ may'],
    ['left-pad', 'top/t.ts', 'top/t.ts imports left-pad, which no layer may'],
    ['./gone.js', 'top/t.ts', 'top/t.ts imports ./gone.js, which does not exist'],
  ])('refuses %s in %s', (specifier, path, message) => {
    expect(check({ [path]: `import '${specifier}';` })).toEqual([message]);
  });

  it('knows a layer inside the folder of another', () => {
    const nested = { ...rules, layers: ['top/', 'bottom/', 'top/base/'] };
    const tree = (text: string): Map<string, string> =>
      new Map([
        ['top/t.ts', `import './base/b.js';`],
        ['bottom/b.ts', `import '../top/base/b.js';`],
        ['top/base/b.ts', text],
      ]);
    expect(layerViolations(tree(''), nested)).toEqual([]);
    expect(layerViolations(tree(`import '../t.js';`), nested)).toEqual([
      'top/base/b.ts imports top/t.ts, which is above it',
    ]);
  });

  it('refuses files outside the layers, default exports and long files', () => {
    expect(check({ 'other/o.ts': '' })).toEqual(['other/o.ts belongs to no layer']);
    for (const text of [
      'export default class A {}',
      'const a = 1;\nexport { a as default };',
      'export default 1;',
    ]) {
      expect(check({ 'top/t.ts': text })).toEqual(['top/t.ts has a default export']);
    }
    expect(check({ 'top/t.ts': '//\n//\n//\n' })).toEqual([]);
    expect(check({ 'top/t.ts': '//\n//\n//\n//\n' })).toEqual(['top/t.ts has 4 lines, more than 3']);
  });

  it('does not take comments and strings for imports', () => {
    expect(
      check({ 'top/t.ts': `// import 'left-pad';\nexport const s = "import 'left-pad'; export default 1";` }),
    ).toEqual([]);
  });

  it('follows what a file loads through other files, round in circles too', () => {
    const tree = new Map([
      ['a.js', `import './b.js'; import('lazy');`],
      ['b.js', `export * from './c/d.js';`],
      ['c/d.js', `import '../a.js'; import '@scope/core/sub'; import 'node:fs';`],
    ]);
    expect(packagesLoadedBy(tree, 'a.js')).toEqual(new Set(['@scope/core', 'node:fs']));
    expect(() => packagesLoadedBy(new Map([['a.js', `import './gone.js'`]]), 'a.js')).toThrow('./gone.js');
  });
});
