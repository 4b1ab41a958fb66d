import { faultsOf } from '../../trackers/jira/adf/schema.ts';
import type { IssueChanges } from './issues.ts';
import { invalid } from './refusal.ts';
import type { Adf, Field, Issue, IssueType, Project, User } from './rows.ts';
import type { Site } from './site.ts';
import { fieldsOf } from './views.ts';

/** What Jira keeps of a text: the JSON of its document, which is the strictest reading of the limit. */
export const mostCharacters = 32_767;

/** Where fields are written: what is wrong is gathered, and answered in one. */
export interface Input {
  site: Site;
  user: User;
  project: Project;
  issueType: IssueType;
  /** null: it is being created. */
  issue: Issue | null;
  errors: Record<string, string>;
  /** Of what Jira might take, and Atlassian's own schema does not. */
  object(problem: string): void;
}

/** A document as a request has it. Throws where it is none, or too long. */
export function readDocument(value: unknown, field: string, object: (problem: string) => void): Adf {
  const problem = typeof value === 'string' ? 'it is text' : faultsOf(value);
  if (problem !== '') {
    object(`${field} is no valid document: ${problem}`);
    throw invalid({ [field]: 'Operation value must be an Atlassian Document (see the Atlassian Document Format)' });
  }
  if (JSON.stringify(value).length > mostCharacters)
    throw invalid({ [field]: 'The entered text is too long. It exceeds the allowed limit of 32,767 characters.' });
  return value as Adf;
}

/** Which field of an issue stands for which of Jira's. */
const names: Record<string, keyof IssueChanges> = {
  parent: 'parentId',
  issuetype: 'issueType',
};

export function readFields(input: Input, fields: Record<string, unknown>): IssueChanges {
  const changes: Record<string, unknown> = {};
  const values: Record<string, unknown> = {};
  for (const [id, value] of Object.entries(fields)) {
    if (id === 'project' || value === undefined || (id === 'issuetype' && input.issue === null)) continue;
    const field = fieldsOf(input.site, input.project).find((each) => each.id === id);
    if (!field || input.project.hidden.has(id) || !isWritable(field)) {
      input.errors[id] = `Field '${id}' cannot be set. It is not on the appropriate screen, or unknown.`;
      continue;
    }
    const read = field.custom ? readCustom(input, field, value) : readSystem(input, id, value);
    if (read === undefined) continue;
    if (field.custom && !field.schema.custom?.endsWith(':gh-epic-link')) values[id] = read;
    else changes[field.custom ? 'parentId' : (names[id] ?? id)] = read;
  }
  if (Object.keys(values).length > 0) changes.values = values;
  return changes as IssueChanges;
}

const readOnly = [
  'status',
  'resolution',
  'creator',
  'created',
  'updated',
  'statuscategorychangedate',
  'comment',
  'attachment',
  'issuelinks',
  'subtasks',
];
export const isWritable = ({ id }: Field): boolean => !readOnly.includes(id);

const asObject = (value: unknown) =>
  typeof value === 'object' && value !== null ? (value as Record<string, unknown>) : {};

/** undefined: there is an error. */
function readSystem(input: Input, id: string, value: unknown): unknown {
  const { site, project, errors } = input;
  const wrong = (message: string) => {
    errors[id] = message;
    return undefined;
  };
  switch (id) {
    case 'summary': {
      if (typeof value !== 'string' || value.trim() === '') return wrong('You must specify a summary of the issue.');
      if (/[\r\n]/.test(value)) return wrong('The summary is invalid because it contains newline characters.');
      return value.length > 255 ? wrong("Summary can't exceed 255 characters.") : value.trim();
    }
    case 'description':
      return value === null ? null : readDocument(value, id, input.object);
    case 'labels':
      return readLabels(value, wrong);
    case 'priority': {
      if (value === null) return null;
      const { id: wanted, name } = asObject(value);
      return (
        site.priorities.find((each) => each.id === wanted || each.name === name) ??
        wrong('The priority selected is invalid.')
      );
    }
    case 'assignee':
    case 'reporter':
      return readUser(input, id, value);
    case 'components': {
      const list = Array.isArray(value) ? value.map(asObject) : [];
      const found = list.map(({ id: wanted, name }) =>
        project.components.find((each) => each.id === wanted || each.name === name),
      );
      return found.every((each) => each !== undefined) ? found : wrong('Component name is not valid');
    }
    case 'duedate':
      return value === null || /^\d{4}-\d\d-\d\d$/.test(String(value)) ? value : wrong('Error parsing date string');
    case 'issuetype':
      return (
        project.issueTypes.find((each) => each.id === asObject(value).id || each.name === asObject(value).name) ??
        wrong('The issue type selected is invalid.')
      );
    case 'parent':
      return readParent(input, value, wrong);
  }
  return wrong(`Field '${id}' cannot be set. It is not on the appropriate screen, or unknown.`);
}

function readLabels(value: unknown, wrong: (message: string) => undefined): unknown {
  if (!Array.isArray(value) || value.some((label) => typeof label !== 'string'))
    return wrong('data was not an array of strings');
  for (const label of value as string[]) {
    if (/\s/.test(label)) return wrong(`The label '${label}' contains spaces which is invalid.`);
    if (label === '') return wrong('The label is empty, which is invalid.');
    if (label.length > 255)
      return wrong(`The label '${label}' exceeds the maximum length for labels of 255 characters.`);
  }
  return [...new Set(value as string[])].toSorted();
}

function readUser({ site, project, errors }: Input, id: string, value: unknown): User | null | undefined {
  const { accountId, id: other } = asObject(value);
  if (value === null || accountId === null || (accountId === undefined && other === undefined)) return null;
  const user = site.users.find((each) => each.accountId === (accountId ?? other));
  if (user && (id !== 'assignee' || site.may(user, 'ASSIGNABLE_USER', project))) return user;
  errors[id] = user
    ? `User '${user.accountId}' cannot be assigned issues.`
    : `User '${accountId ?? other}' does not exist.`;
  return undefined;
}

function readParent(
  { site, user, project, issueType }: Input,
  value: unknown,
  wrong: (message: string) => undefined,
): string | null | undefined {
  const { id, key } = asObject(value);
  if (value === null) return null;
  const parent = site.find(String(id ?? key));
  if (!parent || !site.may(user, 'BROWSE_PROJECTS', parent.project)) return wrong('Could not find issue by id or key.');
  const isNear = issueType.hierarchyLevel === -1;
  if (parent.issueType.hierarchyLevel !== issueType.hierarchyLevel + 1 || (isNear && parent.project !== project))
    return wrong(`Given parent issue '${parent.key}' does not belong to appropriate hierarchy.`);
  return parent.id;
}

function readCustom(input: Input, field: Field, value: unknown): unknown {
  const { errors, site } = input;
  const wrong = (message: string) => {
    errors[field.id] = message;
    return undefined;
  };
  const kind = field.schema.custom?.split(':').at(-1);
  if (kind === 'gh-epic-link') {
    const epic = value === null ? null : site.find(String(value));
    return epic === null && value !== null ? wrong('The epic is not there.') : (epic?.id ?? null);
  }
  if (value === null) return null;
  const option = (wanted: unknown) => {
    const { id, value: text } = asObject(wanted);
    return field.options.find((each) => each.id === id || each.value === text);
  };
  switch (kind) {
    case 'textarea':
      return readDocument(value, field.id, input.object);
    case 'textfield':
    case 'url':
      return typeof value !== 'string'
        ? wrong('Operation value must be a string')
        : value.length > 255
          ? wrong('The entered text is too long. It exceeds the allowed limit of 255 characters.')
          : value;
    case 'select':
      return option(value) ?? wrong(`Option value '${JSON.stringify(asObject(value).value ?? value)}' is not valid`);
    case 'multiselect':
    case 'multicheckboxes': {
      const found = Array.isArray(value) ? value.map(option) : [undefined];
      return found.every((each) => each !== undefined) ? found : wrong('Option value is not valid');
    }
    case 'float':
      return typeof value === 'number' ? value : wrong('Operation value must be a number');
    case 'datepicker':
      return /^\d{4}-\d\d-\d\d$/.test(String(value)) ? value : wrong('Error parsing date string');
    case 'datetime':
      return Number.isNaN(Date.parse(String(value))) ? wrong('Error parsing time') : value;
    case 'userpicker':
      return readUser(input, field.id, value)?.accountId;
    case 'labels':
      return readLabels(value, wrong);
    case 'gh-sprint': {
      const sprint = sprintsOf(site).find(({ id }) => id === value);
      return sprint ? [sprint] : wrong('Sprint with that ID does not exist');
    }
  }
  return value;
}

export interface Sprint {
  id: number;
  name: string;
  state: 'future' | 'active' | 'closed';
  boardId: number;
  goal: string;
}

const sprints = new WeakMap<Site, Sprint[]>();
const sprintsOf = (site: Site): Sprint[] => sprints.get(site) ?? [];

export function addSprint(site: Site, name: string, state: Sprint['state'] = 'active'): Sprint {
  const sprint = { id: Number(site.nextId()), name, state, boardId: 1, goal: '' };
  sprints.set(site, [...sprintsOf(site), sprint]);
  return sprint;
}

/** As create and edit screens, and transitions, tell of a field. */
export function describeInput(
  site: Site,
  project: Project,
  field: Field,
  required: boolean,
  base: string,
): Record<string, unknown> {
  const allowed: Record<string, () => unknown[]> = {
    priority: () => site.priorities.map((row) => ({ self: `${base}/rest/api/3/priority/${row.id}`, ...row })),
    components: () => project.components.map((row) => ({ self: `${base}/rest/api/3/component/${row.id}`, ...row })),
    issuetype: () => project.issueTypes.map(({ id, name }) => ({ id, name })),
    resolution: () => site.resolutions,
  };
  const allowedValues = field.options.length > 0 ? field.options : allowed[field.id]?.();
  return {
    required,
    schema: field.schema,
    name: field.name,
    key: field.id,
    fieldId: field.id,
    hasDefaultValue: field.id === 'priority',
    operations: field.schema.type === 'array' ? ['add', 'set', 'remove'] : ['set'],
    ...(allowedValues && { allowedValues }),
  };
}
