/** How far ahead of UTC a time zone is then, in milliseconds. */
function aheadOf(timeZone: string, at: number): number {
  if (timeZone === 'Etc/UTC') return 0;
  const parts = new Intl.DateTimeFormat('en-CA', {
    timeZone,
    hourCycle: 'h23',
    year: 'numeric',
    month: '2-digit',
    day: '2-digit',
    hour: '2-digit',
    minute: '2-digit',
    second: '2-digit',
  }).formatToParts(at);
  const part = (type: string) => Number(parts.find((each) => each.type === type)?.value);
  const local = Date.UTC(part('year'), part('month') - 1, part('day'), part('hour'), part('minute'), part('second'));
  return local - Math.floor(at / 1000) * 1000;
}

/** As Jira writes a time, for a user: "2026-11-22T16:35:03.123+0100". */
export function jiraTime(iso: string, timeZone = 'Etc/UTC'): string {
  const at = Date.parse(iso);
  const ahead = aheadOf(timeZone, at);
  const minutes = Math.abs(ahead) / 60_000;
  const two = (number: number) => String(Math.floor(number)).padStart(2, '0');
  const sign = ahead < 0 ? '-' : '+';
  return `${new Date(at + ahead).toISOString().slice(0, -1)}${sign}${two(minutes / 60)}${two(minutes % 60)}`;
}

/** A date that a user writes, to the minute: "2026-11-22 16:35" (or with "/"); null where it is none. */
export function readUserTime(text: string, timeZone: string): number | null {
  const [, year, month, day, hour = '0', minute = '0'] =
    /^(\d{4})[-/](\d{1,2})[-/](\d{1,2})(?: (\d{1,2}):(\d{2}))?$/.exec(text) ?? [];
  if (year === undefined) return null;
  const local = Date.UTC(Number(year), Number(month) - 1, Number(day), Number(hour), Number(minute));
  return Number.isNaN(local) ? null : local - aheadOf(timeZone, local - aheadOf(timeZone, local));
}
