import { Controller, Get } from '@nestjs/common';
import { CacheManager, type CacheStats } from 'nestjs-tiered-cache';

@Controller('cache')
export class CacheStatsController {
  constructor(private readonly cache: CacheManager) {}

  @Get('stats')
  stats(): CacheStats {
    return this.cache.stats();
  }
}
