import { CacheConfigError } from '../primitives/errors.js';
import { findTypeStorage } from './class-metadata.js';
import { ClassReviver } from './class-reviver.js';

/** A class whose instances can be made. */
export type ClassType<T = unknown> = new (...args: never[]) => T;

/** Turns decoded data into instances of a class that the reader names. */
export interface TypeReviver {
  /**
   * Arrays, Sets and the values of Maps are revived one by one; `null` and other primitives pass through. The result
   * shares no mutable object with `plain`.
   */
  revive<T>(type: ClassType<T>, plain: unknown): T;
}

/**
 * A reviver that knows nested classes from class-transformer's `@Type()`; what it does is told at {@link ClassReviver}.
 * @returns `undefined` when class-transformer is not installed
 */
export async function loadTypeReviver(): Promise<TypeReviver | undefined> {
  const storage = await findTypeStorage();
  if (storage === undefined) return undefined;
  return storage === 'unknown' ? UNREADABLE : new ClassReviver(storage);
}

const UNREADABLE: TypeReviver = {
  revive() {
    throw new CacheConfigError(
      'type',
      "the application's class-transformer is another copy than the cache's, so its @Type() decorators cannot be read: " +
        'keep class-transformer and nestjs-tiered-cache out of the bundle (external)',
    );
  },
};
