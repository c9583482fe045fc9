import { Injectable, Logger, type OnModuleInit } from '@nestjs/common';
import { CacheManager, CacheStoreError } from 'nestjs-tiered-cache';
import { DataSource } from 'typeorm';

import { Product } from '../catalogue/product.entity.js';
import { Review } from '../catalogue/review.entity.js';
import { QueryLog } from './query-log.js';
import { PRODUCTS, REVIEWS } from './seed-data.js';

/** Fills the new database before the app listens. */
@Injectable()
export class Seeder implements OnModuleInit {
  readonly #logger = new Logger(Seeder.name);

  constructor(
    private readonly database: DataSource,
    private readonly cache: CacheManager,
    private readonly queries: QueryLog,
  ) {}

  async onModuleInit(): Promise<void> {
    // Copies, since TypeORM writes generated values into what it inserts.
    await this.database.getRepository(Product).insert(PRODUCTS.map((row) => ({ ...row })));
    await this.database.getRepository(Review).insert(REVIEWS.map((row) => ({ ...row })));
    await this.forgetEarlierDatabase();
    this.queries.start();
  }

  /** Redis outlives the process, the database does not: entries of an earlier run describe rows that are gone. */
  private async forgetEarlierDatabase(): Promise<void> {
    try {
      await this.cache.clear();
    } catch (error) {
      if (!(error instanceof CacheStoreError)) throw error;
      this.#logger.warn(`The cache still holds what an earlier run stored: ${error.message}`);
    }
  }
}
