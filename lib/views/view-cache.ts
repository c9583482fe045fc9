import { AsyncLocalStorage } from 'node:async_hooks';

import { CacheManager } from '../core/cache-manager.js';
import { ENTRY_OPTION_NAMES, type EntryOptions } from '../core/entry-options.js';
import type { LoadContext } from '../core/load-context.js';
import { checkObject, wrong } from '../core/option-checks.js';
import { unknownOption } from '../primitives/did-you-mean.js';
import { CacheArgumentError, CacheConfigError } from '../primitives/errors.js';
import { show } from '../primitives/show.js';
import { MAX_ENTRY_TAGS } from '../primitives/tags.js';
import { CacheTemplateError } from './errors.js';
import { fragmentKey, type FragmentKeyOptions } from './fragment-key.js';
import { Frame } from './frame.js';
import type { TemplateEngine, TemplateTree } from './template-engine.js';
import { TemplateTrees } from './template-trees.js';

/** Options of a {@link ViewCache}. */
export interface ViewCacheOptions {
  /** What reads and renders the templates. */
  engine: TemplateEngine;
  /**
   * Whether templates are read again at every call, so that an edit shows at once: for development. Default false: each is
   * read when it is first used.
   */
  reload?: boolean;
  /**
   * Tells this one from others on the same cache, where their engines differ in functions, such as helpers: those with another
   * name do not get its fragments. Default: none.
   */
  name?: string;
}

/** How a fragment is rendered and stored; the options of entries mean what they mean elsewhere. */
export interface FragmentOptions
  extends FragmentKeyOptions, Omit<EntryOptions<string>, 'type' | 'isolation' | 'negativeTtl'> {
  /** What the template is rendered with, or a function that fetches it, called on a miss only. Default: an empty object. */
  data?: object | (() => object | Promise<object>);
}

/** HTML is a text, and is not `null`. */
const OTHERS: readonly string[] = ['type', 'isolation', 'negativeTtl'];
const OPTION_NAMES = new Set(
  ['of', 'by', 'identity', 'data', ...ENTRY_OPTION_NAMES].filter((name) => !OTHERS.includes(name)),
);

/** A fragment as it is stored, with the tags of what was rendered inside it. */
interface Fragment {
  readonly html: string;
  readonly tags: readonly string[];
}

/** One for all caches of views: a fragment of one may be rendered inside a fragment of another. */
const frames = new AsyncLocalStorage<Frame>();

/** The part of the cache in which fragments are kept. */
const NAMESPACE = 'fragments';

/**
 * Caches rendered parts of pages. A fragment is stored under its template, the text of that and of all templates it includes,
 * the records it shows with their versions, and whatever else is named: when one of these changes, it is rendered anew.
 */
export class ViewCache {
  readonly #cache: CacheManager;
  readonly #engine: TemplateEngine;
  readonly #trees: TemplateTrees;

  /**
   * @param cache where fragments are kept, in its namespace `fragments`
   * @throws CacheConfigError
   */
  constructor(cache: CacheManager, options: ViewCacheOptions) {
    checkOptions(cache, options);
    this.#cache = cache.namespace(NAMESPACE);
    this.#engine = options.engine;
    this.#trees = new TemplateTrees(options.engine, options.reload ?? false, options.name ?? '');
  }

  /**
   * The HTML of a template for a record: what is stored, or what is rendered now, once for all who ask for it meanwhile.
   *
   * Fragments may be rendered inside others, in the function `data`. The outer template has to say so (in Handlebars
   * `{{!-- includes: product/card --}}`), and gets the tags of what is inside. A fragment with more than 128 tags is not stored.
   * @returns HTML as the engine gave it: it is escaped already
   * @throws CacheTemplateError; CacheReentrancyError for a fragment inside itself; CacheArgumentError for wrong options;
   * CacheKeyError for a record without key or version; what `data` or the engine throws, and what `CacheManager.getOrSet` does
   */
  async cacheFragment(template: string, options: FragmentOptions = {}): Promise<string> {
    checkFragmentOptions(options);
    const tree = this.#trees.known(template) ?? (await this.#trees.read(template));
    const { of: _of, by: _by, identity, data: _data, tags: given, ...others } = options;
    const key = fragmentKey(tree, options);
    const outer = frames.getStore();
    outer?.admit(template, identity, key);
    const render = (context: LoadContext): Promise<Fragment> => this.#load(tree, options, key, context);
    const entry: EntryOptions<Fragment> = others;
    if (given !== undefined) entry.tags = typeof given === 'function' ? ({ html }) => given(html) : given;
    const { html, tags } = await this.#cache.getOrSet<Fragment>(key, render, entry);
    outer?.add(tags);
    return html;
  }

  async #load(
    tree: TemplateTree,
    options: FragmentOptions,
    key: string,
    context: LoadContext,
  ): Promise<Fragment> {
    const frame = new Frame(tree, options.identity, key, frames.getStore());
    const html = await frames.run(frame, () => this.#render(tree, options.data));
    const { tags: given = [] } = options;
    const own = typeof given === 'function' ? given(html) : given;
    const tags = [...new Set([...own, ...frame.tags])];
    if (tags.length <= MAX_ENTRY_TAGS) context.addTags([...frame.tags]);
    else if (frame.tags.size > 0) context.skip();
    return { html, tags };
  }

  async #render(tree: TemplateTree, data: FragmentOptions['data'] = {}): Promise<string> {
    const given: unknown = typeof data === 'function' ? await (data as () => unknown)() : data;
    const html: unknown = await this.#engine.render(tree, given);
    if (typeof html === 'string') return html;
    throw new CacheTemplateError(
      tree.name,
      `the engine gave ${show(html)} for '${tree.name}': expected HTML as a string`,
    );
  }
}

/** @throws CacheConfigError that names the option */
function checkOptions(cache: unknown, options: ViewCacheOptions): void {
  if (!(cache instanceof CacheManager))
    throw wrong('cache', cache, 'a CacheManager, which CacheModule provides');
  checkObject(options, 'options', ['engine', 'reload', 'name']);
  const { engine, reload = false, name = '' } = options as Partial<ViewCacheOptions>;
  for (const part of ['source', 'references', 'render'] as const) {
    if (typeof engine?.[part] === 'function') continue;
    throw new CacheConfigError(
      'engine',
      `engine has no function ${part}: give a TemplateEngine, such as handlebarsEngine({ … })`,
    );
  }
  const { variant = '' } = engine!;
  if (typeof variant !== 'string') throw wrong('engine.variant', variant, 'a string');
  if (typeof reload !== 'boolean') throw wrong('reload', reload, 'true or false');
  if (typeof name !== 'string') throw wrong('name', name, 'a string');
}

/** At every call, not only at those that miss. @throws CacheArgumentError */
function checkFragmentOptions(options: FragmentOptions): void {
  if (typeof options !== 'object' || options === null) {
    throw new CacheArgumentError(
      `the options of a fragment are ${show(options)}: give an object, such as { of, by, data }, or leave them out`,
    );
  }
  for (const name in options) {
    if (!OPTION_NAMES.has(name)) throw new CacheArgumentError(unknownOption(name, [...OPTION_NAMES]));
  }
  const { data = {} } = options;
  if (typeof data === 'function' || (typeof data === 'object' && data !== null && !('then' in data))) return;
  const what = typeof data === 'object' && data !== null ? 'a promise' : show(data);
  throw new CacheArgumentError(
    `data is ${what}: give an object, or a function that fetches it, which is called on a miss only`,
  );
}
