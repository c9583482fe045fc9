/**
 * Errors as data. Kept are the kind (one of the language's own, from the nearest ancestor; other classes are not named in
 * stored data), message, name, stack, cause, `errors` of an AggregateError, and every own enumerable property such as
 * `code`. The stack is kept because the one made while decoding would point into the codec.
 */
const KINDS = new Map<string, (message?: string) => Error>(
  [Error, EvalError, RangeError, ReferenceError, SyntaxError, TypeError, URIError].map(
    (Kind) => [Kind.name, (message) => new Kind(message)] as const,
  ),
);
KINDS.set('AggregateError', (message) => new AggregateError([], message));

/** Properties that errors own without showing them to `Object.keys`. */
const HIDDEN = ['message', 'stack', 'cause', 'errors', 'name'] as const;

export interface ErrorParts {
  kind: string;
  hidden: Record<string, unknown>;
  visible: Record<string, unknown>;
}

/** Takes an error apart. The parts are as shallow as the error's own properties. */
export function errorParts(error: Error): ErrorParts {
  const visible = Object.fromEntries(Object.entries(error)) as Record<string, unknown>;
  const hidden: Record<string, unknown> = {};
  for (const key of HIDDEN) {
    if (Object.hasOwn(error, key) && !Object.hasOwn(visible, key)) hidden[key] = error[key as keyof Error];
  }
  const kind = kindOf(error);
  // A name on the prototype of a class that will not come back.
  if (error.name !== kind && !('name' in visible)) hidden['name'] = error.name;
  return { kind, hidden, visible };
}

function kindOf(error: Error): string {
  for (let proto = Object.getPrototypeOf(error); proto !== null; proto = Object.getPrototypeOf(proto)) {
    if (Object.hasOwn(proto, 'name') && KINDS.has(proto.name)) return proto.name;
  }
  return 'Error';
}

/** @throws Error when the parts are not what {@link errorParts} gives */
export function buildError({ kind, hidden, visible }: ErrorParts): Error {
  const make = KINDS.get(kind);
  if (!make) throw new Error('Malformed cache data: unknown kind of error');
  const error = make();
  for (const key of HIDDEN) {
    if (Object.hasOwn(hidden, key)) define(error, key, hidden[key], false);
    else if (Object.hasOwn(error, key)) delete error[key as keyof Error];
  }
  for (const key of Object.keys(visible)) define(error, key, visible[key], true);
  return error;
}

function define(target: object, key: string, value: unknown, enumerable: boolean): void {
  Object.defineProperty(target, key, { value, enumerable, writable: true, configurable: true });
}
