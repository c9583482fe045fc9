import { readFile } from 'node:fs/promises';
import { resolve } from 'node:path';
import { inspect } from 'node:util';

import { CacheTemplateError } from './errors.js';
import {
  checkHandlebarsOptions,
  type HandlebarsEngineOptions,
  type HandlebarsInstance,
} from './handlebars-options.js';
import { followPartials, registeredPartial } from './handlebars-partials.js';
import { handlebarsReferences } from './handlebars-references.js';
import type { TemplateEngine, TemplateTree } from './template-engine.js';

/**
 * Reads and renders the templates of Handlebars. Partials are files in `views`, or what was registered as text. Those that
 * a template names by an expression it has to list: `{{!-- includes: card/book, card/film --}}`.
 * @throws CacheConfigError
 */
export function handlebarsEngine(options: HandlebarsEngineOptions): TemplateEngine {
  checkHandlebarsOptions(options);
  const { handlebars, extension = '.hbs' } = options;
  followPartials(handlebars);
  const folders = [options.views].flat().map((folder) => resolve(folder));
  const compiled = new WeakMap<TemplateTree, (data: unknown) => string>();
  return {
    variant: variantOf(options),
    async source(name) {
      const text = await readFirst(folders, `${name}${extension}`);
      return text ?? registeredPartial(handlebars, name);
    },
    references: (source, name) => handlebarsReferences(parse(handlebars, source, name), name),
    render(template, data) {
      let render = compiled.get(template);
      if (render === undefined) compiled.set(template, (render = compile(template, options)));
      return render(data);
    },
  };
}

/** Of functions the names alone. */
function variantOf({ compileOptions = {}, runtimeOptions = {} }: HandlebarsEngineOptions): string {
  const whole = {
    depth: Infinity,
    maxArrayLength: Infinity,
    maxStringLength: Infinity,
    breakLength: Infinity,
  };
  return `handlebars ${inspect({ compileOptions, runtimeOptions }, { ...whole, sorted: true })}`;
}

/**
 * With no partials but those of which the digest is known: whichever else are registered are hidden, so that one which is not
 * listed is an error, where it would go on being served as it was.
 */
function compile(template: TemplateTree, options: HandlebarsEngineOptions): (data: unknown) => string {
  const { handlebars, compileOptions, runtimeOptions } = options;
  const own = Array.from(
    template.sources,
    ([name, text]) => [name, handlebars.compile(text, compileOptions)] as const,
  );
  const render = handlebars.compile(template.sources.get(template.name)!, compileOptions);
  return (data) => {
    const hidden = Object.keys(handlebars.partials).map((name) => [name, undefined] as const);
    return render(data, { ...runtimeOptions, partials: Object.fromEntries([...hidden, ...own]) });
  };
}

function parse(handlebars: HandlebarsInstance, source: string, name: string): object {
  try {
    return handlebars.parse(source);
  } catch (cause) {
    const why = cause instanceof Error ? cause.message : String(cause);
    throw new CacheTemplateError(name, `the template '${name}' cannot be parsed: ${why}`, { cause });
  }
}

/** Names that lead out of the folders, or to one template by several names, are none. */
async function readFirst(folders: readonly string[], file: string): Promise<string | undefined> {
  if (
    file.includes('\0') ||
    file.split(/[/\\]/).some((part) => part === '' || part === '.' || part === '..')
  ) {
    return undefined;
  }
  for (const folder of folders) {
    const text = await readFile(resolve(folder, file), 'utf8').catch(unlessAbsent);
    if (text !== undefined) return text;
  }
  return undefined;
}

function unlessAbsent(error: NodeJS.ErrnoException): undefined {
  if (!['ENOENT', 'ENOTDIR', 'ENAMETOOLONG'].includes(error.code ?? '')) throw error;
}
