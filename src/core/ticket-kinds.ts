import { isBugTicket, labelsAndTypes } from './bug-ticket.ts';
import type { Ticket } from './ticket.ts';

/**
 * What kinds of work a ticket is, in lower case: `bug`, or `feature` for what is none; its labels, without "type:" and the
 * like; what a type field says; and the word that its title begins with, as in "chore(deps): ...".
 */
export function kindsOf(ticket: Pick<Ticket, 'title' | 'labels' | 'fields'>): string[] {
  const [, first = ''] =
    /^[\s\p{P}\p{S}]*([\p{L}\d][\p{L}\d-]*)\s?(?:\([^)]{0,100}\))?[\]!]?\s?:/u.exec(ticket.title.slice(0, 200)) ?? [];
  const named = labelsAndTypes(ticket).map((text) =>
    text.slice(0, 100).replace(/^[\s\p{P}\p{S}]*(?:(?:type|kind|category)\s?[:/=-])?\s*/iu, ''),
  );
  const kinds = [isBugTicket(ticket) ? 'bug' : 'feature', ...named, first];
  return [...new Set(kinds.map((kind) => kind.trim().toLowerCase()).filter((kind) => kind !== ''))];
}
