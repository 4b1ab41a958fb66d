import { CronExpressionParser } from 'cron-parser';

/*
 * When something is due. Only `next` of the parser is used: over a change of the clocks its `prev` answers other moments,
 * and what is due must not depend on when it is asked. An hour that the clocks skip is made up for right after it; of one
 * that they repeat, what names an hour comes in the first.
 */

const hour = 3_600_000;
const day = 24 * hour;

/**
 * So far back it is looked for, until something is found. A walk that begins within an hour that the clocks repeat or skip
 * goes astray there, so what comes within two hours of its beginning is left to the next, which begins elsewhere.
 */
const windows = [3 * hour, 30 * hour, 8 * day, 40 * day, 400 * day, 5 * 366 * day];

/** Five fields, or a name such as "@daily"; and there is a day on which it comes. */
export function isCron(text: string): boolean {
  if (!/^@(yearly|annually|monthly|weekly|daily|hourly)$/.test(text) && !/^\S+( +\S+){4}$/.test(text)) return false;
  if (/\bh\b/i.test(text)) return false; // the parser would choose by chance
  try {
    nextDue(text, 'UTC', new Date(0));
    return true;
  } catch {
    return false;
  }
}

export function isTimeZone(name: string): boolean {
  try {
    new Intl.DateTimeFormat('en', { timeZone: name });
    return /^[A-Za-z]/.test(name); // offsets such as "+01:00" know no summer time
  } catch {
    return false;
  }
}

/** The first moment after `from` at which it is due. */
export function nextDue(cron: string, timezone: string, from: Date): Date {
  return CronExpressionParser.parse(cron, { tz: timezone, currentDate: from }).next().toDate();
}

/** The last moment at or before `until` at which it was due, and after `since`; null: there was none. */
export function lastDue(cron: string, timezone: string, since: Date, until: Date): Date | null {
  for (const window of windows) {
    const from = until.getTime() - window;
    let last: Date | null = null;
    const walk = CronExpressionParser.parse(cron, { tz: timezone, currentDate: new Date(from) });
    for (let at = walk.next().toDate(); at <= until; at = walk.next().toDate())
      if (at.getTime() - from >= 2 * hour) last = at;
    if (last) return last > since ? last : null;
    if (from < since.getTime() - 2 * hour) return null;
  }
  return null;
}
