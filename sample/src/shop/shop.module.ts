import { fileURLToPath } from 'node:url';

import { Module } from '@nestjs/common';
import Handlebars from 'handlebars';
import { handlebarsEngine, ViewCacheModule } from 'nestjs-tiered-cache/views';

import { CatalogueModule } from '../catalogue/catalogue.module.js';
import { ShopPages } from './shop-pages.js';
import { ShopController } from './shop.controller.js';

const views = fileURLToPath(new URL('../../views', import.meta.url));

@Module({
  imports: [
    CatalogueModule,
    ViewCacheModule.forRoot({ engine: handlebarsEngine({ handlebars: Handlebars, views }) }),
  ],
  controllers: [ShopController],
  providers: [ShopPages],
})
export class ShopModule {}
