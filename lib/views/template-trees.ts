import { hash } from 'node:crypto';

import { CacheTemplateError } from './errors.js';
import type { TemplateEngine, TemplateTree } from './template-engine.js';

/** 144 bits of SHA-256. */
const DIGEST_LENGTH = 24;

/** Which template includes which, where somebody relies on it. */
interface Reading {
  readonly sources: Map<string, string>;
  readonly declared: Set<string>;
  readonly missing: { readonly name: string; readonly includedBy: string }[];
}

/** Templates with their digests: read once, or on every call if `reload`. */
export class TemplateTrees {
  readonly #trees = new Map<string, TemplateTree>();
  readonly #reading = new Map<string, Promise<TemplateTree>>();

  /** @param name tells engines apart that have the same variant */
  constructor(
    private readonly engine: TemplateEngine,
    private readonly reload: boolean,
    private readonly name: string,
  ) {}

  /** What is known without a look at the sources. */
  known(name: string): TemplateTree | undefined {
    return this.reload ? undefined : this.#trees.get(name);
  }

  /** @throws CacheTemplateError when there is no such template, or one that it includes */
  async read(name: string): Promise<TemplateTree> {
    if (this.reload) return this.#read(name);
    let reading = this.#reading.get(name);
    if (reading === undefined) {
      reading = this.#read(name).finally(() => this.#reading.delete(name));
      this.#reading.set(name, reading);
    }
    return reading;
  }

  async #read(name: string): Promise<TemplateTree> {
    const sources = await this.#sources(name);
    const digest = digestOf([this.name, this.engine.variant ?? ''], sources);
    const before = this.#trees.get(name);
    if (before?.digest === digest) return before;
    const tree = { name, digest, sources };
    this.#trees.set(name, tree);
    return tree;
  }

  /** A template that was met already is not looked at again, so includes may go round in circles. */
  async #sources(root: string): Promise<Map<string, string>> {
    const source = await this.engine.source(root);
    if (source === undefined) {
      throw new CacheTemplateError(
        root,
        `there is no template '${root}': check its name and where templates are`,
      );
    }
    const reading: Reading = { sources: new Map([[root, source]]), declared: new Set(), missing: [] };
    for (const [name, text] of reading.sources) await this.#follow(name, text, reading);
    for (const { name, includedBy } of reading.missing) {
      if (!reading.declared.has(name)) throw missingInclude(name, includedBy);
    }
    return reading.sources;
  }

  async #follow(name: string, text: string, { sources, declared, missing }: Reading): Promise<void> {
    const { includes, optional = [], declares = [] } = this.engine.references(text, name);
    for (const inside of declares) declared.add(inside);
    for (const included of new Set([...includes, ...optional])) {
      if (sources.has(included)) continue;
      const source = await this.engine.source(included);
      if (source !== undefined) sources.set(included, source);
      else if (includes.includes(included)) missing.push({ name: included, includedBy: name });
    }
  }
}

function missingInclude(name: string, includedBy: string): CacheTemplateError {
  return new CacheTemplateError(
    includedBy,
    `the template '${includedBy}' includes '${name}', which does not exist: correct the name, or add the template`,
  );
}

/** Each text has its length before it, so that none can pass for two. */
function digestOf(engine: readonly string[], sources: ReadonlyMap<string, string>): string {
  const texts = [...sources.keys()].toSorted().flatMap((name) => [name, sources.get(name)!]);
  const all = [...engine, ...texts].map((text) => `${text.length}:${text}`).join('');
  return hash('sha256', all, 'base64url').slice(0, DIGEST_LENGTH);
}
