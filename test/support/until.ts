export interface UntilOptions {
  /** Milliseconds after which waiting fails; default 10,000. */
  timeout?: number;
  /** Milliseconds between two looks; default 5. */
  interval?: number;
  /** What is waited for, for the error message. */
  what?: string;
}

/** Waits for a condition instead of for a time: resolves with the first truthy value, fails after `timeout`. */
export async function until<T>(
  condition: () => T | Promise<T>,
  { timeout = 10_000, interval = 5, what = 'the condition' }: UntilOptions = {},
): Promise<NonNullable<T>> {
  const deadline = performance.now() + timeout;
  for (;;) {
    const value = await condition();
    if (value) return value;
    if (performance.now() > deadline) throw new Error(`${what} did not come true within ${timeout} ms`);
    await new Promise((resolve) => setTimeout(resolve, interval));
  }
}
