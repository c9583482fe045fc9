import type { SqlDialect } from './effects.js';

// Sticky patterns: each matches in one pass over what it takes, whatever the text.

export const SPACE = /[ \t\n\r\f\v]+/y;
export const WORD = /[A-Za-z_\u0080-\uffff][\w$\u0080-\uffff]*/y;
/** MySQL's names may begin with digits. */
export const WORD_MYSQL = /[\w$\u0080-\uffff]+/y;
export const NUMBER = /0[xX][\da-fA-F]+|(?:\d[\d_]*\.?\d*|\.\d+)(?:[eE][+-]?\d+)?/y;
export const NAMED_PARAMETER = /(?:[:$]|@{1,2})[\w$\u0080-\uffff]+/y;
export const NUMBERED_PARAMETER = /\$\d+/y;
export const QUESTION = /\?+\d*/y;
export const DOLLAR_QUOTE = /\$(?:[A-Za-z_\u0080-\uffff][\w\u0080-\uffff]*)?\$/y;
export const LINE = /[^\n]*/y;
export const LINE_POSTGRES = /[^\r\n]*/y;
export const SYMBOL = /::|:=|\|\||[^\0]/y;
export const EXECUTABLE = /\/\*M?!\d*/y;
export const COMMENT_EDGE = /\/\*|\*\//g;

export const NAME_QUOTES: Record<SqlDialect, string> = { postgres: '"', mysql: '`', sqlite: '"`[' };
