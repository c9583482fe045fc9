import { createHook } from 'node:async_hooks';

/** Watches which timers keep the process alive, but for those of the test runner, which come and go as it likes. */
export class Timers {
  readonly #live = new Map<number, { readonly timer: NodeJS.Timeout; readonly stack: string }>();
  readonly #hook = createHook({
    init: (id, type, _trigger, timer) => {
      const { stack = '' } = new Error();
      if (type === 'Timeout' && !/node_modules\/@?jest/.test(stack)) {
        this.#live.set(id, { timer: timer as NodeJS.Timeout, stack });
      }
    },
    destroy: (id) => this.#live.delete(id),
  }).enable();

  /** @returns where those were made that were made since and still keep the process alive */
  async stop(): Promise<string[]> {
    // `destroy` is called some time later only.
    for (let turn = 0; turn < 2; turn++) await new Promise((resolve) => setImmediate(resolve));
    this.#hook.disable();
    return [...this.#live.values()].filter(({ timer }) => timer.hasRef()).map(({ stack }) => stack);
  }
}
