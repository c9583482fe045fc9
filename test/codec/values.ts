import { jsonCodec } from '../../lib/codec/json-codec.js';

export function roundTrip<T>(value: T): T {
  return jsonCodec.decode(jsonCodec.encode(value)) as T;
}

/** An object with one own property, even if it is called `__proto__`. */
export function jsonWithOwn(key: string, value: unknown): Record<string, unknown> {
  return Object.defineProperty({}, key, {
    value,
    enumerable: true,
    writable: true,
    configurable: true,
  });
}

/** `levels` containers around `core`. */
export function nested(levels: number, wrap: (inner: unknown) => unknown, core: unknown): unknown {
  let value = core;
  for (let i = 0; i < levels; i++) value = wrap(value);
  return value;
}
