/** A promise settled by hand. */
export class Deferred<T> {
  readonly promise: Promise<T>;
  resolve!: (value: T) => void;
  reject!: (error: unknown) => void;

  constructor() {
    this.promise = new Promise<T>((resolve, reject) => {
      this.resolve = resolve;
      this.reject = reject;
    });
  }
}

/** Lets everything run that can run without outside help: all promise callbacks, ticks and immediates due. */
export async function settle(): Promise<void> {
  for (let turn = 0; turn < 5; turn++) await new Promise((resolve) => setImmediate(resolve));
}

/** Lets all promise callbacks run, without giving timers and immediates a chance. */
export async function breathe(): Promise<void> {
  // Node comes back to the ticks when no promise callback is left.
  for (let turn = 0; turn < 2; turn++) await new Promise<void>((resolve) => process.nextTick(resolve));
}

/** The error a promise rejects with. */
export async function failure(promise: Promise<unknown>): Promise<Error & { code?: string; key?: string }> {
  try {
    await promise;
  } catch (error) {
    return error as Error;
  }
  throw new Error('expected a rejection');
}
