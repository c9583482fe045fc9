/** Reads a header field: the lower-case name to its value, several lines joined by `', '`; `undefined`: there is none. */
export type FieldReader = (name: string) => string | undefined;

/** Header fields as they are stored: one pair for each name, in the spelling in which it was written. */
export type FieldPairs = readonly (readonly [name: string, value: string | readonly string[]])[];

/** Header fields as Node has them (`request.headers`, `response.getHeaders()`): under lower-case names. */
export type NodeHeaders = Readonly<Record<string, string | number | readonly string[] | undefined>>;

/** Who reads what is stored: everybody (a shared cache in the terms of RFC 9111), or one user only (a private one). */
export type CacheScope = 'shared' | 'private';

export function readHeaders(headers: NodeHeaders): FieldReader {
  return (name) => {
    // Names come from `Vary` as well: `constructor` is one.
    const value = Object.hasOwn(headers, name) ? headers[name] : undefined;
    return value === undefined ? undefined : joined(value);
  };
}

export function readPairs(pairs: FieldPairs): FieldReader {
  const fields = new Map<string, string>();
  for (const [name, value] of pairs) {
    const key = name.toLowerCase();
    const before = fields.get(key);
    fields.set(key, before === undefined ? joined(value) : `${before}, ${joined(value)}`);
  }
  return (name) => fields.get(name);
}

function joined(value: string | number | readonly string[]): string {
  return typeof value === 'object' ? value.join(', ') : String(value);
}

/** The members of a list (RFC 9110 5.6.1), without the empty ones. Commas in quoted strings separate nothing. */
export function splitList(value: string | undefined): string[] {
  return value === undefined ? [] : splitMembers(value).filter((member) => member !== '');
}

/**
 * As {@link splitList}, with the empty members. A quotation mark without its partner is a character like any other, and so are
 * those after it: it must not hide what follows.
 */
export function splitMembers(value: string): string[] {
  const members: string[] = [];
  let start = 0;
  let quotesCount = true;
  for (let at = 0; at < value.length; at++) {
    const char = value.charAt(at);
    if (char === ',') {
      members.push(trimSpace(value.slice(start, at)));
      start = at + 1;
    } else if (char === '"' && quotesCount) {
      const end = endOfQuoted(value, at);
      if (end === -1) quotesCount = false;
      else at = end;
    }
  }
  members.push(trimSpace(value.slice(start)));
  return members;
}

/** The place of the mark that ends the quoted string beginning at `start`; -1: it has no end. */
function endOfQuoted(value: string, start: number): number {
  for (let at = start + 1; at < value.length; at++) {
    const char = value.charAt(at);
    if (char === '\\') at++;
    else if (char === '"') return at;
  }
  return -1;
}

/** Without the spaces and tabs around it (OWS of RFC 9110 5.6.3); other white space is content. */
export function trimSpace(text: string): string {
  let start = 0;
  let end = text.length;
  while (start < end && isSpace(text.charCodeAt(start))) start++;
  while (end > start && isSpace(text.charCodeAt(end - 1))) end--;
  return text.slice(start, end);
}

function isSpace(code: number): boolean {
  return code === 0x20 || code === 0x09;
}

/** Whether the text is a token (RFC 9110 5.6.2), such as a field name. */
export function isToken(text: string): boolean {
  return /^[!#$%&'*+\-.^_`|~0-9A-Za-z]+$/.test(text);
}
