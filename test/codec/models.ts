import 'reflect-metadata';
import { Exclude, Expose, Transform, Type } from 'class-transformer';
import type { ClassType } from '../../lib/codec/class-type.js';

export class Address {
  city!: string;
  since: Date = new Date(0);
  get label(): string {
    return `in ${this.city}`;
  }
}

export class Photo {
  url!: string;
}
export class Portrait extends Photo {
  kind = 'portrait';
  person!: string;
}

export class Person {
  name!: string;
  greet(): string {
    return `I am ${this.name}`;
  }
}

export class User extends Person {
  id!: bigint;
  @Exclude() passwordHash!: string;
  @Expose({ name: 'mail' }) email!: string;
  @Transform(({ value }) => `${value}!`) motto!: string;
  @Type(() => Date) createdAt!: Date;
  @Type(() => String) zip: unknown;
  @Type(() => Address) address!: Address | null;
  @Type(() => Address) addresses!: Address[];
  @Type(() => Address) byName!: Map<string, Address>;
  @Type(() => Address) visited!: Set<Address>;
  @Type(() => User) friends!: User[];
  @Type(() => Photo, {
    discriminator: { property: 'kind', subTypes: [{ name: 'portrait', value: Portrait }] },
  })
  photos!: Photo[];
  tags = new Set<string>();
  scores = new Map<Date, number[]>();
  avatar!: Buffer;
  vector!: Float32Array;
  home!: URL;
  pattern!: RegExp;
  failure!: Error;
  settings: Record<string, unknown> = { theme: 'light' };
}

export function make<T extends object>(type: ClassType<T>, properties: Partial<T>): T {
  return Object.assign(new type(), properties);
}

export function someUser(): User {
  const rome = make(Address, { city: 'Rome', since: new Date(5) });
  const oslo = make(Address, { city: 'Oslo' });
  return make(User, {
    name: 'Ada', id: 5n, passwordHash: 'secret', email: 'a@b.c', motto: 'go', createdAt: new Date(4), zip: 12345,
    address: rome, addresses: [rome, oslo], byName: new Map([['home', rome]]), visited: new Set([oslo]),
    friends: [make(User, { name: 'Bob', address: null, friends: [] })],
    photos: [make(Photo, { url: '/1' }), make(Portrait, { url: '/2', person: 'Ada' })],
    tags: new Set(['x']), scores: new Map([[new Date(1), [1, NaN]]]), avatar: Buffer.from('png'),
    vector: new Float32Array([1, 2]), home: new URL('https://a.b/c'), pattern: /x/g, failure: new TypeError('no'),
    settings: { nested: { at: new Date(9), list: [undefined] } },
  }); // prettier-ignore
}
