import { afterEach, describe, expect, it } from '@jest/globals';

import { createCache } from '../../lib/create-cache.js';
import { CacheConfigError } from '../../lib/index.js';
import { benchOf, closeBenches } from '../support/caches.js';
import { failure } from '../support/deferred.js';

afterEach(closeBenches);

describe('module options', () => {
  it.each([
    [{ memroy: {} }, 'memroy', /did you mean 'memory'/],
    [{ memory: { maxsize: 5 } }, 'memory.maxsize', /did you mean 'maxSize'/],
    [{ memory: { maxSize: 0 } }, 'memory.maxSize', /whole number/],
    [{ memory: { maxSize: 1.5 } }, 'memory.maxSize', /whole number/],
    [{ memory: { maxSize: '100' } }, 'memory.maxSize', /whole number/],
    [{ memory: { maxBytes: '64 megs' } }, 'memory.maxBytes', /'64mb'/],
    [{ memory: { maxBytes: 0 } }, 'memory.maxBytes', /positive/],
    [{ memory: { ttl: -1 } }, 'memory.ttl', /'250ms'/],
    [{ memory: { ttl: 0 } }, 'memory.ttl', /enabled/],
    [{ memory: true }, 'memory', /object/],
    [{ memory: false }, 'memory', /no redis/],
    [{ redis: { ttl: 'x' } }, 'redis.ttl', /'250ms'/],
    [{ redis: true }, 'redis', /object/],
    [{ redis: 'redis://localhost' }, 'redis', /object/],
    [{ enabled: 'no' }, 'enabled', /true or false/],
    [{ name: '' }, 'name', /1 to 128/],
    [{ namespace: 'a b' }, 'namespace', /spaces/],
    [{ namespace: 5 }, 'namespace', /1 to 128/],
    [{ defaults: { tl: 5 } }, 'defaults.tl', /did you mean 'ttl'/],
    [{ defaults: { ttl: NaN } }, 'defaults', /'250ms'/],
    [{ defaults: { isolation: 'deep' } }, 'defaults', /'clone'/],
    [{ codec: {} }, 'codec', /encode and decode/],
    [{ codec: { id: 'A B', encode() {}, decode() {} } }, 'codec.id', /a-z/],
    [null, 'options', /object/],
    [[], 'options', /object/],
  ])('%j is refused, naming %s', async (options, option, message) => {
    const error = (await failure(createCache(options as never))) as CacheConfigError;
    expect(error).toBeInstanceOf(CacheConfigError);
    expect(error.code).toBe('CACHE_CONFIG_INVALID');
    expect(error.option).toBe(option);
    expect(error.message).toMatch(message);
    expect(error.message).toContain(option.split('.')[0]);
  });
});

describe('enabled: false', () => {
  it('passes every call through to the loader and stores nothing', async () => {
    const { cache } = await benchOf('memory', { enabled: false });
    const own = { a: 1 };
    await cache.set('k', own);
    await expect(cache.get('k')).resolves.toBeUndefined();
    await expect(cache.has('k')).resolves.toBe(false);
    expect(cache.peek('k')).toBeUndefined();
    let loads = 0;
    const load = (): typeof own => (loads++, own);
    expect(await cache.getOrSet('k', load)).toBe(own);
    expect(await cache.getOrSet('k', load)).toBe(own);
    expect(loads).toBe(2);
    await expect(
      cache.getOrSetMany(['a', 'a', 'b'], (keys) => new Map(keys.map((key) => [key, 1]))),
    ).resolves.toStrictEqual(
      new Map([['a', 1], ['b', 1]]), // prettier-ignore
    );
    await expect(cache.getMany(['a'])).resolves.toStrictEqual(new Map());
    await expect(cache.delete('k')).resolves.toBe(false);
    await cache.clear();
    expect(cache.stats()).toMatchObject({ reads: 0, loads: 0 });
    expect(cache.stats().memory).toBeUndefined();
  });

  it('still refuses bad keys', async () => {
    const { cache } = await benchOf('memory', { enabled: false });
    expect(await failure(cache.get(''))).toMatchObject({ code: 'CACHE_KEY_INVALID' });
  });

  it('needs no Redis even when one is configured', async () => {
    const { manager, close } = await createCache({ enabled: false, redis: { host: '127.0.0.1', port: 1 } });
    await expect(manager.getOrSet('k', () => 1)).resolves.toBe(1);
    await close();
  });
});
