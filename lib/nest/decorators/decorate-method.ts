import 'reflect-metadata';

import { CacheDecoratorError } from '../../primitives/errors.js';
import { injectCache } from './cache-property.js';
import { type Method, MethodSite, rememberOriginal } from './method-site.js';

/** Builds the method that takes the place of the decorated one. `property` is where its instances hold their cache. */
type Build = (site: MethodSite, property: symbol) => Method;

/**
 * Puts on the prototype what `build` makes of a method: with the name, the length and all metadata of what was there, so
 * that decorators of Nest and of other libraries work above and below.
 * @param decorator its name, for errors
 * @param cacheName which cache the class gets injected; read once the options have been checked
 * @throws CacheDecoratorError when the decorator stands on anything but a method of a class's instances
 */
export function decorateMethod(
  decorator: string,
  cacheName: (site: MethodSite) => string | undefined,
  build: Build,
) {
  return (target: object, key: string | symbol | undefined, descriptor: PropertyDescriptor): void => {
    if (key === undefined) {
      throw new CacheDecoratorError(
        `@${decorator} on ${(target as { name: string }).name}: this is a class; put it on the methods that it is about`,
      );
    }
    if (typeof key !== 'string' && typeof key !== 'symbol') {
      throw new CacheDecoratorError(
        `@${decorator} is a decorator as Nest uses them: set "experimentalDecorators": true in tsconfig.json`,
      );
    }
    const site = new MethodSite(decorator, target, key, descriptor?.value as Method);
    checkTarget(site, descriptor);
    const property = injectCache(target, cacheName(site));
    descriptor.value = dress(build(site, property), site.method);
  };
}

function checkTarget(site: MethodSite, descriptor: PropertyDescriptor | undefined): void {
  if (typeof site.prototype === 'function') {
    throw site.definitionError('a static method has no instance into which Nest could inject a cache');
  }
  if (descriptor?.get !== undefined || descriptor?.set !== undefined) {
    throw site.definitionError('this is an accessor; only methods can be cached or invalidate');
  }
  const kind = Object.prototype.toString.call(site.method);
  if (kind.endsWith('GeneratorFunction]')) {
    throw site.definitionError('a generator hands out values one by one; return them together, in an array');
  }
  if (
    typeof site.method !== 'function' ||
    /^class\b(?!\s*\()/.test(Function.prototype.toString.call(site.method))
  ) {
    throw site.definitionError('this is not a method: a field that holds a function is not on the prototype');
  }
}

function dress(wrapper: Method, method: Method): Method {
  Object.defineProperties(wrapper, {
    name: { value: method.name, configurable: true },
    length: { value: method.length, configurable: true },
  });
  for (const key of Reflect.getOwnMetadataKeys(method) as unknown[]) {
    Reflect.defineMetadata(key, Reflect.getOwnMetadata(key, method), wrapper);
  }
  rememberOriginal(wrapper, method);
  return wrapper;
}
