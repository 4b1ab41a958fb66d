import { randomUUID } from 'node:crypto';
import { afterAll, afterEach, beforeAll, describe, expect, test } from 'vitest';
import { actorOf, type Delivery, type TrackerEvent } from '../../../src/core/delivery.ts';
import type { TicketOperation } from '../../../src/core/effect.ts';
import type { TicketDraft, TicketHint } from '../../../src/core/ticket.ts';
import { toMarkdown } from '../../../src/trackers/jira/adf/to-markdown.ts';
import { type Deed, somebody } from '../../stand-ins/jira/people.ts';
import { addProject, renameProject } from '../../stand-ins/jira/projects.ts';
import type { Adf, Issue } from '../../stand-ins/jira/rows.ts';
import { type JiraWorld, startJiraWorld } from './jira-world.ts';

let world: JiraWorld;
beforeAll(async () => {
  world = await startJiraWorld();
});
afterEach(() => {
  world.jira.faults.clear();
  world.jira.expectClean();
});
afterAll(() => world.close());

const signal = AbortSignal.timeout(120_000);
const hostOf = () => new URL(world.jira.site.url).host;
const hint = ({ id, key }: Issue): TicketHint => ({
  ...world.unknownTicket,
  id: `${hostOf()}/${id}`,
  identifier: key,
  ref: null,
});
const given = (more: Parameters<JiraWorld['ada']['create']>[0] | object = {}) => {
  const { project, ada, bot } = world;
  return ada.create({ project, summary: 'Steer the ship', assignee: bot, ...more }).issue;
};
const read = (ticket: TicketHint) => world.tracker.readTicket(ticket, signal);
const send = (ticket: TicketHint, ...operations: TicketOperation[]) => world.tracker.send(ticket, operations, signal);
const say = (body: string, id: string = randomUUID()): TicketOperation => ({
  ...{ kind: 'postActivity', id, conversation: null, activity: { type: 'response', body } },
});
const eventsOf = ({ told }: Deed): TrackerEvent[] =>
  told.flatMap(({ headers, body }) => {
    const { deliveryId } = world.tracker.verifyDelivery(headers, body);
    const delivery: Delivery = { source: 'jira', deliveryId, headers, body };
    return world.tracker.readEvents(delivery);
  });
const said = ({ comments }: Issue) => comments.map(({ body }) => toMarkdown(body));

test('an assignee change that is ours is told as ours: it gives nothing, and takes nothing away', () => {
  const agent = somebody(world.jira.site, world.bot);
  const { key } = given({ assignee: null });
  for (const to of [world.bot, null]) {
    const events = eventsOf(agent.assign(key, to));
    expect(events.length).toBeGreaterThan(0);
    expect(events.filter((event) => !actorOf(event).isBot)).toEqual([]);
  }
});

describe('a ticket that is not where it was', () => {
  test('in another project, and of a project that has another name and key, it is read and written to as before', async () => {
    const { jira, ada, tracker } = world;
    const issue = given();
    const before = await read(hint(issue));
    const [old, other] = [before.identifier, addProject(jira.site, { key: 'OPS', name: 'Operations' })];
    const moved = eventsOf(ada.moveTo(issue.key, other));
    expect(moved).toMatchObject([
      { type: 'ticketChanged', ticket: { id: before.id, identifier: 'OPS-1' }, changed: ['team'] },
    ]);
    renameProject(jira.site, other, { key: 'RUN', name: 'Running it' });
    const now = await read(before);
    expect(now).toMatchObject({
      id: before.id,
      identifier: 'RUN-1',
      team: 'Running it',
      url: expect.stringMatching(/RUN-1$/),
    });
    for (const identifier of [old, 'OPS-1', 'run-1'])
      expect((await read({ ...before, id: identifier, identifier })).id).toBe(before.id);
    const url = 'https://git.example/acme/ship/pull/1';
    const sent = await send(
      before,
      { kind: 'moveTicket', id: randomUUID(), to: 'started', from: ['unstarted'] },
      { kind: 'attachPullRequest', id: randomUUID(), url, title: 'Steer', number: 1 },
      say('Done.'),
    );
    expect(sent.filter((each) => 'error' in each)).toEqual([]);
    expect([issue.status.name, said(issue).at(-1), issue.remoteLinks.length]).toEqual(['In Progress', 'Done.', 1]);
    expect((await tracker.listTickets({ assignee: 'agent', team: 'run' }, null, signal)).tickets).toMatchObject([
      { id: before.id, identifier: 'RUN-1' },
    ]);
  });

  test('deleted it is over, and whatever was to be said there is refused for good', async () => {
    const issue = given();
    const ticket = await read(hint(issue));
    await send(ticket, say('Found it.'));
    expect(eventsOf(world.ada.delete(issue.key))).toMatchObject([{ type: 'ticketChanged', category: 'canceled' }]);
    const gone = { code: 'not_found', retryable: false };
    await expect(read(ticket)).rejects.toMatchObject(gone);
    for (const operation of [
      say('Too late.'),
      { kind: 'moveTicket', id: randomUUID(), to: 'review', from: ['unstarted'] },
      { kind: 'updatePlan', id: randomUUID(), conversation: null, plan: [{ content: 'Look', status: 'pending' }] },
    ] as TicketOperation[])
      expect([operation.kind, await send(ticket, operation)]).toMatchObject([operation.kind, [{ error: gone }]]);
  });
});

describe('a text', () => {
  const words = (characters: number) => 'Mast und Schot 🚢, '.repeat(Math.ceil(characters / 18)).slice(0, characters);

  test.for<[name: string, body: string, parts: number]>([
    ['that just fits', 'x'.repeat(32_600), 1],
    ['of one character too many', 'x'.repeat(32_768), 2],
    ['of words', words(70_000), 3],
    ['of code', `Look:\n\n\`\`\`ts\n${'const mast = 1;\n'.repeat(4_000)}\`\`\``, 3],
    ['of a list', Array.from({ length: 900 }, (_, number) => `- ${number}: ${words(50)}`).join('\n'), 3],
  ])('%s is as many comments as it takes, and nothing of it is lost', async ([, body, parts]) => {
    const issue = given();
    const operation = say(body);
    const [first] = await send(hint(issue), operation);
    expect(first).toMatchObject({ result: { id: issue.comments[0]?.id } });
    expect(issue.comments.length).toBeGreaterThanOrEqual(parts);
    const letters = (text: string) =>
      text.replaceAll(/\*\*?\(\d+ of \d+\)\*\*?|_\(\d+ of \d+\)_|\(\d+ of \d+\)|```(ts)?|[\s\\]/g, '');
    expect(letters(said(issue).join('\n'))).toBe(letters(body));
    expect(await send(hint(issue), operation)).toEqual([first]);
    expect((await read(hint(issue))).comments).toEqual([]);
  });

  test('as long as Jira takes it is read whole; older markup that people pasted stays as it is', async () => {
    const long = { type: 'paragraph', content: [{ type: 'text', text: 'ü'.repeat(32_767 - 97) }] };
    const description: Adf = { type: 'doc', version: 1, content: [long] };
    expect(JSON.stringify(description).length).toBeLessThanOrEqual(32_767);
    const issue = given({ description });
    world.ada.comment(issue.key, description);
    const ticket = await read(hint(issue));
    expect([ticket.description, ticket.comments[0]?.body]).toEqual([long.content[0]?.text, long.content[0]?.text]);

    const pasted = 'h2. Steps\n# Open it\n{code:java}int a[] = {1};{code}\n||Head|';
    const old = await read(hint(given({ description: pasted })));
    const plain = (text: string) => world.plain?.(text);
    expect(plain(old.description)).toBe(plain(pasted.replaceAll('{code}', '')));
  });
});

test('a draft is made to fit: odd characters, a title that is too long or none', async () => {
  const { jira, tracker } = world;
  const file = async (more: Partial<TicketDraft>) => {
    const places = { fields: {}, team: null, project: null };
    const draft: TicketDraft = { title: 'Filed', description: '', priority: 'none', labels: [], ...places, ...more };
    const { identifier } = await tracker.createTicket({ id: randomUUID(), draft }, signal);
    return jira.site.find(identifier) as Issue;
  };
  const nul = await file({
    title: 'N\0L \ud800',
    description: 'a\0b\udc00',
    labels: ['c\0d', 'größe 🚢', 'x'.repeat(300)],
  });
  expect([nul.summary, toMarkdown(nul.description)]).toEqual(['N\uFFFDL \uFFFD', 'a\uFFFDb\uFFFD']);
  expect(nul.labels.slice(0, 2)).toEqual(['c\uFFFDd', 'größe-🚢']);
  const long = await file({ title: `${'x'.repeat(254)}🚢🚢`, description: 'word '.repeat(20_000) });
  expect([long.summary.length <= 255, long.summary.isWellFormed()]).toEqual([true, true]);
  expect(toMarkdown(long.description)).toMatch(/^word .*characters left out.* word$/s);
  expect((await file({ title: ' \n' })).summary).toBe('Untitled');
});

describe('a site that is not itself', () => {
  const answers = [
    [
      'does not take our token any more',
      { type: 'status', status: 401, commit: 'before', body: { errorMessages: [] } },
      'disconnected',
    ],
    [
      'shows a page in place of Jira',
      { type: 'status', status: 200, commit: 'before', body: '<!DOCTYPE html><html></html>' },
      'unavailable',
    ],
    [
      'shows a page with an error',
      { type: 'status', status: 404, commit: 'before', body: '<html>asleep</html>' },
      'unavailable',
    ],
  ] as const;

  test.for(answers)('%s: all waits, and is done once when it is back', async ([, action, code]) => {
    const { jira, tracker } = world;
    const issue = given();
    const ticket = await read(hint(issue));
    const operations: TicketOperation[] = [
      { kind: 'linkSession', id: randomUUID(), conversation: null, url: 'https://ship.example/s' },
      { kind: 'moveTicket', id: randomUUID(), to: 'started', from: ['unstarted'] },
      say('Found it.'),
    ];
    jira.faults.add({ action });
    const refused = { code, retryable: true };
    expect(await send(ticket, ...operations)).toMatchObject([{ error: refused }]);
    await expect(read(ticket)).rejects.toMatchObject(refused);
    await expect(tracker.listTickets({ assignee: 'agent' }, null, signal)).rejects.toMatchObject(refused);
    await expect(tracker.isAsked(ticket, signal)).rejects.toMatchObject(refused);
    expect(await tracker.check()).toMatchObject([{ status: 'missing', message: expect.stringContaining(hostOf()) }]);
    jira.faults.clear();
    const sent = await send(ticket, ...operations);
    expect(sent.filter((each) => 'error' in each)).toEqual([]);
    expect([issue.status.name, said(issue)]).toEqual(['In Progress', [expect.any(String), 'Found it.']]);
  });

  test('takes no more than so many writes to one issue: nothing that is sent is refused for that', async () => {
    const { jira } = world;
    const issue = given();
    jira.requests.length = 0;
    for (let number = 0; number < 25; number++) {
      const [sent] = await send(hint(issue), say(`Word ${number}.`));
      expect(sent).toHaveProperty('result');
    }
    expect(issue.comments).toHaveLength(25);
    expect(jira.requests.filter(({ status }) => status === 429)).toEqual([]);
  });
});
