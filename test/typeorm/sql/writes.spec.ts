import { describe, expect, it } from '@jest/globals';
import type { SqlDialect } from '../../../lib/typeorm/sql/read-sql.js';
import { DIALECTS, effectsOf } from './render.js';

type Case = readonly [sql: string, effects: string];

const EVERYWHERE: readonly Case[] = [
  ['INSERT INTO users (id, name) VALUES (1, 2)', 'insert users'],
  ['insert into users default values', 'insert users'],
  ['INSERT INTO users SELECT * FROM people WHERE id = 1', 'insert users'],
  ["INSERT INTO users VALUES ('delete from posts'), ('it''s; update posts set x = 1')", 'insert users'],
  ['UPDATE users SET name = 1', 'update users set name'],
  ['UPDATE users SET a = (SELECT b FROM posts WHERE x = 1), c = f(1, 2)', 'update users set a,c'],
  ['UPDATE users AS u SET a = 1', 'update users set a'],
  ['UPDATE users u SET a = CASE WHEN b = 1 THEN c ELSE d END, e = 2', 'update users set a,e'],
  ['UPDATE public.users SET a = 1', 'update public.users set a'],
  ['update public . users set a = 1', 'update public.users set a'],
  ['DELETE FROM users', 'delete users'],
  ['DELETE FROM a.b.c', 'delete a.b.c'],
  ['-- a comment\nDELETE /* another */ FROM -- more\n users', 'delete users'],
  ["/* ' */ DELETE FROM users /* ' */", 'delete users'],
  [';; DELETE FROM users;\n;', 'delete users'],
  ['DELETE FROM users; UPDATE posts SET a = 1; SELECT 1', 'delete users; update posts set a'],
  ['WITH x AS (SELECT 1) DELETE FROM users', 'delete users'],
  ['WITH RECURSIVE x (a, b) AS (SELECT 1), y AS (SELECT 2) UPDATE users SET a = 1', 'update users set a'],
  ['WITH x AS (SELECT 1) INSERT INTO users SELECT * FROM x', 'insert users'],
  ['DROP TABLE IF EXISTS users', 'alter users'],
  ['DROP VIEW users', 'alter users'],
  ['ALTER TABLE users ADD COLUMN a int', 'alter users'],
  ['ALTER TABLE users RENAME COLUMN a TO b', 'alter users'],
  ['ALTER TABLE users RENAME TO people', 'alter users; alter people'],
  ['EXPLAIN DELETE FROM users', ''],
  ['CREATE TEMPORARY TABLE x AS SELECT * FROM users', ''],
];

const POSTGRES: readonly Case[] = [
  ['UPDATE "Users" SET "Name" = 1', 'update Users set Name'],
  ['UPDATE Users SET Name = 1', 'update users set name'],
  ['UPDATE "a""b" SET x = 1', 'update a"b set x'],
  ['UPDATE ONLY users * u SET x = 1', 'update users set x'],
  ['UPDATE users SET address.city = 1, tags[1] = 2, (a, b) = (1, 2)', 'update users set address,tags,a,b'],
  ['UPDATE users SET a = b IS DISTINCT FROM c, d = 1', 'update users set a,d'],
  ['DELETE FROM ONLY users', 'delete users'],
  ['DELETE FROM users USING posts WHERE posts.author = users.id', 'delete users'],
  ['INSERT INTO users AS u (id) VALUES ($1) ON CONFLICT (id) DO NOTHING', 'insert some users'],
  [
    'INSERT INTO users AS u (id) VALUES ($1) ON CONFLICT (id) WHERE a DO UPDATE SET a = EXCLUDED.a, (b, c) = (1, 2) WHERE u.d RETURNING id',
    'upsert users set a,b,c',
  ],
  ['INSERT INTO users VALUES (1) ON CONFLICT ON CONSTRAINT pk DO UPDATE SET a = 1', 'upsert users set a'],
  ['UPSERT INTO users VALUES (1)', 'upsert users'],
  ['MERGE INTO users u USING x ON u.id = x.id WHEN MATCHED THEN UPDATE SET a = 1', 'upsert users'],
  [
    'MERGE INTO users USING x ON true WHEN NOT MATCHED THEN INSERT VALUES (1) WHEN MATCHED THEN DELETE',
    'upsert users; delete users',
  ],
  [
    'WITH a AS (UPDATE users SET x = 1 WHERE id = 7 RETURNING *), b AS MATERIALIZED (DELETE FROM posts), c AS (INSERT INTO log SELECT * FROM a) SELECT * FROM b',
    'update users set x where id=7; delete posts; insert log',
  ],
  ['WITH a AS (WITH b AS (SELECT 1) DELETE FROM posts) SELECT 1', 'delete posts'],
  ['(WITH a AS (DELETE FROM posts) SELECT 1) UNION SELECT 2', 'delete posts'],
  [
    'WITH RECURSIVE a AS (SELECT 1) SEARCH DEPTH FIRST BY x, y SET z, b AS (DELETE FROM posts) UPDATE users SET q = 1',
    'delete posts; update users set q',
  ],
  ['WITH update AS (SELECT 1) SELECT * FROM update', ''],
  ['TRUNCATE users', 'truncate users'],
  [
    'TRUNCATE TABLE ONLY a.users *, posts RESTART IDENTITY CASCADE',
    'truncate a.users; truncate posts; unknown',
  ],
  ['COPY users FROM STDIN', 'insert users'],
  ["COPY public.users (id, name) FROM '/x' WITH (FORMAT csv)", 'insert public.users'],
  ['COPY users TO STDOUT', ''],
  ['COPY (DELETE FROM users RETURNING *) TO STDOUT', 'delete users'],
  ['SELECT * INTO copy FROM users', 'insert copy'],
  ['SELECT a AS into FROM users', ''],
  ['SELECT * INTO TEMP TABLE copy FROM users', 'insert copy'],
  ['WITH x AS (SELECT 1) SELECT * INTO copy FROM x', 'insert copy'],
  ['CREATE TABLE copy AS WITH x AS (DELETE FROM users RETURNING *) SELECT * FROM x', 'delete users'],
  ['DROP TABLE a, b.c CASCADE', 'alter a; alter b.c; unknown'],
  ['ALTER TABLE IF EXISTS ONLY users DROP COLUMN a', 'alter users'],
  ['ALTER TABLE users DROP COLUMN a CASCADE', 'alter users; unknown'],
  ['DROP MATERIALIZED VIEW stats', 'alter stats'],
  ['REFRESH MATERIALIZED VIEW CONCURRENTLY stats', 'alter stats'],
  ['CREATE OR REPLACE VIEW stats AS SELECT 1', 'alter stats'],
  ['EXPLAIN ANALYZE DELETE FROM users', 'delete users'],
  ['EXPLAIN (VERBOSE, ANALYZE) UPDATE users SET a = 1', 'update users set a'],
  ['EXPLAIN ANALYZE (DEBUG) DELETE FROM users', 'delete users'],
  ['EXPLAIN ANALYZE EXECUTE x(1)', 'unknown'],
  ['EXPLAIN VERBOSE WITH x AS (DELETE FROM users) SELECT 1', ''],
  ['PREPARE x AS DELETE FROM users', ''],
  ['CREATE TYPE mood AS ENUM (1)', ''],
  ['DROP TYPE mood', ''],
  ["ALTER TYPE mood RENAME VALUE 'a' TO 'b'", 'unknown'],
  ['DROP INDEX CONCURRENTLY x', ''],
  ['CREATE FUNCTION f() RETURNS void AS $body$ BEGIN; DELETE FROM users; END $body$ LANGUAGE plpgsql', ''],
  ['CREATE FUNCTION f() RETURNS void BEGIN ATOMIC DELETE FROM users; END; DELETE FROM posts', 'delete posts'],
  ['CREATE TRIGGER t AFTER INSERT OR UPDATE ON users FOR EACH ROW EXECUTE FUNCTION f()', ''],
  ['CREATE TABLE t (a int REFERENCES x ON UPDATE CASCADE ON DELETE SET NULL)', ''],
  ['CREATE SUBSCRIPTION s CONNECTION $$x$$ PUBLICATION p', 'unknown'],
  ['GRANT UPDATE, DELETE ON users TO me', ''],
  ['DO $$ BEGIN DELETE FROM users; END $$', 'unknown'],
  ["SELECT $a$ ' $b$ ; $a$; DELETE FROM users", 'delete users'],
  ["SELECT E'it\\'s'; DELETE FROM users", 'delete users'],
  ["SELECT '\\'; DELETE FROM users", 'delete users'],
  ['SELECT 1 /* a /* b */ ; c */; DELETE FROM users', 'delete users'],
  ['SELECT 1 -- x\r; DELETE FROM users', 'delete users'],
  ['SELECT a$b$c FROM x; DELETE FROM users', 'delete users'],
  ['SELECT 5into copy', 'insert copy'],
  ['UPDATE U&"d\\0061ta" SET a = 1', 'unknown'],
];

const MYSQL: readonly Case[] = [
  ['UPDATE `Users` SET `Name` = 1', 'update Users set Name'],
  ['UPDATE Users SET Name = 1', 'update Users set Name'],
  ['UPDATE `a``b` SET x = 1', 'update a`b set x'],
  ['UPDATE 2fa_tokens SET x = 1', 'update 2fa_tokens set x'],
  ['UPDATE db.2fa SET x = 1', 'update db.2fa set x'],
  ['UPDATE LOW_PRIORITY IGNORE users SET x = 1 ORDER BY id LIMIT 1', 'update users set x'],
  ['UPDATE users u JOIN posts p ON p.author = u.id SET u.x = 1', 'update users set x'],
  ['UPDATE users u, posts p SET u.x = 1, p.y = 2', 'update users set x; update posts set y'],
  ['UPDATE users u JOIN posts p USING (id) SET x = 1', 'update users; update posts'],
  ['UPDATE users u LEFT JOIN (SELECT 1) d ON 1 SET x = 1', 'update users'],
  ['UPDATE (users u JOIN posts p ON 1) SET u.x = 1', 'update users set x'],
  ['DELETE LOW_PRIORITY QUICK IGNORE FROM users', 'delete users'],
  ['DELETE u, p.* FROM users u JOIN posts p ON 1', 'delete users; delete posts'],
  ['DELETE U FROM users u JOIN posts p ON 1', 'delete U; delete users; delete posts'],
  ['DELETE FROM users, posts USING users JOIN posts ON 1', 'delete users; delete posts'],
  ['INSERT IGNORE users VALUES (1)', 'insert some users'],
  ['INSERT INTO users SET a = 1', 'insert users'],
  ['INSERT INTO users VALUES (1) ON DUPLICATE KEY UPDATE a = VALUES(a), `b` = 2', 'upsert users set a,b'],
  ['INSERT INTO users SELECT * FROM x JOIN y ON x.a = y.a', 'insert users'],
  ['REPLACE INTO users VALUES (1)', 'upsert users'],
  ['REPLACE users VALUES (1)', 'upsert users'],
  ["INSERT INTO users VALUES (INSERT('a', 1, 2, 'b'), REPLACE('a', 'b', 'c'))", 'insert users'],
  ['TRUNCATE users', 'commit; truncate users'],
  ['TRUNCATE TABLE users', 'commit; truncate users'],
  ["LOAD DATA LOCAL INFILE 'x' INTO TABLE users", 'insert users'],
  ["LOAD DATA INFILE 'x' REPLACE INTO TABLE users", 'upsert users'],
  ["SELECT * FROM users INTO OUTFILE 'x'", ''],
  ['SELECT a INTO @x FROM users', ''],
  ['RENAME TABLE a TO b, c TO d', 'commit; alter a; alter b; alter c; alter d'],
  ['ALTER TABLE users EXCHANGE PARTITION p WITH TABLE other', 'commit; alter users; unknown'],
  ['CREATE TABLE x (a int)', 'commit'],
  ['DROP TEMPORARY TABLE x', 'alter x'],
  ['CREATE INDEX i ON users (a)', 'commit'],
  ['DROP PREPARE x', ''],
  ["PREPARE x FROM 'DELETE FROM users'", ''],
  ['EXECUTE x', 'unknown'],
  ['ANALYZE TABLE users', 'commit'],
  ['ANALYZE FORMAT=JSON UPDATE users SET a = 1', 'update users set a'],
  [
    'CREATE DEFINER = root@localhost PROCEDURE p() BEGIN IF a THEN DELETE FROM x; END IF; CASE b WHEN 1 THEN DELETE FROM y; END CASE; END; DELETE FROM users',
    'commit; delete users',
  ],
  ["SELECT 'it\\'s'; DELETE FROM users", 'delete users'],
  ['SELECT "it\'s \\" ;"; DELETE FROM users', 'delete users'],
  ['SELECT 5--1; DELETE FROM users', 'delete users'],
  ['SELECT 5 --\n; DELETE FROM users', 'delete users'],
  ['SELECT 5 # x\n; DELETE FROM users', 'delete users'],
  ['UPDATE "users" SET a = 1', 'unknown'],
  ['UPDATE ?? SET a = 1', 'unknown'],
  ['/*!40000 ALTER TABLE users DISABLE KEYS */', 'commit; alter users'],
  ['DELETE FROM users /*!50000 WHERE id = 5 */', 'delete users; delete users'],
  ['UPDATE /*!99999 a, */ b SET x = 1', 'update a; update b; update b set x'],
  ['/*M! DELETE FROM users */', 'delete users'],
  ['SELECT /*! SQL_CACHE */ 1', ''],
  ['SET autocommit = 0', 'unknown'],
  ['SET @@session.autocommit = 1', 'unknown'],
  ['SET STATEMENT max_statement_time = 1 FOR DELETE FROM users', 'unknown'],
  ['LOCK TABLES users WRITE', 'commit'],
  ["XA COMMIT 'x'", 'unknown'],
];

const SQLITE: readonly Case[] = [
  ['UPDATE [my table] SET "a" = 1', 'update my table set a'],
  ["UPDATE 'users' SET a = 1", 'update users set a'],
  ['UPDATE `users` SET a = 1', 'update users set a'],
  ['UPDATE OR IGNORE users SET a = 1 WHERE id = 1', 'update users set a where id=1'],
  ['UPDATE OR REPLACE users SET a = 1 WHERE id = 1', 'update users set a; delete users'],
  ['UPDATE users INDEXED BY i SET a = 1', 'update users set a'],
  ['DELETE FROM users NOT INDEXED', 'delete users'],
  ['INSERT OR REPLACE INTO users VALUES (1)', 'upsert users'],
  ['INSERT OR IGNORE INTO users VALUES (1)', 'insert some users'],
  ['REPLACE INTO users VALUES (1)', 'upsert users'],
  [
    'INSERT INTO users VALUES (1) ON CONFLICT (a) DO UPDATE SET b = 1 ON CONFLICT (c) DO UPDATE SET d = 1',
    'upsert users set b,d',
  ],
  ['INSERT INTO users VALUES (1) ON CONFLICT DO NOTHING', 'insert some users'],
  [
    'CREATE TRIGGER t AFTER INSERT ON users BEGIN DELETE FROM x; SELECT CASE WHEN a THEN b END; END; DELETE FROM posts',
    'delete posts',
  ],
  ['CREATE TRIGGER t AFTER INSERT ON users BEGIN DELETE FROM x;', 'unknown'],
  ['CREATE VIRTUAL TABLE x USING fts5(a)', ''],
  ['EXPLAIN QUERY PLAN DELETE FROM users', ''],
  ['DELETE FROM users /* to the end', 'delete users'],
  ["SELECT '\\'; DELETE FROM users", 'delete users'],
];

const NOTHING: readonly string[] = [
  '',
  ' ;; ',
  '-- nothing',
  'SELECT 1',
  'SELECT * FROM users FOR UPDATE',
  'SELECT * FROM users FOR NO KEY UPDATE OF users SKIP LOCKED',
  'SELECT * FROM users FOR SHARE;',
  "SELECT 'insert into x', 'DELETE FROM users' FROM y",
  'SELECT 1 -- update users set x = 1',
  'SELECT 1 /* ; delete from users */',
  "SELECT replace(a, 'b', 'c'), insert(a, 1, 2, 'x'), truncate(1.5, 1) FROM users;",
  'SELECT updated, deleted_at, insert_id FROM users WHERE update_count = 1',
  'SELECT t.update, t.delete FROM t; SELECT count(t.update)',
  'WITH x AS (SELECT 1) SELECT * FROM x',
  'VALUES (1), (2);',
  '(SELECT 1) UNION (SELECT 2);',
  'SHOW search_path',
  'SET search_path TO a',
  'PRAGMA foreign_keys = ON',
  'VACUUM',
  'ANALYZE users',
  'EXPLAIN SELECT 1',
];

const UNKNOWN: readonly string[] = [
  'CALL refresh(1)',
  'EXECUTE x',
  'DO something',
  'UPDATE',
  'UPDATE users',
  'DELETE FROM',
  'INSERT',
  'DELETE FROM users WHERE (id = 1',
  'DELETE FROM users WHERE id = 1)',
  "DELETE FROM users WHERE id = 'x",
  'FROBNICATE users',
  '42',
  '?',
  'WITH x DELETE FROM users',
  'DROP SCHEMA a',
];

function expectEffects(dialect: SqlDialect, [sql, effects]: Case): void {
  expect(effectsOf(sql, dialect)).toBe(effects);
}

describe.each(DIALECTS)('%s', (dialect) => {
  const own = { postgres: POSTGRES, mysql: MYSQL, sqlite: SQLITE }[dialect];

  it.each(EVERYWHERE)('%s', (sql, effects) => {
    const isDefinition = /^(?:DROP|ALTER)/.test(sql) && dialect === 'mysql';
    expectEffects(dialect, [sql, isDefinition ? `commit; ${effects}` : effects]);
  });
  it.each(own)('%s', (...one) => expectEffects(dialect, one));
  it.each(NOTHING)('reads only: %s', (sql) => expectEffects(dialect, [sql, '']));
  it.each(UNKNOWN)('widens: %s', (sql) => {
    expect(effectsOf(sql, dialect).split('; ')).toContain('unknown');
  });
});

it.each(['"update"', 'SELECT "update" FROM "delete" WHERE "insert" = 1;', 'SELECT 1 AS "into"; SELECT 2'])(
  'knows quoted names from keywords: %s',
  (sql) => {
    expect(effectsOf(sql, 'postgres')).toBe(sql === '"update"' ? 'unknown' : '');
  },
);

it('finds a table whose name is a keyword in quotes', () => {
  expect(effectsOf('UPDATE "update" SET "set" = 1 WHERE "where" = 2', 'postgres')).toBe(
    'update update set set where where=2',
  );
});

it('widens what is no text', () => {
  expect(effectsOf(undefined as unknown as string, 'postgres')).toBe('unknown');
});
