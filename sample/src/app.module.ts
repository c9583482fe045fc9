import { type MiddlewareConsumer, Module, type NestModule } from '@nestjs/common';
import { CacheModule } from 'nestjs-tiered-cache';

import { cacheOptions } from './cache-options.js';
import { CatalogueModule } from './catalogue/catalogue.module.js';
import { DatabaseModule } from './database/database.module.js';
import { CacheStatsController } from './http/cache-stats.controller.js';
import { took } from './http/took.js';
import { Settings, SettingsModule } from './settings.js';
import { ShopModule } from './shop/shop.module.js';
import { WishlistModule } from './wishlist/wishlist.module.js';

@Module({
  imports: [
    CacheModule.forRootAsync({ imports: [SettingsModule], inject: [Settings], useFactory: cacheOptions }),
    DatabaseModule,
    CatalogueModule,
    ShopModule,
    WishlistModule,
    SettingsModule,
  ],
  controllers: [CacheStatsController],
})
export class AppModule implements NestModule {
  configure(consumer: MiddlewareConsumer): void {
    consumer.apply(took).forRoutes('{*all}');
  }
}
