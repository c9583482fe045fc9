import { checkObject, wrong } from '../core/option-checks.js';
import { CacheConfigError } from '../primitives/errors.js';

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
  /**
   * The instance whose helpers, decorators and partials the templates use. Its `compile` is wrapped, to know the texts of partials
   * that Handlebars compiles in their place.
   */
  handlebars: HandlebarsInstance;
  /**
   * The folder with the templates, or several, of which the first that has a template counts. A template's name is its path in
   * there without the extension: `product/card`.
   */
  views: string | readonly string[];
  /** With its dot. Default `.hbs`. */
  extension?: string;
  /** Handlebars' own options for compiling, such as `{ strict: true }`. */
  compileOptions?: object;
  /** Handlebars' own options for rendering, such as `{ allowProtoPropertiesByDefault: true }`. */
  runtimeOptions?: object;
}

const NAMES = [
  'handlebars',
  'views',
  'extension',
  'compileOptions',
  'runtimeOptions',
] as const satisfies readonly (keyof HandlebarsEngineOptions)[];

/** @throws CacheConfigError that names the option */
export function checkHandlebarsOptions(options: HandlebarsEngineOptions): void {
  checkObject(options, 'options', NAMES);
  const { handlebars, views, extension = '.hbs', compileOptions = {}, runtimeOptions = {} } = options;
  if (typeof handlebars?.parse !== 'function' || typeof handlebars.compile !== 'function') {
    throw new CacheConfigError(
      'handlebars',
      'handlebars cannot parse and compile: give what the package `handlebars` exports, not its runtime alone',
    );
  }
  const folders: unknown[] = [views].flat();
  if (folders.length === 0 || !folders.every((folder) => typeof folder === 'string' && folder !== '')) {
    throw wrong('views', views, 'the path of a folder, or several');
  }
  if (typeof extension !== 'string' || !extension.startsWith('.')) {
    throw wrong('extension', extension, "it with its dot, such as '.hbs'");
  }
  checkObject(compileOptions, 'compileOptions');
  checkObject(runtimeOptions, 'runtimeOptions');
}
