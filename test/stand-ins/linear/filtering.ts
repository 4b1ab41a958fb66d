import { type GraphQLObjectType, getNamedType, isLeafType, isObjectType } from 'graphql';
import { type Context, fieldOf } from './resolving.ts';
import { linearSchema } from './schema.ts';

type Filter = Record<string, unknown>;

/** What no field of the row says as it stands. */
const worked: Record<string, Record<string, (source: never, context: Context) => unknown>> = {
  User: { isMe: (user: { id: string }, { viewer }) => user.id === viewer.id },
  Issue: {
    labels: (issue: { labelIds: string[] }, { tables }) => issue.labelIds.map((id) => tables.IssueLabel.get(id)),
    children: (issue: { id: string }, { tables }) =>
      [...tables.Issue.values()].filter(({ parentId }) => parentId === issue.id),
    comments: (issue: { id: string }, { tables }) =>
      [...tables.Comment.values()].filter(({ issueId }) => issueId === issue.id),
    attachments: (issue: { id: string }, { tables }) =>
      [...tables.Attachment.values()].filter(({ issueId }) => issueId === issue.id),
    hasBlockedByRelations: (issue: { id: string }, { tables }) =>
      [...tables.IssueRelation.values()].some(
        ({ type, relatedIssueId }) => type === 'blocks' && relatedIssueId === issue.id,
      ),
  },
  AgentActivity: {
    type: (activity: { content: { type: string } }) => activity.content.type,
    agentSessionId: (activity: { agentSessionId: string }) => activity.agentSessionId,
  },
};

/** Whether a row of a type passes a filter of Linear's. What is not known here is an error: nothing may seem to fit. */
export function fits(typeName: string, row: unknown, filter: Filter, context: Context): boolean {
  return Object.entries(filter).every(([key, condition]) => {
    if (condition === null || condition === undefined) return true;
    if (key === 'and') return (condition as Filter[]).every((each) => fits(typeName, row, each, context));
    if (key === 'or') return (condition as Filter[]).some((each) => fits(typeName, row, each, context));
    return fieldFits(typeName, row, key, condition as Filter, context);
  });
}

function fieldFits(typeName: string, row: unknown, key: string, condition: Filter, context: Context): boolean {
  const type = linearSchema().getType(typeName) as GraphQLObjectType;
  const field = type.getFields()[key];
  const work = worked[typeName]?.[key] as ((source: unknown, context: Context) => unknown) | undefined;
  if (!field && work) return compares(work(row, context), condition);
  if (!field) throw new Error(`The stand-in cannot filter ${typeName} by ${key}: write it in filtering.ts.`);
  const value = work ? work(row, context) : fieldOf(row, key, field.type, context);
  const inner = getNamedType(field.type);
  if (isLeafType(inner)) return compares(value, condition);
  if (inner.name.endsWith('Connection')) {
    if (!Array.isArray(value)) throw new Error(`The stand-in cannot filter ${typeName} by ${key}.`);
    return collectionFits(inner.name.replace(/Connection$/, ''), value, condition, context);
  }
  if (!isObjectType(inner)) throw new Error(`The stand-in cannot filter ${typeName} by ${key}.`);
  const { null: isNull, ...rest } = condition;
  if (typeof isNull === 'boolean' && (value === null) !== isNull) return false;
  if (Object.keys(rest).length === 0) return true;
  return value !== null && fits(inner.name, value, rest, context);
}

function collectionFits(typeName: string, rows: unknown[], filter: Filter, context: Context): boolean {
  const { some, every, length, and, or, null: isNull, ...any } = filter;
  const each = (condition: unknown) => (row: unknown) => fits(typeName, row, condition as Filter, context);
  if (some && !rows.some(each(some))) return false;
  if (every && !rows.every(each(every))) return false;
  if (length && !compares(rows.length, length as Filter)) return false;
  if (typeof isNull === 'boolean' && (rows.length === 0) !== isNull) return false;
  if (and && !(and as Filter[]).every((part) => collectionFits(typeName, rows, part, context))) return false;
  if (or && !(or as Filter[]).some((part) => collectionFits(typeName, rows, part, context))) return false;
  return Object.keys(any).length === 0 || rows.some(each(any));
}

const comparators: Record<string, (value: never, wanted: never) => boolean> = {
  eq: (value: unknown, wanted: unknown) => value === wanted,
  neq: (value: unknown, wanted: unknown) => value !== wanted,
  in: (value: unknown, wanted: unknown[]) => wanted.includes(value),
  nin: (value: unknown, wanted: unknown[]) => !wanted.includes(value),
  null: (value: unknown, wanted: boolean) => (value === null) === wanted,
  lt: (value: string | number, wanted: string | number) => value < wanted,
  lte: (value: string | number, wanted: string | number) => value <= wanted,
  gt: (value: string | number, wanted: string | number) => value > wanted,
  gte: (value: string | number, wanted: string | number) => value >= wanted,
  eqIgnoreCase: (value: string, wanted: string) => value?.toLowerCase() === wanted.toLowerCase(),
  neqIgnoreCase: (value: string, wanted: string) => value?.toLowerCase() !== wanted.toLowerCase(),
  contains: (value: string, wanted: string) => value?.includes(wanted),
  containsIgnoreCase: (value: string, wanted: string) => value?.toLowerCase().includes(wanted.toLowerCase()),
  notContains: (value: string, wanted: string) => !value?.includes(wanted),
  notContainsIgnoreCase: (value: string, wanted: string) => !value?.toLowerCase().includes(wanted.toLowerCase()),
  startsWith: (value: string, wanted: string) => value?.startsWith(wanted),
  endsWith: (value: string, wanted: string) => value?.endsWith(wanted),
};

function compares(value: unknown, condition: Filter): boolean {
  return Object.entries(condition).every(([name, wanted]) => {
    const compare = comparators[name];
    if (!compare) throw new Error(`The stand-in cannot compare by ${name}: write it in filtering.ts.`);
    return wanted === null || compare(plain(value) as never, plain(wanted) as never);
  });
}

/** Dates compare as they are written, once they are written alike. */
function plain(value: unknown): unknown {
  const isDate = typeof value === 'string' && /^\d{4}-\d\d-\d\dT/.test(value);
  return isDate ? new Date(value).toISOString() : value;
}
