import { readFile } from 'node:fs/promises';
import { resolve } from 'node:path';

import { CacheConfigError } from '../primitives/errors.js';
import { show } from '../primitives/show.js';
import { CacheTemplateError } from './errors.js';
import { handlebarsReferences } from './handlebars-references.js';
import type { TemplateEngine, TemplateTree } from './template-engine.js';

/** What is needed of Handlebars 4: `import Handlebars from 'handlebars'`, or an instance that `Handlebars.create()` made. */
export interface HandlebarsInstance {
  /** @returns the syntax tree */
  parse(source: string): object;
  /** @returns what renders the template */
  compile(source: string, options?: object): (data: unknown, options?: object) => string;
  readonly partials: Readonly<Record<string, unknown>>;
}

/** Options of {@link handlebarsEngine}. */
export interface HandlebarsEngineOptions {
  /** The instance whose helpers, decorators and partials the templates use. */
  handlebars: HandlebarsInstance;
  /**
   * The folder with the templates, or several, of which the first that has a template counts. A template's name is its path in
   * there without the extension: `product/card`.
   */
  views: string | readonly string[];
  /** Default `.hbs`. */
  extension?: string;
  /** Handlebars' own options for compiling, such as `{ strict: true }`. */
  compileOptions?: object;
  /** Handlebars' own options for rendering, such as `{ allowProtoPropertiesByDefault: true }`. */
  runtimeOptions?: object;
}

/**
 * Reads and renders the templates of Handlebars. Partials are files in `views`, or what was registered as text. Those that
 * a template names by an expression it has to list: `{{!-- includes: card/book, card/film --}}`.
 * @throws CacheConfigError
 */
export function handlebarsEngine(options: HandlebarsEngineOptions): TemplateEngine {
  checkOptions(options);
  const { handlebars, extension = '.hbs' } = options;
  const folders = [options.views].flat().map((folder) => resolve(folder));
  const compiled = new WeakMap<TemplateTree, (data: unknown) => string>();
  return {
    async source(name) {
      const text = await readFirst(folders, `${name}${extension}`);
      return text ?? registered(handlebars, name);
    },
    references: (source, name) => handlebarsReferences(parse(handlebars, source, name), name),
    render(template, data) {
      let render = compiled.get(template);
      if (render === undefined) compiled.set(template, (render = compile(template, options)));
      return render(data);
    },
  };
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

function registered({ partials }: HandlebarsInstance, name: string): string | undefined {
  const partial = Object.hasOwn(partials, name) ? partials[name] : undefined;
  if (partial === undefined || typeof partial === 'string') return partial;
  throw new CacheTemplateError(
    name,
    `the partial '${name}' is registered as ${show(partial)}, whose text cannot be told: register the text, or put it ` +
      `in a file`,
  );
}

function checkOptions({ handlebars, views }: HandlebarsEngineOptions): void {
  if (typeof handlebars?.parse !== 'function' || typeof handlebars.compile !== 'function') {
    throw new CacheConfigError(
      'handlebars',
      'handlebars cannot parse and compile: give what the package `handlebars` exports, not its runtime alone',
    );
  }
  const folders: unknown[] = [views].flat();
  if (folders.length > 0 && folders.every((folder) => typeof folder === 'string' && folder !== '')) return;
  throw new CacheConfigError('views', `views is ${show(views)}: expected the path of a folder, or several`);
}
