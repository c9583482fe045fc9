import 'reflect-metadata';

import { afterEach, describe, expect, it } from '@jest/globals';
import { Type } from 'class-transformer';

import { benchOf, closeBenches, TOPOLOGIES } from '../support/caches.js';

class Address {
  constructor(
    readonly street: string,
    readonly since: Date,
  ) {}

  line(): string {
    return `${this.street} (${this.since.getFullYear()})`;
  }
}

class User {
  name!: string;

  @Type(() => Address)
  addresses!: Address[];

  greeting(): string {
    return `Hello ${this.name}`;
  }
}

function user(): User {
  return Object.assign(new User(), {
    name: 'Ada',
    addresses: [new Address('Main St', new Date('1843-01-02'))],
  });
}

describe.each(TOPOLOGIES)('isolation: %s', (topology) => {
  afterEach(closeBenches);

  const nested = (): { list: { n: number }[] } => ({ list: [{ n: 1 }] });

  it('plain data is frozen through and through: nobody can change what others read', async () => {
    const { cache } = await benchOf(topology);
    const own = nested();
    await cache.set('k', own);
    own.list[0]!.n = 2;
    const read = (await cache.get<ReturnType<typeof nested>>('k'))!;
    expect(read).toStrictEqual(nested());
    expect(() => (read.list[0]!.n = 3)).toThrow(TypeError);
    expect(() => read.list.push({ n: 4 })).toThrow(TypeError);
    await expect(cache.get('k')).resolves.toStrictEqual(nested());
  });

  it('a loader’s object stays its own, and is handed to nobody', async () => {
    const { cache } = await benchOf(topology);
    const own = nested();
    const first = await cache.getOrSet('k', () => own);
    own.list.push({ n: 2 });
    expect(first).not.toBe(own);
    await expect(cache.get('k')).resolves.toStrictEqual(nested());
  });

  it.each([
    ['Date', () => new Date(5), (value: Date) => value.setTime(0)],
    ['Map', () => new Map([['a', 1]]), (value: Map<string, number>) => value.clear()],
    ['Buffer', () => Buffer.from('abc'), (value: Buffer) => value.fill(0)],
    ['nested Date', () => ({ at: new Date(5) }), (value: { at: Date }) => value.at.setTime(0)],
  ] as [string, () => unknown, (value: never) => unknown][])(
    'every reader has a %s of its own',
    async (_, make, spoil) => {
      const { cache } = await benchOf(topology);
      const all = [await cache.getOrSet('k', make), await cache.get('k'), await cache.getOrSet('k', make)];
      all.push(...(await cache.getMany(['k'])).values());
      for (const value of all) {
        expect(value).toStrictEqual(make());
        spoil(value as never);
      }
      await expect(cache.get('k')).resolves.toStrictEqual(make());
      await expect(cache.get('k')).resolves.toStrictEqual(make());
    },
  );

  it("'clone' gives every reader an object it may change, whoever read before", async () => {
    const { cache } = await benchOf(topology);
    await cache.set('k', nested());
    for (let i = 0; i < 3; i++) {
      const mine = (await cache.get<ReturnType<typeof nested>>('k', { isolation: 'clone' }))!;
      mine.list.push({ n: i });
      await expect(cache.get('k')).resolves.toStrictEqual(nested());
    }
  });

  it("'share' freezes nothing", async () => {
    const { cache } = await benchOf(topology, { defaults: { isolation: 'share' } });
    await cache.set('k', nested());
    expect(Object.isFrozen(await cache.get('k'))).toBe(false);
    await cache.set('d', { at: new Date(5) });
    await expect(cache.get('d')).resolves.toStrictEqual({ at: new Date(5) });
  });

  it('gives instances to a reader that names the class, and plain data to one that does not', async () => {
    const { cache } = await benchOf(topology);
    const first = await cache.getOrSet('k', user, { type: User });
    const second = await cache.getOrSet('k', user, { type: User });
    const third = (await cache.get<User>('k', { type: User }))!;
    const [fourth] = [...(await cache.getMany<User>(['k'], { type: User })).values()];
    for (const found of [first, second, third, fourth!]) {
      expect(found).toStrictEqual(user());
      expect(found.greeting()).toBe('Hello Ada');
      expect(found.addresses[0]!.line()).toBe('Main St (1843)');
      found.addresses[0]!.since.setTime(0);
      found.addresses.pop();
    }
    const plain = await cache.get('k');
    expect(Object.getPrototypeOf(plain)).toBe(Object.prototype);
    expect(plain).toMatchObject({ name: 'Ada' });
  });

  it('gives arrays of instances', async () => {
    const { cache } = await benchOf(topology);
    for (let i = 0; i < 3; i++) {
      const users = await cache.getOrSet('k', () => [user(), user()], { type: User });
      expect(users).toStrictEqual([user(), user()]);
    }
    await expect(cache.getOrSet<User | null>('none', () => null, { type: User })).resolves.toBeNull();
  });
});
