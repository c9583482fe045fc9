import { CacheDecoratorError, CacheKeyError } from '../../primitives/errors.js';
import { type Parameter, readParameters } from './parameters.js';

// oxlint-disable-next-line typescript/no-explicit-any -- a method may take and return anything
export type Method = (this: any, ...args: any[]) => unknown;

/**
 * On our wrappers: the method they replaced, so that decorators stacked on one method all see its parameters.
 * Registered, since an app may hold this package as ES modules and as CommonJS.
 */
const ORIGINAL = Symbol.for('nestjs-tiered-cache:original');

type Wrapper = Method & { [ORIGINAL]?: Method };

/** The method a decorator stands on, and the errors about it. */
export class MethodSite {
  #parameters: readonly Parameter[] | undefined | null = null;

  constructor(
    /** As it is written: `CachedMethod`. */
    readonly decorator: string,
    readonly prototype: object,
    readonly key: string | symbol,
    /** What the decorator found: the method itself, or what other decorators made of it. */
    readonly method: Method,
  ) {}

  get className(): string {
    // That of a static method is the class itself.
    const type = typeof this.prototype === 'function' ? this.prototype : this.prototype.constructor;
    return type.name || '(anonymous class)';
  }

  /** `UsersService.findById`. */
  get name(): string {
    return typeof this.key === 'symbol'
      ? `${this.className}[${String(this.key)}]`
      : `${this.className}.${this.key}`;
  }

  /** The parameters of the method as written in its class; `undefined` when its source cannot be read. */
  get parameters(): readonly Parameter[] | undefined {
    if (this.#parameters === null) this.#parameters = readParameters(originalOf(this.method));
    return this.#parameters;
  }

  definitionError(problem: string, cause?: unknown): CacheDecoratorError {
    return new CacheDecoratorError(`@${this.decorator} on ${this.name}: ${problem}`, { cause });
  }

  keyError(problem: string): CacheKeyError {
    return new CacheKeyError(`@${this.decorator} on ${this.name}: ${problem}`);
  }
}

export function originalOf(method: Method): Method {
  return (method as Wrapper)[ORIGINAL] ?? method;
}

export function rememberOriginal(wrapper: Method, method: Method): void {
  Object.defineProperty(wrapper, ORIGINAL, { value: originalOf(method) });
}
