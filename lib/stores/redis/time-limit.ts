/** The outcome of `work`, or of `late` when it takes longer than so many milliseconds. Whatever becomes of it then is ignored. */
export async function atMost<T>(milliseconds: number, work: Promise<T>, late: () => T): Promise<T> {
  let timer: ReturnType<typeof setTimeout> | undefined;
  const limit = new Promise<void>(
    (resolve) => (timer = setTimeout(() => setImmediate(resolve), milliseconds)),
  ).then(late);
  try {
    return await Promise.race([work, limit]);
  } finally {
    clearTimeout(timer);
  }
}
