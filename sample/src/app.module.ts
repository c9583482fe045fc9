import { Module } from '@nestjs/common';
import { APP_INTERCEPTOR } from '@nestjs/core';
import { CacheModule } from 'nestjs-tiered-cache';

import { cacheOptions } from './cache-options.js';
import { CatalogueModule } from './catalogue/catalogue.module.js';
import { DatabaseModule } from './database/database.module.js';
import { CacheStatsController } from './http/cache-stats.controller.js';
import { TookInterceptor } from './http/took.interceptor.js';
import { Settings, SettingsModule } from './settings.js';

@Module({
  imports: [
    CacheModule.forRootAsync({ imports: [SettingsModule], inject: [Settings], useFactory: cacheOptions }),
    DatabaseModule,
    CatalogueModule,
    SettingsModule,
  ],
  controllers: [CacheStatsController],
  providers: [{ provide: APP_INTERCEPTOR, useClass: TookInterceptor }],
})
export class AppModule {}
