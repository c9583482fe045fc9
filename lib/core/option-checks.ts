import { type CacheCodec, CODEC_ID } from '../codec/codec.js';
import { unknownOption } from '../primitives/did-you-mean.js';
import { CacheConfigError } from '../primitives/errors.js';
import { show } from '../primitives/show.js';

// Each throws CacheConfigError, which names the option and says what is allowed.

/** Read by the module, which is told of a mistake only when the application starts. */
export function checkScope(options: object): void {
  const { isGlobal } = options as { isGlobal?: unknown };
  if (isGlobal !== undefined && typeof isGlobal !== 'boolean')
    throw wrong('isGlobal', isGlobal, 'true or false');
}

export function checkName(name: unknown, option: string): string | undefined {
  if (name === undefined) return undefined;
  // eslint-disable-next-line no-control-regex -- control characters are what it is about
  if (typeof name === 'string' && /^[^\s\u0000-\u001f\u007f]{1,128}$/.test(name) && name.isWellFormed())
    return name;
  throw wrong(option, name, 'a string of 1 to 128 characters without spaces');
}

export function checkCodec(codec: CacheCodec): void {
  const { id, encode, decode } = codec as Partial<CacheCodec>;
  if (typeof encode !== 'function' || typeof decode !== 'function') {
    throw new CacheConfigError('codec', 'codec must have the functions encode and decode');
  }
  if (typeof id !== 'string' || !CODEC_ID.test(id)) {
    throw wrong('codec.id', id, "1 to 16 characters of a-z, 0-9, '-' and '.'");
  }
}

/** @param names the names allowed; any, when left out */
export function checkObject(value: unknown, option: string, names?: readonly string[]): void {
  if (typeof value !== 'object' || value === null || Array.isArray(value))
    throw wrong(option, value, 'an object');
  if (names === undefined) return;
  for (const key of Object.keys(value)) {
    if (names.includes(key)) continue;
    const path = option === 'options' ? key : `${option}.${key}`;
    throw new CacheConfigError(path, unknownOption(key, names, path));
  }
}

/** What was given for `redis` is not repeated: it may be a URL with a password. */
export function wrong(option: string, value: unknown, expected: string): CacheConfigError {
  const shown = option === 'redis' && typeof value === 'string' ? 'a string' : show(value);
  return new CacheConfigError(option, `${option} is ${shown}: expected ${expected}`);
}
