import type { Ticket } from './ticket.ts';
import type { TicketFacts } from './ticket-facts.ts';

const most = { paths: 200, path: 300, text: 50_000 };

/**
 * What a ticket names of a repository's files: its allowed paths, and what looks like a path or a glob in its title and
 * description. Not in addresses, nor in blocks of code: a stack trace names files that nobody wants changed.
 */
export function namedPaths(
  { title, description }: Pick<Ticket, 'title' | 'description'>,
  { allowedPaths }: Pick<TicketFacts, 'allowedPaths'>,
): string[] {
  const text = `${title}\n${description.slice(0, most.text)}`
    .replace(/^[ \t]*(```|~~~)[\s\S]*?(^[ \t]*\1|$(?![\s\S]))/gm, ' ')
    .replace(/\b[a-z][a-z+.-]{0,20}:\/\/\S+/gi, ' ');
  const words = text.match(/[\p{L}\d_.@*{}[\]+~/-]+/gu) ?? [];
  const paths = words
    .filter((word) => word.length <= most.path)
    .map((word) => word.replace(/^\*\*(?!\/)|(?<!\/)\*\*$/g, '').replace(/\.+$/, ''))
    .filter((word) => /[^/]\/|\/[^/]|[^.]\.[a-z0-9]{1,8}$/i.test(word));
  return [...new Set([...allowedPaths, ...paths])].slice(0, most.paths);
}
