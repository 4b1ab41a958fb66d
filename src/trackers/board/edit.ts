import { type Person, type Priority, priorities } from '../../core/ticket.ts';
import { checkLine, checkText, invalid } from './text.ts';
import type { TicketRow } from './tickets.ts';

export interface TicketDraft {
  title: string;
  description?: string;
  priority?: Priority;
  labels?: string[];
  /** Custom fields; a ticket's `repository` is one of them. */
  fields?: Record<string, string>;
  state?: string;
  /** A name; the agent's own starts a session. */
  assignee?: string;
}

export type TicketEdit = Partial<Pick<TicketDraft, 'title' | 'description' | 'priority' | 'labels' | 'fields'>>;

/** What a person wants a ticket to say, checked; only what was given. Throws `VendorError` `invalid`. */
export function checkEdit(
  edit: TicketEdit,
): Partial<Pick<TicketRow, 'title' | 'description' | 'priority' | 'labels' | 'fields'>> {
  const { title, description, priority, labels, fields } = edit;
  return {
    ...(title === undefined ? {} : { title: checkLine(title, 'title') }),
    ...(description === undefined ? {} : { description: checkText(description, 'description') }),
    ...(priority === undefined ? {} : { priority: checkPriority(priority) }),
    ...(labels === undefined ? {} : { labels: [...new Set(labels.map((label) => checkLine(label, 'label')))] }),
    ...(fields === undefined ? {} : { fields: checkFields(fields) }),
  };
}

/** An account by its name, written with or without an "@". There is no list of people: whoever is named exists. */
export function accountNamed(written: string, agent: string): Person {
  const name = checkLine(written, 'name').replace(/^@/, '');
  if (name === '') throw invalid('The name is empty. Say who.');
  if (name.toLowerCase() === agent.toLowerCase()) return { id: agent, name: agent, isBot: true };
  return { id: name, name, isBot: false };
}

function checkPriority(priority: Priority): Priority {
  if (priorities.includes(priority)) return priority;
  throw invalid(`There is no priority "${priority}". Use one of: ${priorities.join(', ')}.`);
}

function checkFields(fields: Record<string, string>): Record<string, string> {
  const checked = Object.entries(fields).map(([name, value]) => {
    const field = checkLine(name, 'name of a field');
    return [field, checkText(value, `field "${field}"`)];
  });
  return Object.fromEntries(checked);
}
