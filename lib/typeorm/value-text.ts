// One text for values that are equal to the database, `undefined` for what it would not take, or what might be equal to others.
import { types } from 'node:util';

/** `5`, `'5'`, `5n` and `'05'` are one number. @param bits how wide the database's numbers are */
export function wholeTextOf(bits: 16 | 32 | 64, unsigned: boolean): (value: unknown) => string | undefined {
  const min = -(2n ** BigInt(bits - 1));
  const max = 2n ** BigInt(unsigned ? bits : bits - 1);
  const [least, most] = [Number(min), Number(max)];
  return (value) => {
    if (typeof value === 'number') {
      return Number.isSafeInteger(value) && value >= least && value < most
        ? String(value === 0 ? 0 : value)
        : undefined;
    }
    const number = wholeOf(value);
    return number !== undefined && number >= min && number < max ? String(number) : undefined;
  };
}

function wholeOf(value: unknown): bigint | undefined {
  if (typeof value === 'bigint') return value;
  if (typeof value !== 'string' || !/^[+-]?\d{1,40}$/.test(value)) return undefined;
  return BigInt(value.startsWith('+') ? value.slice(1) : value);
}

/** As PostgreSQL reads them: with braces, and with hyphens after any four digits. */
export function uuidText(value: unknown): string | undefined {
  if (typeof value !== 'string') return undefined;
  const bare = value.startsWith('{') && value.endsWith('}') ? value.slice(1, -1) : value;
  if (!/^[\da-f]{4}(?:-?[\da-f]{4}){7}$/i.test(bare)) return undefined;
  return bare.replaceAll('-', '').toLowerCase();
}

export function booleanText(value: unknown): string | undefined {
  if (value === true || value === 1) return 'true';
  return value === false || value === 0 ? 'false' : undefined;
}

/** Databases end at a NUL, and make one character of all lone surrogates. */
export function plainText(value: unknown): string | undefined {
  if (typeof value === 'string') return value.isWellFormed() && !value.includes('\0') ? value : undefined;
  if (typeof value === 'bigint') return String(value);
  return Number.isSafeInteger(value) ? String(value) : undefined;
}

/** To PostgreSQL, spaces at the end of a `char` are none. */
export function paddedText(value: unknown): string | undefined {
  const text = plainText(value);
  let end = text?.length ?? 0;
  while (end > 0 && text![end - 1] === ' ') end--;
  return text?.slice(0, end);
}

/** `1.5`, `'1.50'` and `'01.5'` are one number. */
export function decimalText(value: unknown): string | undefined {
  const text = typeof value === 'number' || typeof value === 'bigint' ? String(value) : value;
  const parts = typeof text === 'string' ? /^([+-]?)(\d{1,500})(?:\.(\d{0,500}))?$/.exec(text) : null;
  if (parts === null) return undefined;
  const whole = parts[2]!.replace(/^0+(?=\d)/, '');
  const fraction = (parts[3] ?? '').replace(/0+$/, '');
  const number = fraction === '' ? whole : `${whole}.${fraction}`;
  return parts[1] === '-' && number !== '0' ? `-${number}` : number;
}

export function numberText(value: unknown): string | undefined {
  const number =
    typeof value === 'string' && /^[+-]?\d+(?:\.\d+)?(?:e[+-]?\d+)?$/i.test(value) ? Number(value) : value;
  return Number.isFinite(number) ? String(number === 0 ? 0 : number) : undefined;
}

export function bytesText(value: unknown): string | undefined {
  return types.isUint8Array(value) ? Buffer.from(value).toString('hex') : undefined;
}

/** `2024-02-29`; databases know other spellings, and years before 1 and after 9999. */
export function dateText(value: unknown): string | undefined {
  if (typeof value !== 'string' || !/^(?!0000)\d{4}-\d\d-\d\d$/.test(value)) return undefined;
  const date = new Date(`${value}T00:00:00Z`);
  return !Number.isNaN(date.getTime()) && date.toISOString().startsWith(value) ? value : undefined;
}

/** `10:00`, `10:00:00` and `10:00:00.0` are one time. */
export function timeText(value: unknown): string | undefined {
  const parts =
    typeof value === 'string'
      ? /^([01]\d|2[0-3]):([0-5]\d)(?::([0-5]\d)(?:\.(\d{0,6}?)0{0,6})?)?$/.exec(value)
      : null;
  if (parts === null) return undefined;
  const [, hours, minutes, seconds = '00', fraction = ''] = parts;
  return `${hours!}:${minutes!}:${seconds}${fraction === '' ? '' : `.${fraction}`}`;
}

/** A `Date`; or as text where it says in which time zone, and nothing that a `Date` does not hold. */
export function instantText(type: string): (value: unknown) => string | undefined {
  const zoned = type === 'timestamptz' || type === 'timestamp with time zone';
  const text = /^\d{4}-\d\d-\d\dT\d\d:\d\d(?::\d\d(?:\.\d{1,3})?)?(?:Z|[+-]\d\d:\d\d)$/;
  return (value) => {
    const date = zoned && typeof value === 'string' && text.test(value) ? new Date(value) : value;
    return types.isDate(date) && !Number.isNaN(date.getTime()) ? date.toISOString() : undefined;
  };
}

/** Any value that may be an id, told apart as well as this process can. */
export function looseText(value: unknown): string | undefined {
  if (typeof value === 'string') return value;
  if (typeof value === 'number' || typeof value === 'bigint' || typeof value === 'boolean')
    return String(value);
  if (types.isDate(value)) return Number.isNaN(value.getTime()) ? undefined : value.toISOString();
  return types.isUint8Array(value) ? Buffer.from(value).toString('hex') : undefined;
}
