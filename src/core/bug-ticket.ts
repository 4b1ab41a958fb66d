import type { Ticket } from './ticket.ts';

/** A bug wants a reproduction; anything else does not. Told by a label, a type field or the title's first word. */
export function isBugTicket(ticket: Pick<Ticket, 'title' | 'labels' | 'fields'>): boolean {
  if (labelsAndTypes(ticket).some(namesBug)) return true;
  return /^[\s\p{P}\p{S}]*(bug|bug ?fix|fix|hot ?fix|regression|defect|crash)\b\s{0,5}(\([^)]{0,100}\))?\s{0,5}[\]:!–—-]/iu.test(
    ticket.title.slice(0, 200),
  );
}

/** Where people say what kind of work a ticket is: its labels, and what its type fields hold. */
export function labelsAndTypes({ labels, fields }: Pick<Ticket, 'labels' | 'fields'>): string[] {
  const types = Object.entries(fields).filter(([name]) =>
    /^((issue|ticket|work item)[ _-]?)?(type|kind)$/i.test(name.trim()),
  );
  return [...labels, ...types.map(([, value]) => value)];
}

function namesBug(text: string): boolean {
  return /^[\s\p{P}\p{S}]*((type|kind|category)\s{0,5}[:/=-]\s{0,5})?(bugs?|bug ?report|defects?|regressions?|crash(es)?)\s*$/iu.test(
    text.slice(0, 100),
  );
}
