import type { ClassType } from './class-type.js';

/** What `@Type()` recorded for a property. */
export interface TypeMetadata {
  readonly typeFunction?: (options: { newObject: object; object: object; property: string }) => unknown;
  /** The declared type of the property, as TypeScript emitted it. */
  readonly reflectedType?: unknown;
  readonly options?: { readonly discriminator?: Discriminator };
}

export interface Discriminator {
  readonly property: string;
  readonly subTypes: readonly { readonly name: string; readonly value: ClassType }[];
}

/** The part used here of class-transformer's storage of decorators. */
export interface ClassTransformerStorage {
  findTypeMetadata(target: ClassType, property: string): TypeMetadata | undefined;
  findExcludeMetadata(target: ClassType, property: string): unknown;
}

/**
 * Finds what class-transformer's decorators have recorded. Its storage is no public export, but at a fixed place in 0.5, the
 * last release line, where `@nestjs/mapped-types` reads it as well. A bundler may take another build of the package for
 * the application's decorators, whose storage is then another one, so the one found is put to the test.
 * It is looked for once: every test leaves a class in it, for as long as the process lives.
 * @returns `'unknown'` when no storage is the one that decorators write to, `undefined` when the package is not installed
 */
export function findTypeStorage(): Promise<ClassTransformerStorage | 'unknown' | undefined> {
  return (found ??= lookForStorage());
}

let found: ReturnType<typeof lookForStorage> | undefined;

async function lookForStorage(): Promise<ClassTransformerStorage | 'unknown' | undefined> {
  const transformer = await importIfInstalled(() => import('class-transformer'));
  if (!transformer) return undefined;
  class Probe {
    probe = true;
  }
  transformer.Exclude()(Probe.prototype, 'probe');
  for (const load of [
    () => import('class-transformer/cjs/storage.js'),
    () => import('class-transformer/esm5/storage.js'),
  ]) {
    const storage = (await importIfInstalled(load))?.defaultMetadataStorage as
      ClassTransformerStorage | undefined;
    if (storage?.findExcludeMetadata(Probe, 'probe')) return storage;
  }
  return 'unknown';
}

async function importIfInstalled<T>(load: () => Promise<T>): Promise<T | undefined> {
  try {
    return await load();
  } catch (error) {
    const code = (error as { code?: unknown } | null)?.code;
    if (code === 'ERR_MODULE_NOT_FOUND' || code === 'MODULE_NOT_FOUND') return undefined;
    throw error;
  }
}
