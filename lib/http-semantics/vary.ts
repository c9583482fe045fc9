import { type FieldReader, isToken, splitList, splitMembers } from './fields.js';

/**
 * The request fields by which a response was selected: in lower case, each once, sorted. `'*'`: by more than the request says,
 * or by what cannot be read; such a response answers no other request.
 */
export function parseVary(value: string | undefined): readonly string[] | '*' {
  const names = new Set(splitList(value).map((name) => name.toLowerCase()));
  for (const name of names) {
    if (name === '*' || !isToken(name)) return '*';
  }
  return [...names].toSorted();
}

/**
 * The value by which a request is compared with others (RFC 9111 4.1): white space around commas does not count.
 * @returns `undefined` if the field is absent, which is something else than empty
 */
export function selectingValue(request: FieldReader, name: string): string | undefined {
  const value = request(name);
  return value === undefined ? undefined : splitMembers(value).join(',');
}
