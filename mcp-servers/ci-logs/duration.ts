/** "2 min 13 s", or '' where one of the times is not known. */
export function durationText(from: string | null, to: string | null): string {
  if (from === null || to === null) return '';
  const seconds = Math.round((Date.parse(to) - Date.parse(from)) / 1000);
  if (!(seconds >= 0)) return '';
  return seconds < 60 ? `${seconds} s` : `${Math.floor(seconds / 60)} min ${seconds % 60} s`;
}
