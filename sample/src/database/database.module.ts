import { Module } from '@nestjs/common';
import { TypeOrmModule } from '@nestjs/typeorm';

import { Product } from '../catalogue/product.entity.js';
import { Review } from '../catalogue/review.entity.js';
import { SettingsModule } from '../settings.js';
import { QueryLog, QueryLogModule } from './query-log.js';
import { Seeder } from './seeder.js';
import { SlowQueries } from './slow-queries.js';

@Module({
  imports: [
    QueryLogModule,
    SettingsModule,
    TypeOrmModule.forRootAsync({
      imports: [QueryLogModule],
      inject: [QueryLog],
      useFactory: (logger: QueryLog) => ({
        // SQLite, compiled to WebAssembly: nothing to install or start. It lives in this process' memory.
        type: 'sqljs',
        entities: [Product, Review],
        synchronize: true,
        logger,
        retryAttempts: 0,
      }),
    }),
  ],
  providers: [Seeder, SlowQueries],
})
export class DatabaseModule {}
