import type { Cursor } from './cursor.js';
import type { Operand } from './effects.js';

type Form = Operand['form'];

/** Casts that leave a value as it is, with what must be known of the value for that. */
const CASTS: ReadonlyMap<string, (value: unknown) => boolean> = new Map([
  ...['int', 'int2', 'int4', 'int8', 'integer', 'smallint', 'bigint'].map(
    (name) => [name, isInteger] as const,
  ),
  ...['text', 'varchar', 'citext', 'uuid'].map((name) => [name, isString] as const),
  ...['bool', 'boolean'].map((name) => [name, isBoolean] as const),
]);

const WORDS: ReadonlyMap<string, unknown> = new Map<string, unknown>([
  ['true', true],
  ['false', false],
  ['null', null],
]);

/** A parameter or a literal here, through its casts; `undefined`: something else. */
export function readOperand(cursor: Cursor, form: Form): Operand | undefined {
  if (cursor.key === 'cast') return readCast(cursor, form);
  const bare = readBare(cursor, form);
  return bare && readCasts(cursor, bare);
}

function readBare(cursor: Cursor, form: Form): Operand | undefined {
  const negative = cursor.accept('-');
  const { token } = cursor;
  if (token === undefined) return undefined;
  cursor.step();
  if (token.kind === 'number') {
    const value = numberOf(negative ? `-${token.text}` : token.text);
    return value === undefined ? undefined : { place: -1, value, form };
  }
  if (negative) return undefined;
  if (token.kind === 'parameter') return token.place < 0 ? undefined : { place: token.place, form };
  if (token.kind === 'string') return { place: -1, value: token.text, form };
  return WORDS.has(token.key) ? { place: -1, value: WORDS.get(token.key), form } : undefined;
}

function readCasts(cursor: Cursor, operand: Operand): Operand | undefined {
  let result: Operand | undefined = operand;
  while (result !== undefined && cursor.accept('::')) result = readType(cursor, result);
  return result;
}

function readCast(cursor: Cursor, form: Form): Operand | undefined {
  cursor.step();
  if (cursor.key !== '(') return undefined;
  const inside = cursor.within();
  cursor.step();
  const operand = readOperand(inside, form);
  if (operand === undefined || !inside.accept('as')) return undefined;
  const cast = readType(inside, operand);
  return inside.done ? cast && readCasts(cursor, cast) : undefined;
}

/** A second cast must be to the same type: one check is all that an operand has room for. */
function readType(cursor: Cursor, operand: Operand): Operand | undefined {
  const { key } = cursor;
  if (!CASTS.has(key) || (operand.cast !== undefined && operand.cast !== key)) return undefined;
  cursor.step();
  if (operand.form === 'array' && cursor.key === '[') {
    if (!cursor.within().done) return undefined;
    cursor.step();
  }
  return { ...operand, cast: key };
}

/** Numbers that JavaScript cannot hold exactly are bigints, or nothing. */
function numberOf(text: string): number | bigint | undefined {
  if (/^-?\d+$/.test(text)) return Number.isSafeInteger(Number(text)) ? Number(text) : BigInt(text);
  return /^-?\d*\.\d+$/.test(text) && text.length < 16 ? Number(text) : undefined;
}

/**
 * The values that an operand stands for; `undefined`: it cannot be told.
 * @param spreads whether the client writes an array's elements into a list (MySQL)
 */
export function operandValues(
  { place, value, cast, form }: Operand,
  parameters: readonly unknown[] | undefined,
  spreads: boolean,
): readonly unknown[] | undefined {
  const bound = place < 0 ? value : parameters?.[place];
  const isList = Array.isArray(bound) && (form === 'array' || (form === 'listed' && spreads));
  if (form === 'array' && !isList) return undefined;
  const values: readonly unknown[] = isList ? bound : [bound];
  const check = cast === undefined ? undefined : CASTS.get(cast);
  return values.every((one) => isScalar(one) && (one === null || (check?.(one) ?? true)))
    ? values
    : undefined;
}

/** Other objects become JSON, arrays, or even SQL (MySQL's client), by rules of the driver. */
function isScalar(value: unknown): boolean {
  if (typeof value !== 'object') return value !== undefined && typeof value !== 'function';
  return value === null || value instanceof Date || value instanceof Uint8Array;
}

function isInteger(value: unknown): boolean {
  return Number.isInteger(value) || typeof value === 'bigint' || (isString(value) && /^-?\d+$/.test(value));
}

function isString(value: unknown): value is string {
  return typeof value === 'string';
}

function isBoolean(value: unknown): boolean {
  return typeof value === 'boolean';
}
