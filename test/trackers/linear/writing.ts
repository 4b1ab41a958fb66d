import { randomUUID } from 'node:crypto';
import type { TicketOperation } from '../../../src/core/effect.ts';
import type { TicketDraft, TicketHint } from '../../../src/core/ticket.ts';
import { createLinearClient } from '../../../src/trackers/linear/client.ts';
import { hintOf } from '../../../src/trackers/linear/hint.ts';
import { createWorkspaceCache } from '../../../src/trackers/linear/workspace-cache.ts';
import type { SendDeps } from '../../../src/trackers/linear/writing/place.ts';
import { sendOperations } from '../../../src/trackers/linear/writing/send.ts';
import type { Sent } from '../../../src/trackers/tracker.ts';
import { sessionsOf } from '../../stand-ins/linear/agent-sessions.ts';
import { type Somebody, somebody } from '../../stand-ins/linear/people.ts';
import type { AgentSession, Issue } from '../../stand-ins/linear/rows.ts';
import { type Linear, startLinear } from '../../stand-ins/linear/server.ts';
import { addTeam, addUser, statesOf } from '../../stand-ins/linear/workspace.ts';

export const never = new AbortController().signal;

/** A Linear with a team and a person in it, and processes of ours that write to it. */
export interface Writing {
  linear: Linear;
  ada: Somebody;
  teamId: string;
  /** What one process writes with: each call is another process. */
  startProcess(): SendDeps;
  /** An issue in `Todo`, in the agent's hands. */
  given(title?: string): { issue: Issue; hint: TicketHint; session: AgentSession; conversation: unknown };
  /** An issue in `Todo` that nobody has. */
  nobodys(title?: string): { issue: Issue; hint: TicketHint };
  stateId(name: string): string;
  stateOf(issue: Issue): string;
  sessions(issue: Issue): AgentSession[];
  /** The text of each activity on an issue, oldest first. */
  activities(issue: Issue): string[];
  /** How many GraphQL requests the work takes. */
  requestsDuring<T>(work: () => Promise<T>): Promise<{ result: T; requests: number }>;
}

export async function startWriting(): Promise<Writing> {
  const linear = await startLinear();
  const { workspace } = linear;
  const { tables } = workspace;
  const teamId = addTeam(workspace, { key: 'ENG', name: 'Engineering' }).id;
  const ada = somebody(workspace, addUser(workspace, 'Ada'), linear.baseUrl);
  const stateId = (name: string) => {
    const state = statesOf(workspace, teamId).find((each) => each.name === name);
    if (!state) throw new Error(`There is no state ${name}.`);
    return state.id;
  };
  const hintFor = (issue: Issue): TicketHint => {
    const project = issue.projectId === null ? null : workspace.get('Project', issue.projectId);
    return hintOf(workspace.organizationId, { ...issue, team: workspace.get('Team', issue.teamId), project });
  };
  const sessions = (issue: Issue) => sessionsOf(workspace, issue.id);
  const nobodys = (title = `Fix the ship ${randomUUID()}`) => {
    const issue = ada.create({ teamId, title, stateId: stateId('Todo') });
    return { issue, hint: hintFor(issue) };
  };
  return {
    linear,
    ada,
    teamId,
    startProcess() {
      const one = {
        id: workspace.organizationId,
        name: 'Acme',
        urlKey: 'acme',
        appUserId: workspace.appUser.id,
      };
      const tokens = { workspaces: async () => [one], token: async () => linear.token };
      const client = createLinearClient({ apiUrl: linear.url, tokens });
      return { client, tokens, cache: createWorkspaceCache(client) };
    },
    given(title) {
      const { issue, hint } = nobodys(title);
      ada.delegate(issue.id);
      const session = sessions(issue).at(-1);
      if (!session) throw new Error('no agent session began');
      const conversation = { workspace: workspace.organizationId, issue: issue.id, agentSession: session.id };
      return { issue, hint, session, conversation };
    },
    nobodys,
    stateId,
    stateOf: (issue) => workspace.get('WorkflowState', issue.stateId).name,
    sessions,
    activities(issue) {
      const ids = sessions(issue).map(({ id }) => id);
      return [...tables.AgentActivity.values()]
        .filter(({ agentSessionId }) => ids.includes(agentSessionId))
        .map(({ content }) => content.body ?? [content.action, content.parameter, content.result].join(' '));
    },
    async requestsDuring(work) {
      const before = linear.requests.length;
      const result = await work();
      return { result, requests: linear.requests.length - before };
    },
  };
}

export function send(deps: SendDeps, hint: TicketHint, ...operations: TicketOperation[]): Promise<Sent[]> {
  return sendOperations(deps, hint, structuredClone(operations), never);
}

export const said = (conversation: unknown, body: string): TicketOperation & { kind: 'postActivity' } => ({
  kind: 'postActivity',
  id: randomUUID(),
  conversation,
  activity: { type: 'thought', body },
});

export const moved = (
  to: (TicketOperation & { kind: 'moveTicket' })['to'],
  from: (TicketOperation & { kind: 'moveTicket' })['from'] = ['backlog', 'unstarted'],
): TicketOperation => ({ kind: 'moveTicket', id: randomUUID(), to, from });

export const draft = (changes: Partial<TicketDraft> = {}): TicketDraft => ({
  title: `Filed ${randomUUID()}`,
  description: 'Please.',
  priority: 'none',
  labels: [],
  fields: {},
  team: null,
  project: null,
  ...changes,
});
