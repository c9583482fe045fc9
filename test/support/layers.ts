import {
  hasDefaultExport,
  importsOf,
  packageName,
  resolveWithin,
  type ModuleImport,
  type SourceTree,
} from './module-graph.js';

export interface LayerRules {
  /**
   * Folders (`tiers/`) and single files (`index.ts`), from the top down; each may import from those below it.
   * A folder inside another one may be a layer of its own.
   */
  readonly layers: readonly string[];
  /** The folders and files in which a package may be imported; a name that ends with `/` stands for a whole scope. */
  readonly packages: Readonly<Record<string, readonly string[]>>;
  readonly maxLines: number;
}

/** Every breach of the rules, one line each, in the order of the files. */
export function layerViolations(tree: SourceTree, rules: LayerRules): string[] {
  return [...tree].flatMap(([path, text]) => {
    const layer = layerOf(path, rules);
    if (layer === -1) return [`${path} belongs to no layer`];
    const imports = importsOf(path, text).flatMap((found) =>
      found.specifier.startsWith('.')
        ? checkLayer(tree, path, layer, found, rules)
        : checkPackage(path, found, rules),
    );
    const lines = text.replace(/\n$/, '').split('\n').length;
    return [
      ...imports,
      ...(hasDefaultExport(path, text) ? [`${path} has a default export`] : []),
      ...(lines > rules.maxLines ? [`${path} has ${lines} lines, more than ${rules.maxLines}`] : []),
    ];
  });
}

/** The innermost layer that holds the file, by its place from the top; -1: there is none. */
function layerOf(path: string, { layers }: LayerRules): number {
  const holding = layers.filter((name) => isWithin(path, name));
  const [innermost] = holding.toSorted((one, other) => other.length - one.length);
  return innermost === undefined ? -1 : layers.indexOf(innermost);
}

function checkLayer(
  tree: SourceTree,
  path: string,
  layer: number,
  { specifier }: ModuleImport,
  rules: LayerRules,
): string[] {
  const target = resolveWithin(tree, path, specifier);
  if (target === undefined) return [`${path} imports ${specifier}, which does not exist`];
  return layerOf(target, rules) >= layer ? [] : [`${path} imports ${target}, which is above it`];
}

function checkPackage(path: string, { specifier }: ModuleImport, { packages }: LayerRules): string[] {
  if (specifier.startsWith('node:')) return [];
  const name = packageName(specifier);
  const rule = Object.entries(packages).find(([key]) =>
    key.endsWith('/') ? name.startsWith(key) : name === key,
  );
  if (!rule) return [`${path} imports ${name}, which no layer may`];
  const [, places] = rule;
  return places.some((place) => isWithin(path, place))
    ? []
    : [`${path} imports ${name}, which only ${places.join(', ')} may`];
}

function isWithin(path: string, place: string): boolean {
  return place.endsWith('/') ? path.startsWith(place) : path === place;
}
