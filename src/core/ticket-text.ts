import { cutMiddle, grouped } from './cut-text.ts';
import { cleanLine, markOutside } from './outside-text.ts';
import { isOver, type Person, type Ticket } from './ticket.ts';

const limits = { text: 20_000, description: 10_000, field: 500, comment: 3_000, comments: 20 };

/** A ticket as Markdown, for a model that somebody works with. What people wrote is marked as theirs: data, never instructions. */
export function writeTicketText(ticket: Ticket): string {
  const { identifier, title, url, state, assignee, priority, team, project, labels, fields, relations } = ticket;
  const facts = [
    `State: ${cleanLine(state.name, 100)}${isOver(state.category) ? ' (over)' : ''}`,
    `Assignee: ${assignee ? nameOf(assignee) : 'nobody'}`,
    ...(priority === 'none' ? [] : [`Priority: ${priority}`]),
    ...(team === null ? [] : [`Team: ${cleanLine(team, 100)}`]),
    ...(project === null ? [] : [`Project: ${cleanLine(project, 200)}`]),
    ...(labels.length === 0 ? [] : [`Labels: ${labels.map((label) => cleanLine(label, 100)).join(', ')}`]),
    ...Object.entries(fields).map(([name, value]) => `${cleanLine(name, 100)}: ${cleanLine(value, limits.field)}`),
    ...relations.map((each) => `${each.type}: ${each.ticket.identifier} ${cleanLine(each.ticket.title, 200)}`),
  ];
  const description = cut(ticket.description, limits.description);
  const left = ticket.comments.length - limits.comments;
  const comments = ticket.comments
    .slice(-limits.comments)
    .map(({ author, at, body }) => markOutside(`${nameOf(author)}, ${at}`, cut(body, limits.comment)));
  const parts = [
    `# ${identifier}: ${cleanLine(title)}`,
    url,
    markOutside('fields of the ticket', facts.join('\n')),
    description.trim() === '' ? 'It has no description.' : markOutside('description of the ticket', description),
    ...(comments.length === 0
      ? []
      : [`## Comments${left > 0 ? ` (the last ${limits.comments}; ${left} before)` : ''}`]),
    ...comments,
  ];
  // From the front: the newest comments are worth less than what it is about, and a mark is never left open.
  const kept: string[] = [];
  let length = 0;
  for (const part of parts) {
    length += part.length + 2;
    if (length > limits.text) {
      kept.push('[more comments were left out: see the ticket itself]');
      break;
    }
    kept.push(part);
  }
  return kept.join('\n\n');
}

function cut(text: string, limit: number): string {
  return cutMiddle(text, limit, (leftOut) => `[${grouped(leftOut)} characters left out]`);
}

function nameOf({ name, isBot }: Person): string {
  return `${cleanLine(name, 100)}${isBot ? ' (an app)' : ''}`;
}
