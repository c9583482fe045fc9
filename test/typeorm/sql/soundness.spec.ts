import { beforeAll, describe, expect, it } from '@jest/globals';
import fc from 'fast-check';
import { DataSource } from 'typeorm';
import { readSql } from '../../../lib/typeorm/sql/read-sql.js';

interface Row {
  id: number;
  a: number;
  name: string;
}

const column = fc.constantFrom('id', 'a', '"id"', 't.id', '[a]', '`name`', 'name');
const literal = fc.constantFrom(
  '1',
  '2',
  '3',
  "'1'",
  "'x'",
  "'y'",
  '?',
  '(1)',
  'null',
  'true',
  '-1',
  'cast(2 as int)',
);
const operator = fc.constantFrom('=', '=', '=', '==', '<>', '>', '<=', 'is', 'is not', 'like', '||', '+');

/** Conditions as people write them, and some that nobody does. */
const { condition } = fc.letrec<{ condition: string; simple: string }>((tie) => ({
  simple: fc.oneof(
    fc.tuple(column, operator, fc.oneof(literal, literal, column)).map((parts) => parts.join(' ')),
    fc
      .tuple(column, fc.constantFrom('in', 'in', 'not in'), fc.array(literal, { minLength: 1, maxLength: 3 }))
      .map(([left, word, list]) => `${left} ${word} (${list.join(', ')})`),
    fc.tuple(column, literal, literal).map(([left, from, to]) => `${left} between ${from} and ${to}`),
    fc.tuple(column, literal, tie('simple')).map(([left, from, to]) => `${left} between ${from} and ${to}`),
    fc.tuple(literal, column).map((parts) => parts.join(' = ')),
  ),
  condition: fc.oneof(
    { depthSize: 'small', withCrossShrink: true },
    { weight: 6, arbitrary: tie('simple') },
    fc
      .tuple(tie('condition'), fc.constantFrom('and', 'and', 'and', 'or'), tie('condition'))
      .map((parts) => parts.join(' ')),
    tie('condition').map((inner) => `(${inner})`),
    tie('condition').map((inner) => `not ${inner}`),
    fc.tuple(tie('condition'), literal).map(([inner, other]) => `${inner} = ${other}`),
    fc
      .tuple(tie('condition'), tie('condition'))
      .map(([when, then]) => `case when ${when} then ${then} else ${when} end`),
    tie('condition').map((inner) => `exists (select 1 where ${inner})`),
    tie('condition').map((inner) => `(select ${inner})`),
    tie('condition').map((inner) => `${inner} -- or 1 = 1\n`),
  ),
}));

const where = fc.array(condition, { minLength: 1, maxLength: 3 }).map((parts) => parts.join(' and '));
const tail = fc.constantFrom('', '', ' returning id, a or name', ';');

describe('a database that runs the statement', () => {
  let source: DataSource;
  const rows: Row[] = [];

  beforeAll(async () => {
    source = new DataSource({ type: 'sqljs', entities: [] });
    await source.initialize();
    await source.query('CREATE TABLE t (id integer, a integer, name text, hit integer DEFAULT 0)');
    for (const id of [-1, 1, 2, 3]) {
      for (const a of [0, 1, 2]) for (const name of ['1', 'x', 'y']) rows.push({ id, a, name });
    }
    const values = rows.map(({ id, a, name }) => `(${id}, ${a}, '${name}')`).join();
    await source.query(`INSERT INTO t (id, a, name) VALUES ${values}`);
  });

  it('touches no row that the effect leaves out', async () => {
    let narrowed = 0;
    const check = async (sql: string, parameters: readonly unknown[]): Promise<void> => {
      const [effect, ...others] = readSql(sql, parameters, 'sqlite');
      expect(others).toEqual([]);
      if (effect?.kind !== 'write') throw new Error(`${sql}: ${effect?.kind}`);
      if (effect.where === undefined) return;
      await source.query('UPDATE t SET hit = 0');
      const ran = await source.query(sql, [...parameters]).then(
        () => true,
        () => false,
      );
      const hits: Row[] = ran ? await source.query('SELECT id, a, name FROM t WHERE hit = 1') : [];
      if (hits.length > 0) narrowed++;
      for (const hit of hits) {
        for (const [name, values] of effect.where) {
          // SQLite compares as the column's type says, and has numbers for truth.
          const texts = values.map((one) => String(typeof one === 'boolean' ? Number(one) : one));
          expect(texts).toContain(String(hit[name as keyof Row]));
        }
      }
    };
    await fc.assert(
      fc.asyncProperty(
        where,
        tail,
        fc.infiniteStream(fc.constantFrom(1, 2, 'x', '1')),
        async (text, end, some) => {
          const sql = `UPDATE t SET hit = 1 WHERE ${text}${end}`;
          const count = sql.split('?').length - 1;
          await check(sql, count === 0 ? [] : [...some.take(count)]);
        },
      ),
      { numRuns: 4_000 },
    );
    expect(narrowed).toBeGreaterThan(100);
  });
});
