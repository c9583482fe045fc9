import { type Token, tokenizer, tokTypes } from 'acorn';

/** One parameter of a method, as its source declares it. */
export interface Parameter {
  readonly kind: 'plain' | 'rest' | 'destructured';
  /** The names it binds: one, unless it is destructured. */
  readonly names: readonly string[];
}

/** What the tokens are read with: the next token, and the nesting at which it stands. */
type Next = () => Token;

const OPENING: ReadonlySet<unknown> = new Set([
  tokTypes.parenL,
  tokTypes.bracketL,
  tokTypes.braceL,
  tokTypes.dollarBraceL,
]);
const CLOSING: ReadonlySet<unknown> = new Set([tokTypes.parenR, tokTypes.bracketR, tokTypes.braceR]);

/**
 * Reads a function's parameters from its source: plain ones, with or without default values, destructured ones and rest.
 * Only the parameter list is read, so the body may use syntax that the tokenizer does not know.
 * @returns `undefined` when the source is not JavaScript: a native or a bound function
 */
export function readParameters(method: object): readonly Parameter[] | undefined {
  const source = Function.prototype.toString.call(method);
  if (/\{\s*\[native code\]\s*\}\s*$/.test(source)) return undefined;
  try {
    return parse(source);
  } catch (error) {
    if (error instanceof SyntaxError) return undefined;
    throw error;
  }
}

function parse(source: string): Parameter[] {
  const tokens = tokenizer(source, { ecmaVersion: 'latest', sourceType: 'module' });
  const next: Next = () => {
    const token = tokens.getToken();
    if (token.type === tokTypes.eof) throw new SyntaxError('the source ends within its parameters');
    return token;
  };
  let last = '';
  for (;;) {
    const token = next();
    if (token.type === tokTypes.parenL) return parseList(next);
    // An arrow function with one bare parameter.
    if (token.type === tokTypes.arrow) return [{ kind: 'plain', names: [last] }];
    if (token.type === tokTypes.bracketL) skipBrackets(next);
    last = nameOf(token) ?? '';
  }
}

/** Passes over the expression of a computed method name, which may hold parentheses. */
function skipBrackets(next: Next): void {
  for (let depth = 1; depth > 0;) {
    const { type } = next();
    if (OPENING.has(type)) depth++;
    else if (CLOSING.has(type)) depth--;
  }
}

function parseList(next: Next): Parameter[] {
  const parameters: Parameter[] = [];
  let current: Token[] = [];
  for (let depth = 0; ;) {
    const token = next();
    const ends = depth === 0 && token.type === tokTypes.parenR;
    if (ends || (depth === 0 && token.type === tokTypes.comma)) {
      if (current.length > 0) parameters.push(parameterOf(current));
      if (ends) return parameters;
      current = [];
      continue;
    }
    if (OPENING.has(token.type)) depth++;
    else if (CLOSING.has(token.type)) depth--;
    current.push(token);
  }
}

function parameterOf(tokens: readonly Token[]): Parameter {
  const isRest = tokens[0]!.type === tokTypes.ellipsis;
  const target = isRest ? tokens[1] : tokens[0];
  const name = target && nameOf(target);
  if (name === undefined) return { kind: 'destructured', names: patternNames(tokens) };
  return { kind: isRest ? 'rest' : 'plain', names: [name] };
}

/** The names in a pattern, for messages: every name before what follows it ends the element or gives a default. */
function patternNames(tokens: readonly Token[]): string[] {
  const names: string[] = [];
  let depth = 0;
  let defaultAt = Infinity;
  tokens.forEach((token, i) => {
    if (OPENING.has(token.type)) depth++;
    else if (CLOSING.has(token.type)) depth--;
    if (token.type === tokTypes.eq) defaultAt = Math.min(defaultAt, depth);
    else if (depth < defaultAt || (depth === defaultAt && token.type === tokTypes.comma))
      defaultAt = Infinity;
    const name = nameOf(token);
    if (name !== undefined && defaultAt === Infinity && tokens[i + 1]?.type !== tokTypes.colon)
      names.push(name);
  });
  return names;
}

function nameOf(token: Token): string | undefined {
  return token.type === tokTypes.name ? String((token as Token & { value: unknown }).value) : undefined;
}
