import { isToken, splitList, splitMembers, trimSpace } from './fields.js';

/** The largest number of seconds told apart from larger ones (RFC 9111 1.2.2): 2³¹. */
export const MAX_DELTA_SECONDS = 2_147_483_648;

/** The directives of a `Cache-Control` field, or of one like it. Names are asked for in lower case. */
export interface CacheControl {
  /** Whether the directive is there, with or without an argument. */
  has(name: string): boolean;
  /** The first argument of the directive, without its quotation marks; `undefined`: none. */
  text(name: string): string | undefined;
  /**
   * The argument in seconds, at most 2³¹; `undefined` if the directive is absent. What is no number counts as 0, and of several
   * the smallest counts: invalid or contradictory freshness is none (RFC 9111 4.2.1).
   */
  seconds(name: string): number | undefined;
  /** Whether the directive is there without field names, and so concerns the whole response. */
  isUnqualified(name: string): boolean;
  /** The field names, in lower case, of `no-cache="a, b"` or `private="a"`. */
  fieldNames(name: string): readonly string[];
}

/** Never throws: what cannot be read is read in the way that caches less. */
export function parseCacheControl(value: string | undefined): CacheControl {
  const directives = new Map<string, (string | undefined)[]>();
  for (const member of splitList(value)) {
    const equals = member.indexOf('=');
    const name = trimSpace(equals === -1 ? member : member.slice(0, equals)).toLowerCase();
    const argument = equals === -1 ? undefined : argumentOf(member, equals);
    const known = directives.get(name);
    if (known === undefined) directives.set(name, [argument]);
    else known.push(argument);
  }
  return cacheControl(directives);
}

/** @param directives by their names in lower case: the arguments, `undefined` for each time that there was none */
export function cacheControl(directives: ReadonlyMap<string, readonly (string | undefined)[]>): CacheControl {
  return new Directives(directives);
}

/** White space around `=` makes an argument that is neither token nor quoted string: it is kept, and is no number then. */
function argumentOf(member: string, equals: number): string {
  const raw = member.slice(equals + 1);
  if (member.charAt(equals - 1) === ' ' || member.charAt(equals - 1) === '\t') return ` ${raw}`;
  const isQuoted = raw.length >= 2 && raw.startsWith('"') && raw.endsWith('"');
  return isQuoted ? raw.slice(1, -1).replaceAll(/\\([\s\S])/g, '$1') : raw;
}

class Directives implements CacheControl {
  readonly #directives: ReadonlyMap<string, readonly (string | undefined)[]>;

  constructor(directives: ReadonlyMap<string, readonly (string | undefined)[]>) {
    this.#directives = directives;
  }

  has(name: string): boolean {
    return this.#directives.has(name);
  }

  text(name: string): string | undefined {
    return this.#directives.get(name)?.find((argument) => argument !== undefined);
  }

  seconds(name: string): number | undefined {
    const found = this.#directives.get(name);
    return found && Math.min(...found.map(toSeconds));
  }

  isUnqualified(name: string): boolean {
    return this.#directives.get(name)?.some((argument) => namesIn(argument) === undefined) ?? false;
  }

  fieldNames(name: string): readonly string[] {
    return (this.#directives.get(name) ?? []).flatMap((argument) => namesIn(argument) ?? []);
  }
}

function toSeconds(argument: string | undefined): number {
  return argument !== undefined && /^\d+$/.test(argument) ? Math.min(Number(argument), MAX_DELTA_SECONDS) : 0;
}

/** `undefined` for what is no list of field names: the directive then stands for all of them. */
function namesIn(argument: string | undefined): string[] | undefined {
  if (argument === undefined) return undefined;
  const names = splitMembers(argument).filter((name) => name !== '');
  return names.length > 0 && names.every(isToken) ? names.map((name) => name.toLowerCase()) : undefined;
}
