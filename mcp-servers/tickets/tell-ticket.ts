import { oneLine } from '../outside-text.ts';
import type { FoundTicket } from './desk.ts';

/** One line. Its title is others' words. */
export function tellTicket({ identifier, title, state, url }: FoundTicket): string {
  return `${oneLine(identifier, 80)} ${JSON.stringify(oneLine(title, 200))} (${oneLine(state, 60)}) ${oneLine(url, 500)}`;
}
