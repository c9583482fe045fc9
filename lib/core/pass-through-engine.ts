import type { Recorder } from '../observability/recorder.js';
import type { CacheStats } from '../observability/stats.js';
import { CacheValueError } from '../primitives/errors.js';
import { userKey } from '../primitives/key.js';
import { checkRows } from './arguments.js';
import type { NamedKey } from './named-key.js';
import type { CacheEngine } from './cache-engine.js';
import type { EntryOptions } from './entry-options.js';
import { type ResolvedOptions, resolveOptions } from './resolve-options.js';
import { BatchLoad, type BatchLoadContext, type LoadContext, SingleLoad } from './load-context.js';

type Options = EntryOptions<never> | undefined;

/**
 * The engine of a cache with `enabled: false`: it holds nothing, and every call goes to its loader. It refuses the same
 * arguments as the other one, so that a mistake does not come to light only where the cache is switched on.
 */
export class PassThroughEngine implements CacheEngine {
  constructor(
    private readonly defaults: ResolvedOptions,
    private readonly recorder: Recorder,
  ) {}

  fresh(): undefined {
    return undefined;
  }

  peek(_stored: string, options: Options): undefined {
    resolveOptions(options, this.defaults);
  }

  async has(): Promise<boolean> {
    return false;
  }

  async get(_stored: string, options: Options): Promise<undefined> {
    resolveOptions(options, this.defaults);
  }

  async getOrSet(
    _stored: string,
    key: string,
    loader: (context: LoadContext) => unknown,
    options: Options,
  ): Promise<unknown> {
    resolveOptions(options, this.defaults);
    return loader(new SingleLoad(key, false));
  }

  async getMany(_keys: readonly NamedKey[], options: Options): Promise<Map<string, unknown>> {
    resolveOptions(options, this.defaults);
    return new Map();
  }

  async getOrSetMany(
    keys: readonly NamedKey[],
    loadMissing: (missing: string[], context: BatchLoadContext) => unknown,
    options: Options,
  ): Promise<Map<string, unknown>> {
    resolveOptions(options, this.defaults);
    const names = keys.map(({ key }) => key);
    if (names.length === 0) return new Map();
    const found = await loadMissing([...names], new BatchLoad(names));
    checkRows(found);
    const present = names.filter((key) => found.get(key) !== undefined);
    return new Map(present.map((key) => [key, found.get(key)]));
  }

  async set(
    entries: readonly (readonly [stored: string, value: unknown])[],
    options: Options,
  ): Promise<void> {
    resolveOptions(options, this.defaults);
    for (const [stored, value] of entries) {
      if (value === undefined)
        throw new CacheValueError('undefined cannot be cached', { key: userKey(stored) });
    }
  }

  async setResult<T>(run: () => Promise<T>): Promise<T> {
    return run();
  }

  async invalidate(): Promise<number> {
    return 0;
  }

  stats(): CacheStats {
    return this.recorder.snapshot(undefined, undefined);
  }

  async close(): Promise<number> {
    return 0;
  }
}
