import type { ServerResponse } from 'node:http';

const NAMES = ['writeHead', 'flushHeaders', 'write', 'end'] as const;

type Method = (this: object, ...args: unknown[]) => unknown;

/** The methods by which a response of Node is written. */
export type WritingMethods = Readonly<Record<(typeof NAMES)[number], Method>>;

/** What takes their place. */
export type Interposed = Readonly<Record<keyof WritingMethods, (args: unknown[]) => unknown>> & {
  /** @returns the body that Express is to prepare, in place of what it was given */
  prepared(body: unknown): unknown;
};

/**
 * Puts methods before those of a response. Others may have replaced the same methods before, or do so later: all stay in the chain, and
 * have to step aside by themselves.
 *
 * Express gives each response another prototype. Until Node 24, V8 takes some 3 µs for any property that is added after that, and half of that
 * for one more prototype with all of the methods.
 */
export function interpose(raw: ServerResponse, by: Interposed): void {
  const above = Object.getPrototypeOf(raw) as Prototype;
  if (above.constructor.prototype === above || NAMES.some((name) => Object.hasOwn(raw, name))) {
    const own = raw as unknown as Record<keyof WritingMethods, Method>;
    own.writeHead = (...args) => by.writeHead(args);
    own.flushHeaders = (...args) => by.flushHeaders(args);
    own.write = (...args) => by.write(args);
    own.end = (...args) => by.end(args);
    return;
  }
  let layer = LAYERS.get(above);
  if (layer === undefined) LAYERS.set(above, (layer = new Layer(above)));
  layer.put(raw, by);
}

type Prototype = WritingMethods & {
  readonly constructor: { readonly prototype: unknown };
  /** Express'. */
  readonly send?: Method;
};

const LAYERS = new WeakMap<Prototype, Layer>();

/** A prototype between responses and the one that they had: its methods are what is interposed for each. */
class Layer {
  readonly #interposed = new WeakMap<object, Interposed>();
  readonly #prototype: object;

  constructor(above: Prototype) {
    const interposed = this.#interposed;
    const methods: Record<string, Method> = {};
    for (const name of NAMES) {
      methods[name] = function (...args) {
        const by = interposed.get(this);
        return by === undefined ? above[name].apply(this, args) : by[name](args);
      };
    }
    const { send } = above;
    if (send !== undefined) {
      methods['send'] = function (body) {
        const by = interposed.get(this);
        return send.call(this, by === undefined ? body : by.prepared(body));
      };
    }
    this.#prototype = Object.setPrototypeOf(methods, above) as object;
  }

  put(raw: ServerResponse, by: Interposed): void {
    this.#interposed.set(raw, by);
    Object.setPrototypeOf(raw, this.#prototype);
  }
}
