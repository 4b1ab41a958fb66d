import { sessionsOf, statusOf } from '../stand-ins/linear/agent-sessions.ts';
import type { IssueDraft } from '../stand-ins/linear/issues.ts';
import { type Somebody, somebody } from '../stand-ins/linear/people.ts';
import type { AgentActivity, AgentSession, Issue, Team } from '../stand-ins/linear/rows.ts';
import { type Linear, type LinearOptions, startLinear } from '../stand-ins/linear/server.ts';
import { addTeam, addUser, statesOf } from '../stand-ins/linear/workspace.ts';
import { type Setup, startSetup } from './processes.ts';
import { startTestService, type TestService, type TestServiceOptions } from './service.ts';

/** What people see of an issue in Linear. */
export interface SeenIssue {
  state: string;
  assignee: string | null;
  delegate: string | null;
  /** The agent's, oldest first. */
  sessions: SeenSession[];
  attachments: { title: string; subtitle: string | null; url: string }[];
}

export interface SeenSession {
  status: string;
  plan: { content: string; status: string }[];
  links: { label: string; url: string }[];
  /** What the agent did and said there and what stays of it, oldest first: "thought: On it." */
  activities: string[];
}

export interface LinearPeople {
  linear: Linear;
  team: Team;
  ada: Somebody;
  bob: Somebody;
  /** Ada files an issue that nobody has. */
  file(title: string, draft?: Partial<Omit<IssueDraft, 'title'>>): Issue;
  /** Ada files one that Bob answers for, and delegates it. */
  give(title: string, draft?: Partial<Omit<IssueDraft, 'title'>>): Issue;
  /** Ada moves an issue to the team's state of this name. */
  move(issue: Issue, state: string): void;
  seen(issue: Issue): SeenIssue;
  /** The activities of all its sessions, oldest first, as `SeenSession.activities` has them. */
  said(issue: Issue): string[];
  /** Comments of the agent's that are no activity's, or an activity's second. */
  strayComments(): string[];
}

export type LinearService = TestService & LinearPeople;
export type LinearSetup = Setup & LinearPeople;

export interface LinearServiceOptions extends TestServiceOptions {
  linear?: LinearOptions;
  /** What the service has of Linear: a token, or the id and the secret of the app. */
  credentials?: 'token' | 'app';
}

/** The whole service as a member of a workspace: a stand-in Linear that sends it webhooks, by the settings that people make. */
export async function startLinearService(options: LinearServiceOptions): Promise<LinearService> {
  const { linear, env } = await begin(options);
  try {
    const service = await startTestService({ files: {}, parts: ['listen', 'worker'], ...options, env });
    return { ...service, ...among(linear, service), stop: () => end(service, linear) };
  } catch (error) {
    await linear.close();
    throw error;
  }
}

/** The same with workers that are processes of their own, and can be killed. */
export async function startLinearSetup(
  options: LinearServiceOptions & { yaml?: Record<string, unknown> },
): Promise<LinearSetup> {
  const { linear, env } = await begin(options);
  try {
    const setup = await startSetup({ files: {}, parts: ['listen'], ...options, env });
    return {
      ...setup,
      ...among(linear, setup),
      start: (command, more = {}) => setup.start(command, { ...more, env: { ...env, ...more.env } }),
      stop: () => end(setup, linear),
    };
  } catch (error) {
    await linear.close();
    throw error;
  }
}

const webhookSecret = 'the-signing-secret-of-the-app';
/** The agent's, as it is registered in Linear. */
export const app = { clientId: 'linear-client-id', clientSecret: 'linear-client-secret' };

async function begin(
  options: LinearServiceOptions,
): Promise<{ linear: Linear; env: Record<string, string | undefined> & Record<string, string> }> {
  const linear = await startLinear({ webhookSecret, ...options.linear, app: { ...app, ...options.linear?.app } });
  const credentials: Record<string, string> =
    options.credentials === 'app'
      ? { LINEAR_CLIENT_ID: app.clientId, LINEAR_CLIENT_SECRET: app.clientSecret }
      : { LINEAR_ACCESS_TOKEN: linear.token };
  const env = { LINEAR_API_URL: linear.url, LINEAR_WEBHOOK_SECRET: webhookSecret, ...credentials, ...options.env };
  return { linear, env };
}

async function end(service: TestService, linear: Linear): Promise<void> {
  try {
    await service.stop();
  } finally {
    await linear.close();
  }
}

function among(linear: Linear, { url }: TestService): LinearPeople {
  const { workspace } = linear;
  const { tables, appUser } = workspace;
  if (url !== null) linear.outbox.urls.push(`${url}/webhooks/linear`);
  const team = addTeam(workspace, { key: 'ENG', name: 'Engineering' });
  const [ada, bob] = ['Ada', 'Bob'].map((name) => somebody(workspace, addUser(workspace, name), linear.baseUrl)) as [
    Somebody,
    Somebody,
  ];

  const nameOf = (id: string | null) => id && workspace.get('User', id).name;
  const activitiesOf = (session: AgentSession) =>
    [...tables.AgentActivity.values()].filter(
      ({ agentSessionId, content }) => agentSessionId === session.id && content.type !== 'prompt',
    );
  const file: LinearPeople['file'] = (title, draft = {}) =>
    ada.create({ teamId: team.id, ...draft, title, description: draft.description ?? '' });

  return {
    linear,
    team,
    ada,
    bob,
    file,
    give(title, draft) {
      const issue = file(title, { assigneeId: bob.user.id, ...draft });
      ada.delegate(issue.id);
      return issue;
    },
    move(issue, name) {
      const state = statesOf(workspace, issue.teamId).find((each) => each.name === name);
      if (!state) throw new Error(`The team has no state "${name}".`);
      ada.change(issue.id, { stateId: state.id });
    },
    seen: (issue) => ({
      state: workspace.get('WorkflowState', issue.stateId).name,
      assignee: nameOf(issue.assigneeId),
      delegate: nameOf(issue.delegateId),
      sessions: sessionsOf(workspace, issue.id).map((session) => ({
        status: statusOf(session, linear.clock.now()),
        plan: (session.plan ?? []) as SeenSession['plan'],
        links: session.externalUrls.map(({ label, url }) => ({ label, url })),
        activities: lasting(activitiesOf(session)).map(describe),
      })),
      attachments: [...tables.Attachment.values()]
        .filter(({ issueId }) => issueId === issue.id)
        .map(({ title, subtitle, url }) => ({ title, subtitle, url })),
    }),
    said: (issue) =>
      lasting(
        sessionsOf(workspace, issue.id)
          .flatMap(activitiesOf)
          .toSorted((a, b) => Date.parse(a.createdAt) - Date.parse(b.createdAt)),
      ).map(describe),
    strayComments() {
      const mirrored = [...tables.AgentActivity.values()].flatMap(({ userId, sourceCommentId }) =>
        userId === appUser.id && sourceCommentId !== null ? [sourceCommentId] : [],
      );
      return [...tables.Comment.values()]
        .filter(({ id, userId }) => userId === appUser.id && mirrored.filter((one) => one === id).length !== 1)
        .map(({ body }) => body);
    },
  };
}

/** Linear shows an ephemeral activity until the next one comes. */
function lasting(activities: AgentActivity[]): AgentActivity[] {
  return activities.filter(({ ephemeral }, place) => !ephemeral || place === activities.length - 1);
}

function describe({ content, signal, signalMetadata }: AgentActivity): string {
  const { type, body, action, parameter, result } = content;
  if (type === 'action') return [`action: ${action} ${parameter}`, ...(result ? [result] : [])].join('\n');
  const options = signal === 'select' ? (signalMetadata as { options: { value: string }[] }).options : [];
  return `${type}: ${body}${options.map(({ value }) => `\n[${value}]`).join('')}`;
}
