import { cleanText } from './outgoing-text.ts';
import type { Person } from './ticket.ts';

/** Whether a person is one of those listed by name or id; an empty list is everyone but outsiders. Apps never are. */
export function isAmong({ id, name, isBot, isOutsider }: Person, listed: readonly string[]): boolean {
  if (isBot) return false;
  if (listed.length === 0) return isOutsider !== true;
  return listed.some((each) => each === id || each.toLowerCase() === name.toLowerCase());
}

/** "Ada, Bob or Eve", as a ticket may show it. */
export function nameThem(listed: readonly string[], conjunction: 'and' | 'or'): string {
  const names = listed.map((name) => cleanText(name, 80));
  const last = names.pop() ?? '';
  return names.length === 0 ? last : `${names.join(', ')} ${conjunction} ${last}`;
}
