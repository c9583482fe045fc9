import { CacheArgumentError } from './errors.js';
import { show } from './show.js';

/** What is filled in elsewhere: `{id}` in the templates of methods' decorators, `/:id` in the paths of routes. */
const PLACEHOLDER = /\{[\w.]+\??\}|(?<=\/):\w+/;

/**
 * Checks a name of a list, where nothing is filled in: it would name what is never there.
 * @throws CacheArgumentError when it has a placeholder
 */
export function checkFixedName(name: string): void {
  const placeholder = PLACEHOLDER.exec(name)?.[0];
  if (placeholder === undefined) return;
  throw new CacheArgumentError(
    `nothing is filled in for ${placeholder} in ${show(name)}: give a function that returns the list, with \`\${…}\` in its place`,
  );
}
