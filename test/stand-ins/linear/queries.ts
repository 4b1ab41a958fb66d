import { statusOf } from './agent-sessions.ts';
import { findIssue, firstStateOf, priorityLabelOf } from './issues.ts';
import { type PageArgs, page } from './paging.ts';
import { forbidden, notFound } from './refusal.ts';
import type { Context, Resolver, Resolvers } from './resolving.ts';
import type {
  AgentSession,
  Attachment,
  Comment,
  CustomerNeed,
  Issue,
  IssueRelation,
  Kind,
  Kinds,
  Project,
  Row,
  Team,
  User,
  WorkflowState,
} from './rows.ts';
import { searchIssues } from './searching.ts';
import { commentUrl } from './tellings.ts';

type ById = { id: string };

/** A connection to the rows of a kind that have to do with the source. */
const many =
  <K extends Kind, Source>(kind: K, isIts: (row: Kinds[K], source: Source, context: Context) => boolean) =>
  (source: Source, args: PageArgs, context: Context) => {
    const rows = context.tables[kind].values() as Iterable<Kinds[K]>;
    return page(
      [...rows].filter((row) => isSeen(row, context) && isIts(row, source, context)),
      args,
      context,
    );
  };

const all = <K extends Kind>(kind: K) => many<K, unknown>(kind, () => true);

const one =
  <K extends Kind>(kind: K): Resolver<unknown, ById> =>
  (_, { id }, { tables }) => {
    const row = tables[kind].get(id);
    if (!row) throw notFound(kind);
    return row;
  };

function isSeen(row: Row, { workspace }: Context): boolean {
  const teamId = row.__typename === 'Team' ? row.id : (row as { teamId?: string }).teamId;
  return teamId === undefined || !workspace.closedTeams.has(teamId);
}

const theOrganization: Resolver<unknown> = (_, __, { tables, workspace }) =>
  tables.Organization.get(workspace.organizationId);

/** An issue as reads see it, which may be a while ago. */
const issueNamed: Resolver<unknown, ById> = (_, { id }, { tables, workspace }) => {
  const seen = tables.Issue.get(findIssue(workspace, id).id);
  if (!seen) throw notFound('Issue');
  return seen;
};

const needsOf = many<'CustomerNeed', Issue>('CustomerNeed', ({ issueId }, issue) => issueId === issue.id);

/** Of itself an app learns what it may by the scopes of its token. */
const may =
  (scope: string): Resolver<User> =>
  (user, _, { viewer, scopes }) =>
    user.active && (!user.app || user.id !== viewer.id || scopes.has(scope));

export const queries: Resolvers = {
  Query: {
    viewer: (_, __, { viewer }) => viewer,
    organization: theOrganization,
    user: one('User'),
    users: all('User'),
    team: (_: unknown, { id }: ById, { tables }: Context) => {
      const found = tables.Team.get(id) ?? [...tables.Team.values()].find(({ key }) => key === id);
      if (!found) throw notFound('Team');
      return found;
    },
    teams: all('Team'),
    issue: issueNamed,
    issues: all('Issue'),
    searchIssues,
    issueLabel: one('IssueLabel'),
    issueLabels: all('IssueLabel'),
    issueRelation: one('IssueRelation'),
    issueRelations: all('IssueRelation'),
    project: one('Project'),
    projects: all('Project'),
    cycle: one('Cycle'),
    cycles: all('Cycle'),
    workflowState: one('WorkflowState'),
    workflowStates: all('WorkflowState'),
    comment: one('Comment'),
    comments: all('Comment'),
    attachment: one('Attachment'),
    attachments: all('Attachment'),
    attachmentsForURL: (source: unknown, args: PageArgs & { url: string }, context: Context) =>
      many<'Attachment', unknown>('Attachment', ({ url }) => url === args.url)(source, args, context),
    agentSession: one('AgentSession'),
    agentSessions: all('AgentSession'),
    agentActivity: one('AgentActivity'),
    agentActivities: all('AgentActivity'),
    issueRepositorySuggestions: (
      _: unknown,
      args: { issueId: string; candidateRepositories: { hostname: string; repositoryFullName: string }[] },
      { workspace }: Context,
    ) => {
      findIssue(workspace, args.issueId);
      const suggestions = args.candidateRepositories
        .map((candidate) => ({ ...candidate, confidence: workspace.confidence(candidate.repositoryFullName) }))
        .filter(({ confidence }) => confidence > 0)
        .toSorted((a, b) => b.confidence - a.confidence);
      return { suggestions };
    },
  },
  Issue: {
    priorityLabel: priorityLabelOf,
    labels: many<'IssueLabel', Issue>('IssueLabel', ({ id }, issue) => issue.labelIds.includes(id)),
    comments: many<'Comment', Issue>('Comment', ({ issueId }, issue) => issueId === issue.id),
    children: many<'Issue', Issue>('Issue', ({ parentId }, issue) => parentId === issue.id),
    relations: many<'IssueRelation', Issue>('IssueRelation', ({ issueId }, issue) => issueId === issue.id),
    inverseRelations: many<'IssueRelation', Issue>(
      'IssueRelation',
      ({ relatedIssueId }, issue) => relatedIssueId === issue.id,
    ),
    attachments: many<'Attachment', Issue>('Attachment', ({ issueId }, issue) => issueId === issue.id),
    agentSessions: many<'AgentSession', Issue>('AgentSession', ({ issueId }, issue) => issueId === issue.id),
    history: many<'IssueHistory', Issue>('IssueHistory', ({ issueId }, issue) => issueId === issue.id),
    needs: (issue: Issue, args: PageArgs, context: Context) => {
      if (!context.scopes.has('customer:read')) throw forbidden('Invalid scope: `customer:read` required');
      return needsOf(issue, args, context);
    },
  },
  IssueRelation: {
    issue: ({ issueId }: IssueRelation, _: unknown, { tables }: Context) => tables.Issue.get(issueId),
    relatedIssue: ({ relatedIssueId }: IssueRelation, _: unknown, { tables }: Context) =>
      tables.Issue.get(relatedIssueId),
  },
  Team: {
    states: many<'WorkflowState', Team>('WorkflowState', ({ teamId }, team) => teamId === team.id),
    gitAutomationStates: many<'GitAutomationState', Team>(
      'GitAutomationState',
      ({ teamId }, team) => teamId === team.id,
    ),
    labels: many<'IssueLabel', Team>('IssueLabel', ({ teamId }, team) => teamId === null || teamId === team.id),
    issues: many<'Issue', Team>('Issue', ({ teamId }, team) => teamId === team.id),
    projects: many<'Project', Team>('Project', ({ teamIds }, team) => teamIds.includes(team.id)),
    cycles: many<'Cycle', Team>('Cycle', ({ teamId }, team) => teamId === team.id),
    members: many<'User', Team>('User', () => true),
    defaultIssueState: (team: Team, _: unknown, { workspace }: Context) => firstStateOf(workspace, team.id),
    triageIssueState: (team: Team, _: unknown, { tables }: Context) =>
      [...tables.WorkflowState.values()].find(({ teamId, type }) => teamId === team.id && type === 'triage') ?? null,
    organization: theOrganization,
  },
  WorkflowState: {
    issues: many<'Issue', WorkflowState>('Issue', ({ stateId }, state) => stateId === state.id),
  },
  User: {
    isMe: (user: User, _: unknown, { viewer }: Context) => user.id === viewer.id,
    isAssignable: may('app:assignable'),
    isMentionable: may('app:mentionable'),
    supportsAgentSessions: (user: User, _: unknown, { workspace }: Context) => user.app && workspace.hasAgentSessions,
    assignedIssues: many<'Issue', User>('Issue', ({ assigneeId }, user) => assigneeId === user.id),
    delegatedIssues: many<'Issue', User>('Issue', ({ delegateId }, user) => delegateId === user.id),
    createdIssues: many<'Issue', User>('Issue', ({ creatorId }, user) => creatorId === user.id),
    teams: many<'Team', User>('Team', () => true),
    organization: theOrganization,
  },
  Organization: {
    teams: many<'Team', unknown>('Team', () => true),
    users: many<'User', unknown>('User', () => true),
    labels: many<'IssueLabel', unknown>('IssueLabel', ({ teamId }) => teamId === null),
  },
  Project: {
    teams: many<'Team', Project>('Team', ({ id }, project) => project.teamIds.includes(id)),
    issues: many<'Issue', Project>('Issue', ({ projectId }, project) => projectId === project.id),
  },
  Comment: {
    children: many<'Comment', Comment>('Comment', ({ parentId }, comment) => parentId === comment.id),
    url: (comment: Comment, _: unknown, { workspace }: Context) => commentUrl(workspace, comment),
    botActor: ({ userId }: Comment) => (userId === null ? { type: 'workflow', name: 'Linear' } : null),
    agentSessions: many<'AgentSession', Comment>('AgentSession', ({ commentId }, comment) => commentId === comment.id),
  },
  CustomerNeed: {
    content: ({ body }: CustomerNeed) => body,
  },
  Attachment: {
    originalIssue: () => null,
    groupBySource: () => false,
    source: ({ sourceType }: Attachment) => sourceType && { type: sourceType },
  },
  AgentSession: {
    status: (session: AgentSession, _: unknown, { workspace }: Context) => statusOf(session, workspace.clock.now()),
    activities: many<'AgentActivity', AgentSession>(
      'AgentActivity',
      ({ agentSessionId }, session) => agentSessionId === session.id,
    ),
    externalLinks: ({ externalUrls }: AgentSession) => externalUrls,
    externalLink: ({ externalUrls }: AgentSession) => externalUrls[0]?.url ?? null,
  },
};
