import { NotUnderstood, type SqlDialect } from './effects.js';
import type { Token } from './tokens.js';

/** Keywords and symbols. */
export type Keys = ReadonlySet<string>;

const CLOSERS: Readonly<Record<string, string>> = { '(': ')', '[': ']', '{': '}', case: 'end' };
const ENDS: Keys = new Set(Object.values(CLOSERS));

/** A run of tokens at one depth of brackets; CASE … END is a bracket too. */
export class Part {
  private constructor(
    readonly dialect: SqlDialect,
    readonly tokens: readonly Token[],
    /** For each opening bracket the place of the closing one. */
    private readonly closes: ReadonlyMap<number, number>,
    /** Whether there is no doubt about which END belongs to which CASE. */
    readonly certain: boolean,
    readonly from: number,
    readonly to: number,
  ) {}

  /** @throws NotUnderstood when brackets do not match */
  static whole(tokens: readonly Token[], dialect: SqlDialect): Part {
    const closes = new Map<number, number>();
    const open: number[] = [];
    let certain = true;
    for (const [at, { key }] of tokens.entries()) {
      if (CLOSERS[key] !== undefined) open.push(at);
      else if (ENDS.has(key)) {
        const opener = open.at(-1);
        if (opener !== undefined && CLOSERS[tokens[opener]!.key] === key) closes.set(open.pop()!, at);
        else if (key !== 'end') throw new NotUnderstood();
        // Some databases take END for a name.
        else certain = false;
      }
    }
    if (open.length > 0) throw new NotUnderstood();
    return new Part(dialect, tokens, closes, certain, 0, tokens.length);
  }

  slice(from: number, to: number): Part {
    return new Part(this.dialect, this.tokens, this.closes, this.certain, from, to);
  }

  /** What is inside the bracket that opens at `at`. */
  inside(at: number): Part {
    return this.slice(at + 1, this.closes.get(at) ?? at + 1);
  }

  token(at: number): Token | undefined {
    return at >= this.from && at < this.to ? this.tokens[at] : undefined;
  }

  key(at: number): string {
    return this.token(at)?.key ?? '';
  }

  /** The place of what follows at this depth. */
  after(at: number): number {
    return (this.closes.get(at) ?? at) + 1;
  }
}

/** A place in a part. */
export class Cursor {
  constructor(
    readonly part: Part,
    public at = part.from,
  ) {}

  get token(): Token | undefined {
    return this.part.token(this.at);
  }

  get key(): string {
    return this.part.key(this.at);
  }

  get done(): boolean {
    return this.at >= this.part.to;
  }

  /** Goes past what is here, with all that is in it. */
  step(): void {
    this.at = this.part.after(this.at);
  }

  /** The beginning of what is inside the bracket here. */
  within(): Cursor {
    return new Cursor(this.part.inside(this.at));
  }

  accept(...keys: readonly string[]): boolean {
    if (this.done || !keys.includes(this.key)) return false;
    this.step();
    return true;
  }

  expect(...keys: readonly string[]): void {
    if (!this.accept(...keys)) throw new NotUnderstood();
  }

  skip(keys: Keys): void {
    while (!this.done && keys.has(this.key)) this.step();
  }

  /** Goes to the first of these at this depth, here or later, or to the end. */
  seek(keys: Keys): boolean {
    while (!this.done && !keys.has(this.key)) this.step();
    return !this.done;
  }

  /** The names between dots here; goes past them. `undefined`: there is none. */
  path(): string[] | undefined {
    if (!this.#isName(this.at)) return undefined;
    const path = [this.part.token(this.at++)!.text];
    while (this.key === '.' && this.#isName(this.at + 1)) {
      path.push(this.part.token(this.at + 1)!.text);
      this.at += 2;
    }
    return path;
  }

  #isName(at: number): boolean {
    const kind = this.part.token(at)?.kind;
    return kind === 'word' || kind === 'name';
  }
}
