import type { FieldReader } from '../../lib/http-semantics/fields.js';

/** A reader of fields that are written down as they come: names in lower case. */
export function fields(values: Readonly<Record<string, string | undefined>>): FieldReader {
  return (name) => values[name];
}

export const none = fields({});

/** Noon of a day in 2026, in milliseconds since 1970. */
export const NOON = Date.UTC(2026, 4, 20, 12);
