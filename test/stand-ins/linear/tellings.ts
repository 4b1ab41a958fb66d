import { randomUUID } from 'node:crypto';
import { statusOf } from './agent-sessions.ts';
import { priorityLabelOf } from './issues.ts';
import { promptContextOf } from './prompt-context.ts';
import type { AgentActivity, AgentSession, Comment, Issue, User } from './rows.ts';
import { type LinearDelivery, payloadOf } from './webhooks.ts';
import type { Workspace } from './workspace.ts';

/** What happened to an entity; `before`: what it was of what has changed. */
export function tellIssue(
  workspace: Workspace,
  action: 'create' | 'update' | 'remove',
  issue: Issue,
  by: User,
  before?: Partial<Issue>,
): LinearDelivery {
  const { tables } = workspace;
  const data = payloadOf(
    'IssueWebhookPayload',
    {
      ...issue,
      labels: issue.labelIds.map((id) => tables.IssueLabel.get(id)),
      priorityLabel: priorityLabelOf(issue),
      prioritySortOrder: 0,
      reactionData: {},
      releases: [],
      sortOrder: 0,
      subscriberIds: [],
    },
    tables,
  );
  return tellEntity(workspace, 'Issue', action, data, by, issue.url, before);
}

export function tellComment(workspace: Workspace, comment: Comment, by: User): LinearDelivery {
  const data = payloadOf('CommentWebhookPayload', { ...comment, reactionData: {} }, workspace.tables);
  return tellEntity(workspace, 'Comment', 'create', data, by, commentUrl(workspace, comment));
}

function tellEntity(
  workspace: Workspace,
  type: string,
  action: string,
  data: Record<string, unknown>,
  by: User,
  url: string,
  before?: object,
): LinearDelivery {
  const actor = by.app
    ? { type: 'oauthClient', id: by.id === workspace.appUser.id ? workspace.clientId : by.id, name: by.name }
    : { type: 'user', ...payloadOf('UserChildWebhookPayload', by, workspace.tables) };
  return workspace.outbox.tell('Entity', {
    action,
    actor,
    createdAt: workspace.clock.stamp(),
    data,
    type,
    organizationId: workspace.organizationId,
    url,
    ...(before && { updatedFrom: before }),
  });
}

export function commentUrl(workspace: Workspace, comment: Comment): string {
  return `${workspace.get('Issue', comment.issueId).url}#comment-${comment.id.slice(0, 8)}`;
}

/** What is told to an app only. */
function appEnvelope(workspace: Workspace): Record<string, unknown> {
  return {
    createdAt: workspace.clock.stamp(),
    organizationId: workspace.organizationId,
    oauthClientId: workspace.clientId,
  };
}

export function tellSession(
  workspace: Workspace,
  action: 'created' | 'prompted',
  session: AgentSession,
  also: { activity?: AgentActivity; previousComments?: Comment[] },
): LinearDelivery {
  const { tables, organizationId } = workspace;
  const status = statusOf(session, workspace.clock.now());
  const agentSession = payloadOf('AgentSessionWebhookPayload', { ...session, status, organizationId }, tables);
  const { activity, previousComments = [] } = also;
  return workspace.outbox.tell('AgentSessionEvent', {
    ...appEnvelope(workspace),
    type: 'AgentSessionEvent',
    action,
    appUserId: session.appUserId,
    agentSession,
    ...(activity && { agentActivity: activityPayload(workspace, activity) }),
    ...(workspace.guidance.length > 0 && { guidance: guidanceFor(workspace, session) }),
    ...(previousComments.length > 0 && {
      previousComments: previousComments.map((comment) => payloadOf('CommentChildWebhookPayload', comment, tables)),
    }),
    ...(action === 'created' && { promptContext: promptContextOf(workspace, session) }),
  });
}

function activityPayload(workspace: Workspace, activity: AgentActivity): Record<string, unknown> {
  const { __typename, ...content } = activity.content;
  return payloadOf('AgentActivityWebhookPayload', { ...activity, content }, workspace.tables);
}

function guidanceFor(workspace: Workspace, session: AgentSession): Record<string, unknown>[] {
  const { teamId } = workspace.get('Issue', session.issueId);
  const teams: string[] = [];
  for (let id: string | null = teamId; id !== null; id = workspace.get('Team', id).parentId) teams.push(id);
  return workspace.guidance
    .filter((rule) => rule.teamId === null || teams.includes(rule.teamId))
    .map((rule) => ({
      body: rule.body,
      origin:
        rule.teamId === null
          ? { type: 'Organization' }
          : {
              type: 'Team',
              team: payloadOf('TeamWithParentWebhookPayload', workspace.get('Team', rule.teamId), workspace.tables),
            },
    }));
}

export type NotificationType =
  | 'issueAssignedToYou'
  | 'issueUnassignedFromYou'
  | 'issueStatusChanged'
  | 'issueNewComment'
  | 'issueCommentMention';

export function tellNotification(
  workspace: Workspace,
  type: NotificationType,
  issue: Issue,
  by: User,
  comment?: Comment,
): LinearDelivery {
  const at = workspace.clock.stamp();
  const notification = payloadOf(
    `${type[0]?.toUpperCase()}${type.slice(1)}NotificationWebhookPayload`,
    {
      id: randomUUID(),
      type,
      createdAt: at,
      updatedAt: at,
      userId: workspace.appUser.id,
      actorId: by.id,
      // A field `actor` is a user, whatever it is called.
      actor: by,
      issueId: issue.id,
      ...(comment && { commentId: comment.id, parentCommentId: comment.parentId }),
    },
    workspace.tables,
  );
  return workspace.outbox.tell('AppUserNotification', {
    ...appEnvelope(workspace),
    type: 'AppUserNotification',
    action: type,
    appUserId: workspace.appUser.id,
    notification,
  });
}

export function tellTeamAccess(workspace: Workspace, change: { added?: string[]; removed?: string[] }): LinearDelivery {
  return workspace.outbox.tell('AppUserTeamAccessChanged', {
    ...appEnvelope(workspace),
    type: 'PermissionChange',
    action: 'teamAccessChanged',
    appUserId: workspace.appUser.id,
    canAccessAllPublicTeams: true,
    addedTeamIds: change.added ?? [],
    removedTeamIds: change.removed ?? [],
  });
}

export function tellRevoked(workspace: Workspace): LinearDelivery {
  return workspace.outbox.tell('OAuthApp', { ...appEnvelope(workspace), type: 'OAuthApp', action: 'revoked' });
}
