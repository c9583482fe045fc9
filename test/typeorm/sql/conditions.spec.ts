import { describe, expect, it } from '@jest/globals';
import { readSql, type SqlDialect, type SqlEffect } from '../../../lib/typeorm/sql/read-sql.js';
import { DIALECTS, effectsOf } from './render.js';

/** What is known of the rows that `DELETE FROM users …` touches. */
function whereOf(rest: string, dialect: SqlDialect, parameters?: readonly unknown[]): string {
  return effectsOf(`DELETE FROM users ${rest}`, dialect, parameters).replace(/^delete users(?: where )?/, '');
}

describe.each(DIALECTS)('a condition in %s', (dialect) => {
  it.each([
    ['WHERE id = 5', 'id=5'],
    ['WHERE id = -5', 'id=-5'],
    ['WHERE id = 5.25', 'id=5.25'],
    ['WHERE id = 9007199254740993', 'id=9007199254740993'],
    ["WHERE id = '5'", "id='5'"],
    ["WHERE name = 'it''s'", "name='it's'"],
    ['WHERE flag = TRUE AND other = null', 'flag=true other=null'],
    ['WHERE id IN (1, 2, 3)', 'id=1,2,3'],
    ['WHERE (id = 1)', 'id=1'],
    ['WHERE ((id = 1) AND (a = 2 AND (b IN (3))))', 'id=1 a=2 b=3'],
    ['WHERE users.id = 1 AND a = 2', 'id=1 a=2'],
    ['AS u WHERE u.id = 1', 'id=1'],
    ['u WHERE u.id = 1 AND id2 = 3', 'id=1 id2=3'],
    ['u WHERE users.id = 1', ''],
    ['WHERE posts.id = 1', ''],
    ['WHERE id = CAST(5 AS integer)', 'id=5'],
    ['WHERE id = CAST(5.5 AS integer)', ''],
    ['WHERE id = CAST(5 AS numeric(1))', ''],
    ['WHERE id = 1 OR a = 2', ''],
    ['WHERE id = 1 AND a = 2 OR b = 3', ''],
    ['WHERE id = 1 AND (a = 2 OR b = 3)', 'id=1'],
    ['WHERE id = 1 AND a = 2 || b = 3', ''],
    ['WHERE NOT id = 1', ''],
    ['WHERE NOT (id = 1)', ''],
    ['WHERE id NOT IN (1)', ''],
    ['WHERE id <> 1', ''],
    ['WHERE id != 1', ''],
    ['WHERE id >= 1', ''],
    ['WHERE id + 1 = 5', ''],
    ['WHERE id = 5 + 1', ''],
    ['WHERE id = -a', ''],
    ['WHERE id = a', ''],
    ['WHERE id = f(5)', ''],
    ['WHERE lower(id) = 5', ''],
    ["WHERE id LIKE '5'", ''],
    ['WHERE id IS NULL', ''],
    ['WHERE id IN (SELECT 1)', ''],
    ['WHERE id = (SELECT 1)', ''],
    ['WHERE id IN (1, a)', ''],
    ['WHERE id IN (1, 2 + 3)', ''],
    ['WHERE (id, a) IN ((1, 2))', ''],
    ['WHERE (id, a) = (1, 2)', ''],
    ['WHERE EXISTS (SELECT 1 FROM x WHERE a AND id = 5 AND b)', ''],
    ['WHERE (SELECT 1 FROM x WHERE a AND id = 5 AND b)', ''],
    ['WHERE a BETWEEN 1 AND 2 AND id = 5', 'id=5'],
    ['WHERE a BETWEEN b AND id = 5', ''],
    ['WHERE CASE WHEN a AND id = 5 AND b THEN 1 END', ''],
    ['WHERE CASE WHEN a THEN 1 END = 1 AND id = 5', 'id=5'],
    ['WHERE CASE WHEN end AND id = 5 AND b THEN 1 END', ''],
    ["WHERE name = 'a' COLLATE nocase", ''],
    ["WHERE name = 'a' 'b'", ''],
    ["WHERE name = N'a'", ''],
    ["WHERE name = x'41'", ''],
    ['WHERE user = 5 AND current_date = 3', ''],
    ['WHERE users.user = 5', 'user=5'],
    ['WHERE id = 1 IS NULL', ''],
    ['WHERE a = id = 1', ''],
    ['WHERE id = 1 RETURNING a', 'id=1'],
    ['WHERE id = 1 ORDER BY a LIMIT 3', 'id=1'],
    ['WHERE id = 1 AND a > returning OR b', ''],
    ['WHERE id = 1 AND', ''],
    ['WHERE', ''],
    ['WHERE id = 1 AND id IN (1, 2)', 'id=1'],
    ['WHERE id IN (1, 2) AND id = 2', 'id=2'],
    ['WHERE id = :id', ''],
    ['WHERE id = @id', ''],
    ['WHERE CURRENT OF c', ''],
    ['WHERE id /* = 3 */ = -- 4\n 5', 'id=5'],
  ])('%s', (rest, expected) => {
    expect(whereOf(rest, dialect)).toBe(expected);
  });
});

describe('parameters', () => {
  it.each<readonly [SqlDialect, string, readonly unknown[], string]>([
    ['postgres', 'WHERE id = $2 AND a = $1', ['x', 7], "id=7 a='x'"],
    ['postgres', 'WHERE "id" IN ($1, $2)', [1, '2'], "id=1,'2'"],
    ['postgres', 'WHERE id = $1::uuid', ['u'], "id='u'"],
    ['postgres', 'WHERE id = $1::text::text', ['u'], "id='u'"],
    ['postgres', 'WHERE id = $1::uuid::text', ['u'], ''],
    ['postgres', 'WHERE id = CAST($1 AS int)::int', [5], 'id=5'],
    ['postgres', 'WHERE id = $1::int', [1.5], ''],
    ['postgres', 'WHERE id = $1::int', ['15'], "id='15'"],
    ['postgres', 'WHERE id = $1::varchar(3)', ['abcd'], ''],
    ['postgres', 'WHERE day = $1::date', ['2020-01-01T10:00'], ''],
    ['postgres', 'WHERE id = ANY($1)', [[1, 2]], 'id=1,2'],
    ['postgres', 'WHERE id = ANY ($1::int[])', [[1, 2]], 'id=1,2'],
    ['postgres', 'WHERE id = ANY($1::int[])', [[1, 2.5]], ''],
    ['postgres', 'WHERE id = ANY($1)', ['{1,2}'], ''],
    ['postgres', 'WHERE id = ANY($1)', [[[1], [2]]], ''],
    ['postgres', 'WHERE id = ANY(SELECT 1)', [], ''],
    ['postgres', 'WHERE id = ALL($1)', [[1]], ''],
    ['postgres', 'WHERE id IN ($1)', [[1, 2]], ''],
    ['postgres', 'WHERE id = $1', [[1, 2]], ''],
    ['postgres', 'WHERE id = $1', [{ a: 1 }], ''],
    ['postgres', 'WHERE id = $1', [undefined], ''],
    ['postgres', 'WHERE id = $1', [], ''],
    ['postgres', 'WHERE id = $0', [1], ''],
    ['postgres', 'WHERE id = $1', [null], 'id=null'],
    ['postgres', 'WHERE id = $1 + 1', [1], ''],
    ['postgres', 'WHERE a ? $1 AND id = $2', ['x', 3], 'id=3'],
    ['postgres', 'WHERE a && $1 AND id = $2', ['x', 3], 'id=3'],
    ['postgres', 'WHERE a && id = $1', [3], ''],
    ['postgres', 'WHERE id = 5or a = 1', [], ''],
    ['postgres', 'WHERE a = 1 AND id = 5or b = 1', [], ''],
    ['postgres', "WHERE id = E'a'", [], "id='a'"],
    ['postgres', "WHERE id = E'\\x41'", [], ''],
    ['postgres', 'WHERE id = $tag$a$tag$', [], "id='a'"],
    ['postgres', 'USING posts p WHERE p.id = 1 AND users.id = $1 AND a = 2', [3], 'id=3'],
    ['postgres', 'u USING posts WHERE users.id = 1 AND u.id = $1', [3], 'id=3'],
    ['mysql', 'WHERE a = ? AND id IN (?, ?)', [1, 2, 3], 'a=1 id=2,3'],
    ['mysql', 'WHERE id IN (?)', [[1, 2]], 'id=1,2'],
    ['mysql', 'WHERE id IN (?)', [[[1, 2]]], ''],
    ['mysql', 'WHERE id = ?', [[1]], ''],
    ['mysql', 'WHERE id = ?', [{ id: 1 }], ''],
    ['mysql', "WHERE a = 'what?' AND id = ?", [1], ''],
    ['mysql', 'WHERE id = ? -- really?', [1], ''],
    ['mysql', 'WHERE ?? = ? AND id = ?', ['a', 1, 2], ''],
    ['mysql', 'WHERE id = "name"', [], ''],
    ['mysql', "WHERE id = 'a\\'b'", [], ''],
    ['mysql', 'WHERE a = 1 XOR id = 2', [], ''],
    ['mysql', 'WHERE id = 1 && a = 2', [], ''],
    ['mysql', 'WHERE id <=> 1', [], ''],
    ['sqlite', 'WHERE a = ? AND id IN (?, ?)', [1, 2, 3], 'a=1 id=2,3'],
    ['sqlite', 'WHERE a = ?2 AND id = ?1', [1, 2], 'a=2 id=1'],
    ['sqlite', 'WHERE a = ?2 AND id = ?', [1, 2, 3], ''],
    ['sqlite', 'WHERE a = ? AND id = ?1', [1, 2, 3], ''],
    ['sqlite', 'WHERE a = $1 AND id = ?', [1, 2, 3], ''],
    ['sqlite', 'WHERE id IN (?)', [[1, 2]], ''],
    ['sqlite', 'WHERE id = "5"', [], ''],
    ['sqlite', "WHERE 'id' = 5", [], ''],
    ['sqlite', 'WHERE id == 5', [], ''],
    ['sqlite', 'WHERE a = :or AND id = 5', [], 'id=5'],
    ['sqlite', "WHERE a = 'what?' AND id = ?", [1], "a='what?' id=1"],
  ])('%s: %s %j', (dialect, rest, parameters, expected) => {
    expect(whereOf(rest, dialect, parameters)).toBe(expected);
  });

  it.each<readonly [SqlDialect, string, readonly unknown[], string]>([
    ['mysql', 'UPDATE users SET a = ?, b = f(?) WHERE id = ?', [1, 2, 3], 'update users set a,b where id=3'],
    ['sqlite', 'UPDATE users SET a = ?, b = f(?) WHERE id = ?', [1, 2, 3], 'update users set a,b where id=3'],
    [
      'sqlite',
      'WITH x AS (SELECT ? AS y) DELETE FROM users WHERE id = ? AND a IN (SELECT ?) AND b = ?',
      [1, 2, 3, 4],
      'delete users where id=2 b=4',
    ],
    [
      'mysql',
      'DELETE FROM a WHERE x = ?; DELETE FROM b WHERE x = ?',
      [1, 2],
      'delete a where x=1; delete b where x=2',
    ],
    [
      'mysql',
      'UPDATE users u JOIN posts p ON p.author = u.id SET u.a = ?, p.b = ? WHERE u.id = ? AND p.id IN (?) AND c = 1',
      [1, 2, 3, [4, 5]],
      'update users set a where id=3; update posts set b where id=4,5',
    ],
    [
      'mysql',
      'DELETE u FROM users u JOIN posts p ON 1 WHERE u.id = ? AND p.id = ?',
      [1, 2],
      'delete users where id=1',
    ],
    ['mysql', 'DELETE db.t FROM db.t, s.t WHERE db.t.a = ? AND s.t.b = ?', [1, 2], 'delete db.t where a=1'],
    [
      'postgres',
      'UPDATE users SET a = p.b FROM posts p WHERE users.id = $1 AND p.id = $2 AND c = 3',
      [1, 2],
      'update users set a where id=1',
    ],
    [
      'postgres',
      'WITH x AS (DELETE FROM posts WHERE id = $1) UPDATE users SET a = 1 WHERE id = $2',
      [1, 2],
      'delete posts where id=1; update users set a where id=2',
    ],
    ['mysql', 'DELETE FROM users WHERE /*!50000 id = 1 AND */ a = 2', [], 'delete users; delete users'],
  ])('%s: %s', (dialect, sql, parameters, expected) => {
    expect(effectsOf(sql, dialect, parameters)).toBe(expected);
  });

  it('are bound anew each time a text comes again, and keep their identity', () => {
    const date = new Date(0);
    const bytes = new Uint8Array([1]);
    const bound = (...parameters: unknown[]): SqlEffect | undefined =>
      readSql('DELETE FROM users WHERE a = $1 AND b = $2', parameters, 'postgres')[0];
    expect(bound(1, 2)).toMatchObject({ where: new Map(Object.entries({ a: [1], b: [2] })) });
    expect(bound(date, bytes)).toMatchObject({ where: new Map(Object.entries({ a: [date], b: [bytes] })) });
    expect(bound(5n, {})).toMatchObject({ where: new Map([['a', [5n]]]) });
    expect(bound()).toMatchObject({ where: undefined });
  });

  it('that are no list say nothing', () => {
    const named = { id: 1 } as unknown as readonly unknown[];
    expect(effectsOf('DELETE FROM users WHERE id = ?', 'sqlite', named)).toBe('delete users');
  });
});
