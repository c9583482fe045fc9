import { show } from '../primitives/show.js';
import { digestOf } from './digest.js';
import { CacheEntityError } from './errors.js';

/**
 * Whose rows the caller may see, where not everybody may see all: the same for equal ones. `undefined` is for what everybody
 * may see; it shares entries only with other readers for whom it is `undefined`.
 */
export type ReadContext = () => string | number | undefined;

/**
 * The answer as text.
 * @throws CacheEntityError unless it tells callers apart: an object is the same text for all of them
 */
export function contextText(context: ReadContext): string | undefined {
  const whose: unknown = context();
  if (whose === undefined) return undefined;
  if (typeof whose === 'string' && whose !== '') return whose;
  if (typeof whose === 'number' && Number.isFinite(whose)) return String(whose);
  throw new CacheEntityError(
    `context gave ${show(whose)}, which does not say whose rows these are: return a string that is not empty, a finite number, or undefined for what everybody may see`,
  );
}

/** One context of several, `undefined` for none. It is `undefined` where all are. */
export function allContexts(contexts: readonly ReadContext[]): ReadContext | undefined {
  if (contexts.length <= 1) return contexts[0];
  return () => {
    const texts = contexts.map(contextText);
    if (texts.every((text) => text === undefined)) return undefined;
    const text = JSON.stringify(texts.map((one) => one ?? null));
    return digestOf(text);
  };
}

/** What a query's key ends with, for the contexts of what it reads besides its own entity. */
export function contextSuffix(context: ReadContext | undefined): string {
  const text = context && contextText(context);
  if (text === undefined) return '';
  return `@${digestOf(text).slice(0, 22)}`;
}
