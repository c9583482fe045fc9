import { describe, expect, it } from '@jest/globals';
import fc from 'fast-check';
import { readSql } from '../../../lib/typeorm/sql/read-sql.js';
import { DIALECTS, effectsOf } from './render.js';

const FRAGMENTS = (
  'select insert update delete from into set where and or not in between case when then end with as on conflict ' +
  'do nothing duplicate key returning using join begin commit rollback savepoint to create table trigger alter drop ' +
  'explain analyze users id name = , . ; ( ) [ ] { } :: || && := + - * / < > ! ? ?? ?1 $1 $2 :name @name $$ $a$ 1 ' +
  "2.5 .5 1e3 0x1F ' \" ` -- # /* */ /*! /*!50000 \\ \n \r \t \0 é 🦆 E' '' \"a\" `b` 'c' any cast null true"
).split(' ');

const soup = fc.array(fc.oneof(fc.constantFrom(...FRAGMENTS), fc.string()), { maxLength: 60 });
const space = fc.constantFrom(' ', '\n', '\t ', '');
const dialects = fc.constantFrom(...DIALECTS);

/** What may stand between any two words. */
const gap = fc.constantFrom(
  ' ',
  '\n\t',
  ' -- update posts set a = 1; "\n',
  " /* delete from posts; ' */ ",
  ' /* where id = 9 or 1 */',
);
/** Values, among them texts that look like code. */
const value = fc.constantFrom(
  '1',
  "'x'",
  "'; delete from posts; --'",
  "'it''s /* not */ a comment'",
  'f(a, b)',
  '(select max(c) from d where e = 1)',
  "case when a then 'end' else b end",
);
const column = fc.constantFrom('a', 'updated', 'deleted_at', 'insert_id', 't.update', 't.delete');

const query = fc
  .record({
    columns: fc.array(fc.oneof(column, value), { minLength: 1, maxLength: 4 }),
    table: fc.constantFrom('posts', 'x.posts p', '(select 1) p', 'a join b on a.id = b.id'),
    condition: fc.option(fc.tuple(column, value)),
    lock: fc.constantFrom('', ' for update', ' for share', ' limit 3;'),
    head: fc.constantFrom('', 'with x as (select 1 as update_count) ', '-- delete from y\n'),
  })
  .map(({ columns, table, condition, lock, head }) => {
    const where = condition === null ? '' : ` where ${condition.join(' = ')}`;
    return `${head}select ${columns.join(', ')} from ${table}${where}${lock}`;
  });

describe.each(DIALECTS)('in %s', (dialect) => {
  it('nothing throws', () => {
    fc.assert(
      fc.property(soup, space, fc.array(fc.anything()), (parts, between, parameters) => {
        expect(Array.isArray(readSql(parts.join(between), parameters, dialect))).toBe(true);
      }),
      { numRuns: 2_000 },
    );
  });

  it('queries say nothing', () => {
    fc.assert(
      fc.property(query, (sql) => {
        expect(effectsOf(sql, dialect)).toBe('');
      }),
      { numRuns: 1_000 },
    );
  });

  it('a write is found whatever is around it', () => {
    const around = fc.record({
      gap,
      before: fc.array(query, { maxLength: 2 }),
      after: fc.array(query, { maxLength: 2 }),
      inWith: fc.boolean(),
      verb: fc.constantFrom('insert', 'update', 'delete'),
      value,
      upper: fc.boolean(),
    });
    fc.assert(
      fc.property(around, ({ gap: g, before, after, inWith, verb, value: v, upper }) => {
        const words = {
          insert: `insert~into~users (id, name) select ${v}, 2`,
          update: `update~users~set name = ${v}~where~id = 7`,
          delete: `delete~from~users~where id = 7~and name <> ${v}`,
        }[verb];
        const write = words.replaceAll('~', g);
        const cased = upper ? write.replace(/^\w+/, (word) => word.toUpperCase()) : write;
        const isQuery = inWith && dialect === 'postgres';
        const statement = isQuery ? `with w as (${cased} returning *) select * from w` : `${cased}${g}`;
        const text = [...before, statement, ...after].map((one) => one.replace(/;$/, '')).join(';');
        const expected = {
          insert: 'insert users',
          update: 'update users set name where id=7',
          delete: 'delete users where id=7',
        }[verb];
        expect(effectsOf(text, dialect)).toBe(expected);
      }),
      { numRuns: 2_000 },
    );
  });
});

describe('long texts', () => {
  const REPEATED = [
    '(',
    '((a and ',
    'case when ',
    ' end ',
    "''",
    "'",
    '$a$',
    '/*',
    '/* */',
    '/*!',
    ';',
    '; update a set b = 1 where c = 1',
    'update a set b = (',
    '(update a set b = 1 where (',
    '(with a as (',
    ' and id = 1',
    ' or id = 1',
    ', a = 1',
    'x.',
    '.5',
    '1_',
    '::int',
    ' on ',
    ' join a',
    'explain analyze ',
    'create trigger a begin ',
    'between ',
    '?',
    '- -',
    '--',
  ];

  it.each(REPEATED)('take time in proportion to their length: %s', (part) => {
    for (const dialect of DIALECTS) {
      for (const start of ['', 'update t set a = 1 where ', 'select 1;', 'with x as ']) {
        const began = performance.now();
        readSql(start + part.repeat(100_000 / part.length), undefined, dialect);
        // Quadratic work on a text of this length takes much longer.
        expect(performance.now() - began).toBeLessThan(2_000);
      }
    }
  });

  it('are read although they nest deeper than any stack', () => {
    fc.assert(
      fc.property(dialects, fc.constantFrom('(', 'case ', '['), (dialect, bracket) => {
        const text = `delete from users where ${bracket.repeat(200_000)}`;
        expect(effectsOf(text, dialect)).toContain('unknown');
      }),
      { numRuns: 5 },
    );
    const nested = `delete from users where ${'('.repeat(100_000)}id = 1${')'.repeat(100_000)}`;
    expect(['unknown', 'delete users where id=1']).toContain(effectsOf(nested, 'postgres'));
  });
});
