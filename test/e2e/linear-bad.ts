import { type Somebody, somebody } from '../stand-ins/linear/people.ts';
import type { AgentActivity, Issue } from '../stand-ins/linear/rows.ts';
import { type Linear, type LinearOptions, startLinear } from '../stand-ins/linear/server.ts';
import { addTeam, addUser } from '../stand-ins/linear/workspace.ts';
import { startTestService, type TestService, type TestServiceOptions } from '../support/service.ts';

export interface OnLinear {
  linear: Linear;
  service: TestService;
  ada: Somebody;
  teamId: string;
  /** An issue in `Todo`. */
  file(title: string, more?: Partial<Parameters<Somebody['create']>[0]>): Issue;
  stateId(name: string, teamId?: string): string;
  stateOf(issue: Issue): string;
  /** What the agent did and said on an issue, oldest first. */
  activities(issue: Issue): AgentActivity['content'][];
  sessions(issue: Issue): string[];
  close(): Promise<void>;
}

/** The whole service on a Linear of our own, where Ada works; reconcile looks every other second. */
export async function startOnLinear(options: TestServiceOptions & { linear?: LinearOptions } = {}): Promise<OnLinear> {
  const linear = await startLinear(options.linear);
  const { workspace } = linear;
  const { tables } = workspace;
  const { id: teamId } = addTeam(workspace, { key: 'ENG', name: 'Engineering' });
  const ada = somebody(workspace, addUser(workspace, 'Ada'), linear.baseUrl);
  const service = await startTestService({
    parts: ['listen', 'worker'],
    files: { 'one.txt': 'one\n' },
    ...options,
    env: {
      LINEAR_API_URL: linear.url,
      LINEAR_ACCESS_TOKEN: linear.token,
      LINEAR_WEBHOOK_SECRET: linear.outbox.secret,
    },
    change: (config) => ({ ...config, reconcile: { ...config.reconcile, minutes: 2 / 60 } }),
  });
  linear.outbox.urls.push(`${service.url}/webhooks/linear`);

  const stateId = (name: string, team = teamId) => {
    const state = [...tables.WorkflowState.values()].find((each) => each.name === name && each.teamId === team);
    if (!state) throw new Error(`There is no state ${name}.`);
    return state.id;
  };
  const sessions = (issue: Issue) =>
    [...tables.AgentSession.values()].filter(({ issueId }) => issueId === issue.id).map(({ id }) => id);
  return {
    linear,
    service,
    ada,
    teamId,
    file: (title, more = {}) => ada.create({ teamId, title, stateId: stateId('Todo'), ...more }),
    stateId,
    stateOf: (issue) => workspace.get('WorkflowState', issue.stateId).name,
    activities: (issue) =>
      [...tables.AgentActivity.values()]
        .filter(({ agentSessionId }) => sessions(issue).includes(agentSessionId))
        .map(({ content }) => content)
        .filter(({ type }) => type !== 'prompt'),
    sessions,
    async close() {
      await service.stop();
      await linear.close();
    },
  };
}
