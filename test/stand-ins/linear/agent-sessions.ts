import { readActivity } from './activity-content.ts';
import { forbidden, invalidInput, notFound } from './refusal.ts';
import type { ActivityContent, AgentActivity, AgentSession, Comment, Issue, SessionStatus, User } from './rows.ts';
import { tellComment, tellNotification, tellSession } from './tellings.ts';
import { appBaseUrl, type Workspace } from './workspace.ts';

const staleAfterMs = 30 * 60_000;

/** What the last activity made of it; one that says nothing for half an hour is stale. */
export function statusOf(session: AgentSession, now: number): SessionStatus | 'stale' {
  const isWorking = ['pending', 'active', 'stopping'].includes(session.lastStatus);
  return isWorking && now - Date.parse(session.lastActivityAt) > staleAfterMs ? 'stale' : session.lastStatus;
}

/** Begins a session, told to the agent, in the thread of the comment that asked for it. Where there is none Linear makes one. */
export function startSession(
  workspace: Workspace,
  issue: Issue,
  by: User | null,
  source: Comment | null,
): AgentSession {
  const { clock, appUser } = workspace;
  if (!workspace.hasAgentSessions) throw invalidInput('Agent sessions are not enabled for this application.');
  const thread = source && workspace.get('Comment', source.parentId ?? source.id);
  const spawnedBy = source?.parentId && workspace.answersSpawnThreads ? source.id : null;
  const root =
    thread && spawnedBy === null
      ? thread
      : workspace.insert('Comment', {
          body: `This thread is for an agent session with ${appUser.displayName}.`,
          issueId: issue.id,
          userId: null,
          parentId: null,
          agentSessionId: null,
          isArtificialAgentSessionRoot: source === null,
        });
  const previousComments =
    thread && source?.parentId ? threadOf(workspace, thread).filter(({ id }) => id !== source.id) : [];
  const slugId = root.id.slice(0, 12);
  const session = workspace.insert('AgentSession', {
    slugId,
    type: 'commentThread',
    url: `${appBaseUrl}/agent-session/${slugId}`,
    appUserId: appUser.id,
    creatorId: by && !by.app ? by.id : null,
    issueId: issue.id,
    commentId: root.id,
    sourceCommentId: spawnedBy,
    lastStatus: 'pending',
    lastActivityAt: clock.stamp(),
    startedAt: null,
    endedAt: null,
    dismissedAt: null,
    summary: null,
    plan: null,
    externalUrls: [],
  });
  root.agentSessionId ??= session.id;
  tellSession(workspace, 'created', session, { previousComments });
  return session;
}

function threadOf(workspace: Workspace, root: Comment): Comment[] {
  return [...workspace.tables.Comment.values()].filter(({ id, parentId }) => id === root.id || parentId === root.id);
}

export function sessionsOf(workspace: Workspace, issueId: string): AgentSession[] {
  return [...workspace.tables.AgentSession.values()].filter((session) => session.issueId === issueId);
}

/** A comment. In a session's thread it prompts the agent; with the agent's name in it, it begins a session. */
export function addComment(
  workspace: Workspace,
  draft: { id?: string | null; issueId: string; body: string; parentId?: string | null },
  by: User,
): { comment: Comment; activity: AgentActivity | null } {
  const { appUser } = workspace;
  if (!draft.body.trim()) throw invalidInput('body should not be empty');
  const issue = workspace.get('Issue', draft.issueId);
  const parent = draft.parentId ? workspace.get('Comment', draft.parentId) : null;
  const comment = workspace.insert(
    'Comment',
    {
      body: draft.body,
      issueId: issue.id,
      userId: by.id,
      parentId: parent && (parent.parentId ?? parent.id),
      agentSessionId: null,
      isArtificialAgentSessionRoot: false,
    },
    draft.id,
  );
  tellComment(workspace, comment, by);
  if (by.id === appUser.id) return { comment, activity: null };
  const session = sessionsOf(workspace, issue.id).find(({ commentId }) => commentId === comment.parentId);
  if (session) return { comment, activity: prompt(workspace, session, by, draft.body, comment) };
  if (new RegExp(`@${appUser.displayName}\\b`, 'i').test(draft.body)) {
    tellNotification(workspace, 'issueCommentMention', issue, by, comment);
    if (workspace.hasAgentSessions) startSession(workspace, issue, by, comment);
  } else if (issue.delegateId === appUser.id) tellNotification(workspace, 'issueNewComment', issue, by, comment);
  return { comment, activity: null };
}

function prompt(
  workspace: Workspace,
  session: AgentSession,
  by: User,
  body: string,
  comment: Comment | null,
  signal: string | null = null,
): AgentActivity {
  const content: ActivityContent = { __typename: 'AgentActivityPromptContent', type: 'prompt', body };
  const activity = workspace.insert('AgentActivity', {
    agentSessionId: session.id,
    content,
    ephemeral: false,
    signal,
    signalMetadata: null,
    userId: by.id,
    sourceCommentId: comment?.id ?? null,
  });
  workspace.update(session, {
    lastStatus: signal === 'stop' ? 'stopping' : 'active',
    lastActivityAt: activity.createdAt,
    endedAt: null,
  });
  tellSession(workspace, 'prompted', session, { activity });
  return activity;
}

/** The button beside a session: nothing is said, the agent is to stop. */
export function stopSession(workspace: Workspace, session: AgentSession, by: User): AgentActivity {
  return prompt(workspace, session, by, 'stop', null, 'stop');
}

/** The agent's own session. Throws for another's. */
export function ownSession(workspace: Workspace, id: string, viewer: User): AgentSession {
  const session = workspace.tables.AgentSession.get(id);
  if (!session) throw notFound('AgentSession');
  if (session.appUserId !== viewer.id) throw forbidden('Only the app that a session is with may do this.');
  return session;
}

const statusAfter: Record<string, SessionStatus> = {
  thought: 'active',
  action: 'active',
  elicitation: 'awaitingInput',
  response: 'complete',
  error: 'error',
};

export interface ActivityInput {
  id?: string | null;
  agentSessionId: string;
  content: unknown;
  ephemeral?: boolean | null;
  signal?: string | null;
  signalMetadata?: Record<string, unknown> | null;
}

/** What the agent does or says. What is meant for people is mirrored as a comment in the session's thread. */
export function addActivity(workspace: Workspace, input: ActivityInput, viewer: User): AgentActivity {
  const session = ownSession(workspace, input.agentSessionId, viewer);
  const content = readActivity(input);
  const activity = workspace.insert(
    'AgentActivity',
    {
      agentSessionId: session.id,
      content,
      ephemeral: input.ephemeral ?? false,
      signal: input.signal ?? null,
      signalMetadata: input.signalMetadata ?? null,
      userId: viewer.id,
      sourceCommentId: null,
    },
    input.id,
  );
  // What is shown in passing is there until the agent's next activity.
  for (const older of [...workspace.tables.AgentActivity.values()])
    if (older.ephemeral && older.agentSessionId === session.id && older !== activity) workspace.remove(older);
  const isOver = content.type === 'response' || content.type === 'error';
  workspace.update(session, {
    lastStatus: statusAfter[content.type] ?? 'active',
    lastActivityAt: activity.createdAt,
    startedAt: session.startedAt ?? activity.createdAt,
    endedAt: isOver ? activity.createdAt : null,
  });
  if (content.type !== 'thought' && content.type !== 'action') {
    const mirrored = { issueId: session.issueId, body: content.body ?? '', parentId: session.commentId };
    activity.sourceCommentId = addComment(workspace, mirrored, viewer).comment.id;
  }
  return activity;
}

export interface SessionChanges {
  externalUrls?: AgentSession['externalUrls'] | null;
  addedExternalUrls?: AgentSession['externalUrls'] | null;
  removedExternalUrls?: string[] | null;
  plan?: unknown;
  summary?: string | null;
}

export function updateSession(workspace: Workspace, id: string, input: SessionChanges, viewer: User): AgentSession {
  const session = ownSession(workspace, id, viewer);
  const { externalUrls, addedExternalUrls, removedExternalUrls, plan, summary } = input;
  if (summary != null && (!summary.trim() || summary.length > 255 || /[\r\n]/.test(summary)))
    throw invalidInput('summary must have 1 to 255 characters and no line breaks');
  if (plan != null) checkPlan(plan);
  const kept = session.externalUrls.filter(({ url }) => !removedExternalUrls?.includes(url));
  const isThere = (url: string) => !workspace.keepsEqualUrls && kept.some((known) => known.url === url);
  const added = (addedExternalUrls ?? []).filter(({ url }) => !isThere(url));
  workspace.update(session, {
    externalUrls: externalUrls ?? [...kept, ...added],
    ...(plan !== undefined && { plan }),
    ...(summary !== undefined && { summary }),
  });
  return session;
}

const stepStatuses = ['pending', 'inProgress', 'completed', 'canceled'];

function checkPlan(plan: unknown): void {
  const isStep = (step: { content?: unknown; status?: unknown }) =>
    typeof step?.content === 'string' && stepStatuses.includes(String(step.status));
  if (!Array.isArray(plan) || !plan.every(isStep)) throw invalidInput('plan must be a list of {content, status}');
}
