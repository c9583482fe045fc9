import { Module } from '@nestjs/common';
import { TypeOrmModule } from '@nestjs/typeorm';
import { CachedRepositoryModule } from 'nestjs-tiered-cache/typeorm';

import { CatalogueController } from './catalogue.controller.js';
import { CatalogueService } from './catalogue.service.js';
import { Product } from './product.entity.js';
import { Review } from './review.entity.js';

@Module({
  imports: [
    TypeOrmModule.forFeature([Product, Review]),
    CachedRepositoryModule.forFeature([Product, Review]),
  ],
  controllers: [CatalogueController],
  providers: [CatalogueService],
  exports: [CatalogueService],
})
export class CatalogueModule {}
