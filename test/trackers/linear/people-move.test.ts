import { afterAll, beforeAll, describe, test } from 'vitest';
import type { TicketHint } from '../../../src/core/ticket.ts';
import { hintOf } from '../../../src/trackers/linear/hint.ts';
import type { Issue, Team } from '../../stand-ins/linear/rows.ts';
import { addTeam, statesOf, usualStates } from '../../stand-ins/linear/workspace.ts';
import { moved, said, send, startWriting, type Writing } from './writing.ts';

let world: Writing;
let team: Team;
beforeAll(async () => {
  world = await startWriting();
  const more = ['Blocked', 'QA'].map((name) => [name, 'started'] as const);
  team = addTeam(world.linear.workspace, { key: 'OWN', name: 'Of their own' }, [...usualStates, ...more] as never);
});
afterAll(() => world.linear.close());

const idOf = (name: string) => statesOf(world.linear.workspace, team.id).find((state) => state.name === name)?.id ?? '';
const put = (issue: Issue, name: string) => world.ada.change(issue.id, { stateId: idOf(name) });

/** Of a team with started states of its own; older than what no history tells. */
function filed(state = 'Todo'): { issue: Issue; hint: TicketHint } {
  const { workspace, clock } = world.linear;
  const issue = world.ada.create({ teamId: team.id, title: 'Harden the hull', stateId: idOf(state) });
  clock.advance(2 * workspace.unloggedForMs);
  return { issue, hint: hintOf(workspace.organizationId, { ...issue, team, project: null }) };
}

function given(state = 'Todo') {
  const { issue, hint } = filed(state);
  world.ada.delegate(issue.id);
  const agentSession = world.sessions(issue)[0]?.id;
  return {
    issue,
    hint,
    conversation: { workspace: world.linear.workspace.organizationId, issue: issue.id, agentSession },
  };
}

/** The answer to a move that was not made, whatever state it was to. */
const isKept = (sent: unknown, name: string) =>
  JSON.stringify(sent).includes(
    JSON.stringify(`A person moved the ticket to "${name}", so it was not moved to `).slice(1, -1),
  );

describe('a state that a person chose among those of what is begun', () => {
  test('stands when the pull request is there', async ({ expect }) => {
    const { issue, hint, conversation } = given();
    const deps = world.startProcess();
    await send(deps, hint, moved('started'));
    put(issue, 'Blocked');
    const sent = await send(world.startProcess(), hint, said(conversation, 'Ready.'), moved('review', ['started']));
    expect(isKept(sent[1], 'Blocked')).toBe(true);
    expect(world.stateOf(issue)).toBe('Blocked');
  });

  test('stands when the pull request is merged', async ({ expect }) => {
    const { issue, hint } = given();
    await send(world.startProcess(), hint, moved('started'), moved('review', ['started']));
    put(issue, 'QA');
    const [sent] = await send(world.startProcess(), hint, moved('done', ['started', 'review']));
    expect(isKept(sent, 'QA')).toBe(true);
    expect(world.stateOf(issue)).toBe('QA');
  });

  test('stands, too, where it is chosen just as the ticket is moved', async ({ expect }) => {
    const { issue, hint, conversation } = given();
    const deps = world.startProcess();
    await send(deps, hint, moved('started'));
    const { client } = deps;
    const meanwhile: typeof client = {
      request(workspace, document, variables, signal) {
        if (document.startsWith('mutation') && world.stateOf(issue) === 'In Progress') put(issue, 'Blocked');
        return client.request(workspace, document, variables, signal);
      },
    };
    await send({ ...deps, client: meanwhile }, hint, said(conversation, 'Ready.'), moved('review', ['started']));
    expect(world.stateOf(issue)).toBe('Blocked');
  });

  test('is moved on where it was chosen before we were asked, by no person, or is where we would have put it', async ({
    expect,
  }) => {
    const before = given('Blocked');
    expect(await send(world.startProcess(), before.hint, moved('review', ['started']))).toEqual([
      { result: { state: 'In Review' } },
    ]);
    const byRule = given();
    await send(world.startProcess(), byRule.hint, moved('started'));
    const { workspace } = world.linear;
    put(byRule.issue, 'QA');
    for (const change of workspace.tables.IssueHistory.values())
      if (change.toStateId === idOf('QA') && change.issueId === byRule.issue.id) change.actorId = null;
    await send(world.startProcess(), byRule.hint, moved('review', ['started']));
    expect(world.stateOf(byRule.issue)).toBe('In Review');
    const back = given();
    await send(world.startProcess(), back.hint, moved('started'), moved('review', ['started']));
    put(back.issue, 'In Progress');
    await send(world.startProcess(), back.hint, moved('review', ['started']));
    expect(world.stateOf(back.issue)).toBe('In Review');
  });

  test('is asked for only there: any other move takes no request more', async ({ expect }) => {
    const { hint, conversation } = given();
    const deps = world.startProcess();
    await send(deps, hint, moved('started'));
    const review = () => send(deps, hint, said(conversation, 'Ready.'), moved('review', ['started']));
    expect((await world.requestsDuring(review)).requests).toBe(1);
  });
});

describe('what we had begun is taken back', () => {
  const back = (named: string) => ({ ...moved('backlog', ['started']), named });

  test('to the very state where it stood, where there still is one of its name', async ({ expect }) => {
    const { workspace } = world.linear;
    const triaged = addTeam(workspace, { key: 'TRI', name: 'Triaged', triageEnabled: true });
    const issue = world.ada.create({ teamId: triaged.id, title: 'How long is it?' });
    const hint = hintOf(workspace.organizationId, { ...issue, team: triaged, project: null });
    expect(world.stateOf(issue)).toBe('Triage');
    await send(world.startProcess(), hint, moved('started'), back('Triage'));
    expect(world.stateOf(issue)).toBe('Triage');
    await send(world.startProcess(), hint, moved('started'), back('Icebox'));
    expect(world.stateOf(issue)).toBe('Backlog');
  });

  test('but not where a person has begun it, too', async ({ expect }) => {
    const { issue, hint } = filed('Backlog');
    const deps = world.startProcess();
    await send(deps, hint, moved('started'));
    put(issue, 'Todo');
    put(issue, 'In Progress');
    expect(await send(deps, hint, back('Backlog'))).toEqual([
      { result: { skipped: 'A person moved the ticket to "In Progress", so it is there.' } },
    ]);
    expect(world.stateOf(issue)).toBe('In Progress');
  });
});

test('without a session of ours to look at, the history tells what a person chose meanwhile', async ({ expect }) => {
  const { issue, hint } = filed();
  const deps = world.startProcess();
  const { client } = deps;
  const meanwhile: typeof client = {
    request(workspace, document, variables, signal) {
      if (document.startsWith('mutation') && world.stateOf(issue) === 'Todo') put(issue, 'Done');
      return client.request(workspace, document, variables, signal);
    },
  };
  const [answer] = await send({ ...deps, client: meanwhile }, hint, moved('started'));
  expect(answer).toEqual({ result: { skipped: expect.stringContaining('"Done"') } });
  expect(world.stateOf(issue)).toBe('Done');
});
