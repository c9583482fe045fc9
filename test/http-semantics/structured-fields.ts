/** A parser of `Cache-Status` and `Cache-Groups` after RFC 9651 4.2, of no more than these need. */

export type Bare = string | number | boolean | { readonly token: string };
export interface Item {
  readonly value: Bare;
  readonly parameters: ReadonlyMap<string, Bare>;
}

const TOKEN = /[A-Za-z*][!#$%&'*+\-.^_`|~0-9A-Za-z:/]*/y;
const STRING = /"((?:[\x20\x21\x23-\x5b\x5d-\x7e]|\\["\\])*)"/y;
const INTEGER = /-?\d{1,15}/y;
const KEY = /; *([a-z*][a-z0-9_\-.*]*)/y;
const COMMA = /[ \t]*,[ \t]*/y;

/** @throws Error when the text is no list of items */
export function parseStructuredList(text: string): Item[] {
  const items: Item[] = [];
  let at = 0;
  const take = (pattern: RegExp): RegExpExecArray | null => {
    pattern.lastIndex = at;
    const found = pattern.exec(text);
    if (found) at = pattern.lastIndex;
    return found;
  };
  const bare = (): Bare => {
    const string = take(STRING);
    if (string) return string[1]!.replaceAll(/\\(.)/g, '$1');
    const integer = take(INTEGER);
    if (integer) return Number(integer[0]);
    const token = take(TOKEN);
    if (token) return { token: token[0] };
    throw new Error(`no item at ${at} of ${text}`);
  };
  do {
    const value = bare();
    const parameters = new Map<string, Bare>();
    for (let key = take(KEY); key; key = take(KEY)) {
      parameters.set(key[1]!, take(/=/y) ? bare() : true);
    }
    items.push({ value, parameters });
  } while (take(COMMA));
  if (at !== text.length) throw new Error(`not at the end: ${at} of ${text}`);
  return items;
}
