import { NotUnderstood, type SqlDialect } from './effects.js';
import * as lexemes from './lexemes.js';

export interface Token {
  /** `opaque` is a value that is not looked into: a string whose contents depend on settings, a named parameter. */
  readonly kind: 'word' | 'name' | 'string' | 'number' | 'parameter' | 'opaque' | 'symbol';
  /** What keywords and symbols are told by, in lower case; empty for anything that can be neither. */
  readonly key: string;
  /** The name as the database knows it, what a string contains, a number as written. */
  readonly text: string;
  /** A parameter's place among the bound values; otherwise -1. */
  readonly place: number;
}

export interface TokenizedSql {
  readonly tokens: readonly Token[];
  /** Whether there is code that MySQL runs only in some versions. */
  readonly conditional: boolean;
}

/**
 * Settings that change how a text reads (ANSI_QUOTES, NO_BACKSLASH_ESCAPES, standard_conforming_strings) are taken to be
 * at their defaults.
 * @param conditional whether the code in MySQL's executable comments counts
 * @throws NotUnderstood where the text ends inside a string, a name or a comment
 */
export function tokenize(sql: string, dialect: SqlDialect, conditional: boolean): TokenizedSql {
  return new Tokenizer(sql, dialect, conditional).run();
}

/** Postgres folds the letters of ASCII only, and keywords have no others. */
export function lowerCase(text: string): string {
  return text.replaceAll(/[A-Z]+/g, (letters) => letters.toLowerCase());
}

class Tokenizer {
  readonly #tokens: Token[] = [];
  #at = 0;
  #conditional = false;
  #questions = 0;
  #numbered = false;
  /** Whether parameters are written in more than one way, so that their places depend on the driver. */
  #mixed = false;

  constructor(
    private readonly sql: string,
    private readonly dialect: SqlDialect,
    private readonly runsConditional: boolean,
  ) {}

  run(): TokenizedSql {
    while (this.#at < this.sql.length) this.#next();
    const replaced = this.dialect === 'mysql' && this.#hidesQuestions();
    const tokens = this.#mixed || replaced ? this.#tokens.map(withoutValue) : this.#tokens;
    return { tokens, conditional: this.#conditional };
  }

  /** MySQL's clients replace question marks in the text, some of them in strings and comments too. */
  #hidesQuestions(): boolean {
    return this.sql.split('?').length - 1 !== this.#questions;
  }

  #next(): void {
    if (this.#take(lexemes.SPACE) !== undefined) return;
    const char = this.sql.charAt(this.#at);
    if (this.#comment(char) || this.#parameter(char)) return;
    if (char === "'") this.#string(char, this.dialect === 'mysql');
    else if (lexemes.NAME_QUOTES[this.dialect].includes(char)) this.#name(char === '[' ? ']' : char);
    else if (char === '"') this.#add('opaque', this.#quoted(char, true));
    else if (/[\d.]/.test(char)) this.#number(char);
    else this.#word();
  }

  #comment(char: string): boolean {
    const two = this.sql.slice(this.#at, this.#at + 2);
    if (two === '/*') this.#blockComment();
    else if (two === '*/' && this.#conditional && this.runsConditional) this.#at += 2;
    else if ((two === '--' && this.#isLineComment()) || (char === '#' && this.dialect === 'mysql')) {
      this.#take(this.dialect === 'postgres' ? lexemes.LINE_POSTGRES : lexemes.LINE);
    } else return false;
    return true;
  }

  /** `5--1` is a sum in MySQL. */
  #isLineComment(): boolean {
    return this.dialect !== 'mysql' || /^[\s\p{Cc}]?$/u.test(this.sql.charAt(this.#at + 2));
  }

  #blockComment(): void {
    if (this.dialect === 'mysql') {
      const start = this.#at;
      this.#conditional ||= this.#take(lexemes.EXECUTABLE) !== undefined;
      if (this.#at > start && this.runsConditional) return;
      this.#at = start;
    }
    lexemes.COMMENT_EDGE.lastIndex = this.#at;
    for (let depth = 0; ;) {
      const edge = lexemes.COMMENT_EDGE.exec(this.sql);
      if (edge === null) break;
      if (edge[0] === '*/') depth--;
      else if (depth === 0 || this.dialect === 'postgres') depth++;
      if (depth === 0) {
        this.#at = lexemes.COMMENT_EDGE.lastIndex;
        return;
      }
    }
    if (this.dialect !== 'sqlite') throw new NotUnderstood();
    this.#at = this.sql.length;
  }

  #parameter(char: string): boolean {
    if (this.dialect === 'postgres') return char === '$' && this.#dollar();
    if (char === '?') {
      const text = this.#take(lexemes.QUESTION)!;
      const numbered = this.dialect === 'sqlite' && text.length > 1;
      const place = numbered ? Number(text.slice(1)) - 1 : this.#questions;
      this.#numbered ||= numbered;
      this.#questions += numbered ? 0 : text.length;
      this.#mixed ||= (this.#numbered && this.#questions > 0) || (!numbered && text !== '?');
      this.#add('parameter', text, Number.isInteger(place) ? place : -1);
      return true;
    }
    const named = char === '$' && this.dialect === 'mysql' ? undefined : this.#take(lexemes.NAMED_PARAMETER);
    if (named === undefined) return false;
    this.#mixed = this.dialect === 'sqlite' || this.#mixed;
    this.#add('opaque', named);
    return true;
  }

  #dollar(): boolean {
    const numbered = this.#take(lexemes.NUMBERED_PARAMETER);
    if (numbered !== undefined) {
      this.#add('parameter', numbered, Number(numbered.slice(1)) - 1);
      return true;
    }
    const tag = this.#take(lexemes.DOLLAR_QUOTE);
    if (tag === undefined) return false;
    const end = this.sql.indexOf(tag, this.#at);
    if (end === -1) throw new NotUnderstood();
    this.#add('string', this.sql.slice(this.#at, end));
    this.#at = end + tag.length;
    return true;
  }

  #string(quote: string, escapes: boolean): void {
    const text = this.#quoted(quote, escapes);
    // Outside of SQLite a setting decides what a backslash means.
    this.#add(text.includes('\\') && this.dialect !== 'sqlite' ? 'opaque' : 'string', text);
  }

  #name(quote: string): void {
    this.#add('name', this.#quoted(quote, false));
  }

  /** What stands between the quotes; a doubled one stands for itself. */
  #quoted(quote: string, escapes: boolean): string {
    const start = this.#at + 1;
    for (let at = start; at < this.sql.length; at++) {
      const char = this.sql.charAt(at);
      if (escapes && char === '\\') at++;
      else if (char === quote) {
        if (this.sql.charAt(at + 1) !== quote || quote === ']') {
          this.#at = at + 1;
          return this.sql.slice(start, at).replaceAll(quote + quote, quote);
        }
        at++;
      }
    }
    throw new NotUnderstood();
  }

  #number(char: string): void {
    const start = this.#at;
    // `t.5` is a name after a dot, `= .5` is a number.
    const dot = char === '.' && /[\w$"`\]\u0080-\uffff]/.test(this.sql.charAt(start - 1));
    const text = dot ? undefined : this.#take(lexemes.NUMBER);
    if (text === undefined) return this.#word();
    const goesOn = /[\w$\u0080-\uffff]/.test(this.sql.charAt(this.#at));
    if (goesOn && this.dialect === 'mysql' && /^\w+$/.test(text)) {
      this.#at = start;
      return this.#word();
    }
    this.#add('number', text);
  }

  #word(): void {
    const text = this.#take(this.dialect === 'mysql' ? lexemes.WORD_MYSQL : lexemes.WORD);
    if (text === undefined) {
      const symbol = this.#take(lexemes.SYMBOL);
      if (symbol === undefined) throw new NotUnderstood();
      this.#add('symbol', symbol, -1, symbol);
      return;
    }
    const lower = lowerCase(text);
    if (this.dialect === 'postgres') {
      if (lower === 'e' && this.sql.charAt(this.#at) === "'") return this.#string("'", true);
      // Names and strings of escaped Unicode.
      if (lower === 'u' && /^&["']$/.test(this.sql.slice(this.#at, this.#at + 2))) throw new NotUnderstood();
    }
    // Behind a dot even a reserved word is a name.
    const key = this.#tokens.at(-1)?.key === '.' ? '' : lower;
    this.#add('word', this.dialect === 'postgres' ? lower : text, -1, key);
  }

  #add(kind: Token['kind'], text: string, place = -1, key = ''): void {
    this.#tokens.push({ kind, key, text, place });
  }

  #take(pattern: RegExp): string | undefined {
    pattern.lastIndex = this.#at;
    const found = pattern.exec(this.sql)?.[0];
    if (found !== undefined) this.#at += found.length;
    return found;
  }
}

/** A token of a text in which it cannot be told which value is whose. */
function withoutValue(token: Token): Token {
  const isUncertain = token.kind === 'parameter' || (token.kind === 'string' && token.text.includes('?'));
  return isUncertain ? { ...token, kind: 'opaque' } : token;
}
