import { randomUUID } from 'node:crypto';
import type { Plan } from '../../../src/core/plan.ts';
import type { StateCategory } from '../../../src/core/ticket.ts';
import type { Tracker } from '../../../src/trackers/tracker.ts';
import type { SentDelivery, TrackerWorld } from '../../contracts/tracker-world.ts';
import { addActivity, sessionsOf } from '../../stand-ins/linear/agent-sessions.ts';
import { type Deed, type Somebody, somebody } from '../../stand-ins/linear/people.ts';
import type { AgentActivity, Team, WorkflowState } from '../../stand-ins/linear/rows.ts';
import { type Linear, type LinearOptions, startLinear } from '../../stand-ins/linear/server.ts';
import { addLabel, addProject, addTeam, addUser, statesOf } from '../../stand-ins/linear/workspace.ts';

/** What the adapter is to be told of the stand-in. */
export interface LinearPlace {
  apiUrl: string;
  token: string;
  webhookSecret: string;
  /** The agent's account in the workspace, and the name that people mention it by. */
  appUser: { id: string; name: string };
  organization: { id: string; name: string; urlKey: string };
}

export interface LinearWorld extends TrackerWorld {
  linear: Linear;
  team: Team;
  ada: Somebody;
}

/** A Linear with people at work in it, and our adapter on it. */
export async function startLinearWorld(
  createTracker: (place: LinearPlace) => Tracker | Promise<Tracker>,
  options: LinearOptions = {},
): Promise<LinearWorld> {
  const linear = await startLinear({ searchesPerMinute: 10_000, ...options });
  const { workspace } = linear;
  const { tables, appUser, organizationId } = workspace;
  const { name, urlKey } = workspace.get('Organization', organizationId);
  const team = addTeam(workspace, { key: 'ENG', name: 'Engineering' });
  const as = (who: string, app = false) => somebody(workspace, addUser(workspace, who, { app }), linear.baseUrl);
  const [ada, bob, ci] = [as('Ada'), as('Bob'), as('CI', true)];
  const agent = somebody(workspace, appUser, linear.baseUrl);
  const tracker = await createTracker({
    apiUrl: linear.url,
    token: linear.token,
    webhookSecret: linear.outbox.secret,
    appUser: { id: appUser.id, name: appUser.displayName },
    organization: { id: organizationId, name, urlKey },
  });

  const sent = (deed: Deed, type: string, action?: string): SentDelivery => {
    const { headers, body } = deed.delivery(type, action);
    return { headers, body };
  };
  const named = <T extends { name: string }>(table: Map<string, T>, wanted: string, make: () => T): T =>
    [...table.values()].find((row) => row.name === wanted) ?? make();
  const teamNamed = (wanted: string): Team =>
    named(tables.Team, wanted, () => addTeam(workspace, { key: `T${tables.Team.size}`, name: wanted }));
  const stateOf = (issueId: string): WorkflowState =>
    workspace.get('WorkflowState', workspace.get('Issue', issueId).stateId);

  function stateFor(issueId: string, category: StateCategory): string {
    const states = statesOf(workspace, workspace.get('Issue', issueId).teamId);
    const state = states.find((each) => categoryOf(each) === category);
    if (!state) throw new Error(`The team has no state for "${category}".`);
    return state.id;
  }

  const move = (who: Somebody, id: string, to: StateCategory): SentDelivery =>
    sent(who.change(id, { stateId: stateFor(id, to) }), 'Issue', 'update');

  const activitiesOf = (issueId: string): AgentActivity[] => {
    const sessions = sessionsOf(workspace, issueId).map(({ id }) => id);
    return [...tables.AgentActivity.values()].filter(({ agentSessionId }) => sessions.includes(agentSessionId));
  };

  function odd(event: string, text: string): SentDelivery {
    const body = Buffer.from(text);
    return { headers: linear.outbox.sign(event, body), body };
  }

  return {
    linear,
    team,
    ada,
    tracker,
    pageSize: 50,
    teams: [{ name: 'Engineering', key: 'ENG' }],
    signatureHeader: 'linear-signature',
    unknownTicket: {
      tracker: 'linear',
      id: randomUUID(),
      identifier: 'ENG-999999',
      title: 'Unknown',
      url: 'https://linear.app/acme/issue/ENG-999999',
      priority: 'none',
      team: team.name,
      project: null,
      ref: { workspace: organizationId, team: team.id },
    },
    person: {
      async createTicket(draft) {
        const { id: teamId } = draft.team === undefined ? team : teamNamed(draft.team);
        const project =
          draft.project === undefined
            ? null
            : named(tables.Project, draft.project, () => addProject(workspace, draft.project ?? '', []));
        if (project && !project.teamIds.includes(teamId)) project.teamIds.push(teamId);
        const labelIds = (draft.labels ?? []).map(
          (label) => named(tables.IssueLabel, label, () => addLabel(workspace, label)).id,
        );
        const stateId = statesOf(workspace, teamId).find(({ type }) => type === 'unstarted')?.id ?? null;
        const { title, description } = draft;
        return ada.create({ title, description, teamId, stateId, labelIds, projectId: project?.id ?? null });
      },
      give: async (id) => sent(ada.delegate(id), 'AgentSessionEvent', 'created'),
      async giveAway(id) {
        bob.change(id, { delegateId: null, assigneeId: bob.user.id });
      },
      take: async (id) => sent(ada.undelegate(id), 'AppUserNotification', 'issueUnassignedFromYou'),
      async say(id, body) {
        const deed = ada.say(id, body);
        return sessionsOf(workspace, id).length > 0
          ? sent(deed, 'AgentSessionEvent', 'prompted')
          : sent(deed, 'Comment', 'create');
      },
      move: async (id, to) => move(ada, id, to),
      attach: async (id, file, content) =>
        sent(ada.attachFile(id, file, file.endsWith('.png') ? 'image/png' : 'text/plain', content), 'Issue', 'update'),
    },
    async agentSays(id, body) {
      const session = sessionsOf(workspace, id).at(-1);
      if (!session) throw new Error(`There is no session on ${id}.`);
      const from = linear.outbox.told.length;
      addActivity(workspace, { agentSessionId: session.id, content: { type: 'response', body } }, appUser);
      const told = linear.outbox.told.slice(from).find(({ payload }) => payload.type === 'Comment');
      if (!told) throw new Error('Nothing was told of what the agent said.');
      return { headers: told.headers, body: told.body };
    },
    botSays: async (id, body) => sent(ci.comment(id, body), 'Comment', 'create'),
    agentGives: async (id) => sent(agent.delegate(id), 'Issue', 'update'),
    botGives: async (id) => sent(ci.delegate(id), 'AgentSessionEvent', 'created'),
    botMoves: async (id, to) => move(ci, id, to),
    oddDeliveries: () => [
      odd(
        'Invented',
        JSON.stringify({ type: 'Invented', action: 'happened', organizationId, webhookTimestamp: now() }),
      ),
      odd('Issue', JSON.stringify({ type: 'Issue', action: 'update', organizationId, webhookTimestamp: now() })),
      odd(
        'AgentSessionEvent',
        JSON.stringify({ type: 'AgentSessionEvent', action: 'created', webhookTimestamp: now() }),
      ),
      odd('Issue', '[1, null, "three"]'),
      odd('Issue', 'no JSON'),
      odd('Issue', ''),
    ],
    outside: {
      activities: async (id) =>
        activitiesOf(id)
          .filter(({ content }) => content.type !== 'prompt')
          .map(({ content: { body, action, parameter, result } }) =>
            [body, action, parameter, result].filter((part) => part != null).join('\n'),
          ),
      state: async (id) => categoryOf(stateOf(id)),
      plan: async (id) => (sessionsOf(workspace, id).findLast(({ plan }) => plan !== null)?.plan ?? []) as Plan,
      links: async (id) => sessionsOf(workspace, id).flatMap(({ externalUrls }) => externalUrls.map(({ url }) => url)),
      attachments: async (id) => [...tables.Attachment.values()].filter(({ issueId }) => issueId === id),
    },
    close: () => linear.close(),
  };

  function now(): number {
    return linear.clock.now();
  }
}

/** Our word for a state of the team that people set up here. */
function categoryOf({ name, type }: WorkflowState): StateCategory {
  if (type === 'started') return name === 'In Review' ? 'review' : 'started';
  if (type === 'completed') return 'done';
  if (type === 'canceled' || type === 'duplicate') return 'canceled';
  return type === 'unstarted' ? 'unstarted' : 'backlog';
}
