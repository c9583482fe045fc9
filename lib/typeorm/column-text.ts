import { types } from 'node:util';

import type { ColumnMetadata } from 'typeorm/metadata/ColumnMetadata.js';
import { ApplyValueTransformers } from 'typeorm/util/ApplyValueTransformers.js';
import { DateUtils } from 'typeorm/util/DateUtils.js';

import {
  booleanText,
  bytesText,
  dateText,
  decimalText,
  instantText,
  looseText,
  numberText,
  paddedText,
  plainText,
  timeText,
  uuidText,
  wholeTextOf,
} from './value-text.js';

type Text = (value: unknown) => string | undefined;

/** How the values of a column are told apart. */
export interface ColumnText {
  /** Equal for equal values, as far as this process can tell. `undefined` for what is none of the column's. */
  readonly text: Text;
  /** Whether two values are equal to the database just when their texts are. */
  readonly exact: boolean;
  /** Whether what is written is stored as it is, not rounded or padded. */
  readonly unchanged: boolean;
  /** Whether a value that was read finds its row again: dates lose what is finer than a millisecond. */
  readonly returns: boolean;
  /** The value as it is sent to the database, where that is not as it was given. */
  readonly sent?: (value: unknown) => unknown;
}

const WHOLE =
  /^(?:tiny|small|medium|big)?int(?:eger)?\d?(?: unsigned)?$|^(?:small|big)?serial\d?$|^unsigned big int$/;
const STRINGS = new Set(['text', 'varchar', 'character varying', 'nvarchar', 'enum', 'simple-enum']);
const PADDED = new Set(['char', 'character', 'nchar', 'bpchar']);
const DECIMALS = new Set(['numeric', 'decimal', 'dec', 'fixed']);
const FLOATS = new Set(['float', 'real', 'double', 'double precision', 'float4', 'float8']);
const BYTES = /^(?:bytea|(?:tiny|medium|long)?blob|(?:var)?binary)$/;
const TIMES = new Set(['time', 'time without time zone']);
const INSTANTS = /^(?:datetime2?|timestamp(?:tz)?(?: with(?:out)? (?:local )?time zone)?)$/;

/** How values of a column are told apart that a row is known by. */
export function idText(column: ColumnMetadata): ColumnText {
  const base = column.referencedColumn ?? column;
  const { transformer } = base;
  const own = kindOf(base);
  if (transformer === undefined) return own;
  const text: Text = (value) => {
    try {
      return own.text(ApplyValueTransformers.transformTo(transformer, value));
    } catch {
      return undefined;
    }
  };
  // What SQL compares with is not what entities have.
  return { text, exact: false, unchanged: false, returns: own.returns };
}

/**
 * How the values of a column are told apart as the database does, or `undefined` if that cannot be known here: where two
 * different texts may be equal to the database, a value says nothing of which rows it stands for.
 */
export function columnText(column: ColumnMetadata): Text | undefined {
  const { text, exact, unchanged } = idText(column);
  return exact && unchanged ? text : undefined;
}

function kindOf(column: ColumnMetadata): ColumnText {
  const type = typeName(column);
  const dialect = dialectOf(column);
  const postgres = dialect === 'postgres';
  const compares = column.collation === undefined && dialect !== 'mysql';
  if (column.isArray) return loose;
  if (WHOLE.test(type)) return wholeKind(type, dialect);
  if (type === 'uuid' && postgres) return { text: uuidText, exact: true, unchanged: true, returns: true };
  if (type === 'boolean' || type === 'bool') return boolean;
  if (STRINGS.has(type) || type === 'uuid') return stringKind(plainTextOf(column, type), compares, true);
  if (PADDED.has(type)) return stringKind(postgres ? paddedText : plainText, compares, false);
  if (DECIMALS.has(type)) return { text: decimalText, exact: postgres, unchanged: false, returns: true };
  if (FLOATS.has(type))
    return { text: numberText, exact: false, unchanged: false, returns: dialect !== 'mysql' };
  if (BYTES.test(type))
    return { text: bytesText, exact: dialect !== 'mysql', unchanged: true, returns: true };
  if (TIMES.has(type) && postgres) return { text: timeText, exact: true, unchanged: false, returns: true };
  if (type === 'date') return dateKind(column, dialect);
  if (!INSTANTS.test(type)) return loose;
  const milliseconds = postgres && (column.precision ?? 6) <= 3;
  return { text: instantText(type), exact: false, unchanged: false, returns: milliseconds, sent: asDate };
}

const loose: ColumnText = { text: looseText, exact: false, unchanged: false, returns: true };

const boolean: ColumnText = {
  text: booleanText,
  exact: true,
  unchanged: true,
  returns: true,
  sent: (value) => booleanText(value) === 'true',
};

function wholeKind(type: string, dialect: Dialect): ColumnText {
  const text = wholeTextOf(
    dialect !== 'postgres' || /big|8/.test(type) ? 64 : /small|2/.test(type) ? 16 : 32,
    dialect === 'mysql',
  );
  const sent = (value: unknown): unknown => (typeof value === 'number' ? value : text(value));
  return { text, exact: true, unchanged: true, returns: true, sent };
}

/** MySQL takes `5` for equal to `'5a'`: what is sent is text. */
function stringKind(text: Text, exact: boolean, unchanged: boolean): ColumnText {
  return { text, exact, unchanged, returns: true, sent: String };
}

/** PostgreSQL knows no other values of an enum, and says so with an error. */
function plainTextOf({ enum: values }: ColumnMetadata, type: string): Text {
  if (type !== 'enum' || values === undefined) return plainText;
  const known = new Set(values.map(String));
  return (value) => {
    const text = plainText(value);
    return text !== undefined && known.has(text) ? text : undefined;
  };
}

function dateKind({ utc }: ColumnMetadata, dialect: Dialect): ColumnText {
  const sent = (value: unknown): unknown =>
    types.isDate(value) ? DateUtils.mixedDateToDateString(value, { utc }) : value;
  return {
    text: (value) => dateText(sent(value)),
    exact: dialect !== 'mysql',
    unchanged: true,
    returns: true,
    sent,
  };
}

function asDate(value: unknown): unknown {
  return typeof value === 'string' ? new Date(value) : value;
}

function typeName({ type }: ColumnMetadata): string {
  if (type === Number) return 'integer';
  if (type === String) return 'varchar';
  if (type === Boolean) return 'boolean';
  if (type === Date) return 'datetime';
  return typeof type === 'string' ? type : '';
}

type Dialect = 'postgres' | 'mysql' | 'sqlite';

/** MySQL takes `a` and `A` for the same, and whatever has a collation may do so. */
function dialectOf({ entityMetadata }: ColumnMetadata): Dialect {
  const driver = entityMetadata.dataSource.options.type;
  if (driver === 'mysql' || driver === 'mariadb') return 'mysql';
  return driver === 'postgres' || driver === 'cockroachdb' ? 'postgres' : 'sqlite';
}
