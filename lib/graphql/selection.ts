import { type FieldNode, type GraphQLResolveInfo, Kind, print, versionInfo, visit } from 'graphql';

/** What a field is asked for, apart from its arguments and its alias. */
interface Selection {
  readonly text: string;
  /** The names of the variables in it. */
  readonly variables: readonly string[];
}

/** Documents are parsed once and executed often. */
const KNOWN = new WeakMap<FieldNode, Selection>();

/**
 * What a resolver can see of the selection below its field: the text of it, of the fragments that it uses, and the values of
 * its variables, which decide what `@include` and `@skip` leave.
 * @returns text that is equal for equal selections, and values to be compared
 */
export function selectionOf(info: GraphQLResolveInfo): readonly [text: string, values: readonly unknown[]] {
  const texts: string[] = [];
  const values: unknown[] = [];
  const variables = variablesOf(info);
  for (const node of info.fieldNodes) {
    let selection = KNOWN.get(node);
    if (selection === undefined) KNOWN.set(node, (selection = read(node, info)));
    texts.push(selection.text);
    for (const name of selection.variables) values.push([name, variables[name]]);
  }
  return [JSON.stringify(texts), values];
}

function read(node: FieldNode, info: GraphQLResolveInfo): Selection {
  const texts = [
    print({
      kind: Kind.FIELD,
      name: node.name,
      directives: node.directives,
      selectionSet: node.selectionSet,
    }),
  ];
  const variables = new Set<string>();
  // Sets are walked in the order in which they grow.
  const fragments = new Set<string>();
  const look = {
    Variable: ({ name }: { name: { value: string } }) => void variables.add(name.value),
    FragmentSpread: ({ name }: { name: { value: string } }) => void fragments.add(name.value),
  };
  for (const directive of node.directives ?? []) visit(directive, look);
  if (node.selectionSet !== undefined) visit(node.selectionSet, look);
  for (const name of fragments) {
    const fragment = info.fragments[name];
    if (fragment === undefined) continue;
    texts.push(print(fragment));
    visit(fragment, look);
  }
  return { text: texts.join('\n'), variables: [...variables] };
}

/** GraphQL 17 keeps them with where they came from. */
function variablesOf({ variableValues }: GraphQLResolveInfo): Readonly<Record<string, unknown>> {
  if (versionInfo.major < 17) return variableValues;
  return (variableValues as { coerced: Readonly<Record<string, unknown>> }).coerced;
}
