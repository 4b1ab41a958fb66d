import { z } from 'zod';
import { timeOf } from '../client.ts';
import { change } from './change.ts';

/*
 * What we read of an issue, whatever else Jira has on it or comes to have. jira.js leaves the fields of an issue open.
 */

export const account = z
  .object({
    accountId: z.string().optional(),
    displayName: z.string().optional(),
    accountType: z.string().optional(),
  })
  .nullish();

export const named = z.object({ id: z.string().optional(), name: z.string().optional() }).nullish();
export const statusNode = z
  .object({
    id: z.string().optional(),
    name: z.string().optional(),
    statusCategory: z.object({ key: z.string().optional() }).optional(),
  })
  .nullish();
export const project = z
  .object({ id: z.string().optional(), key: z.string().optional(), name: z.string().optional() })
  .nullish();
export const time = z.unknown().optional().transform(timeOf);

const linked = z.object({
  id: z.string(),
  key: z.string(),
  fields: z.object({ summary: z.string().nullish(), status: statusNode, priority: named }).default({}),
});
export type LinkedIssue = z.output<typeof linked>;

const comment = z.object({
  id: z.string(),
  author: account,
  updateAuthor: account,
  body: z.unknown().optional(),
  created: time,
  updated: time,
  /** Among some of the people only. */
  visibility: z.unknown().optional(),
  properties: z.array(z.object({ key: z.string().optional() })).optional(),
});
export type IssueComment = z.output<typeof comment>;

const attachment = z.object({
  id: z.coerce.string(),
  filename: z.string(),
  author: account,
  mimeType: z.string().optional(),
  size: z.number().optional(),
});

/** Lists in which one that we cannot read does not hide the others. */
export const listOf = <Item extends z.ZodType>(item: Item) =>
  z
    .array(z.unknown())
    .nullish()
    .transform((all) =>
      (all ?? []).flatMap((each): z.output<Item>[] => {
        const { success, data } = item.safeParse(each);
        return success ? [data] : [];
      }),
    );

const link = z.object({
  type: z.object({ name: z.string().default(''), inward: z.string().default(''), outward: z.string().default('') }),
  inwardIssue: linked.optional(),
  outwardIssue: linked.optional(),
});

const history = z.object({ id: z.string().optional(), created: time, author: account, items: listOf(change) });

const issue = z.object({
  id: z.string(),
  key: z.string(),
  names: z.record(z.string(), z.string()).default({}),
  schema: z.record(z.string(), z.looseObject({ type: z.string().optional() })).default({}),
  changelog: z.object({ histories: listOf(history), total: z.number().optional() }).optional(),
  fields: z.looseObject({
    summary: z.string().nullish(),
    description: z.unknown().optional(),
    issuetype: z.object({ name: z.string().optional(), hierarchyLevel: z.number().optional() }).nullish(),
    project,
    status: statusNode,
    resolution: named,
    priority: named,
    assignee: account,
    reporter: account,
    creator: account,
    labels: z.array(z.string()).nullish(),
    components: z.array(z.object({ id: z.string().optional(), name: z.string().optional() })).nullish(),
    parent: linked.nullish().catch(null),
    subtasks: listOf(linked),
    issuelinks: listOf(link),
    attachment: listOf(attachment),
    comment: z.object({ comments: listOf(comment), total: z.number().optional() }).nullish(),
    created: time,
    updated: time,
  }),
});
export type Issue = z.output<typeof issue>;

/** null: it is no issue, as far as we know issues. */
export function readIssueNode(answer: unknown): Issue | null {
  return issue.safeParse(answer).data ?? null;
}

export const commentList = listOf(comment);
