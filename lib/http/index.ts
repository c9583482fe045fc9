export { type Identity, type ResponseScope } from '../nest/audience.js';
export { CacheInvalidationInterceptor } from './cache-invalidation.interceptor.js';
export { CacheResponse, type ClassOrMethodDecorator, NoCache } from './cache-response.js';
export { type CacheResponseOptions, type TagField } from './cache-response-options.js';
export { type HttpRequest } from './exchange.js';
export {
  type Invalidated,
  InvalidatesResponses,
  type InvalidatesResponsesOptions,
} from './invalidates-responses.js';
export { ResponseCacheInterceptor } from './response-cache.interceptor.js';
export { ResponseCacheModule } from './response-cache.module.js';
