import { CacheArgumentError } from './errors.js';
import { MAX_KEY_LENGTH } from './key.js';

type Token =
  | { readonly kind: 'char'; readonly char: string }
  | { readonly kind: 'any' }
  | { readonly kind: 'star' }
  | { readonly kind: 'class'; readonly negated: boolean; readonly ranges: readonly [string, string][] };

/**
 * A key pattern in the notation of Redis: `*` any characters, `?` one, `[abc]`, `[a-z]`, `[^a]` one of a set, `\x` the
 * character x itself. Matching takes at most (pattern length × key length) steps, whatever the pattern.
 */
export class Glob {
  readonly #tokens: readonly Token[];
  /** The characters that every matching key begins with. */
  readonly head: string;
  /** The characters that every matching key ends in, those of its head aside. */
  readonly #tail: string;
  /** Whether the pattern is its head and one `*`: it then matches every key with that beginning. */
  readonly isPrefix: boolean;

  /** @throws CacheArgumentError when the pattern is empty, too long, or ends inside a set or an escape */
  constructor(readonly source: string) {
    if (
      typeof source !== 'string' ||
      source.length === 0 ||
      source.length > MAX_KEY_LENGTH ||
      !source.isWellFormed()
    ) {
      throw new CacheArgumentError(
        `a pattern must be a well-formed string of 1 to ${MAX_KEY_LENGTH} characters`,
      );
    }
    this.#tokens = parse(source);
    const literal = this.#tokens.findIndex((token) => token.kind !== 'char');
    const head = literal === -1 ? this.#tokens : this.#tokens.slice(0, literal);
    this.head = textOf(head);
    this.#tail = literal === -1 ? '' : textOf(this.#tokens.slice(lastOther(this.#tokens) + 1));
    this.isPrefix = literal !== -1 && this.#tokens.slice(literal).every((token) => token.kind === 'star');
  }

  matches(key: string): boolean {
    // Most keys are no match: that is seen at their ends.
    if (!key.startsWith(this.head) || !key.endsWith(this.#tail)) return false;
    const tokens = this.#tokens;
    let at = 0;
    let token = 0;
    // Where to go back to on a mismatch: the last star, given one more character.
    let star = -1;
    let starAt = 0;
    while (at < key.length) {
      const current = tokens[token];
      if (current?.kind === 'star') {
        star = token++;
        starAt = at;
      } else if (current !== undefined && matchesOne(current, key.charAt(at))) {
        token++;
        at++;
      } else if (star >= 0) {
        token = star + 1;
        at = ++starAt;
      } else {
        return false;
      }
    }
    while (tokens[token]?.kind === 'star') token++;
    return token === tokens.length;
  }
}

/** @param tokens characters only */
function textOf(tokens: readonly Token[]): string {
  return tokens.map((token) => (token as { char: string }).char).join('');
}

/** The place of the last token that is no character. */
function lastOther(tokens: readonly Token[]): number {
  return tokens.findLastIndex((token) => token.kind !== 'char');
}

function matchesOne(token: Token, char: string): boolean {
  switch (token.kind) {
    case 'char':
      return token.char === char;
    case 'any':
      return true;
    case 'class':
      return token.ranges.some(([low, high]) => char >= low && char <= high) !== token.negated;
    case 'star':
      return false;
  }
}

function parse(source: string): Token[] {
  const tokens: Token[] = [];
  for (let at = 0; at < source.length; at++) {
    const char = source.charAt(at);
    if (char === '*') {
      tokens.push({ kind: 'star' });
    } else if (char === '?') {
      tokens.push({ kind: 'any' });
    } else if (char === '[') {
      const end = endOfClass(source, at + 1);
      tokens.push(parseClass(source.slice(at + 1, end)));
      at = end;
    } else if (char === '\\') {
      if (++at === source.length) throw malformed(source, 'ends in a backslash that escapes nothing');
      tokens.push({ kind: 'char', char: source.charAt(at) });
    } else {
      tokens.push({ kind: 'char', char });
    }
  }
  return tokens;
}

function endOfClass(source: string, start: number): number {
  for (let at = start; at < source.length; at++) {
    if (source.charAt(at) === '\\') at++;
    else if (source.charAt(at) === ']') return at;
  }
  throw malformed(source, "has a '[' without its ']'; write '\\[' for the character itself");
}

function parseClass(body: string): Token {
  const negated = body.startsWith('^');
  const chars = [...body.slice(negated ? 1 : 0).matchAll(/\\?([\s\S])/g)].map((match) => match[1]!);
  const ranges: [string, string][] = [];
  for (let at = 0; at < chars.length; at++) {
    if (chars[at + 1] === '-' && at + 2 < chars.length) {
      const [from, to] = [chars[at]!, chars[at + 2]!];
      ranges.push(from <= to ? [from, to] : [to, from]);
      at += 2;
    } else {
      ranges.push([chars[at]!, chars[at]!]);
    }
  }
  return { kind: 'class', negated, ranges };
}

function malformed(source: string, why: string): CacheArgumentError {
  return new CacheArgumentError(`the pattern '${source.slice(0, 80)}' ${why}`);
}
