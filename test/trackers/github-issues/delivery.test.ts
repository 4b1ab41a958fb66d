import { afterAll, beforeAll, describe, test } from 'vitest';
import type { TrackerEvent } from '../../../src/core/delivery.ts';
import { addBlocker, addChild } from '../../stand-ins/github/issue-acts.ts';
import { type Reporter, reporter, told } from '../../stand-ins/github/issue-people.ts';
import { somebody } from '../../stand-ins/github/people.ts';
import { openPull } from '../../stand-ins/github/pulls.ts';
import { renameRepository } from '../../stand-ins/github/repositories.ts';
import { createReviewing, type NewReview, type Reviewing } from '../../stand-ins/github/reviewing.ts';
import type { Issue } from '../../stand-ins/github/rows.ts';
import type { HookDelivery } from '../../stand-ins/github/webhooks.ts';
import { type GitHubWorld, label, startGitHubWorld } from './github-world.ts';

let world: GitHubWorld;
let ada: Reporter;
/** Sees the repository, and may not write to it. */
let eve: Reporter;
let other: Issue;
beforeAll(async () => {
  world = await startGitHubWorld();
  const { github, repository } = world;
  ada = world.ada;
  eve = reporter(github, repository, github.addUser('eve'), null);
  other = ada.file({ title: 'Another' });
  await world.tracker.check();
});
afterAll(() => world?.close());

function read(deliveries: HookDelivery[]): TrackerEvent[] {
  return deliveries.flatMap(({ headers, body }) => {
    world.tracker.verifyDelivery(headers, body);
    return world.tracker.readEvents({ source: 'github', deliveryId: 'x', headers, body });
  });
}

const during = (work: () => unknown) => read(told(world.github, work));

/** What matters of an event, in a line. */
function inShort(event: TrackerEvent): string {
  switch (event.type) {
    case 'sessionCreated':
      return event.said ? `given by the words "${event.said.body}"` : 'given';
    case 'prompted':
      return `said "${event.said.body}"${event.said.author.isOutsider ? ' by an outsider' : ''}`;
    case 'unassigned':
      return 'taken';
    case 'ticketChanged':
      return `${event.changed?.join('+')}, ${event.category}`;
  }
}

const fresh = (labels: string[] = []) => ada.file({ title: 'A ticket', body: 'Please.', labels });

describe('what people do with an issue', () => {
  test.for<[what: string, act: (issue: Issue) => unknown, means: string[], given?: true]>([
    ['the label', (issue) => ada.label(issue, label), ['given']],
    ['the label in another case', (issue) => ada.label(issue, label.toUpperCase()), ['given']],
    ['another label', (issue) => ada.label(issue, 'bug'), ['labels, unstarted']],
    [
      'a label that says how much it matters',
      (issue) => ada.label(issue, 'priority: high'),
      ['labels+priority, unstarted'],
    ],
    ['a label that says where it stands', (issue) => ada.label(issue, 'in review'), ['state, review']],
    ['the label is taken away', (issue) => ada.unlabel(issue, label), ['taken'], true],
    ['somebody else is assigned', (issue) => ada.assign(issue, 'ada'), ['assignee, unstarted']],
    ['the title is edited', (issue) => ada.edit(issue, { title: 'B' }), ['title, unstarted']],
    ['the text is edited', (issue) => ada.edit(issue, { body: 'Now.' }), ['description, unstarted']],
    [
      'the agent is named in the text',
      (issue) => ada.edit(issue, { body: '@shipmate, please.' }),
      ['given', 'description, unstarted'],
    ],
    ['a milestone', (issue) => ada.plan(issue, 'Spring'), ['fields, unstarted']],
    ['closed as done', (issue) => ada.close(issue), ['state, done']],
    ['closed as a duplicate', (issue) => ada.close(issue, 'duplicate'), ['state, canceled']],
    ['a word', (issue) => ada.say(issue, 'Hello'), ['said "Hello"']],
    ['a word to the agent', (issue) => ada.say(issue, '@Shipmate: go on'), ['given by the words "@Shipmate: go on"']],
    ['a stop for the agent', (issue) => ada.say(issue, '@shipmate stop'), ['said "@shipmate stop"']],
    ['its name in a quotation', (issue) => ada.say(issue, '> @shipmate do\nNo'), ['said "> @shipmate do\nNo"']],
    ['its name as code', (issue) => ada.say(issue, 'Try `@shipmate`'), ['said "Try `@shipmate`"']],
    ['a name that begins as its own', (issue) => ada.say(issue, 'Ask @shipmate-crew'), ['said "Ask @shipmate-crew"']],
    ['an outsider speaks', (issue) => eve.say(issue, 'Me too'), ['said "Me too" by an outsider']],
    ['an outsider calls', (issue) => eve.say(issue, '@shipmate do it'), ['said "@shipmate do it" by an outsider']],
    ['a word is edited', (issue) => ada.editComment(issue, ada.say(issue, 'A'), 'B'), ['said "A"']],
    [
      'a word is edited to call',
      (issue) => ada.editComment(issue, ada.say(issue, 'A'), '@shipmate A'),
      ['said "A"', 'given by the words "@shipmate A"'],
    ],
    ['a word is deleted', (issue) => ada.deleteComment(issue, ada.say(issue, 'A')), ['said "A"']],
    ['it is deleted', (issue) => ada.delete(issue), ['state, canceled']],
  ])('%s', ([, act, means, given], { expect }) => {
    const issue = fresh(given ? [label] : []);
    expect(during(() => act(issue)).map(inShort)).toEqual(means);
  });

  test('a label that may say something of a plan is told by its name, with who put it there', async ({ expect }) => {
    const issue = fresh();
    const since = issue.createdAt;
    const by = { isBot: false, name: 'ada' };
    const told = during(() => {
      ada.label(issue, 'plan-approved');
      ada.unlabel(issue, 'plan-approved');
    });
    expect(told).toMatchObject([
      { by, marking: { got: ['plan-approved'], lost: [] } },
      { by, marking: { got: [], lost: ['plan-approved'] } },
    ]);
    const [first] = told;
    if (!first) throw new Error('nothing was told');
    const read = await world.tracker.readMarkings?.(first.ticket, since, AbortSignal.timeout(10_000));
    expect(read).toMatchObject(told.map((event) => ('marking' in event ? { by, ...event.marking } : event)));
  });

  test('filed with the label, or with the name of the agent: given, and as often as it is told', ({ expect }) => {
    expect(during(() => fresh([label])).map(inShort)).toEqual(['given', 'given']);
    expect(during(() => ada.file({ title: 'A', body: '@shipmate, look' })).map(inShort)).toEqual(['given']);
    expect(during(() => eve.file({ title: 'A', body: '@shipmate, look' }))).toEqual([]);
    expect(during(() => fresh())).toEqual([]);
  });

  test('relations are told to both', ({ expect }) => {
    const { github, repository } = world;
    const [issue, child] = [fresh(), fresh()];
    const scene = { github, repository, issue, by: ada.user };
    const seen = (events: TrackerEvent[]) =>
      events.map((event) => [event.ticket.identifier, inShort(event)]).toSorted();
    const both = [issue, child].map(({ number }) => [`acme/web#${number}`, 'relations, unstarted']);
    expect(seen(during(() => addChild(scene, child)))).toEqual(both);
    const others = [other, issue].map(({ number }) => [`acme/web#${number}`, 'relations, unstarted']);
    expect(seen(during(() => addBlocker(scene, other)))).toEqual(others.toSorted());
  });

  test('moved to another repository it is over here, and another ticket there, if that is ours', async ({ expect }) => {
    const { github } = world;
    const target = await github.addRepository('acme/elsewhere');
    const issue = fresh([label]);
    const events = during(() => ada.transfer(issue, target));
    expect(events.map((event) => [event.ticket.identifier, inShort(event)])).toEqual([
      [`acme/web#${issue.number}`, 'state, canceled'],
    ]);
  });

  test('of repositories that are not ours nothing is told', async ({ expect }) => {
    const { github } = world;
    const elsewhere = await github.addRepository('acme/private');
    const there = reporter(github, elsewhere, ada.user);
    expect(during(() => there.file({ title: 'A', labels: [label] }))).toEqual([]);
  });
});

describe('what people do on a pull request of others', () => {
  let pull: Issue;
  let own: Issue;
  let reviewing: Reviewing;
  beforeAll(async () => {
    const { github, repository } = world;
    reviewing = createReviewing(github, repository);
    const author = somebody(github, repository, 'ada');
    await author.commit('feature', { 'a.txt': 'one\ntwo\n' });
    pull = await author.open({ title: 'A', head: 'feature', base: 'main' });
    await author.commit('ours', { 'b.txt': 'b\n' });
    own = await openPull(github, repository, github.apps.app.bot, { title: 'Ours', head: 'ours', base: 'main' });
  });

  const review = (by: Reporter, wanted: Omit<NewReview, 'by'>, issue = pull) =>
    reviewing.review(issue, { by: by.user, ...wanted });
  const onLine = (body: string) => ({ lines: [{ path: 'a.txt', line: 2, body }] });

  test.for<[what: string, act: () => unknown, means: string[]]>([
    ['a word to the agent', () => ada.say(pull, '@shipmate rename x'), ['given by the words "@shipmate rename x"']],
    ['a stop for it', () => ada.say(pull, '@shipmate stop'), ['said "@shipmate stop"']],
    [
      'a word on a line',
      () => review(ada, onLine('@shipmate why?')),
      [
        'given by the words "@shipmate why?\n\nOn a.txt:2\n<outside-text from="the code there">\n+two\n</outside-text>"',
      ],
    ],
    [
      'a word with a review',
      () => review(ada, { body: '@shipmate mend it', verdict: 'CHANGES_REQUESTED', ...onLine('Here.') }),
      ['given by the words "@shipmate mend it"'],
    ],
    [
      'a word that is edited to call',
      () => ada.editComment(pull, ada.say(pull, 'A'), '@shipmate A'),
      ['given by the words "@shipmate A"'],
    ],
    ['talk among people', () => ada.say(pull, 'Nice, as `@shipmate` would do it'), []],
    ['an outsider calls', () => eve.say(pull, '@shipmate do it'), []],
    ['an outsider calls on a line', () => review(eve, onLine('@shipmate do it')), []],
    ['a label', () => ada.label(pull, label), []],
    ['somebody is assigned', () => ada.assign(pull, 'ada'), []],
    ['a word on one of its own', () => ada.say(own, '@shipmate rename x'), []],
    ['a line of one of its own', () => review(ada, { body: '@shipmate look' }, own), []],
    [
      'its title is edited',
      () => somebody(world.github, world.repository, 'ada').edit(pull.number, { title: 'B' }),
      ['title, started'],
    ],
    ['it is closed', () => somebody(world.github, world.repository, 'ada').close(pull.number), ['state, canceled']],
    [
      'it is opened again, and merged',
      async () => {
        const author = somebody(world.github, world.repository, 'ada');
        await author.reopen(pull.number);
        await author.merge(pull.number);
      },
      ['state, started', 'state, done'],
    ],
  ])('%s', async ([, act, means], { expect }) => {
    const { outbox } = world.github;
    const before = outbox.log.length;
    await act();
    expect(read(outbox.log.slice(before)).map(inShort)).toEqual(means);
  });
});

test('a repository is known by its id when it has another name', async ({ expect }) => {
  const { repository } = world;
  const issue = fresh();
  const [named] = during(() => ada.label(issue, label));
  renameRepository(repository, 'site');
  const [renamed] = during(() => ada.say(issue, 'Hello'));
  expect(renamed?.ticket).toMatchObject({
    id: named?.ticket.id,
    identifier: `acme/site#${issue.number}`,
    team: 'site',
  });
  const ticket = await world.tracker.readTicket(named?.ticket as never, new AbortController().signal);
  expect(ticket).toMatchObject({ id: named?.ticket.id, identifier: `acme/site#${issue.number}` });
  renameRepository(repository, 'web');
});

test('what concerns no one ticket makes all be looked at, and words of people are heard first', ({ expect }) => {
  const { github } = world;
  const verify = ([delivery]: HookDelivery[]) =>
    world.tracker.verifyDelivery(delivery?.headers ?? {}, delivery?.body ?? new Uint8Array());
  const body = Buffer.from(JSON.stringify({ action: 'suspend' }));
  expect(world.tracker.verifyDelivery(github.outbox.sign('installation', body), body)).toMatchObject({ isBroad: true });
  const issue = fresh();
  expect(verify(told(github, () => ada.say(issue, 'Hello')))).toMatchObject({ isUrgent: true, isBroad: false });
  expect(verify(told(github, () => ada.label(issue, label)))).toMatchObject({ isUrgent: true });
  expect(verify(told(github, () => ada.label(issue, 'bug')))).toMatchObject({ isUrgent: false, isBroad: false });
});
