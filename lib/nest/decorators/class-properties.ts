import 'reflect-metadata';

import { type Token, parseExpressionAt, tokTypes } from 'acorn';

/**
 * Whether the class of `prototype`, or one of its base classes, visibly has the property: it is on the prototype (an
 * accessor; methods do not count), has a type in its decorators' metadata, is a field in the class's source, or is used
 * there as `this.name`.
 */
export function hasVisibleProperty(prototype: object, name: string): boolean {
  const type: unknown = Reflect.getMetadata('design:type', prototype, name);
  if (type !== undefined && type !== Function) return true;
  if (visibleProperties(prototype).has(name)) return true;
  const descriptor = lineage(prototype)
    .map((one) => Object.getOwnPropertyDescriptor(one, name))
    .find((found) => found !== undefined);
  return descriptor !== undefined && typeof descriptor.value !== 'function';
}

/** The properties that the sources of the class and its base classes show. */
export function visibleProperties(prototype: object): Set<string> {
  const names = new Set<string>();
  for (const one of lineage(prototype)) {
    const owner: unknown = Object.getOwnPropertyDescriptor(one, 'constructor')?.value;
    if (typeof owner !== 'function') continue;
    for (const name of propertiesInSource(Function.prototype.toString.call(owner))) names.add(name);
  }
  return names;
}

/** The prototype and those it inherits from, without `Object.prototype`, which has nothing to make a key of. */
function lineage(prototype: object): object[] {
  const line: object[] = [];
  for (let at: object | null = prototype; at !== null && at !== Object.prototype;) {
    line.push(at);
    at = Object.getPrototypeOf(at) as object | null;
  }
  return line;
}

interface MemberKey {
  type: string;
  name?: string;
  value?: unknown;
}

interface ClassNode {
  type: string;
  body?: { body?: { type: string; computed: boolean; static: boolean; key: MemberKey }[] };
}

function propertiesInSource(source: string): Set<string> {
  const tokens: Token[] = [];
  try {
    const node = parseExpressionAt(source, 0, {
      ecmaVersion: 'latest',
      sourceType: 'module',
      checkPrivateFields: false,
      onToken: tokens,
    }) as unknown as ClassNode;
    return new Set([...fieldsOf(node), ...usesOfThis(tokens)]);
  } catch (error) {
    if (!(error instanceof SyntaxError)) throw error;
    // Syntax newer than the parser, or native code: what `this` is read for is still visible.
    return new Set(
      [...source.matchAll(/\bthis\s*\.\s*([\p{ID_Start}$_][\p{ID_Continue}$]*)/gu)].map(([, name]) => name!),
    );
  }
}

function fieldsOf(node: ClassNode): string[] {
  if (node.type !== 'ClassExpression') return [];
  return (node.body?.body ?? [])
    .filter(({ type, computed, key, ...member }) => {
      return type === 'PropertyDefinition' && !computed && !member.static && key.type !== 'PrivateIdentifier';
    })
    .map((member) => String(member.key.name ?? member.key.value));
}

function usesOfThis(tokens: readonly Token[]): string[] {
  const names: string[] = [];
  for (let i = 0; i + 2 < tokens.length; i++) {
    const [self, dot, name] = [tokens[i]!, tokens[i + 1]!, tokens[i + 2]!];
    if (self.type.keyword === 'this' && dot.type === tokTypes.dot && name.type === tokTypes.name) {
      names.push(String((name as Token & { value: unknown }).value));
    }
  }
  return names;
}
