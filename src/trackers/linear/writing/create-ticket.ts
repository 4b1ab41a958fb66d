import type { TicketOperation } from '../../../core/effect.ts';
import type { TicketDraft } from '../../../core/ticket.ts';
import { VendorError } from '../../../core/vendor-error.ts';
import { deterministicId } from '../../../lib/ids.ts';
import { type HintNode, hintOf, priorityNumberOf } from '../hint.ts';
import { stateFor } from '../states.ts';
import type { CachedTeam, TeamName } from '../workspace-cache.ts';
import type { Mutation, Payload } from './mutations.ts';
import { cutLong, storable, storableLine } from './text.ts';

const limits = { title: 250, label: 80, description: 250_000 };

/** A draft as it is filed in a team. */
export interface Filing {
  id: string;
  draft: TicketDraft;
  team: CachedTeam;
  projectId: string | null;
  parentId: string | null;
  /** A part of another ticket is there to be worked on; what stands for itself goes where the team wants new tickets. */
  isReady: boolean;
}

/**
 * The mutations that file a ticket, all of them under ids of ours: labels that the team lacks, then the issue. What the agent
 * drafts is made to fit, never refused.
 */
export function createIssue({ id, draft, team, projectId, parentId, isReady }: Filing): Mutation[] {
  const labels = labelsFor(draft.labels, team);
  const state = isReady ? stateFor('unstarted', team.states) : null;
  const value = {
    id,
    teamId: team.id,
    title: storableLine(draft.title, limits.title) || 'Untitled',
    description: describe(draft),
    priority: priorityNumberOf(draft.priority),
    ...(labels.ids.length > 0 && { labelIds: labels.ids }),
    ...(state && { stateId: state.id }),
    ...(projectId !== null && { projectId }),
    ...(parentId !== null && { parentId }),
  };
  const create = (input: Record<string, unknown>): Mutation => ({
    field: 'issueCreate',
    args: { input: { type: 'IssueCreateInput!', value: input } },
    selection: 'success issue { ...HintFields }',
    makes: { kind: 'issue', id },
  });
  // A ticket without a label is better than none: somebody may have changed them since the team was read.
  const { labelIds: _, ...plain } = value;
  const without: Mutation = create(plain);
  const withKnown = { ...create({ ...plain, labelIds: labels.known }), instead: without };
  const instead = labels.known.length > 0 && labels.made.length > 0 ? withKnown : without;
  return [...labels.made, { ...create(value), ...(labels.ids.length > 0 && { instead }) }];
}

/** How the new ticket is bound to the one that it is filed on and to those that block it; under ids of ours, too. */
export function relate(
  operation: TicketOperation & { kind: 'createTicket' },
  blockers: readonly string[],
  issueId: string,
): Mutation[] {
  const relation = (place: number, value: { issueId: string; relatedIssueId: string; type: string }): Mutation => {
    const id = deterministicId('linear/relation', operation.id, place);
    return {
      field: 'issueRelationCreate',
      args: { input: { type: 'IssueRelationCreateInput!', value: { id, ...value } } },
      selection: 'success',
      makes: { kind: 'relation', id, of: operation.id },
    };
  };
  return [
    ...(operation.relation === 'relatedTo'
      ? [relation(0, { issueId: operation.id, relatedIssueId: issueId, type: 'related' })]
      : []),
    ...blockers.map((blocker, index) =>
      relation(index + 1, { issueId: blocker, relatedIssueId: operation.id, type: 'blocks' }),
    ),
  ];
}

export function filedAs(workspace: string, id: string, payloads: readonly Payload[]): { hint: unknown } {
  const node = payloads.map(({ issue }) => issue as HintNode | null | undefined).find((issue) => issue?.id === id);
  if (node) return { hint: hintOf(workspace, node) };
  throw new VendorError('Linear says that it has filed the ticket, but not which. It is asked again.', {
    code: 'unavailable',
    retryable: true,
  });
}

/** The team that people mean by a name or a key; null where there is none. */
export function teamNamed(teams: readonly TeamName[], name: string): TeamName | null {
  const plain = (text: string) => storable(text).trim().toLowerCase();
  const wanted = plain(name);
  return teams.find((team) => plain(team.name) === wanted) ?? teams.find((team) => plain(team.key) === wanted) ?? null;
}

/** Linear has no fields of one's own: each is a heading, from which it is read as a field would be. */
function describe({ description, fields }: TicketDraft): string {
  const sections = Object.entries(fields)
    .filter(([, value]) => value.trim() !== '')
    .map(([name, value]) => `\n\n## ${storableLine(name, 90)}\n\n${storable(value)}`);
  return cutLong(description, limits.description) + sections.join('');
}

/** The labels of a draft by their ids; those that nobody has made yet are made in the team. */
function labelsFor(
  names: readonly string[],
  { id: teamId, labels }: CachedTeam,
): {
  ids: string[];
  known: string[];
  made: Mutation[];
} {
  const ids: string[] = [];
  const knownIds: string[] = [];
  const made: Mutation[] = [];
  const groups = new Set<string>();
  const lines = names.map((label) => storableLine(label, limits.label)).filter((name) => name !== '');
  // As in Linear, letter case makes no other label of it.
  const isFirst = (name: string, place: number) => lines.findIndex((line) => isSame(line, name)) === place;
  for (const name of lines.filter(isFirst)) {
    const known = labels.filter((label) => isSame(label.name, name));
    const label = known.find(({ isGroup }) => !isGroup);
    if (label) {
      // Of a group an issue has one at most.
      if (label.parent && groups.has(label.parent.id)) continue;
      if (label.parent) groups.add(label.parent.id);
      ids.push(label.id);
      knownIds.push(label.id);
    } else if (known.length === 0) {
      const id = deterministicId('linear/label', teamId, name.toLowerCase());
      ids.push(id);
      made.push({
        field: 'issueLabelCreate',
        args: { input: { type: 'IssueLabelCreateInput!', value: { id, name, teamId } } },
        selection: 'success',
        makes: { kind: 'label', id },
        isOptional: true,
      });
    }
  }
  return { ids, known: knownIds, made };
}

function isSame(one: string, other: string): boolean {
  return one.toLowerCase() === other.toLowerCase();
}
