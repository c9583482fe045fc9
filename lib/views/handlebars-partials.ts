import { show } from '../primitives/show.js';
import { CacheTemplateError } from './errors.js';
import type { HandlebarsInstance } from './handlebars-options.js';

type Compile = (source: unknown, options?: object, environment?: unknown) => object;

/** What Handlebars put in the place of registered texts, with the texts. */
const TEXTS = new WeakMap<object, string>();

const FOLLOWED = new WeakSet<HandlebarsInstance>();

/**
 * Remembers the texts of partials from now on. Where a partial is registered as text, Handlebars puts a function in its place when
 * it first renders it, which an ordinary page may make it do at any time.
 */
export function followPartials(handlebars: HandlebarsInstance): void {
  if (FOLLOWED.has(handlebars)) return;
  FOLLOWED.add(handlebars);
  const compile = handlebars.compile.bind(handlebars) as Compile;
  const following: Compile = (source, options, environment) => {
    const render = compile(source, options, environment);
    // Handlebars alone names its environment: what others compile may have options that make another partial of the text.
    if (environment !== undefined && typeof source === 'string') TEXTS.set(render, source);
    return render;
  };
  Reflect.set(handlebars, 'compile', following);
}

/**
 * The text of a registered partial; `undefined` when there is none of that name.
 * @throws CacheTemplateError when it is a function of somebody else
 */
export function registeredPartial({ partials }: HandlebarsInstance, name: string): string | undefined {
  const partial = Object.hasOwn(partials, name) ? partials[name] : undefined;
  const text = typeof partial === 'function' ? TEXTS.get(partial) : partial;
  if (typeof text === 'string') return text;
  if (partial === undefined) return undefined;
  throw new CacheTemplateError(
    name,
    `the partial '${name}' is registered as ${show(partial)}, whose text cannot be told: register the text, or put it ` +
      `in a file. If it was registered as text, make the engine before anything is rendered`,
  );
}
