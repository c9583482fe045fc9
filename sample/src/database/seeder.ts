import { Injectable, type OnModuleInit } from '@nestjs/common';
import { CacheManager } from 'nestjs-tiered-cache';
import { DataSource } from 'typeorm';

import { Product } from '../catalogue/product.entity.js';
import { Review } from '../catalogue/review.entity.js';
import { QueryLog } from './query-log.js';
import { PRODUCTS, REVIEWS } from './seed-data.js';

/** Fills the new database before the app listens. */
@Injectable()
export class Seeder implements OnModuleInit {
  constructor(
    private readonly database: DataSource,
    private readonly cache: CacheManager,
    private readonly queries: QueryLog,
  ) {}

  async onModuleInit(): Promise<void> {
    // Copies, since TypeORM writes generated values into what it inserts.
    await this.database.getRepository(Product).insert(PRODUCTS.map((row) => ({ ...row })));
    await this.database.getRepository(Review).insert(REVIEWS.map((row) => ({ ...row })));
    // Redis outlives the process, the database does not: entries of an earlier run describe rows that are gone.
    await this.cache.clear();
    this.queries.start();
  }
}
