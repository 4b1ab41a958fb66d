import { randomUUID } from 'node:crypto';
import { startSession } from './agent-sessions.ts';
import { invalidInput, notFound } from './refusal.ts';
import type { Issue, User, WorkflowState } from './rows.ts';
import { tellIssue, tellNotification } from './tellings.ts';
import { appBaseUrl, statesOf, type Workspace } from './workspace.ts';

export interface IssueDraft {
  id?: string | null;
  teamId: string;
  title: string;
  description?: string | null;
  priority?: number | null;
  estimate?: number | null;
  dueDate?: string | null;
  stateId?: string | null;
  assigneeId?: string | null;
  delegateId?: string | null;
  parentId?: string | null;
  projectId?: string | null;
  cycleId?: string | null;
  labelIds?: string[] | null;
}

export type IssueChanges = Partial<Omit<IssueDraft, 'id'>> & {
  addedLabelIds?: string[] | null;
  removedLabelIds?: string[] | null;
  archivedAt?: string | null;
  trashed?: boolean | null;
};

const priorityLabels = ['No priority', 'Urgent', 'High', 'Medium', 'Low'];

export function createIssue(workspace: Workspace, draft: IssueDraft, by: User): Issue {
  const team = workspace.get('Team', draft.teamId);
  if (!draft.title?.trim()) throw invalidInput('title should not be empty');
  checkReferences(workspace, draft, team.id);
  const state = draft.stateId ? workspace.get('WorkflowState', draft.stateId) : firstStateOf(workspace, team.id);
  const number = team.lastNumber + 1;
  const { urlKey } = workspace.get('Organization', workspace.organizationId);
  const identifier = `${team.key}-${number}`;
  const issue = workspace.insert(
    'Issue',
    {
      number,
      identifier,
      previousIdentifiers: [],
      title: draft.title,
      description: draft.description ?? null,
      priority: draft.priority ?? 0,
      estimate: draft.estimate ?? null,
      dueDate: draft.dueDate ?? null,
      url: `${appBaseUrl}/${urlKey}/issue/${identifier}`,
      branchName: `${by.displayName}/${identifier.toLowerCase()}`,
      teamId: team.id,
      stateId: state.id,
      creatorId: by.id,
      assigneeId: draft.assigneeId ?? null,
      delegateId: null,
      parentId: draft.parentId ?? null,
      projectId: draft.projectId ?? null,
      cycleId: draft.cycleId ?? null,
      labelIds: draft.labelIds ?? [],
      ...timesIn(state, workspace.clock.stamp()),
      archivedAt: null,
      trashed: null,
    },
    draft.id,
  );
  team.lastNumber = number;
  tellIssue(workspace, 'create', issue, by);
  if (draft.delegateId) changeIssue(workspace, issue, { delegateId: draft.delegateId }, by);
  return issue;
}

/** Changes an issue as `by` does; Linear does what else comes with it. */
export function changeIssue(workspace: Workspace, issue: Issue, wanted: IssueChanges, by: User): Issue {
  const { addedLabelIds, removedLabelIds, ...plain } = wanted;
  const changes: Partial<Issue> = { ...(plain as Partial<Issue>) };
  if (changes.title !== undefined && !changes.title?.trim()) throw invalidInput('title should not be empty');
  if (addedLabelIds || removedLabelIds) {
    const kept = (changes.labelIds ?? issue.labelIds).filter((id) => !removedLabelIds?.includes(id));
    changes.labelIds = [...new Set([...kept, ...(addedLabelIds ?? [])])];
  }
  if (changes.teamId !== undefined && changes.teamId !== issue.teamId)
    Object.assign(changes, inAnotherTeam(workspace, issue, changes));
  checkReferences(workspace, changes as IssueChanges, changes.teamId ?? issue.teamId);
  if (changes.assigneeId && workspace.get('User', changes.assigneeId).app)
    throw invalidInput('An app cannot be the assignee of an issue; delegate it to the app.');
  // Who delegates an issue that is nobody's is responsible for it from then on.
  if (changes.delegateId && !by.app && issue.assigneeId === null && changes.assigneeId === undefined)
    changes.assigneeId = by.id;
  if (changes.stateId !== undefined && changes.stateId !== issue.stateId) {
    const state = workspace.get('WorkflowState', changes.stateId);
    const times = timesIn(state, workspace.clock.stamp());
    Object.assign(changes, times, { startedAt: times.startedAt && (issue.startedAt ?? times.startedAt) });
  }
  const before = workspace.update(issue, changes);
  if (!before) return issue;
  tellIssue(workspace, before.trashed === undefined ? 'update' : 'remove', issue, by, before);
  const age = Date.parse(issue.updatedAt) - Date.parse(issue.createdAt);
  if ((before.stateId !== undefined || before.delegateId !== undefined) && age >= workspace.unloggedForMs)
    workspace.insert('IssueHistory', {
      ...{ issueId: issue.id, actorId: by.id },
      fromStateId: before.stateId ?? null,
      toStateId: before.stateId === undefined ? null : issue.stateId,
      fromDelegateId: before.delegateId ?? null,
      toDelegateId: before.delegateId === undefined ? null : issue.delegateId,
    });
  if (before.stateId !== undefined && issue.delegateId === workspace.appUser.id)
    tellNotification(workspace, 'issueStatusChanged', issue, by);
  if (before.delegateId !== undefined) delegated(workspace, issue, before.delegateId, by);
  return issue;
}

function delegated(workspace: Workspace, issue: Issue, before: string | null, by: User): void {
  const { appUser } = workspace;
  if (before === appUser.id) tellNotification(workspace, 'issueUnassignedFromYou', issue, by);
  if (issue.delegateId !== appUser.id || by.id === appUser.id) return;
  tellNotification(workspace, 'issueAssignedToYou', issue, by);
  if (workspace.hasAgentSessions) startSession(workspace, issue, by, null);
}

function inAnotherTeam(workspace: Workspace, issue: Issue, changes: Partial<Issue>): Partial<Issue> {
  const team = workspace.get('Team', changes.teamId ?? '');
  const { type } = workspace.get('WorkflowState', issue.stateId);
  const states = statesOf(workspace, team.id);
  team.lastNumber += 1;
  const identifier = `${team.key}-${team.lastNumber}`;
  return {
    number: team.lastNumber,
    identifier,
    previousIdentifiers: [...issue.previousIdentifiers, issue.identifier],
    url: issue.url.replace(issue.identifier, identifier),
    stateId: changes.stateId ?? (states.find((state) => state.type === type) ?? firstStateOf(workspace, team.id)).id,
    labelIds: issue.labelIds.filter((id) => workspace.get('IssueLabel', id).teamId === null),
    cycleId: null,
  };
}

function checkReferences(workspace: Workspace, draft: IssueChanges, teamId: string): void {
  if (draft.stateId && workspace.get('WorkflowState', draft.stateId).teamId !== teamId)
    throw invalidInput('stateId must be a state of the issue’s team');
  if (draft.assigneeId) workspace.get('User', draft.assigneeId);
  if (draft.delegateId && !workspace.get('User', draft.delegateId).app)
    throw invalidInput('delegateId must be an app user');
  if (draft.parentId) workspace.get('Issue', draft.parentId);
  if (draft.projectId && !workspace.get('Project', draft.projectId).teamIds.includes(teamId))
    throw invalidInput('projectId must be a project of the issue’s team');
  if (draft.cycleId) workspace.get('Cycle', draft.cycleId);
  for (const id of draft.labelIds ?? []) {
    const owner = workspace.get('IssueLabel', id).teamId;
    if (owner !== null && owner !== teamId) throw invalidInput('labelIds must be labels of the issue’s team');
  }
}

/** Where an issue comes to be: triage where a team has it, or else the first of the backlog. */
export function firstStateOf(workspace: Workspace, teamId: string): WorkflowState {
  const states = statesOf(workspace, teamId);
  const first = ['triage', 'backlog', 'unstarted'].map((type) => states.find((state) => state.type === type));
  const state = first.find((found) => found !== undefined) ?? states[0];
  if (!state) throw new Error('The team has no states.');
  return state;
}

function timesIn({ type }: WorkflowState, at: string): Pick<Issue, 'startedAt' | 'completedAt' | 'canceledAt'> {
  return {
    startedAt: type === 'started' || type === 'completed' ? at : null,
    completedAt: type === 'completed' ? at : null,
    canceledAt: type === 'canceled' || type === 'duplicate' ? at : null,
  };
}

export function priorityLabelOf({ priority }: Issue): string {
  return priorityLabels[priority] ?? 'No priority';
}

/** By id or by identifier, also one that it had before it moved to another team. Throws where the app may not see it. */
export function findIssue(workspace: Workspace, name: string): Issue {
  const { Issue } = workspace.tables;
  const wanted = name.toUpperCase();
  const named = [...Issue.values()].find(
    ({ identifier, previousIdentifiers }) => identifier === wanted || previousIdentifiers.includes(wanted),
  );
  const issue = named ?? workspace.get('Issue', name);
  if (workspace.closedTeams.has(issue.teamId)) throw notFound('Issue');
  return issue;
}

export function relate(
  workspace: Workspace,
  issueId: string,
  type: string,
  relatedIssueId: string,
  id?: string | null,
) {
  const [issue, related] = [findIssue(workspace, issueId), findIssue(workspace, relatedIssueId)];
  if (issue.id === related.id) throw invalidInput('An issue cannot be related to itself.');
  return workspace.insert('IssueRelation', { issueId: issue.id, relatedIssueId: related.id, type }, id ?? randomUUID());
}
