import { UseInterceptors } from '@nestjs/common';
import { CacheModule } from 'nestjs-tiered-cache';
import { CacheResponse, ResponseCacheInterceptor } from 'nestjs-tiered-cache/http';

export const modules = () => [CacheModule.forRoot({ memory: { maxSize: '64MB' }, defaults: { ttl: '1h' } })];

/** Lifetimes come from the responses alone, as for a cache in front of an origin. */
export const decorators = () => [
  UseInterceptors(ResponseCacheInterceptor),
  CacheResponse({ freshness: 'origin' }),
];
