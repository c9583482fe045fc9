import type { ModulesContainer } from '@nestjs/core';

/** Kinds of interceptor that have looked at an application's handlers; each module in which one is used has one of its own. */
const LOOKED = new WeakMap<ModulesContainer, Set<unknown>>();

/** Whether this is the first of its kind to look at an application. */
export function looksFirst(container: ModulesContainer, kind: unknown): boolean {
  const kinds = LOOKED.get(container) ?? new Set();
  LOOKED.set(container, kinds);
  if (kinds.has(kind)) return false;
  kinds.add(kind);
  return true;
}

/** The interceptors of a kind that an application uses, whatever they are put before. */
export function interceptorsOf<T>(
  container: ModulesContainer,
  kind: abstract new (...args: never) => T,
): T[] {
  return [...container.values()].flatMap(({ injectables, providers }) =>
    [...injectables.values(), ...providers.values()]
      .map(({ instance }): unknown => instance)
      .filter((instance): instance is T => instance instanceof kind),
  );
}

/** The methods of all controllers, be they handlers or not. */
export function* handlersOf(
  container: ModulesContainer,
): Generator<[controller: Function, method: Function]> {
  for (const module of container.values()) {
    for (const { metatype } of module.controllers.values()) {
      if (typeof metatype !== 'function') continue;
      for (const method of methodsOf(metatype)) yield [metatype, method];
    }
  }
}

/** Its methods, and those that it inherits. */
export function methodsOf(type: Function): Function[] {
  const methods: Function[] = [];
  for (
    let proto = type.prototype as object | null;
    proto !== null && proto !== undefined && proto !== Object.prototype;
    proto = Object.getPrototypeOf(proto) as object | null
  ) {
    for (const { value } of Object.values(Object.getOwnPropertyDescriptors(proto))) {
      if (typeof value === 'function' && value !== type) methods.push(value);
    }
  }
  return methods;
}
