import { types } from 'node:util';

import type { ColumnMetadata } from 'typeorm/metadata/ColumnMetadata.js';

const WHOLE =
  /^(?:tiny|small|medium|big)?int(?:eger)?\d?(?: unsigned)?$|^(?:small|big)?serial\d?$|^unsigned big int$/;
const TEXT = new Set(['text', 'varchar', 'character varying', 'nvarchar', 'enum', 'simple-enum']);

/**
 * How the values of a column are told apart as the database does, or `undefined` if that cannot be known here: where two
 * different texts may be equal to the database, a value says nothing of which rows it stands for.
 */
export function columnText(column: ColumnMetadata): ((value: unknown) => string | undefined) | undefined {
  const { transformer, isArray, referencedColumn } = column;
  if (transformer !== undefined || isArray) return undefined;
  const type = typeName(referencedColumn ?? column);
  if (WHOLE.test(type)) return wholeText;
  if (type === 'uuid' || (referencedColumn ?? column).generationStrategy === 'uuid') return uuidText;
  if (type === 'boolean' || type === 'bool') return booleanText;
  return TEXT.has(type) && comparesExactly(column) ? plainText : undefined;
}

function typeName({ type }: ColumnMetadata): string {
  if (type === Number) return 'integer';
  if (type === String) return 'varchar';
  if (type === Boolean) return 'boolean';
  return typeof type === 'string' ? type : '';
}

/** MySQL takes `a` and `A` for the same, and whatever has a collation may do so. */
function comparesExactly({ collation, entityMetadata }: ColumnMetadata): boolean {
  const driver = entityMetadata.dataSource.options.type;
  return collation === undefined && driver !== 'mysql' && driver !== 'mariadb';
}

/** `5`, `'5'`, `5n` and `'05'` are one number. */
function wholeText(value: unknown): string | undefined {
  if (typeof value === 'bigint') return String(value);
  if (typeof value === 'number')
    return Number.isSafeInteger(value) ? String(value === 0 ? 0 : value) : undefined;
  if (typeof value !== 'string' || !/^[+-]?\d{1,40}$/.test(value)) return undefined;
  return String(BigInt(value.startsWith('+') ? value.slice(1) : value));
}

function uuidText(value: unknown): string | undefined {
  if (typeof value !== 'string') return undefined;
  const digits = value.replaceAll(/[-{}]/g, '').toLowerCase();
  return /^[\da-f]{32}$/.test(digits) ? digits : undefined;
}

function booleanText(value: unknown): string | undefined {
  if (value === true || value === 1) return 'true';
  return value === false || value === 0 ? 'false' : undefined;
}

function plainText(value: unknown): string | undefined {
  if (typeof value === 'number' && Number.isFinite(value)) return String(value);
  return typeof value === 'string' ? value : undefined;
}

/** For keys: any value, told apart as well as this process can. */
export function looseText(value: unknown): string | undefined {
  if (typeof value === 'string') return value;
  if (typeof value === 'number' || typeof value === 'bigint' || typeof value === 'boolean')
    return String(value);
  if (types.isDate(value)) return Number.isNaN(value.getTime()) ? undefined : value.toISOString();
  return types.isUint8Array(value) ? Buffer.from(value).toString('hex') : undefined;
}
