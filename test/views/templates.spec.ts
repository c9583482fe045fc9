import { afterAll, afterEach, describe, expect, it } from '@jest/globals';
import Handlebars from 'handlebars';

import { CacheConfigError } from '../../lib/index.js';
import {
  CacheTemplateError,
  handlebarsEngine,
  type TemplateEngine,
  ViewCache,
  ViewCacheModule,
} from '../../lib/views/index.js';
import { benchOf, closeBenches } from '../support/caches.js';
import { failure } from '../support/deferred.js';
import { openStage, openTheatre, removeFolders } from './theatre.js';

afterEach(closeBenches);
afterAll(removeFolders);

describe('what a template of Handlebars includes', () => {
  it.each([
    ['a partial', '{{> a}}', ['a']],
    [
      'one in a block and in its else',
      '{{#if x}}{{> a}}{{else}}{{#each y}}{{> b}}{{/each}}{{/if}}',
      ['a', 'b'],
    ],
    [
      'one in a folder, or in quotes',
      '{{> dir/a}} {{> "dir/b c" x=1}} {{> [d e]}}',
      ['dir/a', 'dir/b c', 'd e'],
    ],
    ['one named by a number', '{{> 404}}', ['404']],
    ['one whose context is computed', '{{> a (lookup . "x") y=(b)}}', ['a']],
    ['one in the block of another', '{{#> layout}}{{> a}}{{/layout}}', ['a'], ['layout']],
    ['the block a template was given', '<b>{{> @partial-block}}</b>', []],
    ['one written inside', '{{#*inline "row"}}{{> a}}{{/inline}}{{> row}}', ['a', 'row'], [], ['row']],
    ['those listed', '{{!-- includes: a, dir/b --}}{{! includes: c}}{{> (x)}}', ['a', 'dir/b', 'c']],
    ['no text that looks like one', '\\{{> a}} {{!-- {{> b}} --}} {{{{raw}}}}{{> c}}{{{{/raw}}}}', []],
  ] as const)(
    '%s',
    (_, source, includes, optional: readonly string[] = [], declares: readonly string[] = []) => {
      const { engine } = openTheatre({});
      expect(engine.references(source, 'it')).toEqual({ includes, optional, declares });
    },
  );

  it('has to be listed if it is computed', () => {
    const { engine } = openTheatre({});
    const references = (): unknown => engine.references('a\n  {{> (lookup . "x")}}', 'page');
    expect(references).toThrow(CacheTemplateError);
    expect(references).toThrow(/'page'.*line 2, column 3.*\{\{!-- includes: one, another --\}\}/);
  });
});

describe('templates', () => {
  it('that are listed are rendered by their computed names, and are part of the digest; others are not there', async () => {
    const { views, write, news } = await openStage({
      page: '{{!-- includes: book, film --}}{{> (lookup . "kind")}}',
      book: 'a book',
      film: 'a film',
      song: 'a song',
    });
    const page = (kind: string): Promise<string> =>
      views.cacheFragment('page', { by: [kind], data: { kind } });
    expect([await page('book'), await page('film')]).toEqual(['a book', 'a film']);
    write({ film: 'a long film' });
    expect([await page('book'), await page('film')]).toEqual(['a book', 'a long film']);
    expect(news()).toHaveLength(4);
    await expect(page('song')).rejects.toThrow('song could not be found');
  });

  it('that are computed and registered, but not listed, are not there either', async () => {
    const handlebars = Handlebars.create();
    handlebars.registerPartial('song', 'a song');
    const { views } = await openStage(
      { page: '{{!-- includes: --}}{{> (lookup . "kind")}}' },
      { handlebars },
    );
    await expect(views.cacheFragment('page', { data: { kind: 'song' } })).rejects.toThrow(
      'song could not be found',
    );
  });

  it('may include each other', async () => {
    const { views, write, news, read } = await openStage({
      a: '{{n}}{{#with next}}{{> b}}{{/with}}',
      b: '({{> a}})',
    });
    const data = { n: 1, next: { n: 2, next: { n: 3 } } };
    expect(await views.cacheFragment('a', { data })).toBe('1(2(3))');
    expect(read.splice(0)).toEqual(['a', 'b']);
    expect(await views.cacheFragment('b', { data })).toBe('(1(2(3)))');
    write({ b: '[{{> a}}]' });
    expect(await views.cacheFragment('a', { data })).toBe('1[2[3]]');
    expect(news()).toEqual(['a', 'b', 'a']);
  });

  it('with layouts: blocks, and what is written inside for another one', async () => {
    const { views, write, news } = await openStage({
      page: '{{#> layout}}{{#*inline "nav"}}{{> links}}{{/inline}}text{{/layout}}',
      layout: '<nav>{{> nav}}</nav>{{> @partial-block}}{{#> aside}}no aside{{/aside}}',
      links: 'links',
    });
    const page = (): Promise<string> => views.cacheFragment('page');
    expect(await page()).toBe('<nav>links</nav>textno aside');
    write({ links: 'more links' });
    expect(await page()).toBe('<nav>more links</nav>textno aside');
    write({ aside: 'an aside' });
    expect(await page()).toBe('<nav>more links</nav>textan aside');
    expect(news()).toHaveLength(3);
  });

  it('use the helpers of the instance, also those registered later, and the options given', async () => {
    class Price {
      get text(): string {
        return 'from a getter';
      }
    }
    const handlebars = Handlebars.create();
    const { views } = await openStage(
      { it: '{{shout name}} {{price.text}} {{> part}}', part: '{{shout "part"}}' },
      {
        handlebars,
        compileOptions: { noEscape: true },
        runtimeOptions: { allowProtoPropertiesByDefault: true },
      },
    );
    handlebars.registerHelper('shout', (text: string) => `<${text}>`);
    const data = { name: 'x', price: new Price() };
    expect(await views.cacheFragment('it', { data })).toBe('<x> from a getter <part>');
  });

  it('take HTML that was rendered already as SafeString, or in three braces', async () => {
    const { views } = await openStage({ it: '{{safe}}{{{raw}}}{{plain}}' });
    const data = { safe: new Handlebars.SafeString('<b>'), raw: '<i>', plain: '<u>' };
    expect(await views.cacheFragment('it', { data })).toBe('<b><i>&lt;u&gt;');
  });

  it('are looked for in several folders, by another extension, and among the registered ones', async () => {
    const partials = openTheatre({ 'card.part': 'card', 'page.part': 'not this one' });
    const handlebars = Handlebars.create();
    handlebars.registerPartial('sign', 'sign');
    const pages = openTheatre({ 'page.part': '{{> card}} {{> sign}}' });
    const engine = handlebarsEngine({
      handlebars,
      views: [pages.folder, partials.folder],
      extension: '.part.hbs',
    });
    const { cache } = await benchOf('memory');
    const views = new ViewCache(cache, { engine, reload: true });
    expect(await views.cacheFragment('page')).toBe('card sign');
    handlebars.registerPartial('sign', 'other sign');
    expect(await views.cacheFragment('page')).toBe('card other sign');
    handlebars.registerPartial('sign', handlebars.compile('compiled'));
    expect(await failure(views.cacheFragment('page'))).toMatchObject({
      code: 'CACHE_TEMPLATE_INVALID',
      template: 'sign',
    });
  });
});

describe('partials that are registered as text', () => {
  it.each([true, false])(
    'count also when an ordinary page has rendered them, with reload: %s',
    async (reload) => {
      const handlebars = Handlebars.create();
      handlebars.registerPartial({ foot: '<p>{{> sign}}</p>', sign: 'Ann' });
      const { views } = await openStage({ page: '{{> foot}}', other: '{{> foot}}!' }, { handlebars, reload });
      const ordinary = handlebars.compile('{{> foot}}');
      expect(ordinary({})).toBe('<p>Ann</p>');
      expect(handlebars.partials['foot']).toBeInstanceOf(Function);
      expect(await views.cacheFragment('page')).toBe('<p>Ann</p>');
      expect(ordinary({})).toBe('<p>Ann</p>');
      expect(await views.cacheFragment('other')).toBe('<p>Ann</p>!');
    },
  );

  it('count anew when they are registered anew, whoever renders them first', async () => {
    const handlebars = Handlebars.create();
    handlebars.registerPartial('sign', 'Ann');
    const { views } = await openStage({ page: '{{> sign}}' }, { handlebars });
    // A second engine over the same instance.
    openTheatre({}, { handlebars });
    const ordinary = handlebars.compile('{{> sign}}');
    for (const text of ['Ann', 'Bob', 'Cleo', 'Ann']) {
      handlebars.registerPartial('sign', text);
      expect(ordinary({})).toBe(text);
      expect(await views.cacheFragment('page')).toBe(text);
    }
    handlebars.registerPartial('sign', handlebars.compile('Dan'));
    expect(ordinary({})).toBe('Dan');
    expect(await failure(views.cacheFragment('page'))).toMatchObject({ template: 'sign' });
    handlebars.unregisterPartial('sign');
    expect((await failure(views.cacheFragment('page'))).message).toContain("'sign', which does not exist");
  });
});

describe('engines on one cache', () => {
  const data = { n: '<script>' };
  const mail = (views: ViewCache): Promise<string> => views.cacheFragment('mail', { data });

  it('do not get the fragments of those that render otherwise', async () => {
    const { cache, views, folder } = await openStage({ mail: '{{n}}' });
    const over = (options: object) =>
      new ViewCache(cache, {
        engine: handlebarsEngine({ handlebars: Handlebars, views: folder, ...options }),
      });
    expect(await mail(over({ compileOptions: { noEscape: true } }))).toBe('<script>');
    expect(await mail(views)).toBe('&lt;script&gt;');
    const globals = { deep: { title: { de: 'Stuhl' } } };
    const loads = async (options: object): Promise<number> => {
      const before = cache.stats().loads;
      await mail(over(options));
      return cache.stats().loads - before;
    };
    expect(await loads({ runtimeOptions: { data: globals } })).toBe(1);
    expect(await loads({ runtimeOptions: { data: structuredClone(globals) } })).toBe(0);
    globals.deep.title.de = 'Tisch';
    expect(await loads({ runtimeOptions: { data: globals } })).toBe(1);
    expect(await loads({ compileOptions: { strict: true, noEscape: false } })).toBe(1);
    expect(await loads({ compileOptions: { noEscape: false, strict: true } })).toBe(0);
  });

  it('are told apart by a name, where they differ in functions', async () => {
    const { cache, folder } = await openStage({ mail: '{{shout n}}' });
    const of = (mark: string, name?: string): ViewCache => {
      const handlebars = Handlebars.create();
      handlebars.registerHelper('shout', (text: string) => text + mark);
      return new ViewCache(cache, { engine: handlebarsEngine({ handlebars, views: folder }), name });
    };
    expect(await mail(of('!'))).toBe('&lt;script&gt;!');
    expect(await mail(of('?', 'asking'))).toBe('&lt;script&gt;?');
    expect(await mail(of('?', 'asking'))).toBe('&lt;script&gt;?');
    expect(await mail(of('!'))).toBe('&lt;script&gt;!');
    expect(cache.stats().loads).toBe(2);
  });
});

describe('refused', () => {
  it('a template that is not there, which may come later', async () => {
    const { views, write } = await openStage({}, { reload: false });
    expect(await failure(views.cacheFragment('page'))).toMatchObject({
      code: 'CACHE_TEMPLATE_INVALID',
      template: 'page',
      message: expect.stringContaining("no template 'page'"),
    });
    write({ page: 'here' });
    expect(await views.cacheFragment('page')).toBe('here');
  });

  it('a missing include, with the names of both', async () => {
    const { views } = await openStage({ page: '{{> card}}', card: '{{> prize}}' });
    expect(await failure(views.cacheFragment('page'))).toMatchObject({
      code: 'CACHE_TEMPLATE_INVALID',
      template: 'card',
      message: expect.stringMatching(/'card' includes 'prize', which does not exist/),
    });
  });

  it('a template that cannot be parsed', async () => {
    const { views } = await openStage({ page: 'x {{#if}}' });
    const error = await failure(views.cacheFragment('page'));
    expect(error).toMatchObject({ code: 'CACHE_TEMPLATE_INVALID', template: 'page' });
    expect(error.cause).toBeInstanceOf(Error);
  });

  it.each([
    '../secret',
    '/etc/passwd',
    'a/../secret',
    './page',
    'a//page',
    'a/page.hbs/x',
    'a\\..\\page',
    '',
    'page\0',
    'x'.repeat(5000),
  ])('the name %j, which leads elsewhere or is another name of the same', async (name) => {
    const { folder, write } = openTheatre({ secret: 'secret', 'in/page': 'page', 'in/a/page': 'page' });
    write({ 'in/secret': 'secret' });
    const { cache } = await benchOf('memory');
    const engine = handlebarsEngine({ handlebars: Handlebars, views: `${folder}/in` });
    const views = new ViewCache(cache, { engine });
    expect(await views.cacheFragment('a/page')).toBe('page');
    expect(await failure(views.cacheFragment(name))).toMatchObject({ code: 'CACHE_TEMPLATE_INVALID' });
  });

  it('a file that is there and cannot be read', async () => {
    const { views } = await openStage({ 'page.hbs/x': 'a folder' });
    expect(await failure(views.cacheFragment('page'))).toMatchObject({ code: 'EISDIR' });
  });

  it('options that are wrong', async () => {
    const { cache } = await benchOf('memory');
    const { engine, folder } = openTheatre({});
    const makers: [string, () => unknown][] = [
      ['engine', () => new ViewCache(cache, {} as never)],
      ['engine', () => new ViewCache(cache, { engine: { ...engine, render: 5 } as never })],
      ['reload', () => new ViewCache(cache, { engine, reload: 'yes' as never })],
      ['watch', () => new ViewCache(cache, { engine, watch: true } as never)],
      ['name', () => new ViewCache(cache, { engine, name: 5 as never })],
      ['engine.variant', () => new ViewCache(cache, { engine: { ...engine, variant: 5 as never } })],
      ['options', () => new ViewCache(cache, undefined as never)],
      ['cache', () => new ViewCache(undefined as never, { engine })],
      ['options', () => ViewCacheModule.forRoot(undefined as never)],
      ['options', () => handlebarsEngine(undefined as never)],
      ['partials', () => handlebarsEngine({ handlebars: Handlebars, views: folder, partials: 'x' } as never)],
      ['its dot', () => handlebarsEngine({ handlebars: Handlebars, views: folder, extension: 'hbs' })],
      ['extension', () => handlebarsEngine({ handlebars: Handlebars, views: folder, extension: 5 as never })],
      [
        'compileOptions',
        () => handlebarsEngine({ handlebars: Handlebars, views: folder, compileOptions: 5 as never }),
      ],
      [
        'runtimeOptions',
        () => handlebarsEngine({ handlebars: Handlebars, views: folder, runtimeOptions: null as never }),
      ],
      ['handlebars', () => handlebarsEngine({ views: folder } as never)],
      ['handlebars', () => handlebarsEngine({ handlebars: { compile() {} } as never, views: folder })],
      ['views', () => handlebarsEngine({ handlebars: Handlebars } as never)],
      ['views', () => handlebarsEngine({ handlebars: Handlebars, views: [] })],
      ['views', () => handlebarsEngine({ handlebars: Handlebars, views: ['a', ''] })],
    ];
    for (const [option, make] of makers) {
      expect(make).toThrow(CacheConfigError);
      expect(make).toThrow(new RegExp(`\\b${option}\\b`));
    }
  });
});

describe('another engine', () => {
  const texts: Record<string, string> = { page: 'Hello $name, @part', part: 'welcome' };
  const engine: TemplateEngine = {
    source: (name) => texts[name],
    references: (source) => ({ includes: Array.from(source.matchAll(/@(\w+)/g), ([, name]) => name!) }),
    render: ({ name, sources }, data) =>
      Promise.resolve(
        sources
          .get(name)!
          .replaceAll(/@(\w+)/g, (_, part: string) => sources.get(part)!)
          .replaceAll(/\$(\w+)/g, (_, field: string) => String((data as Record<string, unknown>)[field])),
      ),
  };

  it('is three functions', async () => {
    const { cache } = await benchOf('memory');
    const views = new ViewCache(cache, { engine, reload: true });
    const page = (): Promise<string> => views.cacheFragment('page', { data: { name: 'Ann' } });
    expect(await page()).toBe('Hello Ann, welcome');
    texts['part'] = 'goodbye';
    expect(await page()).toBe('Hello Ann, goodbye');
    expect(cache.stats()).toMatchObject({ loads: 2 });
  });

  it('has templates of which none passes for another by what it ends or begins with', async () => {
    const { cache } = await benchOf('memory');
    const views = new ViewCache(cache, { engine, reload: true });
    const read = async (page: string, part: string): Promise<string> => {
      Object.assign(texts, { page, part });
      return views.cacheFragment('page');
    };
    expect(await read('@part.', 'xparty')).toBe('xparty.');
    expect(await read('@part.partx', 'y')).toBe('y.partx');
  });

  it('has to give a string', async () => {
    const { cache } = await benchOf('memory');
    const views = new ViewCache(cache, { engine: { ...engine, render: () => undefined as never } });
    expect(await failure(views.cacheFragment('page'))).toMatchObject({
      code: 'CACHE_TEMPLATE_INVALID',
      message: expect.stringContaining('undefined'),
    });
  });
});
