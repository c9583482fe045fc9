/** Milliseconds of CLOCK_MONOTONIC, which all processes of a machine share; exact to well below a microsecond. */
export function now() {
  return Number(process.hrtime.bigint()) / 1e6;
}

export function sleep(milliseconds) {
  return new Promise((resolve) => setTimeout(resolve, milliseconds));
}

/** What a promise gives, or `fallback` if that takes too long. Nothing here may wait for a library without an end. */
export async function within(milliseconds, promise, fallback) {
  let timer;
  const late = new Promise((resolve) => {
    timer = setTimeout(resolve, milliseconds, fallback);
  });
  try {
    return await Promise.race([promise, late]);
  } finally {
    clearTimeout(timer);
  }
}
