import { CacheValueError } from '../primitives/errors.js';
import { MAX_DEPTH } from './limits.js';
import { formatPath, type Step } from './path.js';
import { cycleTo, tooDeep, type Problem } from './problems.js';

/** Where looking for cycles begins. A cycle gets here at once, ordinary data never does, and pays nothing. */
const CYCLE_CHECK_DEPTH = 32;

/** The way from the root of a value to where the walk through it is: for error messages, and to notice cycles. */
export class Trail {
  /** The containers being walked, and the step that led to each; `#steps[0]` led to the root and means nothing. */
  readonly #containers: object[] = [];
  readonly #steps: Step[] = [];

  /** @throws CacheValueError when the container is in itself, or too deep */
  enter(container: object, step: Step): void {
    if (this.#steps.length >= CYCLE_CHECK_DEPTH) this.#checkDepth(container, step);
    this.#containers.push(container);
    this.#steps.push(step);
  }

  /** Undoes the last {@link enter}. Not called when the walk ends in an error: the trail then says where. */
  leave(): void {
    this.#containers.pop();
    this.#steps.pop();
  }

  /** The error for what lies one step from the container entered last. */
  refuse(step: Step, problem: Problem): CacheValueError {
    return refusal([...this.#steps, step], problem);
  }

  /** The error to throw for one that ended the walk in the container entered last. */
  explain(error: unknown): CacheValueError {
    if (error instanceof CacheValueError) return error;
    const path = formatPath(this.#steps.slice(1));
    if (error instanceof RangeError && error.message.includes('call stack')) {
      return new CacheValueError(`${path} is nested too deeply: flatten it`, { cause: error });
    }
    const reason = error instanceof Error ? error.message : String(error);
    return new CacheValueError(`${path} cannot be turned into data: ${reason}`, { cause: error });
  }

  #checkDepth(container: object, step: Step): void {
    if (this.#steps.length >= MAX_DEPTH) throw this.refuse(step, tooDeep(MAX_DEPTH));
    if (!this.#containers.includes(container)) return;
    // The walk has gone around several times: report the first time it came back to where it had been.
    const all = [...this.#containers, container];
    const again = all.findIndex((seen, i) => all.indexOf(seen) < i);
    const steps = [...this.#steps, step];
    const target = formatPath(steps.slice(1, all.indexOf(all[again]!) + 1));
    throw refusal(steps.slice(0, again + 1), cycleTo(target));
  }
}

function refusal(steps: readonly Step[], { is, wayOut }: Problem): CacheValueError {
  return new CacheValueError(`${formatPath(steps.slice(1))} is ${is}: ${wayOut}`);
}
