import { timeOf } from '../client.ts';
import { type Account, isOwn, type Own } from '../people.ts';
import type { StatusNode } from '../states.ts';
import type { Located } from './place.ts';

const standingFields = ['status', 'resolution', 'assignee', 'updated', 'project', 'issuetype', 'comment'];
const standingExpand = ['changelog', 'transitions'];

/** Where an issue is, who has it, and where it may go from there, as it was a moment ago. */
export interface Standing {
  /** Of its project and type, that go by one workflow. */
  kind: string;
  status: StatusNode;
  resolution: { name?: string } | null;
  assignee: Account;
  ways: Way[];
  /** The newest first; of very many, those of late. */
  changes: Change[];
  updatedAt: string;
  /** It was seen some seconds ago. */
  isOld?: true;
  /** By whom its comments are; null: nobody looked, or not all are shown. */
  commenters: Account[] | null;
}

/** A transition. */
export interface Way {
  id: string;
  name: string;
  to: StatusNode;
  hasScreen: boolean;
  /** Open from wherever the issue is; else Jira refuses it once the issue is elsewhere. */
  isGlobal: boolean;
}

/** That the status, or who has the issue, was changed. */
export interface Change {
  field: 'status' | 'assignee';
  isOurs: boolean;
  at: string;
  from: string | null;
  fromName: string;
  to: string | null;
}

/** `comment`: by whom its comments are, too. */
export async function readStanding(
  { site, issue }: Located,
  signal: AbortSignal,
  also: { comment?: boolean } = {},
): Promise<Standing> {
  const own = await site.own(signal);
  const found = await site.client.on(signal).issues.getIssue({
    issueIdOrKey: issue,
    fields: standingFields.filter((field) => also.comment || field !== 'comment'),
    expand: standingExpand,
  });
  return standingIn(found, own);
}

/** What an issue as it was answered says of that. */
export function standingIn(
  found: {
    fields?: Record<string, unknown> | undefined;
    transitions?: TransitionNode[] | undefined;
    changelog?: { histories?: HistoryNode[] | undefined } | undefined;
  },
  own: Own,
): Standing {
  const { fields = {}, transitions = [], changelog } = found;
  const page = fields.comment as { comments?: { author?: Account }[]; total?: number } | undefined;
  const { comments = [], total = comments.length } = page ?? {};
  const { project, issuetype } = fields as Record<'project' | 'issuetype', { id?: string } | null | undefined>;
  return {
    kind: `${project?.id}/${issuetype?.id}`,
    status: (fields.status ?? {}) as StatusNode,
    resolution: (fields.resolution ?? null) as Standing['resolution'],
    assignee: fields.assignee as Account,
    updatedAt: timeOf(fields.updated),
    ways: transitions.flatMap(waysOf),
    changes: (changelog?.histories ?? [])
      .flatMap((history) => changesIn(history, own))
      .toSorted((a, b) => Date.parse(b.at) - Date.parse(a.at)),
    commenters: page && total <= comments.length ? comments.map(({ author }) => author) : null,
  };
}

interface TransitionNode {
  id?: string | undefined;
  name?: string | undefined;
  to?: StatusNode | undefined;
  hasScreen?: boolean | undefined;
  isGlobal?: boolean | undefined;
  isAvailable?: boolean | undefined;
}

function waysOf(node: TransitionNode): Way[] {
  const { id, name = '', to, hasScreen = false, isGlobal = true, isAvailable = true } = node;
  return id !== undefined && to && isAvailable ? [{ id, name, to, hasScreen, isGlobal }] : [];
}

interface HistoryNode {
  author?: Account;
  created?: unknown;
  items?: unknown[] | undefined;
}

function changesIn({ author, created, items = [] }: HistoryNode, own: Own): Change[] {
  return items.flatMap((item) => {
    const { field: name, fieldId = name, from, fromString, to } = item as Record<string, string | null | undefined>;
    if (fieldId !== 'status' && fieldId !== 'assignee') return [];
    const change = { field: fieldId, isOurs: isOwn(author, own), at: timeOf(created) } as const;
    return [{ ...change, from: from ?? null, fromName: fromString ?? '', to: to ?? null }];
  });
}
