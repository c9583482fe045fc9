import { createHook } from 'node:async_hooks';

type Timer = NodeJS.Timeout & { readonly _destroyed: boolean };

/** Watches which timers keep the process alive, but for those of the test runner, which come and go as it likes. */
export class Timers {
  readonly #live = new Map<number, { readonly timer: Timer; readonly stack: string }>();
  readonly #hook = createHook({
    init: (id, type, _trigger, timer) => {
      const { stack = '' } = new Error();
      if (type === 'Timeout' && !/node_modules\/@?jest/.test(stack)) {
        this.#live.set(id, { timer: timer as Timer, stack });
      }
    },
    destroy: (id) => this.#live.delete(id),
  }).enable();

  /** @returns where those were made that were made since and still keep the process alive */
  stop(): string[] {
    this.#hook.disable();
    // `destroy` is called some time later only.
    const live = [...this.#live.values()].filter(({ timer }) => timer.hasRef() && !timer._destroyed);
    return live.map(({ stack }) => stack);
  }
}
