import { afterAll, beforeAll, describe, onTestFinished, test } from 'vitest';
import type { TicketHint, TicketQuery } from '../../../src/core/ticket.ts';
import { defaultFieldNames, readFacts } from '../../../src/core/ticket-facts.ts';
import { VendorError } from '../../../src/core/vendor-error.ts';
import { checkWorkspaces } from '../../../src/trackers/linear/check.ts';
import { createLinearClient } from '../../../src/trackers/linear/client.ts';
import type { LinearTokens } from '../../../src/trackers/linear/connecting/tokens.ts';
import { LinearError } from '../../../src/trackers/linear/errors.ts';
import { createUploadReader } from '../../../src/trackers/linear/reading/attachments.ts';
import { readEvents } from '../../../src/trackers/linear/reading/delivery.ts';
import { isAsked } from '../../../src/trackers/linear/reading/is-asked.ts';
import { listTickets, pageSize } from '../../../src/trackers/linear/reading/list-tickets.ts';
import { type ReadDeps, readTicket } from '../../../src/trackers/linear/reading/read-ticket.ts';
import { stateFor } from '../../../src/trackers/linear/states.ts';
import { createWorkspaceCache } from '../../../src/trackers/linear/workspace-cache.ts';
import { addComment } from '../../stand-ins/linear/agent-sessions.ts';
import { assetPath, attach } from '../../stand-ins/linear/attachments.ts';
import { relate } from '../../stand-ins/linear/issues.ts';
import { type Somebody, somebody } from '../../stand-ins/linear/people.ts';
import type { Team } from '../../stand-ins/linear/rows.ts';
import { type Linear, startLinear } from '../../stand-ins/linear/server.ts';
import type { LinearDelivery } from '../../stand-ins/linear/webhooks.ts';
import { addLabel, addProject, addTeam, addUser, statesOf, type Workspace } from '../../stand-ins/linear/workspace.ts';

const never = new AbortController().signal;

/** A token for each workspace of a stand-in. */
function tokensOf(linear: Linear): LinearTokens {
  const values = new Map<string, string>();
  return {
    workspaces: async () =>
      linear.workspaces.map(({ organizationId: id, appUser }) => ({
        id,
        name: id,
        urlKey: 'acme',
        appUserId: appUser.id,
      })),
    async token(workspace, refused) {
      const known = values.get(workspace);
      if (known !== undefined && known !== refused) return known;
      if (known !== undefined)
        throw new VendorError('Linear is not connected.', {
          code: 'disconnected',
          retryable: true,
          retryAfterMs: 60_000,
        });
      const { value } = linear.oauth.issue(workspace);
      values.set(workspace, value);
      return value;
    },
  };
}

function depsOf(linear: Linear): ReadDeps {
  const tokens = tokensOf(linear);
  const client = createLinearClient({ apiUrl: linear.url, tokens });
  const uploads = createUploadReader({ apiUrl: linear.url, tokens });
  const cache = createWorkspaceCache(client);
  return { apiUrl: linear.url, client, tokens, cache, uploads, seen: () => {}, now: Date.now, withoutNeeds: new Map() };
}

let linear: Linear;
let deps: ReadDeps;
let team: Team;
let ada: Somebody;
beforeAll(async () => {
  linear = await startLinear();
  deps = depsOf(linear);
  team = addTeam(linear.workspace, { key: 'ENG', name: 'Engineering' });
  ada = somebody(linear.workspace, addUser(linear.workspace, 'Ada'), linear.baseUrl);
});
afterAll(() => linear.close());

function hintFor(id: string, workspace = linear.workspace): TicketHint {
  return { id, identifier: id, ref: { workspace: workspace.organizationId, team: team.id } } as TicketHint;
}

const read = (id: string) => readTicket(deps, hintFor(id), never);

function stateNamed(name: string, its = team, workspace = linear.workspace): string {
  return statesOf(workspace, its.id).find((state) => state.name === name)?.id ?? '';
}

/** How many requests it took. */
async function counting<T>(work: () => Promise<T>): Promise<{ result: T; requests: number }> {
  const before = linear.requests.length;
  const result = await work();
  return { result, requests: linear.requests.length - before };
}

describe('a reading', () => {
  test('is the whole ticket, in one request', async ({ expect }) => {
    const { workspace } = linear;
    const { organizationId } = workspace;
    const project = addProject(workspace, 'Checkout', [team.id]);
    const cycle = workspace.insert('Cycle', {
      ...{ number: 7, name: null, teamId: team.id },
      ...{ startsAt: '2026-11-16T00:00:00.000Z', endsAt: '2026-11-30T00:00:00.000Z' },
    });
    const parent = ada.create({ teamId: team.id, title: 'Parent' });
    const issue = ada.create({
      ...{
        teamId: team.id,
        title: 'Fix 🚢',
        description: 'It *drips*.',
        priority: 2,
        estimate: 3,
        dueDate: '2026-12-01',
      },
      ...{ parentId: parent.id, projectId: project.id, cycleId: cycle.id },
      labelIds: [addLabel(workspace, 'bug').id],
      stateId: stateNamed('Todo'),
    });
    const others = ['child', 'blocker', 'blocked', 'copy of', 'copied', 'related', 'gone'].map((title) =>
      ada.create({
        teamId: team.id,
        title,
        ...(title === 'child' && { parentId: issue.id, stateId: stateNamed('Done') }),
      }),
    );
    const [, blocker, blocked, original, copy, other, gone] = others.map(({ id }) => id) as [string, ...string[]];
    relate(workspace, blocker as string, 'blocks', issue.id);
    relate(workspace, issue.id, 'blocks', blocked as string);
    relate(workspace, issue.id, 'duplicate', original as string);
    relate(workspace, copy as string, 'duplicate', issue.id);
    relate(workspace, other as string, 'related', issue.id);
    relate(workspace, gone as string, 'blocks', issue.id);
    ada.change(gone as string, { trashed: true });
    const customer = workspace.insert('Customer', { name: 'Umbrella', domains: [] });
    workspace.insert('CustomerNeed', {
      ...{ body: 'We drown.', priority: 1, customerId: customer.id, issueId: issue.id, creatorId: null },
    });
    const link = { issueId: issue.id, subtitle: '12 events', metadata: {}, sourceType: 'sentry', creatorId: null };
    workspace.insert('Attachment', { ...link, url: 'https://sentry.example/1', title: 'Overflow' });
    const pull = { ...link, subtitle: null, sourceType: 'github', url: 'https://github.com/a/b/pull/1', title: 'Try' };
    workspace.insert('Attachment', pull);
    workspace.insert('Attachment', { ...pull, url: 'https://example.org/2', creatorId: workspace.appUser.id });
    ada.delegate(issue.id);
    ada.say(issue.id, 'Please.');
    addComment(workspace, { issueId: issue.id, body: 'Mirrored' }, workspace.appUser);

    const { result: ticket, requests } = await counting(() => read(issue.identifier));
    expect(requests).toBe(1);
    expect(linear.requests.at(-1)?.complexity).toBeLessThan(5_000);
    expect(ticket).toMatchObject({
      ...{ tracker: 'linear', id: issue.id, identifier: issue.identifier, title: 'Fix 🚢', url: issue.url },
      ...{ description: 'It *drips*.', priority: 'high', team: 'Engineering', project: 'Checkout', labels: ['bug'] },
      ref: { workspace: organizationId, team: team.id },
      state: { name: 'Todo', category: 'unstarted' },
      // In Linear the human stays responsible; the delegate does it.
      assignee: { id: workspace.appUser.id, isBot: true },
      fields: {
        ...{ Deadline: '2026-12-01', Estimate: '3', Cycle: 'Cycle 7, until 2026-11-30' },
        'Customer requests': 'Umbrella (important): We drown.',
        Links: 'Overflow (12 events): https://sentry.example/1',
      },
    });
    expect(readFacts(ticket, defaultFieldNames).deadline).toBe('2026-12-01');
    expect(readFacts(ticket, { ...defaultFieldNames, deadline: ['Frist'] }).deadline).toBe('2026-12-01');
    expect(ticket.comments).toMatchObject([
      { body: 'Please.', author: { id: ada.user.id, name: 'Ada', isBot: false } },
    ]);
    expect(ticket.relations.map(({ type, ticket, category }) => [type, ticket.title, category]).toSorted()).toEqual([
      ['blockedBy', 'blocker', 'backlog'],
      ['blocks', 'blocked', 'backlog'],
      ['child', 'child', 'done'],
      ['duplicateOf', 'copy of', 'backlog'],
      ['parent', 'Parent', 'backlog'],
      ['relatedTo', 'copied', 'backlog'],
      ['relatedTo', 'related', 'backlog'],
    ]);
    expect(JSON.parse(JSON.stringify(ticket))).toEqual(ticket);
  });

  test('leaves out what customers ask for where the app may not see it, and asks once an hour', async ({ expect }) => {
    const { id } = ada.create({ teamId: team.id, title: 'Secret' });
    const asked: unknown[] = [];
    const client: ReadDeps['client'] = {
      request(workspace, document, variables, signal) {
        asked.push(variables.needs);
        if (!variables.needs) return deps.client.request(workspace, document, variables, signal);
        const path = ['issue', 'needs'];
        return Promise.reject(new LinearError('Invalid scope', { code: 'invalid', retryable: false, path }));
      },
    };
    let hours = 0;
    const narrow = { ...deps, client, now: () => hours * 3_600_000, withoutNeeds: new Map() };
    expect(await readTicket(narrow, hintFor(id), never)).toMatchObject({ title: 'Secret', fields: {} });
    await readTicket(narrow, hintFor(id), never);
    expect(asked).toEqual([true, false, false]);
    hours = 1;
    await readTicket(narrow, hintFor(id), never);
    expect(asked.slice(3)).toEqual([true, false]);
  });

  test('brings the states of its team along, so that nobody asks for them', async ({ expect }) => {
    const { id } = ada.create({ teamId: team.id, title: 'States' });
    deps.cache.forget(linear.workspace.organizationId);
    await read(id);
    const { result: states, requests } = await counting(() =>
      deps.cache.states(linear.workspace.organizationId, team.id, never),
    );
    expect(requests).toBe(0);
    expect(stateFor('started', states)?.name).toBe('In Progress');
    expect(stateFor('review', states)?.name).toBe('In Review');
    expect(
      stateFor(
        'review',
        states.filter(({ name }) => name !== 'In Review'),
      ),
    ).toBe(null);
  });

  test('what hardly changes of a workspace is asked once, until somebody forgets it', async ({ expect }) => {
    const { workspace } = linear;
    const label = addLabel(workspace, 'kept', team.id);
    const elsewhere = addTeam(workspace, { key: 'OTH', name: 'Other' });
    const foreign = addLabel(workspace, 'foreign', elsewhere.id);
    const ask = () => deps.cache.team(workspace.organizationId, team.id, never);
    deps.cache.forget(workspace.organizationId);
    const { result, requests } = await counting(async () => [await ask(), await ask()]);
    expect(requests).toBe(1);
    expect(result[0]).toMatchObject({ id: team.id, key: 'ENG', name: 'Engineering' });
    expect(result[0]?.states).toHaveLength(statesOf(workspace, team.id).length);
    const labels = result[0]?.labels.map(({ id }) => id);
    expect(labels).toContain(label.id);
    expect(labels).not.toContain(foreign.id);
    const teams = await deps.cache.teams(workspace.organizationId, never);
    expect(teams.map(({ key }) => key)).toEqual(expect.arrayContaining(['ENG', 'OTH']));
    deps.cache.forget(workspace.organizationId);
    expect((await counting(ask)).requests).toBe(1);
    const unknown = deps.cache.team(workspace.organizationId, '00000000-0000-4000-8000-000000000000', never);
    await expect(unknown).rejects.toMatchObject({ code: 'not_found' });
  });

  test('of more labels than are on a page all are known', async ({ expect }) => {
    const { workspace } = linear;
    const crowded = addTeam(workspace, { key: 'LBL', name: 'Labelled' });
    const made = Array.from({ length: 560 }, (_, at) => addLabel(workspace, `area ${at}`, crowded.id).id);
    const { labels } = await deps.cache.team(workspace.organizationId, crowded.id, never);
    expect(labels.map(({ id }) => id)).toEqual(expect.arrayContaining(made));
  });

  test('of a thread of more than a hundred comments the newest are kept, in one request', async ({ expect }) => {
    const { id } = ada.create({ teamId: team.id, title: 'Long' });
    for (let number = 0; number < 130; number++) ada.comment(id, `Comment ${number}`);
    const { result, requests } = await counting(() => read(id));
    expect(requests).toBe(1);
    expect(result.comments.map(({ body }) => body)).toEqual(
      Array.from({ length: 100 }, (_, at) => `Comment ${at + 30}`),
    );
  });

  test('whoever has it is its assignee: a person, where no app is the delegate', async ({ expect }) => {
    const { id } = ada.create({ teamId: team.id, title: 'Mine', assigneeId: ada.user.id });
    expect((await read(id)).assignee).toEqual({ id: ada.user.id, name: 'Ada', isBot: false });
    const { id: free } = ada.create({ teamId: team.id, title: 'Free' });
    expect((await read(free)).assignee).toBe(null);
  });

  test('files in descriptions and comments are attachments, and are read with our token', async ({ expect }) => {
    const { id } = ada.create({ teamId: team.id, title: 'Files' });
    const content = Uint8Array.from({ length: 1_000 }, (_, at) => at % 256);
    ada.attachFile(id, 'mockup 🚢.png', 'image/png', content);
    ada.attachFile(id, 'empty.txt', 'text/plain', new Uint8Array());
    ada.comment(id, `See ${linear.baseUrl}/uploads/nowhere/lost.log`);
    const { attachments } = await read(id);
    expect(attachments).toMatchObject([
      { name: 'mockup 🚢.png', mediaType: 'image/png', bytes: 1_000 },
      { name: 'empty.txt', mediaType: 'text/plain', bytes: 0 },
      { name: 'lost.log', bytes: 0 },
    ]);
    const { organizationId } = linear.workspace;
    const contents = attachments.slice(0, 2).map((one) => deps.uploads.read(organizationId, one.id, never));
    expect(await Promise.all(contents)).toEqual([content, new Uint8Array()]);
    const lost = deps.uploads.read(organizationId, attachments[2]?.id ?? '', never);
    await expect(lost).rejects.toMatchObject({ code: 'not_found' });
  });

  test('so are those in what customers ask for, and those that are attached as such; they are no links', async ({
    expect,
  }) => {
    const { workspace } = linear;
    const { id } = ada.create({ teamId: team.id, title: 'Files elsewhere' });
    const addAsset = (filename: string) => {
      const asset = workspace.insert('Asset', { filename, contentType: 'image/png', content: new Uint8Array(9) });
      return `${linear.baseUrl}${assetPath(workspace, asset)}`;
    };
    const need = { priority: 0, customerId: null, issueId: id, creatorId: null };
    workspace.insert('CustomerNeed', { ...need, body: `It looks so:\n\n![bill.png](${addAsset('1')})` });
    attach(workspace, { issueId: id, url: addAsset('2'), title: 'The [final] sketch.png' }, ada.user);
    attach(workspace, { issueId: id, url: 'https://example.com/design', title: 'The design' }, ada.user);
    const { attachments, fields } = await read(id);
    expect(attachments).toMatchObject([
      { name: 'bill.png', mediaType: 'image/png', bytes: 9 },
      { name: 'The final sketch.png', mediaType: 'image/png', bytes: 9 },
    ]);
    expect(fields).toEqual({
      'Customer requests': expect.stringMatching(/^A customer: It looks so: !\[bill\.png\]\(http/),
      Links: 'The design: https://example.com/design',
    });
  });

  test('what customers ask for is a line each; of more than are read it says so', async ({ expect }) => {
    const { id } = ada.create({ teamId: team.id, title: 'Much asked for' });
    for (let number = 0; number < 21; number++)
      linear.workspace.insert('CustomerNeed', {
        ...{ body: `Number ${number}\n\nplease`, priority: 0, customerId: null, issueId: id, creatorId: null },
      });
    const lines = (await read(id)).fields['Customer requests']?.split('\n') ?? [];
    expect(lines).toHaveLength(21);
    expect(lines[0]).toMatch(/^A customer: Number \d+ please$/);
    expect(lines.at(-1)).toBe('There are more of them in Linear.');
  });

  test('one that is not there or is deleted is not found', async ({ expect }) => {
    const { id } = ada.create({ teamId: team.id, title: 'Deleted' });
    ada.change(id, { trashed: true });
    const notFound = { name: 'VendorError', code: 'not_found', retryable: false };
    for (const hint of [hintFor('00000000-0000-4000-8000-000000000000'), hintFor('ENG-99999'), hintFor(id)])
      await expect(readTicket(deps, hint, never)).rejects.toMatchObject(notFound);
  });

  test('of one in a workspace that is not connected nobody can tell whether it is there, or ours', async ({
    expect,
  }) => {
    const { id } = ada.create({ teamId: team.id, title: 'Out of reach' });
    const elsewhere = { ...hintFor(id), account: 'another', ref: { workspace: 'another', team: 'x' } };
    const disconnected = { name: 'VendorError', code: 'disconnected', retryable: true, account: 'another' };
    await expect(readTicket(deps, elsewhere, never)).rejects.toMatchObject(disconnected);
    await expect(isAsked(deps, elsewhere, never)).rejects.toMatchObject(disconnected);
  });

  test('what a person named is looked for in every workspace', async ({ expect }) => {
    const two = await startLinear();
    onTestFinished(() => two.close());
    const second = two.addWorkspace({ name: 'Beta', urlKey: 'beta' });
    const ops = addTeam(second, { key: 'OPS', name: 'Operations' });
    somebody(second, addUser(second, 'Bob'), two.baseUrl).create({ teamId: ops.id, title: 'There' });
    const typed = { id: 'OPS-1', identifier: 'OPS-1', ref: null } as TicketHint;
    expect(await readTicket(depsOf(two), typed, never)).toMatchObject({
      title: 'There',
      ref: { workspace: second.organizationId },
    });
  });

  test('what is moved to another team is read by its old hint, with its new names', async ({ expect }) => {
    const other = addTeam(linear.workspace, { key: 'WEB', name: 'Web' });
    const { id, identifier } = ada.create({ teamId: team.id, title: 'Moves' });
    ada.change(id, { teamId: other.id });
    expect(await read(identifier.toLowerCase())).toMatchObject({
      id,
      identifier: 'WEB-1',
      team: 'Web',
      ref: { team: other.id },
    });
  });
});

describe('lists', () => {
  async function list(query: TicketQuery, all = deps): Promise<TicketHint[][]> {
    const pages: TicketHint[][] = [];
    let cursor: string | null = null;
    do {
      const page: Awaited<ReturnType<typeof listTickets>> = await listTickets(all, query, cursor, never);
      pages.push(page.tickets);
      cursor = page.next;
    } while (cursor !== null);
    return pages;
  }
  const ids = async (query: TicketQuery, all = deps) => (await list(query, all)).flat().map(({ id }) => id);

  test('fit what is asked for, oldest first', async ({ expect }) => {
    const lists = addTeam(linear.workspace, { key: 'LST', name: 'Lists' });
    const file = (title: string, more: object = {}) => ada.create({ teamId: lists.id, title, ...more }).id;
    const inState = (name: string) => ({ stateId: stateNamed(name, lists) });
    const project = addProject(linear.workspace, 'Listing', [lists.id]);
    const [one, two] = [addLabel(linear.workspace, 'one').id, addLabel(linear.workspace, 'two').id];
    const backlog = file('backlog');
    const todo = file('todo', { ...inState('Todo'), labelIds: [one] });
    const doing = file('doing', { ...inState('In Progress'), labelIds: [one, two] });
    const review = file('review', { ...inState('In Review'), projectId: project.id });
    file('done', inState('Done'));
    const mine = file('mine', inState('Todo'));
    ada.delegate(mine);
    const theirs = file('theirs', { ...inState('Todo'), assigneeId: ada.user.id });

    expect(await ids({ team: 'Lists' })).toEqual([backlog, todo, doing, review, mine, theirs]);
    expect(await ids({ team: 'LST', assignee: 'agent' })).toEqual([mine]);
    expect(await ids({ team: 'Lists', assignee: 'nobody' })).toEqual([backlog, todo, doing, review]);
    expect(await ids({ team: 'Lists', categories: ['backlog'] })).toEqual([backlog]);
    expect(await ids({ team: 'Lists', categories: ['started'] })).toEqual([doing]);
    expect(await ids({ team: 'Lists', categories: ['review', 'unstarted'], assignee: 'nobody' })).toEqual([
      todo,
      review,
    ]);
    expect(await ids({ team: 'Lists', labels: ['one'] })).toEqual([todo, doing]);
    expect(await ids({ team: 'Lists', labels: ['one', 'two'] })).toEqual([doing]);
    expect(await ids({ project: 'Listing' })).toEqual([review]);
    expect(await ids({ team: 'Nobody' })).toEqual([]);
    const { requests } = await counting(async () => expect(await ids({ categories: [] })).toEqual([]));
    expect(requests).toBe(0);
    const [hint] = (await list({ team: 'Lists', assignee: 'agent' })).flat();
    expect(await readTicket(deps, hint as TicketHint, never)).toMatchObject(hint as TicketHint);
  });

  test('know what is in review as its team has it, or as the name of its state says', async ({ expect }) => {
    const { workspace } = linear;
    const started = (names: string[]) => names.map((name) => [name, 'started'] as [string, 'started']);
    const german = addTeam(workspace, { key: 'GER', name: 'German' }, started(['In Arbeit', 'Prüfung']));
    const rule = { event: 'review', stateId: stateNamed('Prüfung', german), targetBranch: null, teamId: german.id };
    workspace.insert('GitAutomationState', rule as never);
    const plain = addTeam(workspace, { key: 'PLN', name: 'Plain' }, started(['Doing', 'In Review', 'Preview']));
    const file = (team: typeof german, name: string) =>
      ada.create({ teamId: team.id, title: name, stateId: stateNamed(name, team) }).id;
    const [working, checked] = [file(german, 'In Arbeit'), file(german, 'Prüfung')];
    const [doing, review, preview] = [file(plain, 'Doing'), file(plain, 'In Review'), file(plain, 'Preview')];
    expect(await ids({ team: 'German', categories: ['review'] })).toEqual([checked]);
    expect(await ids({ team: 'German', categories: ['started'] })).toEqual([working]);
    expect(await ids({ team: 'Plain', categories: ['review'] })).toEqual([review]);
    expect(await ids({ team: 'Plain', categories: ['started', 'backlog'] })).toEqual([doing, preview]);
    expect((await readTicket(deps, hintFor(checked), never)).state).toEqual({ name: 'Prüfung', category: 'review' });
  });

  test('hold each ticket once, though many were filed at one moment and some go meanwhile', async ({ expect }) => {
    const paged = addTeam(linear.workspace, { key: 'PAG', name: 'Paged' });
    const filed = Array.from({ length: 2 * pageSize + 1 }, (_, at) => ada.create({ teamId: paged.id, title: `${at}` }));
    // As an import files them.
    for (const issue of filed.slice(10, 80)) issue.createdAt = filed[10]?.createdAt ?? '';
    const first = await listTickets(deps, { team: 'Paged' }, null, never);
    expect(first.tickets).toHaveLength(pageSize);
    ada.change(first.tickets.at(-1)?.id ?? '', { stateId: stateNamed('Done', paged) });
    const listed = first.tickets.map(({ id }) => id);
    for (let cursor = first.next; cursor !== null; ) {
      const page = await listTickets(deps, { team: 'Paged' }, cursor, never);
      listed.push(...page.tickets.map(({ id }) => id));
      cursor = page.next;
    }
    expect(listed.toSorted()).toEqual(filed.map(({ id }) => id).toSorted());
    expect(listed.slice(80)).toEqual(filed.slice(80).map(({ id }) => id));
  });

  /** Two workspaces with a ticket in each. */
  async function startTwo() {
    const two = await startLinear();
    onTestFinished(() => two.close());
    const second = two.addWorkspace({ name: 'Beta', urlKey: 'beta' });
    const there = (workspace: Workspace) => {
      const { id: teamId } = addTeam(workspace, { key: 'T', name: 'T' });
      return somebody(workspace, addUser(workspace, 'Bob'), two.baseUrl).create({ teamId, title: 'x' }).id;
    };
    return { two, second, both: [there(two.workspace), there(second)], all: depsOf(two) };
  }

  /** Accounts that were passed over, with why. */
  async function passedOver(all: ReadDeps): Promise<[string | undefined, string][]> {
    const passed: [string | undefined, string][] = [];
    for (let cursor: string | null = null, first = true; first || cursor !== null; first = false) {
      const page: Awaited<ReturnType<typeof listTickets>> = await listTickets(all, {}, cursor, never);
      for (const { account, code } of page.passedOver ?? []) passed.push([account, code]);
      cursor = page.next;
    }
    return passed;
  }

  test('go through all workspaces; one that is not connected any more does not hold up the others', async ({
    expect,
  }) => {
    const { two, second, both, all } = await startTwo();
    expect((await ids({}, all)).toSorted()).toEqual(both.toSorted());
    expect(await passedOver(all)).toEqual([]);
    two.uninstall(two.workspace);
    expect(await ids({}, all)).toEqual([both[1]]);
    expect(await passedOver(all)).toEqual([[two.workspace.organizationId, 'disconnected']]);
    two.uninstall(second);
    const [only] = two.workspaces.splice(0, 1);
    expect(only).toBe(two.workspace);
    await expect(ids({}, all)).rejects.toMatchObject({ code: 'disconnected' });
  });

  test('one workspace that we have asked too often is passed over, and named; the others are listed', async ({
    expect,
  }) => {
    const { two, second, both, all } = await startTwo();
    await ids({}, all);
    two.faults.add({ nth: 1, action: { type: 'rateLimit', shape: 'code', ms: 600_000 } });
    await expect(readTicket(all, { ...hintFor(both[0] ?? '', two.workspace) }, never)).rejects.toMatchObject({
      code: 'rate_limited',
      account: two.workspace.organizationId,
    });
    expect(await ids({}, all)).toEqual([both[1]]);
    expect(await passedOver(all)).toEqual([[two.workspace.organizationId, 'rate_limited']]);
    two.workspaces.splice(two.workspaces.indexOf(second), 1);
    await expect(ids({}, all), 'there is no other to go on with').rejects.toMatchObject({ code: 'rate_limited' });
  });
});

describe('what Linear tells', () => {
  const tell = ({ body }: LinearDelivery) =>
    readEvents(
      {
        agent: 'shipmate',
        apiUrl: linear.url,
        appUsers: new Map([[linear.workspace.organizationId, linear.workspace.appUser.id]]),
      },
      body,
    );

  test('of a delegation: one event gives the ticket, the others change nothing that asks for work', async ({
    expect,
  }) => {
    const { id } = ada.create({ teamId: team.id, title: 'Given' });
    const events = ada.delegate(id).told.flatMap(tell);
    expect(events.map(({ type }) => type)).toEqual(['ticketChanged', 'sessionCreated']);
    expect(events).toMatchObject([{ changed: ['assignee'] }, { said: null, by: { isBot: false } }]);
  });

  test('of words in a session: both deliveries have one key', async ({ expect }) => {
    const { id } = ada.create({ teamId: team.id, title: 'Words' });
    ada.delegate(id);
    const { told, comment } = ada.say(id, 'Port or starboard? 🚢');
    const events = told.flatMap(tell);
    expect(events).toMatchObject([{ type: 'prompted' }, { type: 'prompted' }]);
    for (const event of events)
      expect(event).toMatchObject({
        said: { key: comment.id, body: 'Port or starboard? 🚢', author: { isBot: false } },
      });
    expect(ada.stop(id).told.flatMap(tell)).toMatchObject([{ type: 'prompted', said: { signal: 'stop' } }]);
  });

  test('of a mention: its words, under the key of the comment, also in an answer', async ({ expect }) => {
    const { id } = ada.create({ teamId: team.id, title: 'Mention' });
    const root = ada.comment(id, 'It drips <again> & again.').comment;
    const { told, comment } = ada.comment(id, '@Shipmate mend it & <test> it', root);
    const events = told.flatMap(tell);
    expect(events.map(({ type }) => type)).toEqual(['prompted', 'sessionCreated']);
    for (const event of events)
      expect(event).toMatchObject({
        said: { key: comment.id, body: '@Shipmate mend it & <test> it', author: { id: ada.user.id } },
      });
    const [prompted, created] = events;
    if (prompted?.type !== 'prompted' || created?.type !== 'sessionCreated') throw new Error('not the events expected');
    expect(prompted.said.at >= (created.said?.at ?? '')).toBe(true);
  });

  test('of a file, and of the ticket taken away, moved and deleted', async ({ expect }) => {
    const { id } = ada.create({ teamId: team.id, title: 'Told' });
    ada.delegate(id);
    expect(ada.attachFile(id, 'a.png', 'image/png', new Uint8Array(3)).told.flatMap(tell)).toMatchObject([
      { type: 'ticketChanged', changed: ['attachments'] },
    ]);
    expect(ada.change(id, { stateId: stateNamed('Done') }).told.flatMap(tell)).toMatchObject([
      { type: 'ticketChanged', category: 'done', changed: ['state'] },
    ]);
    const taken = ada.undelegate(id).told.flatMap(tell);
    expect(taken.map(({ type }) => type)).toEqual(['unassigned', 'unassigned']);
    expect(ada.change(id, { trashed: true }).told.flatMap(tell)).toMatchObject([{ category: 'canceled' }]);
  });

  test('of what we say: a bot said it', async ({ expect }) => {
    const { id } = ada.create({ teamId: team.id, title: 'Ours' });
    const from = linear.outbox.told.length;
    addComment(linear.workspace, { issueId: id, body: 'stop' }, linear.workspace.appUser);
    expect(linear.outbox.told.slice(from).flatMap(tell)).toMatchObject([{ said: { author: { isBot: true } } }]);
  });
});

describe('the check', () => {
  test('says who we are in each workspace, and which teams we see', async ({ expect }) => {
    const checks = await checkWorkspaces(deps);
    expect(checks).toMatchObject([{ status: 'ok', message: expect.stringContaining('Shipmate') }]);
    expect(checks[0]?.message).toContain('ENG');
  });

  test('tells apart a scope that is missing, a token that is refused, no team and no workspace', async ({ expect }) => {
    const other = await startLinear();
    onTestFinished(() => other.close());
    const tokens = tokensOf(other);
    const withScopes = (scopes: string[]): LinearTokens => ({
      ...tokens,
      token: async (workspace) => other.oauth.issue(workspace, scopes).value,
    });
    const check = (its: LinearTokens) =>
      checkWorkspaces({ client: createLinearClient({ apiUrl: other.url, tokens: its }), tokens: its });
    expect(await check(withScopes(['read', 'write', 'app:mentionable']))).toMatchObject([
      {
        status: 'missing',
        message: expect.stringContaining('app:assignable'),
        remedy: expect.stringContaining('Authorize'),
      },
    ]);
    expect(await check(tokens)).toMatchObject([{ status: 'missing', message: expect.stringContaining('no team') }]);
    other.workspace.hasAgentSessions = false;
    expect(await check(tokens)).toMatchObject([
      {
        status: 'missing',
        message: expect.stringContaining('gets no agent sessions'),
        remedy: expect.stringContaining('Agent session events'),
      },
    ]);
    other.workspace.hasAgentSessions = true;
    expect(await check({ ...tokens, workspaces: async () => [] })).toMatchObject([
      { status: 'missing', remedy: expect.stringContaining('shipmate connect linear') },
    ]);
    other.uninstall(other.workspace);
    expect(await check(tokens)).toMatchObject([
      { status: 'missing', message: expect.stringContaining('not connected') },
    ]);
  });
});
