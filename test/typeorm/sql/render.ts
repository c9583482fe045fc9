import { readSql, type SqlDialect, type SqlEffect } from '../../../lib/typeorm/sql/read-sql.js';

export const DIALECTS: readonly SqlDialect[] = ['postgres', 'mysql', 'sqlite'];

/** The effects in words, as `update users set name where id=1,2; commit`. */
export function effectsOf(sql: string, dialect: SqlDialect, parameters?: readonly unknown[]): string {
  return readSql(sql, parameters, dialect).map(inWords).join('; ');
}

function inWords(effect: SqlEffect): string {
  if (effect.kind !== 'write') return 'name' in effect ? `${effect.kind} ${effect.name}` : effect.kind;
  const sets = effect.sets === undefined ? '' : ` set ${effect.sets.join()}`;
  const where = Array.from(
    effect.where ?? [],
    ([column, values]) => `${column}=${values.map(literal).join()}`,
  );
  const verb = effect.skips === true ? 'insert some' : effect.verb;
  return `${verb} ${effect.table.join('.')}${sets}${where.length > 0 ? ` where ${where.join(' ')}` : ''}`;
}

function literal(value: unknown): string {
  return typeof value === 'string' ? `'${value}'` : `${value as number}`;
}
