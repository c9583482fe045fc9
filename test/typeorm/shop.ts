// A small shop: authors, their posts, tags of posts, and accounts whose rows hide something.
import 'reflect-metadata';

import {
  AfterLoad,
  Column,
  DataSource,
  type DataSourceOptions,
  DeleteDateColumn,
  Entity,
  JoinTable,
  ManyToMany,
  ManyToOne,
  OneToMany,
  PrimaryColumn,
  PrimaryGeneratedColumn,
  VersionColumn,
} from 'typeorm';

import { CacheEntity } from '../../lib/typeorm/index.js';

@CacheEntity({ ttl: '10m', exclude: ['passwordHash'] })
@Entity()
export class User {
  @PrimaryGeneratedColumn() id!: number;
  @Column({ unique: true }) email!: string;
  @Column() name!: string;
  @Column({ default: true }) active!: boolean;
  @Column({ default: '' }) passwordHash!: string;
  @Column({ default: 'none', select: false }) secret!: string;
  @Column({ default: 0 }) visits!: number;
  @VersionColumn() version!: number;
  @OneToMany(() => Post, (post) => post.author) posts!: Post[];
  greeting?: string;

  @AfterLoad() greet(): void {
    this.greeting = `I am ${this.name}`;
  }
}

@CacheEntity<Post>({ partitionBy: ['author'] })
@Entity()
export class Post {
  @PrimaryGeneratedColumn() id!: number;
  @Column() title!: string;
  @ManyToOne(() => User, (user) => user.posts, { onDelete: 'CASCADE' }) author!: User;
  @ManyToMany(() => Label, (label) => label.posts) @JoinTable() labels!: Label[];
  @DeleteDateColumn() deletedAt!: Date | null;
}

@CacheEntity()
@Entity()
export class Label {
  @PrimaryColumn() name!: string;
  @ManyToMany(() => Post, (post) => post.labels) posts!: Post[];
}

@CacheEntity()
@Entity()
export class Stock {
  @PrimaryColumn() shop!: number;
  @PrimaryColumn() product!: string;
  @Column() amount!: number;
}

/** Without `@CacheEntity`. */
@Entity()
export class Plain {
  @PrimaryGeneratedColumn() id!: number;
}

export const ENTITIES = [User, Post, Label, Stock, Plain];

/** A data source with empty tables, and what it was asked, in its order. */
export async function openSource(
  options: DataSourceOptions,
): Promise<{ source: DataSource; statements: string[] }> {
  const statements: string[] = [];
  const note = (query: string): void => void statements.push(query);
  const silent = (): void => {};
  const source = new DataSource({
    ...options,
    logging: ['query'],
    logger: {
      logQuery: note,
      logQueryError: silent,
      logQuerySlow: silent,
      logSchemaBuild: silent,
      logMigration: silent,
      log: silent,
    },
  });
  await source.initialize();
  statements.length = 0;
  return { source, statements };
}

export const SQLJS: DataSourceOptions = { type: 'sqljs', synchronize: true, entities: ENTITIES };
