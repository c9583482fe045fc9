const MONTHS = ['jan', 'feb', 'mar', 'apr', 'may', 'jun', 'jul', 'aug', 'sep', 'oct', 'nov', 'dec'];
const MONTH = `(${MONTHS.join('|')})`;
const TIME = String.raw`(\d\d):(\d\d):(\d\d)`;
const SHORT_DAY = '(?:mon|tue|wed|thu|fri|sat|sun)';
const LONG_DAY = '(?:monday|tuesday|wednesday|thursday|friday|saturday|sunday)';

// In whatever case, as RFC 9111 4.2 asks of caches. Every other zone is invalid to it, UTC included.
const IMF_FIXDATE = new RegExp(String.raw`^${SHORT_DAY}, (\d\d) ${MONTH} (\d{4}) ${TIME} gmt$`, 'i');
const RFC_850 = new RegExp(String.raw`^${LONG_DAY}, (\d\d)-${MONTH}-(\d\d) ${TIME} gmt$`, 'i');
const ASCTIME = new RegExp(String.raw`^${SHORT_DAY} ${MONTH} (\d\d| \d) ${TIME} (\d{4})$`, 'i');

/**
 * Reads a date in one of the three formats of RFC 9110 5.6.7.
 * @param now milliseconds since 1970, for years of two digits: none is more than 50 years ahead
 * @returns milliseconds since 1970; `undefined` for anything else, such as `0` or the 31st of April
 */
export function parseHttpDate(value: string | undefined, now: number): number | undefined {
  if (value === undefined) return undefined;
  const fixed = IMF_FIXDATE.exec(value);
  if (fixed) return toTime(Number(fixed[3]), fixed[2]!, fixed[1]!, fixed.slice(4));
  const asctime = ASCTIME.exec(value);
  if (asctime) return toTime(Number(asctime[6]), asctime[1]!, asctime[2]!, asctime.slice(3, 6));
  const old = RFC_850.exec(value);
  return old ? toTime(fullYear(Number(old[3]), now), old[2]!, old[1]!, old.slice(4)) : undefined;
}

/** As IMF-fixdate: `Sun, 06 Nov 1994 08:49:37 GMT`. @param time milliseconds since 1970, in the years 0 to 9999 */
export function formatHttpDate(time: number): string {
  return new Date(time).toUTCString();
}

function fullYear(twoDigits: number, now: number): number {
  const thisYear = new Date(now).getUTCFullYear();
  const year = thisYear - (thisYear % 100) + twoDigits;
  if (year > thisYear + 50) return year - 100;
  return year <= thisYear - 50 ? year + 100 : year;
}

function toTime(year: number, month: string, day: string, time: readonly string[]): number | undefined {
  const [hours, minutes, seconds] = time.map(Number) as [number, number, number];
  if (hours > 23 || minutes > 59 || seconds > 60) return undefined;
  const date = new Date(0);
  // Date.UTC would take the year 50 for 1950.
  date.setUTCFullYear(year, MONTHS.indexOf(month.toLowerCase()), Number(day));
  if (date.getUTCDate() !== Number(day)) return undefined;
  // A leap second is the second after it to everyone.
  return date.setUTCHours(hours, minutes, seconds);
}
