// Runs the steps of the guide in docs/repositories.md, and compares what reaches the database with its table.
import 'reflect-metadata';
import { readFileSync } from 'node:fs';
import { fileURLToPath } from 'node:url';

import { afterEach, beforeEach, describe, expect, it } from '@jest/globals';
import { Column, type DataSource, Entity, ManyToOne, PrimaryGeneratedColumn } from 'typeorm';

import { DataSourceCache } from '../../lib/typeorm/data-source-cache.js';
import { CacheEntity, CachedRepository } from '../../lib/typeorm/index.js';
import { benchOf, closeBenches } from '../support/caches.js';
import { openSource } from './shop.js';

@CacheEntity({ ttl: '10m' })
@Entity()
class User {
  @PrimaryGeneratedColumn() id!: number;
  @Column() name!: string;
}

@CacheEntity<Post>({ partitionBy: ['author'] })
@Entity()
class Post {
  @PrimaryGeneratedColumn() id!: number;
  @Column() title!: string;
  @Column() authorId!: number;
  @ManyToOne(() => User) author!: User;
}

const AUTHORS = 20;
const newest = { order: { id: 'DESC' }, take: 20 } as const;

let source: DataSource;
let statements: string[];
let users: CachedRepository<User>;
let posts: CachedRepository<Post>;

beforeEach(async () => {
  ({ source, statements } = await openSource({ type: 'sqljs', synchronize: true, entities: [User, Post] }));
  const { cache } = await benchOf('memory + redis');
  const cached = DataSourceCache.of('default', source, cache);
  users = new CachedRepository(cached, User);
  posts = new CachedRepository(cached, Post);
  const numbers = Array.from({ length: AUTHORS }, (_, i) => i + 1);
  await users.insert(numbers.map((i) => ({ name: `author ${i}` })));
  await posts.insert(numbers.map((i) => ({ title: `post ${i}`, authorId: i })));
});
afterEach(async () => {
  await closeBenches();
  await source.destroy();
});

type Page = readonly (readonly [title: string, author: string])[];

/** In the order of the table. Each gives the page, however it comes by it. */
const steps: (() => Promise<Page>)[] = [
  async () => {
    const list = await posts.repository.find(newest);
    return Promise.all(
      list.map(async (post) => [post.title, (await users.repository.findOneBy({ id: post.authorId }))!.name]),
    );
  },
  async () => {
    const list = await posts.repository.find({ ...newest, relations: { author: true } });
    return list.map((post) => [post.title, post.author.name]);
  },
  async () => {
    const list = await posts.cached().find({ ...newest, relations: { author: true } });
    return list.map((post) => [post.title, post.author.name]);
  },
  async () => {
    const list = await posts.cached().find(newest);
    return Promise.all(list.map(async (post) => [post.title, (await users.findById(post.authorId))!.name]));
  },
  async () => {
    const list = await posts.cached().find(newest);
    const authors = await posts.relation(list, 'author');
    return list.map((post, i) => [post.title, authors[i]!.name]);
  },
];

describe('the table of docs/repositories.md', () => {
  const rows = tableOf('docs/repositories.md', '| step ');

  it('has a row for each step', () => {
    expect(rows).toHaveLength(steps.length);
  });

  it.each(steps.map((step, i) => ({ step, row: rows[i] ?? [] })))('$row.0', async ({ step, row }) => {
    const counts: number[] = [];
    const read = async (): Promise<Page> => {
      statements.length = 0;
      const page = await step();
      counts.push(statements.length);
      return page;
    };
    const first = await read();
    expect(first).toHaveLength(20);
    expect(await read()).toStrictEqual(first);
    await users.update(5, { name: 'Anna' });
    expect(await read()).toContainEqual(['post 5', 'Anna']);
    await posts.insert({ title: 'the newest', authorId: 5 });
    expect((await read())[0]).toStrictEqual(['the newest', 'Anna']);
    expect(counts).toStrictEqual(row.slice(1).map((cell) => Number.parseInt(cell, 10)));
  });
});

/** The cells of the rows of a table, without its head. */
function tableOf(file: string, head: string): string[][] {
  const text = readFileSync(fileURLToPath(new URL(`../../${file}`, import.meta.url)), 'utf8');
  const [table = ''] = text.slice(text.indexOf(head)).split('\n\n', 1);
  const lines = table.split('\n').slice(2);
  return lines.map((line) =>
    line
      .split('|')
      .slice(1, -1)
      .map((cell) => cell.trim()),
  );
}
