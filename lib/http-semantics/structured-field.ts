/** Serialisation of structured field values (RFC 9651). */

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
