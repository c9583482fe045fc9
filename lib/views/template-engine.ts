/** What a template says of other templates. */
export interface TemplateReferences {
  /** The names of the templates that it includes, whether or not it comes to that when it is rendered. */
  readonly includes: readonly string[];
  /** Those that it includes if they exist, and has content of its own in place of. Default: none. */
  readonly optional?: readonly string[];
  /** Those that are written inside it, for itself and for what it includes. Default: none. */
  readonly declares?: readonly string[];
}

/** A template with everything it includes, as it was when it was read. */
export interface TemplateTree {
  readonly name: string;
  /** Different when the text of any of the sources is, or the engine. */
  readonly digest: string;
  /** The text of the template itself and of all it includes, however deeply, by their names. */
  readonly sources: ReadonlyMap<string, string>;
}

/**
 * What the cache of views needs of a template engine. {@link handlebarsEngine} makes one for Handlebars; another engine is
 * another implementation of this.
 */
export interface TemplateEngine {
  /**
   * What decides, beside the templates, what they are rendered to, as any text: the kind of engine and its options. Engines in
   * which it differs do not get each other's fragments. Default: nothing.
   */
  readonly variant?: string;
  /** @returns the text of a template, `undefined` when there is none of that name */
  source(name: string): string | undefined | Promise<string | undefined>;
  /**
   * @returns all other templates that it may use
   * @throws CacheTemplateError when they cannot be told: a template left out here goes on being served as it was
   */
  references(source: string, name: string): TemplateReferences;
  /**
   * @param template what to render, of which the digest is known: the sources given, and not what may be on disk by now.
   * The same object as long as none of them changes, so that what is compiled can be kept by it
   * @returns HTML
   */
  render(template: TemplateTree, data: unknown): string | Promise<string>;
}
