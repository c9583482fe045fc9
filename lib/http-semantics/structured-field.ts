/** Structured field values (RFC 9651): strings and tokens are written, dictionaries are read. */

/** The value of a member of a dictionary, without its parameters. */
export interface StructuredValue {
  /** `'other'`: whatever else there is, from decimals to inner lists. */
  readonly type: 'boolean' | 'integer' | 'string' | 'token' | 'other';
  /** What a string says, and anything else as it was written; of a key without a value `?1`. */
  readonly text: string;
}

const KEY = String.raw`[a-z*][a-z0-9_\-.*]*`;
const STRING = String.raw`"(?:[\x20\x21\x23-\x5b\x5d-\x7e]|\\["\\])*"`;
const BARE = [
  String.raw`-?\d{1,12}\.\d{1,3}`,
  String.raw`-?\d{1,15}`,
  STRING,
  String.raw`[A-Za-z*][!#$%&'*+\-.^_\x60|~0-9A-Za-z:/]*`,
  ':[A-Za-z0-9+/=]*:',
  String.raw`\?[01]`,
  String.raw`@-?\d{1,15}`,
  // Of a display string, what its bytes decode to is not looked at.
  String.raw`%"(?:[\x20\x21\x23\x24\x26-\x7e]|%[0-9a-f]{2})*"`,
].join('|');
const PARAMETERS = `(?:; *${KEY}(?:=(?:${BARE}))?)*`;
const ITEM = `(?:${BARE})${PARAMETERS}`;
const INNER_LIST = String.raw`\( *(?:${ITEM}(?: +${ITEM})* *)?\)`;
/** One member, with the end or the comma after it. A comma at the end is followed by a member that is none. */
const MEMBER = new RegExp(
  String.raw`(${KEY})(?:=(${BARE}|${INNER_LIST}))?${PARAMETERS}[ \t]*(?:(,)[ \t]*|$)`,
  'y',
);

/**
 * Reads a dictionary. Of several members with one key the last counts.
 * @returns `undefined` if any of it is not as it has to be
 */
export function parseDictionary(value: string): ReadonlyMap<string, StructuredValue> | undefined {
  const members = new Map<string, StructuredValue>();
  const text = value.replace(/^ +/, '');
  let goesOn = text !== '';
  for (MEMBER.lastIndex = 0; goesOn;) {
    const found = MEMBER.exec(text);
    if (found === null) return undefined;
    members.set(found[1]!, structuredValue(found[2] ?? '?1'));
    goesOn = found[3] !== undefined;
  }
  return members;
}

function structuredValue(written: string): StructuredValue {
  if (written.startsWith('"')) {
    return { type: 'string', text: written.slice(1, -1).replaceAll(/\\(.)/g, '$1') };
  }
  if (written.startsWith('?')) return { type: 'boolean', text: written };
  if (/^-?\d+$/.test(written)) return { type: 'integer', text: written };
  return { type: /^[A-Za-z*]/.test(written) ? 'token' : 'other', text: written };
}

/** Whether the text is a token of structured fields, which is not the same as a token of HTTP. */
function isStructuredToken(text: string): boolean {
  return /^[A-Za-z*][!#$%&'*+\-.^_`|~0-9A-Za-z:/]*$/.test(text);
}

/** Whether the text can be a string: printable ASCII. */
export function isStructuredString(text: string): boolean {
  return /^[\x20-\x7e]*$/.test(text);
}

/** @param text printable ASCII */
export function structuredString(text: string): string {
  return `"${text.replaceAll(/["\\]/g, String.raw`\$&`)}"`;
}

/** As a token if it is one, else as a string, in which everything but printable ASCII is percent-encoded as UTF-8. */
export function tokenOrString(text: string): string {
  return isStructuredToken(text) ? text : printableString(text);
}

/** As a string, in which everything but printable ASCII is percent-encoded as UTF-8. */
export function printableString(text: string): string {
  return structuredString(text.toWellFormed().replaceAll(/[^\x20-\x7e]+/g, encodeURIComponent));
}
