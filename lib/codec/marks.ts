/**
 * How the default codec writes what JSON cannot say: strings that begin with DEL, which JSON leaves unescaped and which no
 * text begins with. One that does gets a second DEL in front, so no user data can pass for a mark.
 *
 * | mark | stands for |
 * |---|---|
 * | `DEL DEL …` | a string that begins with DEL |
 * | `DEL D 1700000000000`, `DEL D NaN` | Date: milliseconds since 1970 |
 * | `DEL I -ff` | bigint, in hexadecimal: decimal takes quadratic time to read |
 * | `DEL N`, `DEL +`, `DEL -`, `DEL 0` | NaN, Infinity, -Infinity, -0 |
 * | `DEL u`, `DEL _` | undefined, an empty place of an array |
 * | `DEL U href` | URL |
 * | `DEL B Float64Array:16` | the next 16 bytes of the binary tail, see binary.ts |
 * | `[DEL M, key, value, …]` | Map |
 * | `[DEL S, element, …]` | Set |
 * | `[DEL R, source, flags]` | RegExp |
 * | `[DEL E, type, hidden, visible]` | Error, see error-values.ts |
 */
export const DEL = '\x7f';
export const DEL_CODE = 0x7f;

/** The character codes that follow DEL, for reading; for writing use {@link Mark}. */
export const Code = {
  date: 0x44,
  bigint: 0x49,
  nan: 0x4e,
  infinity: 0x2b,
  minusInfinity: 0x2d,
  minusZero: 0x30,
  undefined: 0x75,
  url: 0x55,
  binary: 0x42,
  map: 0x4d,
  set: 0x53,
  regexp: 0x52,
  error: 0x45,
} as const;

export const Mark = {
  date: `${DEL}D`,
  bigint: `${DEL}I`,
  nan: `${DEL}N`,
  infinity: `${DEL}+`,
  minusInfinity: `${DEL}-`,
  minusZero: `${DEL}0`,
  undefined: `${DEL}u`,
  hole: `${DEL}_`,
  url: `${DEL}U`,
  binary: `${DEL}B`,
  map: `${DEL}M`,
  set: `${DEL}S`,
  regexp: `${DEL}R`,
  error: `${DEL}E`,
} as const;

const INVALID_DATE = `${Mark.date}NaN`;
/** 52 bits: what adding up digits in a double holds exactly. */
const EXACT_HEX_DIGITS = 13;

/** Whether JSON writes the value as it is, and no mark can be mistaken for it. */
export function isVerbatim(value: unknown): boolean {
  switch (typeof value) {
    case 'string':
      return value.charCodeAt(0) !== DEL_CODE;
    case 'number':
      return Number.isFinite(value) && (value !== 0 || 1 / value > 0);
    case 'boolean':
      return true;
    default:
      return value === null;
  }
}

/** @param value NaN, an infinity or -0 */
export function markNumber(value: number): string {
  if (value === 0) return Mark.minusZero;
  if (value > 0) return Mark.infinity;
  return value < 0 ? Mark.minusInfinity : Mark.nan;
}

export function markDate(value: Date): string {
  return Mark.date + Date.prototype.getTime.call(value);
}

/** @throws Error when the mark does not hold a number */
export function readDate(mark: string): Date {
  if (mark === INVALID_DATE) return new Date(NaN);
  return new Date(isNegative(mark) ? -readDigits(mark, 3, 10) : readDigits(mark, 2, 10));
}

export function markBigint(value: bigint): string {
  return Mark.bigint + value.toString(16);
}

/** @throws Error when the mark does not hold hexadecimal digits */
export function readBigint(mark: string): bigint {
  const start = isNegative(mark) ? 3 : 2;
  const value =
    mark.length - start <= EXACT_HEX_DIGITS
      ? BigInt(readDigits(mark, start, 16))
      : readLongBigint(mark, start);
  return start === 3 ? -value : value;
}

function readLongBigint(mark: string, start: number): bigint {
  const digits = mark.slice(start);
  if (!/^[0-9a-f]+$/.test(digits)) throw malformed(mark);
  return BigInt(`0x${digits}`);
}

function isNegative(mark: string): boolean {
  return mark.charCodeAt(2) === Code.minusInfinity;
}

/** By hand: to cut the digits out and convert them costs twice as much as the Date that they are for. */
function readDigits(mark: string, start: number, base: 10 | 16): number {
  if (start === mark.length) throw malformed(mark);
  let value = 0;
  for (let i = start; i < mark.length; i++) {
    const code = mark.charCodeAt(i);
    const digit = code >= 0x61 ? code - 0x61 + 10 : code - 0x30;
    if (digit < 0 || digit >= base || (code > 0x39 && code < 0x61)) throw malformed(mark);
    value = value * base + digit;
  }
  return value;
}

/** The error for a mark that the codec never writes. It quotes little of the data, which may be private. */
export function malformed(mark: string): Error {
  return new Error(`Malformed cache data: unknown mark ${JSON.stringify(mark.slice(0, 3))}`);
}
