import { MAX_KEY_PART_LENGTH, separatesValues } from '../../primitives/escape.js';
import { MAX_KEY_LENGTH } from '../../primitives/key.js';
import type { MethodSite } from './method-site.js';
import { bindTemplate, type Reference } from './template-binding.js';
import { type ParsedTemplate, parseTemplate } from './template-parser.js';
import { manyParts, type OfCall, onePart } from './template-values.js';

export interface KeyTemplate {
  /** Gives the key of a call. */
  readonly render: OfCall<string>;
  /** Whether it reads what the method returned: then there is no key when that is `null` or `undefined`. */
  readonly usesResult: boolean;
}

/**
 * Compiles a template that gives one key.
 *
 * Two calls with different values never get the same key: values are escaped, and something that no escaped value
 * contains must stand between two of them.
 * @throws CacheDecoratorError
 */
export function compileKey(source: string, site: MethodSite, mayUseResult: boolean): KeyTemplate {
  const template = parseTemplate(source, site);
  const references = bindTemplate(template, site, mayUseResult);
  for (const { from, path, placeholder } of references) {
    if (from === 'rest' && path.length === 0) {
      throw site.definitionError(
        `${placeholder.text} in the template '${source}' is a rest parameter, an array: name an element ` +
          `({${placeholder.root}.0}), or use a function`,
      );
    }
  }
  checkShape(template, site);
  const parts = references.map((reference) => onePart(reference, source, site));
  return { render: concatenation(template.literals, parts), usesResult: readsResult(references) };
}

/**
 * Compiles a template that may give several keys, patterns or tags: all combinations of the arrays among its values, none
 * if one of them is empty, or if it reads the result and that is `null` or `undefined`.
 * @throws CacheDecoratorError
 */
export function compileKeys(source: string, site: MethodSite, mayUseResult: boolean): OfCall<string[]> {
  const template = parseTemplate(source, site);
  const references = bindTemplate(template, site, mayUseResult);
  checkShape(template, site);
  const parts = references.map((reference) => manyParts(reference, source, site));
  const usesResult = readsResult(references);
  return (self, args, result) => {
    if (usesResult && (result === null || result === undefined)) return [];
    let keys = [template.literals[0]!];
    parts.forEach((part, i) => {
      const values = part(self, args, result);
      const literal = template.literals[i + 1]!;
      keys = keys.flatMap((key) => values.map((value) => key + value + literal));
    });
    return keys;
  };
}

function readsResult(references: readonly Reference[]): boolean {
  return references.some(({ from }) => from === 'result');
}

function checkShape({ source, literals, placeholders }: ParsedTemplate, site: MethodSite): void {
  for (let i = 1; i < placeholders.length; i++) {
    if (separatesValues(literals[i]!)) continue;
    const [left, right] = [placeholders[i - 1]!.text, placeholders[i]!.text];
    throw site.definitionError(
      `${left} and ${right} in the template '${source}' can run into each other, so that two calls with different ` +
        `values would share a key: put ':' between them (or one of , / | or a space)`,
    );
  }
  const longest = literals.join('').length + placeholders.length * MAX_KEY_PART_LENGTH;
  if (longest > MAX_KEY_LENGTH) {
    throw site.definitionError(
      `the template '${source}' could give ${longest} characters, more than the ${MAX_KEY_LENGTH} of a key: ` +
        `use fewer values (each may take ${MAX_KEY_PART_LENGTH}), or a function`,
    );
  }
}

/** Up to two values without a loop or an array: these are nearly all keys, and on the path of every hit. */
function concatenation(literals: readonly string[], parts: readonly OfCall<string>[]): OfCall<string> {
  const [head = '', middle = '', tail = ''] = literals;
  const [first, second] = parts;
  if (first === undefined) return () => head;
  if (second === undefined) return (self, args, result) => head + first(self, args, result) + middle;
  if (parts.length === 2) {
    return (self, args, result) =>
      head + first(self, args, result) + middle + second(self, args, result) + tail;
  }
  return (self, args, result) => {
    let key = head;
    for (let i = 0; i < parts.length; i++) key += parts[i]!(self, args, result) + literals[i + 1]!;
    return key;
  };
}
