import type { Priority, TicketDraft } from '../../../core/ticket.ts';
import { fromMarkdown } from '../adf/from-markdown.ts';
import { priorityOf } from '../hint.ts';
import { isSame } from '../states.ts';
import { markOf } from './marks.ts';
import { refusal } from './place.ts';
import type { IssueType, NewField } from './projects.ts';
import { documentOf, fittingDocument, storableLine } from './text.ts';

const limits = { summary: 255, label: 255, line: 255 };

/** Given with every issue. */
const given = ['summary', 'project', 'issuetype', 'description', 'labels', 'priority', 'parent', 'reporter'];

/** What an issue is filed as: a part of another one, or for itself. null: this project has no such type. */
export function typeFor(
  types: readonly IssueType[],
  draft: TicketDraft,
  parent: { level: number } | null,
): IssueType | null {
  const level = parent === null ? 0 : parent.level - 1;
  if (level < -1) return null;
  const fitting = types.filter((type) => type.level === level);
  const isBug = draft.labels.some((label) => isSame(label, 'bug'));
  const named = (name: string) => fitting.find((type) => isSame(type.name, name));
  return (isBug ? named('Bug') : undefined) ?? named('Task') ?? named('Story') ?? fitting[0] ?? null;
}

/**
 * A draft as Jira takes it: made to fit, never refused, but where the project asks for what nobody has said. A field that the
 * project has is filled; one that it has not is a heading, from which it is read as a field would be.
 */
export function issueOf(filing: {
  id: string;
  draft: TicketDraft;
  project: { id: string; name: string };
  type: IssueType;
  fields: readonly NewField[];
  /** The issue that it is a part of; null: of none. */
  parent: string | null;
  /** Not to be put on it. */
  label: string | null;
}): { fields: Record<string, unknown>; properties: { key: string; value: unknown }[] } {
  const { id, draft, project, type, fields, parent, label } = filing;
  const has = (fieldId: string) => fields.length === 0 || fields.some((field) => field.id === fieldId);
  const values: Record<string, unknown> = {};
  const sections: string[] = [];
  for (const [name, text] of Object.entries(draft.fields)) {
    if (text.trim() === '') continue;
    const field = fields.find((each) => isSame(each.name, name) && !given.includes(each.id));
    const value = field && valueFor(field, text);
    if (field && value !== undefined) values[field.id] = value;
    else sections.push(`\n\n## ${storableLine(name, 90)}\n\n${text}`);
  }
  const description = draft.description + sections.join('');
  const labels = labelsFor(draft.labels, label);
  const priority = priorityFor(draft.priority, fields);
  const missing = fields.filter(
    (field) =>
      field.isRequired &&
      !field.hasDefault &&
      values[field.id] === undefined &&
      !['summary', 'project', 'issuetype'].includes(field.id) &&
      !(field.id === 'parent' && parent !== null) &&
      !(field.id === 'description' && description.trim() !== '') &&
      !(field.id === 'labels' && labels.length > 0) &&
      !(field.id === 'priority' && priority !== null) &&
      field.id !== 'reporter',
  );
  if (missing.length > 0)
    throw refusal(
      'invalid',
      `Jira asks for ${missing.map(({ name }) => `"${name}"`).join(', ')} where a ${type.name} is created in ${project.name}. Name it in the ticket's fields, give it a default value, or make it optional.`,
    );
  return {
    fields: {
      project: { id: project.id },
      issuetype: { id: type.id },
      summary: storableLine(draft.title, limits.summary) || 'Untitled',
      ...(description.trim() !== '' && has('description') && { description: fittingDocument(description) }),
      ...(labels.length > 0 && has('labels') && { labels }),
      ...(priority !== null && { priority }),
      ...(parent !== null && { parent: { id: parent } }),
      ...values,
    },
    properties: markOf({ operation: id }),
  };
}

/** Jira's have no spaces, and nobody is to have it, so that the agent's own is not among them. */
function labelsFor(wanted: readonly string[], own: string | null): string[] {
  const labels = wanted.map((name) => storableLine(name, limits.label).replaceAll(/\s+/g, '-'));
  return [...new Set(labels)].filter((name) => name !== '' && (own === null || !isSame(name, own)));
}

/** null: the project has none that means it. */
function priorityFor(wanted: Priority, fields: readonly NewField[]): { id: string } | null {
  const allowed = fields.find(({ id }) => id === 'priority')?.allowed ?? [];
  const found = wanted === 'none' ? undefined : allowed.find((each) => priorityOf(each) === wanted);
  return found?.id === undefined ? null : { id: found.id };
}

/** undefined: the field cannot have that. */
function valueFor({ kind, type, allowed }: NewField, text: string): unknown {
  const line = storableLine(text, Number.POSITIVE_INFINITY);
  switch (kind) {
    case 'textarea':
      return documentOf(text);
    case 'textfield':
      return line.length <= limits.line && fromMarkdown(text).content.length <= 1 ? line : undefined;
    case 'float':
      return /^-?\d+(\.\d+)?$/.test(line) ? Number(line) : undefined;
    case 'url':
      return URL.canParse(line) ? line : undefined;
    case 'select':
    case 'radiobuttons':
      return optionFor(allowed, line);
    case 'multiselect':
    case 'multicheckboxes': {
      const options = line.split(/\s*,\s*/).map((each) => optionFor(allowed, each));
      return options.every((each) => each !== undefined) ? options : undefined;
    }
  }
  return type === 'array' && allowed.length > 0 && kind === '' ? namedAmong(allowed, line) : undefined;
}

function optionFor(allowed: NewField['allowed'], text: string): { id: string } | undefined {
  const found = allowed.find(({ value }) => value !== undefined && isSame(value, text));
  return found?.id === undefined ? undefined : { id: found.id };
}

/** Components, versions. */
function namedAmong(allowed: NewField['allowed'], text: string): { id: string }[] | undefined {
  const found = text
    .split(/\s*,\s*/)
    .map((each) => allowed.find(({ name }) => name !== undefined && isSame(name, each)));
  const ids = found.flatMap((each) => (each?.id === undefined ? [] : [{ id: each.id }]));
  return ids.length === found.length ? ids : undefined;
}
