/** ` (did you mean 'host'?)` when one of the known names is close to what was written, else nothing. */
export function didYouMean(written: string, known: Iterable<string>): string {
  let best: string | undefined;
  let least = Math.max(2, Math.floor(written.length / 3)) + 1;
  for (const name of known) {
    const distance = editDistance(written.toLowerCase(), name.toLowerCase());
    if (distance < least) [best, least] = [name, distance];
  }
  return best === undefined ? '' : ` (did you mean '${best}'?)`;
}

/** The message about an option that there is not. @param shown the name with what leads to it */
export function unknownOption(name: string, known: readonly string[], shown = name): string {
  return `unknown option ${shown}${didYouMean(name, known)}: allowed are ${known.join(', ')}`;
}

/** Levenshtein's distance, one row at a time. */
function editDistance(a: string, b: string): number {
  let previous = Array.from({ length: b.length + 1 }, (_, i) => i);
  for (let i = 1; i <= a.length; i++) {
    const current = [i];
    for (let j = 1; j <= b.length; j++) {
      const substitution = previous[j - 1]! + (a[i - 1] === b[j - 1] ? 0 : 1);
      current.push(Math.min(substitution, previous[j]! + 1, current[j - 1]! + 1));
    }
    previous = current;
  }
  return previous[b.length]!;
}
