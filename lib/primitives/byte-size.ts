import { CacheConfigError } from './errors.js';
import { show } from './show.js';

/** A number of bytes, or a string with a unit of 1,024: `'512kb'`, `'64mb'`, `'1.5gb'`. */
export type ByteSize = number | `${number}${'b' | 'kb' | 'mb' | 'gb'}`;

const UNITS: Readonly<Record<string, number>> = { b: 1, kb: 1024, mb: 1024 ** 2, gb: 1024 ** 3 };

/**
 * Reads a size.
 * @param option the path of the option, for the error
 * @returns bytes
 * @throws CacheConfigError when it is not positive or cannot be read
 */
export function parseByteSize(size: unknown, option: string): number {
  const bytes = toBytes(size);
  if (bytes >= 1 && Number.isFinite(bytes)) return Math.floor(bytes);
  throw new CacheConfigError(
    option,
    `${option} is ${show(size)}: expected a positive number of bytes or a string such as '64mb' (b, kb, mb, gb)`,
  );
}

function toBytes(size: unknown): number {
  if (typeof size === 'number') return size;
  if (typeof size !== 'string') return NaN;
  const match = /^(\d+(?:\.\d+)?)(b|kb|mb|gb)$/i.exec(size);
  return match ? Number(match[1]) * UNITS[match[2]!.toLowerCase()]! : NaN;
}
