import { readFileSync, readdirSync } from 'node:fs';
import { join, posix, relative, sep } from 'node:path';
import ts from 'typescript';

/** Source files by their path below the root, with `/` between folders. */
export type SourceTree = ReadonlyMap<string, string>;

export interface ModuleImport {
  readonly specifier: string;
  /** `static` ones are loaded with the file, `dynamic` ones (`import()`, `require()`) when the code gets there. */
  readonly kind: 'static' | 'dynamic';
}

/** Reads all files below `root` whose name ends with `extension`. */
export function readTree(root: string, extension: string): SourceTree {
  const entries = readdirSync(root, { recursive: true, withFileTypes: true });
  const files = entries.filter((entry) => entry.isFile() && entry.name.endsWith(extension));
  return new Map(
    files.map((entry) => {
      const path = join(entry.parentPath, entry.name);
      return [relative(root, path).split(sep).join('/'), readFileSync(path, 'utf8')] as const;
    }),
  );
}

/** Everything a file imports or re-exports, types included. */
export function importsOf(path: string, text: string): ModuleImport[] {
  const found: ModuleImport[] = [];
  const add = (node: ts.Node | undefined, kind: ModuleImport['kind']): void => {
    if (node && ts.isStringLiteralLike(node)) found.push({ specifier: node.text, kind });
  };
  const visit = (node: ts.Node): void => {
    if (ts.isImportDeclaration(node) || ts.isExportDeclaration(node)) add(node.moduleSpecifier, 'static');
    else if (ts.isImportTypeNode(node) && ts.isLiteralTypeNode(node.argument))
      add(node.argument.literal, 'static');
    else if (ts.isExternalModuleReference(node)) add(node.expression, 'static');
    else if (ts.isCallExpression(node) && loadsModule(node.expression)) add(node.arguments[0], 'dynamic');
    ts.forEachChild(node, visit);
  };
  visit(parse(path, text));
  return found;
}

export function hasDefaultExport(path: string, text: string): boolean {
  return parse(path, text).statements.some((statement) => {
    if (ts.isExportAssignment(statement)) return true;
    if (
      ts.isExportDeclaration(statement) &&
      statement.exportClause &&
      ts.isNamedExports(statement.exportClause)
    ) {
      return statement.exportClause.elements.some((element) => element.name.text === 'default');
    }
    const modifiers = ts.canHaveModifiers(statement) ? ts.getModifiers(statement) : undefined;
    return modifiers?.some((modifier) => modifier.kind === ts.SyntaxKind.DefaultKeyword) ?? false;
  });
}

/** The file of the tree a relative import leads to; `undefined` if there is none. */
export function resolveWithin(tree: SourceTree, from: string, specifier: string): string | undefined {
  const target = posix.join(posix.dirname(from), specifier);
  return [target, target.replace(/\.js$/, '.ts')].find((path) => tree.has(path));
}

/** The packages that get loaded with a file, through whatever other files of the tree. */
export function packagesLoadedBy(tree: SourceTree, entry: string): Set<string> {
  const packages = new Set<string>();
  const seen = new Set<string>();
  const queue = [entry];
  for (let path = queue.pop(); path !== undefined; path = queue.pop()) {
    if (seen.has(path)) continue;
    seen.add(path);
    for (const { specifier, kind } of importsOf(path, tree.get(path) ?? '')) {
      if (kind === 'dynamic') continue;
      if (!specifier.startsWith('.')) packages.add(packageName(specifier));
      else queue.push(resolveWithin(tree, path, specifier) ?? missing(path, specifier));
    }
  }
  return packages;
}

/** `@nestjs/common` for `@nestjs/common/cache`; built-in modules keep their `node:`. */
export function packageName(specifier: string): string {
  return specifier
    .split('/')
    .slice(0, specifier.startsWith('@') ? 2 : 1)
    .join('/');
}

function loadsModule(callee: ts.Expression): boolean {
  return (
    callee.kind === ts.SyntaxKind.ImportKeyword || (ts.isIdentifier(callee) && callee.text === 'require')
  );
}

function missing(from: string, specifier: string): never {
  throw new Error(`${from} imports ${specifier}, which is not in the tree`);
}

function parse(path: string, text: string): ts.SourceFile {
  return ts.createSourceFile(path, text, ts.ScriptTarget.ES2022);
}
