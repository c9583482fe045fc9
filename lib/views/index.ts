export { CacheTemplateError } from './errors.js';
export type { FragmentKeyOptions, FragmentKeyPart, FragmentRecord } from './fragment-key.js';
export { handlebarsEngine } from './handlebars-engine.js';
export type { HandlebarsEngineOptions, HandlebarsInstance } from './handlebars-options.js';
export type { TemplateEngine, TemplateReferences, TemplateTree } from './template-engine.js';
export { type FragmentOptions, ViewCache, type ViewCacheOptions } from './view-cache.js';
export { ViewCacheModule, type ViewCacheModuleOptions } from './view-cache.module.js';
