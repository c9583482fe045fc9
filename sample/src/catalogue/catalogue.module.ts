import { Module } from '@nestjs/common';
import { TypeOrmModule } from '@nestjs/typeorm';

import { SettingsModule } from '../settings.js';
import { CatalogueController } from './catalogue.controller.js';
import { CatalogueRepository } from './catalogue.repository.js';
import { CatalogueService } from './catalogue.service.js';
import { Product } from './product.entity.js';
import { Review } from './review.entity.js';

@Module({
  imports: [SettingsModule, TypeOrmModule.forFeature([Product, Review])],
  controllers: [CatalogueController],
  providers: [CatalogueRepository, CatalogueService],
})
export class CatalogueModule {}
