export { type Identity, type ResponseScope } from '../nest/audience.js';
export { CacheResponse, NoCache } from './cache-response.js';
export { type CacheResponseOptions, type TagField } from './cache-response-options.js';
export { type HttpRequest } from './exchange.js';
export { ResponseCacheInterceptor } from './response-cache.interceptor.js';
export { ResponseCacheModule } from './response-cache.module.js';
