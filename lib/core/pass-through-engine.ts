import type { Recorder } from '../observability/recorder.js';
import type { CacheStats } from '../observability/stats.js';
import type { NamedKey } from './batch-read-through.js';
import type { CacheEngine } from './cache-engine.js';
import { BatchLoad, type BatchLoadContext, type LoadContext, SingleLoad } from './load-context.js';

/** The engine of a cache with `enabled: false`: it holds nothing, and every call goes to its loader. */
export class PassThroughEngine implements CacheEngine {
  constructor(private readonly recorder: Recorder) {}

  fresh(): undefined {
    return undefined;
  }

  peek(): undefined {
    return undefined;
  }

  async has(): Promise<boolean> {
    return false;
  }

  async get(): Promise<undefined> {
    return undefined;
  }

  async getOrSet(_stored: string, key: string, loader: (context: LoadContext) => unknown): Promise<unknown> {
    return loader(new SingleLoad(key));
  }

  async getMany(): Promise<Map<string, unknown>> {
    return new Map();
  }

  async getOrSetMany(
    keys: readonly NamedKey[],
    loadMissing: (missing: string[], context: BatchLoadContext) => unknown,
  ): Promise<Map<string, unknown>> {
    const names = keys.map(({ key }) => key);
    if (names.length === 0) return new Map();
    return (await loadMissing(names, new BatchLoad(names))) as Map<string, unknown>;
  }

  async set(): Promise<void> {}

  async setResult<T>(run: () => Promise<T>): Promise<T> {
    return run();
  }

  async invalidate(): Promise<number> {
    return 0;
  }

  stats(): CacheStats {
    return this.recorder.snapshot(undefined, false);
  }

  async close(): Promise<void> {}
}
