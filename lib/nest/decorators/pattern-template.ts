import { CacheError } from '../../primitives/errors.js';
import { Glob } from '../../primitives/glob.js';
import type { MethodSite } from './method-site.js';
import { parseTemplate } from './template-parser.js';

/**
 * Checks a template as a pattern. Within `[…]` a value would stand for one character of many, and after a backslash its
 * first character would lose its meaning.
 * @throws CacheDecoratorError
 */
export function checkPattern(source: string, site: MethodSite): void {
  const { literals } = parseTemplate(source, site);
  try {
    for (const literal of literals) if (literal !== '') checkGlob(literal);
  } catch (error) {
    if (!(error instanceof CacheError)) throw error;
    throw site.definitionError(`the pattern template '${source}' is malformed: ${error.message}`, error);
  }
}

function checkGlob(literal: string): Glob {
  return new Glob(literal);
}
