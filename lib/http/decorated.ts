import { CacheDecoratorError } from '../primitives/errors.js';

/** What a decorator stands on. */
export interface Decorated {
  /** A controller, or the function that is one of its handlers. */
  readonly subject: object;
  /** For messages. */
  readonly place: string;
  readonly isClass: boolean;
}

/** @throws CacheDecoratorError when that is neither a class nor a method of its instances */
export function decorated(
  decorator: string,
  target: object,
  key: string | symbol | undefined,
  descriptor: PropertyDescriptor | undefined,
): Decorated {
  if (key === undefined) return { subject: target, place: (target as { name: string }).name, isClass: true };
  const isStatic = typeof target === 'function';
  const place = `${(isStatic ? (target as { name: string }) : target.constructor).name}.${String(key)}`;
  const subject: unknown = descriptor?.value;
  if (typeof subject === 'function' && !isStatic) return { subject, place, isClass: false };
  throw new CacheDecoratorError(
    `@${decorator} on ${place}: this is ${isStatic ? 'static, and no handler' : 'not a method'}`,
  );
}
