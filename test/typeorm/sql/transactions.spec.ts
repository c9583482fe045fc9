import { describe, expect, it } from '@jest/globals';
import { effectsOf } from './render.js';
import type { SqlDialect } from '../../../lib/typeorm/sql/read-sql.js';

const ALL: readonly SqlDialect[] = ['postgres', 'mysql', 'sqlite'];
const NOT_MYSQL: readonly SqlDialect[] = ['postgres', 'sqlite'];

describe.each<readonly [string, string, readonly SqlDialect[]]>([
  ['BEGIN', 'begin', ALL],
  ['begin;', 'begin', ALL],
  ['/* x */ BEGIN WORK', 'begin', ['postgres', 'mysql']],
  ['BEGIN TRANSACTION', 'begin', NOT_MYSQL],
  ['BEGIN DEFERRED', 'begin', ['sqlite']],
  ['BEGIN IMMEDIATE TRANSACTION', 'begin', ['sqlite']],
  ['BEGIN EXCLUSIVE', 'begin', ['sqlite']],
  ['BEGIN ISOLATION LEVEL SERIALIZABLE, READ ONLY', 'begin', ['postgres']],
  ['BEGIN NOT ATOMIC DELETE FROM x', 'unknown', ['mysql']],
  ['START TRANSACTION', 'begin', ['postgres', 'mysql']],
  ['START TRANSACTION ISOLATION LEVEL REPEATABLE READ', 'begin', ['postgres']],
  ['START TRANSACTION WITH CONSISTENT SNAPSHOT', 'begin', ['mysql']],
  ['START REPLICA', 'unknown', ['mysql']],
  ['COMMIT', 'commit', ALL],
  ['COMMIT WORK', 'commit', ['postgres', 'mysql']],
  ['COMMIT TRANSACTION', 'commit', NOT_MYSQL],
  ['COMMIT AND CHAIN', 'commit; begin', ['postgres', 'mysql']],
  ['COMMIT WORK AND CHAIN', 'commit; begin', ['postgres', 'mysql']],
  ['COMMIT AND NO CHAIN', 'commit', ['postgres', 'mysql']],
  ['END', 'commit', NOT_MYSQL],
  ['END TRANSACTION', 'commit', NOT_MYSQL],
  ['END AND CHAIN', 'commit; begin', ['postgres']],
  ['END IF', 'unknown', ALL],
  ['END', 'unknown', ['mysql']],
  ['ROLLBACK', 'rollback', ALL],
  ['ABORT', 'rollback', ['postgres']],
  ['ROLLBACK TRANSACTION', 'rollback', NOT_MYSQL],
  ['ROLLBACK AND CHAIN', 'rollback; begin', ['postgres', 'mysql']],
  ['ROLLBACK WORK AND NO CHAIN', 'rollback', ['postgres', 'mysql']],
  ['SAVEPOINT typeorm_1', 'savepoint typeorm_1', ALL],
  ['SAVEPOINT Name', 'savepoint name', ALL],
  ['SAVEPOINT "Name"', 'savepoint Name', ['postgres']],
  ['SAVEPOINT "Name"', 'savepoint name', ['sqlite']],
  ['RELEASE SAVEPOINT typeorm_1', 'release typeorm_1', ALL],
  ['RELEASE a', 'release a', NOT_MYSQL],
  ['ROLLBACK TO SAVEPOINT typeorm_1', 'rollback-to typeorm_1', ALL],
  ['ROLLBACK TO a', 'rollback-to a', ALL],
  ['ROLLBACK WORK TO SAVEPOINT a', 'rollback-to a', ['postgres', 'mysql']],
  ['ROLLBACK TRANSACTION TO SAVEPOINT a', 'rollback-to a', NOT_MYSQL],
  ["PREPARE TRANSACTION 'x'", 'commit', ['postgres']],
  ["COMMIT PREPARED 'x'", 'unknown', ['postgres']],
  ["ROLLBACK PREPARED 'x'", '', ['postgres']],
  ['SAVEPOINT', 'unknown', ALL],
  ['BEGIN; DELETE FROM a WHERE id = 1; COMMIT', 'begin; delete a where id=1; commit', ALL],
  ['BEGIN; ALTER TABLE a ADD b int', 'begin; commit; alter a', ['mysql']],
  ['BEGIN; ALTER TABLE a ADD b int', 'begin; alter a', NOT_MYSQL],
  ['SET TRANSACTION ISOLATION LEVEL SERIALIZABLE', '', ['postgres', 'mysql']],
  ['SELECT begin, commit FROM rollback; SELECT 1', '', ALL],
])('%s', (sql, effects, dialects) => {
  it.each(dialects)('in %s', (dialect) => {
    expect(effectsOf(sql, dialect)).toBe(effects);
  });
});
