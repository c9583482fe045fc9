import { CacheTemplateError } from './errors.js';
import type { TemplateReferences } from './template-engine.js';

/** A node of Handlebars' syntax tree, as far as it matters here. */
interface AstNode {
  readonly type?: unknown;
  readonly [property: string]: unknown;
}

interface Found {
  readonly includes: Set<string>;
  readonly optional: Set<string>;
  readonly declares: Set<string>;
  /** Where the first partial stands whose name is an expression. */
  dynamic: string | undefined;
  /** Whether a comment lists what may be included. */
  listed: boolean;
}

const LIST = /^\s*includes:(.*)$/s;

/**
 * What a parsed template includes: partials, partials with a block, and what comments of the form
 * `{{!-- includes: a, b --}}` list.
 * @throws CacheTemplateError for a partial whose name is computed, in a template without such a comment
 */
export function handlebarsReferences(program: object, template: string): TemplateReferences {
  const found: Found = {
    includes: new Set(),
    optional: new Set(),
    declares: new Set(),
    dynamic: undefined,
    listed: false,
  };
  visit(program, found);
  if (found.dynamic !== undefined && !found.listed) {
    throw new CacheTemplateError(
      template,
      `'${template}' includes a template whose name is computed when it is rendered (${found.dynamic}): list those that ` +
        `it may be, by {{!-- includes: one, another --}}`,
    );
  }
  return { includes: [...found.includes], optional: [...found.optional], declares: [...found.declares] };
}

function visit(node: unknown, found: Found): void {
  if (typeof node !== 'object' || node === null) return;
  if (!Array.isArray(node)) note(node as AstNode, found);
  for (const [name, child] of Object.entries(node)) if (name !== 'loc') visit(child, found);
}

function note(node: AstNode, found: Found): void {
  switch (node.type) {
    case 'PartialStatement':
      return notePartial(node, found.includes, found);
    // What stands in its block is rendered where there is no such template.
    case 'PartialBlockStatement':
      return notePartial(node, found.optional, found);
    case 'DecoratorBlock': {
      const [inline] = node['params'] as AstNode[];
      if (inline?.type === 'StringLiteral') found.declares.add(String(inline['value']));
      return;
    }
    case 'CommentStatement': {
      const list = LIST.exec(String(node['value']))?.[1];
      if (list === undefined) return;
      found.listed = true;
      for (const name of list.split(',')) if (name.trim() !== '') found.includes.add(name.trim());
    }
  }
}

function notePartial(node: AstNode, names: Set<string>, found: Found): void {
  const name = node['name'] as AstNode;
  if (name.type === 'SubExpression') found.dynamic ??= place(node);
  else if (name['original'] !== '@partial-block') names.add(String(name['original']));
}

function place(node: AstNode): string {
  const { start } = node['loc'] as { start: { line: number; column: number } };
  return `line ${start.line}, column ${start.column + 1}`;
}
