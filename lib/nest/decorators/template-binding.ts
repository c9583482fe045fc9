import { didYouMean } from '../../primitives/did-you-mean.js';
import { hasVisibleProperty, visibleProperties } from './class-properties.js';
import type { MethodSite } from './method-site.js';
import type { Parameter } from './parameters.js';

import type { ParsedTemplate, Placeholder } from './template-parser.js';

/** Where a placeholder takes its value from. */
export interface Reference {
  readonly placeholder: Placeholder;
  readonly from: 'parameter' | 'rest' | 'this' | 'result';
  /** Which parameter. */
  readonly index: number;
  readonly path: readonly string[];
}

/**
 * Finds what each name of a template stands for.
 * @param mayUseResult whether the method has returned by the time the template is filled in
 * @throws CacheDecoratorError when a name is neither a parameter nor a property of the class, or is out of reach
 */
export function bindTemplate(template: ParsedTemplate, site: MethodSite, mayUseResult: boolean): Reference[] {
  return template.placeholders.map((placeholder) => bind(placeholder, template, site, mayUseResult));
}

function bind(
  placeholder: Placeholder,
  template: ParsedTemplate,
  site: MethodSite,
  mayUseResult: boolean,
): Reference {
  const { root, path, text } = placeholder;
  const fail = (problem: string) =>
    site.definitionError(`${text} in the template '${template.source}' ${problem}`);
  const parameters = site.parameters ?? [];
  const index = parameters.findIndex(({ kind, names }) => kind !== 'destructured' && names[0] === root);
  if (root === 'result') {
    if (index >= 0)
      throw fail('is ambiguous: the method has a parameter of that name. Rename it, or use a function');
    if (!mayUseResult) throw fail('is not known yet: what the method returns is only there after it ran');
    return { placeholder, from: 'result', index: -1, path };
  }
  if (root === 'this') {
    if (path.length === 0) throw fail('is an object: name one of its properties, such as {this.name}');
    return { placeholder, from: 'this', index: -1, path };
  }
  if (index >= 0) {
    return { placeholder, from: parameters[index]!.kind === 'rest' ? 'rest' : 'parameter', index, path };
  }
  if (hasVisibleProperty(site.prototype, root))
    return { placeholder, from: 'this', index: -1, path: [root, ...path] };
  throw fail(unknownName(root, site));
}

function unknownName(name: string, site: MethodSite): string {
  const { parameters } = site;
  if (parameters === undefined) {
    return 'names nothing: the source of the method is not readable (native or bound code). Use a function instead';
  }
  const inside = parameters.findIndex(({ kind, names }) => kind === 'destructured' && names.includes(name));
  if (inside >= 0) {
    return `is out of reach: ${ordinal(inside)} parameter is destructured. Give the parameter a name and write {name.${name}}, or use a function`;
  }
  const known = parameters.filter(({ kind }) => kind !== 'destructured').map(({ names }) => names[0]!);
  const properties = [...visibleProperties(site.prototype)];
  return (
    `is neither a parameter of the method (${describe(parameters)}) nor a visible property of ${site.className}` +
    (didYouMean(name, [...known, ...properties, 'this', 'result']) ||
      `. For a property of this, write {this.${name}}`) +
    wrapperHint(parameters)
  );
}

function describe(parameters: readonly Parameter[]): string {
  if (parameters.length === 0) return 'it has none';
  return parameters
    .map(({ kind, names }, i) => {
      if (kind === 'destructured') return `${ordinal(i)} is destructured`;
      return kind === 'rest' ? `...${names[0]}` : names[0];
    })
    .join(', ');
}

/** What another library's wrapper looks like from outside. */
function wrapperHint(parameters: readonly Parameter[]): string {
  if (parameters.length > 1 || parameters[0]?.kind === 'plain') return '';
  return (
    '. If another decorator wraps the method, put this one nearest to the method, or use a function; ' +
    'if the build renames parameters, use a function'
  );
}

export function ordinal(index: number): string {
  return `the ${['first', 'second', 'third', 'fourth', 'fifth'][index] ?? `${index + 1}th`}`;
}
