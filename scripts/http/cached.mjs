import { CacheModule } from 'nestjs-tiered-cache';
import { CacheResponse } from 'nestjs-tiered-cache/http';

export const modules = () => [CacheModule.forRoot({ memory: { maxSize: 10_000 }, defaults: { ttl: '1h' } })];

/** Lifetimes come from the responses alone, as for a cache in front of an origin. */
export const decorators = () => [CacheResponse({ freshness: 'origin', staleIfError: '1h' })];
