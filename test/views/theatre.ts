import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import Handlebars from 'handlebars';

import type { CacheManager } from '../../lib/index.js';
import {
  handlebarsEngine,
  type HandlebarsEngineOptions,
  type TemplateEngine,
  ViewCache,
} from '../../lib/views/index.js';
import { benchOf } from '../support/caches.js';
import type { ManualClock } from '../support/manual-clock.js';

/** Templates in a folder of their own, and which of them were rendered, in their order. */
export interface Theatre {
  readonly folder: string;
  readonly engine: TemplateEngine;
  readonly rendered: string[];
  /** The templates whose text was asked for. */
  readonly read: string[];
  write(templates: Readonly<Record<string, string>>): void;
  /** What was rendered since it was asked last. */
  news(): string[];
}

const folders: string[] = [];

/** For `afterAll`. */
export function removeFolders(): void {
  for (const folder of folders.splice(0)) rmSync(folder, { recursive: true, force: true });
}

export function openTheatre(
  templates: Readonly<Record<string, string>>,
  options: Partial<HandlebarsEngineOptions> = {},
): Theatre {
  const folder = mkdtempSync(join(tmpdir(), 'views-'));
  folders.push(folder);
  const rendered: string[] = [];
  const read: string[] = [];
  const engine = handlebarsEngine({ handlebars: Handlebars.create(), views: folder, ...options });
  const write: Theatre['write'] = (files) => {
    for (const [name, text] of Object.entries(files)) {
      const file = join(folder, `${name}.hbs`);
      mkdirSync(dirname(file), { recursive: true });
      writeFileSync(file, text);
    }
  };
  write(templates);
  return {
    folder,
    rendered,
    read,
    write,
    news: () => rendered.splice(0),
    engine: {
      ...engine,
      source(name) {
        read.push(name);
        return engine.source(name);
      },
      render(template, data) {
        rendered.push(template.name);
        return engine.render(template, data);
      },
    },
  };
}

export interface Stage extends Theatre {
  readonly cache: CacheManager;
  readonly clock: ManualClock;
  readonly views: ViewCache;
}

/** Views that notice edits, in memory. */
export async function openStage(
  templates: Readonly<Record<string, string>>,
  { reload = true, ...options }: Partial<HandlebarsEngineOptions> & { reload?: boolean } = {},
): Promise<Stage> {
  const theatre = openTheatre(templates, options);
  const { cache, clock } = await benchOf('memory');
  return { ...theatre, cache, clock, views: new ViewCache(cache, { engine: theatre.engine, reload }) };
}
