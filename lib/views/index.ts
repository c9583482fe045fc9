export { CacheTemplateError } from './errors.js';
export type { FragmentKeyOptions, FragmentKeyPart, FragmentRecord } from './fragment-key.js';
export {
  handlebarsEngine,
  type HandlebarsEngineOptions,
  type HandlebarsInstance,
} from './handlebars-engine.js';
export type { TemplateEngine, TemplateReferences, TemplateTree } from './template-engine.js';
export { type FragmentOptions, ViewCache, type ViewCacheOptions } from './view-cache.js';
export { ViewCacheModule, type ViewCacheModuleOptions } from './view-cache.module.js';
