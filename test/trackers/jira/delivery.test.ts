import { createHmac } from 'node:crypto';
import { afterAll, afterEach, beforeAll, expect, test } from 'vitest';
import { readWord } from '../../../src/core/approval.ts';
import type { TrackerEvent } from '../../../src/core/delivery.ts';
import { readSignal } from '../../../src/core/prompt-signal.ts';
import type { Desks } from '../../../src/trackers/jira/desks.ts';
import { isUrgent, readEvents, touchedIn } from '../../../src/trackers/jira/reading/delivery.ts';
import { readMarkings } from '../../../src/trackers/jira/reading/markings.ts';
import { readTicket } from '../../../src/trackers/jira/reading/read-ticket.ts';
import { verifyDelivery } from '../../../src/trackers/jira/reading/verify-delivery.ts';
import { type Deed, type Somebody, somebody } from '../../stand-ins/jira/people.ts';
import { addProject } from '../../stand-ins/jira/projects.ts';
import type { Project, User } from '../../stand-ins/jira/rows.ts';
import { type Jira, startJira } from '../../stand-ins/jira/server.ts';
import { addField } from '../../stand-ins/jira/site.ts';
import { addWebhook } from '../../stand-ins/jira/webhook-routes.ts';
import type { JiraDelivery, Webhook } from '../../stand-ins/jira/webhooks.ts';
import { anySignal, hintFor, openDesks } from './desk.ts';

let jira: Jira;
let ada: Somebody;
let bot: User;
let project: Project;
let webhook: Webhook;
let desks: Desks;
beforeAll(async () => {
  jira = await startJira({ language: 'de' });
  const { site } = jira;
  ada = somebody(site, site.addUser('Ada'));
  bot = site.addUser('Shipmate', { isServiceAccount: true });
  project = addProject(site, { key: 'ENG', name: 'Engineering' });
  webhook = addWebhook(site);
  desks = { ...openDesks(jira, [{ site, user: bot }]), status: 'Backlog' };
  await desks.sites.known()[0]?.own(anySignal());
});
afterEach(() => jira.expectClean());
afterAll(() => jira.close());

const secrets = { webhooks: ['an-older-secret', 'jira-webhook-secret'], apps: ['client-secret'] };
const eventsOf = ({ told }: Deed): TrackerEvent[] => told.flatMap(({ body }) => readEvents(desks, body));
const make = (more = {}) => ada.create({ project, summary: 'Steer', ...more });

/** What each event says, in short. */
function brief(events: readonly TrackerEvent[]): string[] {
  return events.map((event) => {
    if (event.type === 'prompted')
      return `prompted ${event.said.body}${event.said.signal ? ` (${event.said.signal})` : ''}`;
    if (event.type === 'ticketChanged') return `changed ${event.changed?.join(' ')}, ${event.category}`;
    return event.type === 'sessionCreated' && event.said ? `given: ${event.said.body}` : event.type;
  });
}

test('what happens to a ticket is told, whatever Jira calls its fields', () => {
  const { issue } = make();
  const [key, id] = [issue.key, issue.id];
  const risk = addField(jira.site, 'Risk', 'text');
  const rank = addField(jira.site, 'Rang', 'text');
  const deeds: [() => Deed, string[]][] = [
    [() => ada.assign(key, bot), ['sessionCreated']],
    [() => ada.change(key, { summary: 'Steer well' }), ['changed title, unstarted']],
    [() => ada.change(key, { labels: ['shipmate', 'x'] }), ['sessionCreated', 'changed labels, unstarted']],
    // It is still ours by its label.
    [() => ada.assign(key, ada.user), ['changed assignee, unstarted']],
    [() => ada.change(key, { labels: ['x'] }), ['unassigned']],
    [() => ada.move(key, 'In Review'), ['changed state, review']],
    [() => ada.move(key, 'Backlog'), ['sessionCreated', 'changed state, backlog']],
    [() => ada.change(key, { description: 'Now' }), ['changed description, backlog']],
    [() => ada.change(key, { values: { [risk.id]: 'high' } }), ['changed fields, backlog']],
    [() => ada.change(key, { values: { [rank.id]: '0|i0003b:' } }), []],
    [() => ada.attach(key, 'a.txt', 'text/plain', new Uint8Array()), ['changed attachments, backlog']],
    [() => ada.comment(key, 'Gently'), ['prompted Gently', 'prompted Gently']],
    [() => ada.comment(key, 'stop'), ['prompted stop (stop)', 'prompted stop (stop)']],
    [() => ada.mention(key, bot, 'please look'), ['given: @shipmate please look', 'given: @shipmate please look']],
    [() => ada.mention(key, bot, 'stop'), ['prompted @shipmate stop (stop)', 'prompted @shipmate stop (stop)']],
    [() => ada.moveTo(key, addProject(jira.site, { key: 'OPS', name: 'Operations' })), ['changed team, backlog']],
    [() => ada.delete(id), ['changed state, canceled']],
    [() => make({ assignee: bot }), ['sessionCreated']],
    [() => make({ description: '@Shipmate: please' }), ['sessionCreated']],
    [() => make({ description: '{code}\n@Shipmate\n{code}' }), []],
    [() => make({ status: jira.site.status('To Do') }), []],
  ];
  for (const [index, [deed, expected]] of deeds.entries())
    expect([index, ...brief(eventsOf(deed()))]).toEqual([index, ...expected]);
});

test('an event says who did what, when and to which ticket, as a reading has it', async () => {
  const { issue } = make({ priority: 'High' });
  const deed = ada.assign(issue.key, bot);
  const [given] = eventsOf(deed);
  const ticket = await readTicket(desks, hintFor(issue.key), anySignal());
  const { id, identifier, url, account, ref, team, priority } = ticket;
  expect(given).toMatchObject({
    ticket: { id, identifier, url, account, ref, team, priority, title: 'Steer' },
    conversation: { key: `jira:${id}`, ref },
    by: { id: ada.user.accountId, name: 'Ada', isBot: false },
    at: new Date(deed.delivery('jira:issue_updated').payload.timestamp as number).toISOString(),
  });
  const said = ada.mention(issue.key, bot, 'look');
  const [first, second] = eventsOf(said).map((event) => 'said' in event && event.said);
  expect(first).toMatchObject({ key: said.comment.id, author: { name: 'Ada' }, at: said.comment.created });
  expect(second).toEqual(first);
  expect(isUrgent(eventsOf(said))).toBe(true);
  const ours = eventsOf(somebody(jira.site, bot).comment(issue.key, 'On it'));
  expect(ours).toMatchObject([{ said: { author: { isBot: true } } }, { said: { author: { isBot: true } } }]);
  expect(isUrgent(ours)).toBe(false);
  expect(isUrgent(eventsOf(ada.change(issue.key, { summary: 'Other' })))).toBe(false);
  expect(touchedIn(desks, deed.told[0]?.body ?? Buffer.from(''))?.issueId).toBe(issue.id);
  const ownMove = eventsOf(somebody(jira.site, bot).assign(issue.key, null));
  expect(ownMove).toMatchObject([{ type: 'unassigned', by: { isBot: true } }]);
});

test('what people answer is understood in plain words, by number and with a mention, wherever it is read', async () => {
  const { issue } = make({ assignee: bot });
  const cases: [() => Deed, says: string][] = [
    [() => ada.comment(issue.key, 'Approve!'), 'approve'],
    [() => ada.mention(issue.key, bot, 'approve 3fa2c1'), 'approve 3fa2c1'],
    [() => ada.mention(issue.key, bot, '2'), 'reject'],
    [() => ada.comment(issue.key, '@shipmate: go ahead'), 'approve'],
    [() => ada.comment(issue.key, 'reject'), 'reject'],
    [() => ada.comment(issue.key, 'continue'), 'continue'],
    [() => ada.mention(issue.key, bot, 'stop.'), 'stop'],
    [() => ada.comment(issue.key, '@Shipmate stop'), 'stop'],
    [() => ada.comment(issue.key, 'Stop using tabs'), 'comment'],
  ];
  const means = (body: string) => {
    const { says, code } = readWord(body, 'shipmate');
    return readSignal(body, 'shipmate') ?? (code === null ? says : `${says} ${code}`);
  };
  const told = cases.map(([deed]) => {
    const [event] = eventsOf(deed());
    return event && 'said' in event ? means(event.said?.body ?? '') : undefined;
  });
  const expected = cases.map(([, says]) => says);
  expect(told).toEqual(expected);
  const { comments } = await readTicket(desks, hintFor(issue.key), anySignal());
  expect(comments.map(({ body }) => means(body))).toEqual(expected);
});

test('who marked a ticket, and how, a delivery tells as the history does', async () => {
  const { issue } = make({ labels: ['ui', 'later'] });
  const verdict = addField(jira.site, 'Plan approval', 'select', { options: ['Approved', 'Rejected'] });
  const since = new Date(jira.clock.now()).toISOString();
  jira.clock.advance(1_000);
  const before = ada.change(issue.key, { labels: ['ui'], summary: 'Turn' });
  jira.clock.advance(1_000);
  const deeds = [
    ada.change(issue.key, { labels: ['ui', 'plan-approved'] }),
    ada.change(issue.key, { values: { [verdict.id]: verdict.options[0] } }),
    somebody(jira.site, bot).change(issue.key, { labels: [] }),
  ];
  const told = deeds.flatMap(eventsOf).flatMap((event) => {
    if (event.type !== 'ticketChanged' || !event.marking) return [];
    return [{ ...event.marking, by: event.by }];
  });
  const nobody = { got: [], lost: [], fields: {} };
  expect(told).toMatchObject([
    { ...nobody, got: ['plan-approved'], by: { name: 'Ada', isBot: false } },
    { ...nobody, fields: { 'Plan approval': 'Approved' } },
    { ...nobody, lost: ['ui', 'plan-approved'], by: { isBot: true } },
  ]);
  const found = await readMarkings(desks, hintFor(issue.key), since, anySignal());
  const [first] = found;
  expect(first).toMatchObject({ got: [], lost: ['later'] });
  // A delivery is made a moment after what it tells of.
  expect(found.slice(1).map(({ at: _, ...marking }) => marking)).toEqual(told);
  expect(await readMarkings(desks, hintFor(issue.key), first?.at ?? '', anySignal())).toEqual(found.slice(1));
  expect(eventsOf(before)).toMatchObject([{ changed: ['labels', 'title'] }]);
});

test('a customer begins no work by a word, and what is for some people only is not passed on', () => {
  const { issue } = make();
  const customer = somebody(jira.site, jira.site.addUser('Visitor', { accountType: 'customer' }));
  expect(brief(eventsOf(customer.mention(issue.key, bot, 'please')))[0]).toBe('prompted @shipmate please');
  const body = ada.mention(issue.key, bot, 'secretly').delivery('comment_created').payload;
  const restricted = {
    ...body,
    comment: { ...(body.comment as object), visibility: { type: 'role', value: 'Admins' } },
  };
  expect(readEvents(desks, Buffer.from(JSON.stringify(restricted)))).toEqual([]);
});

test('what is no delivery of ours is nothing', () => {
  const odd = [
    '',
    'null',
    '[]',
    '{"webhookEvent":"jira:issue_updated"}',
    '{"timestamp":1,"webhookEvent":"x","issue":{}}',
    JSON.stringify({ ...make().delivery('jira:issue_created').payload, timestamp: 1e20 }),
  ];
  for (const body of odd) expect(readEvents(desks, Buffer.from(body))).toEqual([]);
  const { payload } = make({ assignee: bot }).delivery('jira:issue_created');
  const items: unknown[] = [{ fieldId: 'labels' }, 'x', { field: 'status', toString: 7 as never }];
  const torn = { ...payload, webhookEvent: 'jira:issue_updated', changelog: { items } };
  expect(brief(readEvents(desks, Buffer.from(JSON.stringify(torn))))).toEqual(['changed state, unstarted']);
});

test('only what is signed with one of our secrets is taken', () => {
  const { told } = make();
  const { headers, body } = told[0] as JiraDelivery;
  const now = jira.clock.now();
  const verify = (given: Record<string, string>, bytes: Uint8Array = body, at = now) =>
    verifyDelivery(secrets, given, bytes, at);
  expect(verify(headers)).toEqual({
    ...{ deliveryId: headers['x-atlassian-webhook-identifier'], isLate: false },
    isBodySigned: true,
  });
  expect(verify({ ...headers, 'x-atlassian-webhook-retry': '1' }, body, now + 75 * 60_000).isLate).toBe(false);
  expect(verify(headers, body, now + 3 * 3_600_000).isLate).toBe(true);
  const { 'x-atlassian-webhook-identifier': _, ...nameless } = headers;
  expect(verify(nameless).deliveryId).toBe(verify(nameless).deliveryId);
  const signature = headers['x-hub-signature'] ?? '';
  const bad: [Record<string, string>, Uint8Array][] = [
    [headers, Buffer.concat([body, Buffer.from(' ')])],
    [{ ...headers, 'x-hub-signature': signature.replace('sha256=', 'sha1=') }, body],
    [{ ...headers, 'x-hub-signature': signature.slice(0, -1) }, body],
    [{ 'x-atlassian-webhook-identifier': 'x' }, body],
  ];
  for (const [given, bytes] of bad)
    expect(() => verify(given, bytes)).toThrow(expect.objectContaining({ code: 'unauthorized', retryable: false }));
  expect(() => verifyDelivery({ webhooks: [], apps: [] }, headers, body, now)).toThrow(/JIRA_WEBHOOK_SECRET/);

  const app = { clientId: 'c', clientSecret: 'client-secret', accountId: bot.accountId };
  const dynamic = jira.outbox.sign({ ...webhook, app }, body);
  expect(verify(dynamic)).toMatchObject({ isLate: false, isBodySigned: false });
  // What the token was for it does not say; so it holds for minutes only.
  expect(verify(dynamic, body, now + 10 * 60_000).isLate).toBe(true);
  const of = (head: object, secret: string) => {
    const part = (value: object) => Buffer.from(JSON.stringify(value)).toString('base64url');
    const signed = `${part(head)}.${part({ exp: now / 1000 + 60 })}`;
    return {
      ...dynamic,
      authorization: `Bearer ${signed}.${createHmac('sha256', secret).update(signed).digest('base64url')}`,
    };
  };
  expect(verify(of({ alg: 'HS256' }, 'client-secret')).isLate).toBe(false);
  for (const given of [
    of({ alg: 'HS256' }, 'another'),
    of({ alg: 'none' }, 'client-secret'),
    { authorization: 'Bearer a.b.' },
  ])
    expect(() => verify(given)).toThrow(/app of ours/);
});
