import { execFile } from 'node:child_process';
import { mkdir, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { promisify } from 'node:util';
import { afterAll, beforeAll, describe, test } from 'vitest';
import type { SessionView } from '../../src/app.ts';
import type { Config } from '../../src/config.ts';
import type { TierRule } from '../../src/core/tiers.ts';
import { startRun } from '../../src/flow/start.ts';
import { readAttention } from '../../src/store/attention.ts';
import { checkInvariants } from '../../src/store/invariants.ts';
import { addNews } from '../../src/store/prompts.ts';
import { lockSession } from '../../src/store/sessions.ts';
import { someone, startTestService, type TestService } from '../support/service.ts';

const run = promisify(execFile);
const git = (dir: string, ...args: string[]) =>
  run('git', ['-c', 'user.name=Ada', '-c', 'user.email=ada@example.com', '-C', dir, ...args]);

const write = (path: string, content = 'new\\n') => `{ tool: write, input: { path: ${path}, content: "${content}" } }`;
const finish = '{ tool: finish, input: { title: Do it, summary: It was missing. } }';
const rate = (files: string, more = '') =>
  `{ tool: scope, input: { confidence: green, size: S, files: [${files}], plan: ["Write ${files}"]${more} } }`;

const script = `
tickets:
  Only names it:
    - { expect: ["not yours to change", "billing/**", It is about the page], calls: [${rate('page.txt')}] }
    - { calls: [${write('page.txt')}, ${write('billing/rate.txt')}, ${finish}] }
    - expect: ["Not accepted: the change touches", "billing/rate.txt", "says \`never\`", Undo that part]
      calls: [{ tool: bash, input: { command: git checkout billing } }, ${finish}]
  Comes to it:
    - { calls: [${rate('billing/rate.txt')}] }
  Insists:
    - { calls: [${rate('page.txt')}] }
    - { calls: [${write('billing/rate.txt')}, ${finish}] }
    - { calls: [${finish}] }
    - { calls: [${finish}] }
  Is taken:
    - { calls: [${rate('billing/rate.txt')}] }
    - { expect: [Call scope again], calls: [${rate('billing/rate.txt')}] }
  Is planned:
    - { calls: [${write('db/a.sql')}] }
    - { expect: [Rate the ticket before], calls: [${rate('db')}] }
    - { expect: [Ada approved the plan], calls: [${write('db/a.sql')}, ${finish}] }
    - { expect: ["The checks of #1 writes", They are red], calls: [${write('db/a.sql', 'mended\\n')}, ${finish}] }
    - { expect: [More of it, People approve a plan before], calls: [${write('db/a.sql')}] }
    - { expect: ["write was not called"], calls: [${rate('db')}] }
  Grows into it:
    - { calls: [${rate('page.txt')}] }
    - { expect: ["Go on."], calls: [${write('db/b.sql')}, ${finish}] }
    - { expect: [is not approved, Not that name], calls: [${finish}] }
    - { expect: ["finish was not called"], calls: [${rate('db/c.sql')}] }
    - expect: [Ada approved the plan]
      calls: [{ tool: bash, input: { command: mv db/b.sql db/c.sql } }, ${finish}]
    - { expect: [People have pushed to your branch, And a page], calls: [${rate('page.txt')}] }
    - { calls: [${write('page.txt')}, ${finish}] }
  Grows and is right:
    - { calls: [${rate('page.txt')}] }
    - { calls: [${write('db/d.sql')}, ${finish}] }
    - { expect: [Ada approved the plan], calls: [${finish}] }
`;

const any = { paths: null, kinds: null, size: null, rating: null };
const tiers: TierRule[] = [
  { ...any, tier: 'plan-and-review', paths: ['db/**'] },
  { ...any, tier: 'never', paths: ['billing/**'] },
  { ...any, tier: 'never', kinds: ['security'] },
];
const files = { 'page.txt': 'one\n', 'billing/rate.txt': '19\n', '.shipmate.yml': 'verify: [test -s page.txt]\n' };
const order: Config['orders'][string] = {
  ...{ tracker: 'board', team: null, project: null, labels: ['gap'], states: ['unstarted'], kinds: 'any' },
  ...{ rating: 'red', perDay: 1, usdPerDay: 5, repository: null, paused: false },
};
const words = (view: SessionView) =>
  view.activities.flatMap(({ activity }) => ('body' in activity ? [activity.body] : []));
const stops = ({ runs }: SessionView) => runs.map(({ outcome }) => outcome?.stopReason);

describe('what the agent may do by itself', () => {
  let service: TestService;
  beforeAll(async () => {
    service = await startTestService({
      script,
      files,
      change: (config) => ({
        ...config,
        policy: { ...config.policy, scope: { ...config.policy.scope, before: true } },
        orders: { gaps: order },
        repositories: config.repositories.map((each) => ({ ...each, tiers })),
      }),
    });
  });
  afterAll(() => service?.stop());

  test('what is never for it by its kind costs no model call, whatever people answer', async ({ expect }) => {
    const refused = await service.work({ title: 'Rotate the keys', labels: ['type: Security'] });
    const { identifier } = refused.ticket;
    expect([refused.state, refused.usage.calls]).toEqual(['awaitingInput', 0]);
    expect(words(refused).at(-1)).toMatch(
      /^I do not do this: its kind is `security`, and the rule `repositories\.upstream\.tiers\[2\]` in shipmate\.yaml says `never`\.\n\n\*\*Asked:\*\* Rotate the keys\n\n\*\*What now\?\*\*\n- Give the ticket to someone else\n/,
    );
    await service.app.desk.comment(identifier, 'continue', someone);
    const again = await service.rest(identifier, 2);
    expect([again.state, again.usage.calls, stops(again)]).toEqual(['awaitingInput', 0, ['needsInput', 'needsInput']]);
  });

  test('so does what names such a path, until people say that it is not about that; its change of one is refused', async ({
    expect,
  }) => {
    const refused = await service.work({ title: 'Only names it', description: 'It shows what billing/rate.txt says.' });
    const { identifier } = refused.ticket;
    expect([refused.state, refused.usage.calls]).toEqual(['awaitingInput', 0]);
    expect(words(refused).at(-1)).toMatch(
      /^I do not do this: the ticket names `billing\/rate\.txt`, .*say "continue"/s,
    );

    await service.app.desk.comment(identifier, 'It is about the page', someone);
    const done = await service.rest(identifier, 2);
    expect([done.state, stops(done)]).toEqual(['complete', ['needsInput', 'finished']]);
    expect(words(done).filter((text) => text.startsWith('**Not published.**'))).toEqual([
      '**Not published.** The change touches `billing/rate.txt`, and the rule `repositories.upstream.tiers[1]` in shipmate.yaml says `never`. I undo that part, or ask you.',
    ]);
    expect(await service.git('diff', '--name-only', `main...${done.branch}`)).toBe('page.txt');
  });

  test('what is rated to come to it is refused then', async ({ expect }) => {
    const refused = await service.work({ title: 'Comes to it' });
    expect([refused.state, refused.usage.calls]).toEqual(['awaitingInput', 1]);
    expect(words(refused).at(-1)).toMatch(/^I do not do this: it is expected to touch `billing\/rate\.txt`, /);
  });

  test('a change of it that is not undone is no branch for people to look at, either', async ({ expect }) => {
    const stuck = await service.work({ title: 'Insists' });
    expect([stuck.state, stuck.usage.calls]).toEqual(['awaitingInput', 4]);
    expect(words(stuck).at(-1)).toMatch(
      /refused three times.*the change touches `billing\/rate\.txt`.*may not be published/s,
    );
    expect(await service.git('branch', '--list', '*snapshot*')).toBe('');
  });

  test('one that it took by itself it gives back; asked for a rating only, it says the same', async ({ expect }) => {
    const { app } = service;
    const made = await app.desk.createTicket({ title: 'Is taken', labels: ['gap'] }, someone);
    await app.operations.scoping.ask(made, true);
    const rated = await service.rest(made.identifier);
    expect([rated.state, words(rated)]).toEqual([
      'stopped',
      [expect.stringContaining('\n\nI do not do this: it is expected to touch `billing/rate.txt`,')],
    ]);
    await app.operations.ownWork.runOrder('gaps', new AbortController().signal);
    const back = await service.rest(made.identifier, 2);
    expect(words(back).at(-1)).toMatch(
      /^I give this back, which the standing order "gaps" took: it is not for me to do, because it is expected to touch /,
    );
    expect((await app.desk.show(made.identifier)).ticket).toMatchObject({ assignee: null, state: { name: 'Todo' } });
  });

  test('where a plan is wanted it is approved before anything is changed', async ({ expect }) => {
    const asked = await service.work({ title: 'Is planned' });
    const { identifier } = asked.ticket;
    expect(asked.runs[0]?.outcome?.proposal).toEqual({ kind: 'plan', steps: ['Write db'] });
    expect(words(asked).at(-1)).toContain(
      'People approve the plan before I change anything: it is expected to touch `db`,',
    );
    await service.app.desk.comment(identifier, 'approve', someone);
    const done = await service.rest(identifier, 2);
    expect([done.state, stops(done), done.usage.calls]).toEqual(['complete', ['needsInput', 'finished'], 3]);
    expect(await service.git('diff', '--name-only', `main...${done.branch}`)).toBe('db/a.sql');

    // What checks find is part of what was approved; what people ask for then is not.
    await service.database.db.transaction().execute(async (tx) => {
      const session = await lockSession(tx, done.id);
      if (!session) throw new Error('there is no session');
      const author = { id: 'checks', name: 'The checks of #1', isBot: true };
      await addNews(tx, session.id, { key: 'red', author, body: 'They are red.', conversationId: null });
      await startRun(tx, service.config.policy, session, await readAttention(tx, session.id), null);
    });
    const mended = await service.rest(identifier, 3);
    expect([mended.state, stops(mended).at(-1)]).toEqual(['complete', 'finished']);
    expect(await service.git('show', `${done.branch}:db/a.sql`)).toBe('mended');
    await service.app.desk.comment(identifier, 'More of it', someone);
    const more = await service.rest(identifier, 4);
    expect([more.state, more.runs[3]?.outcome?.proposal?.kind]).toEqual(['awaitingInput', 'plan']);
  });

  test('a change that grew into that is shown before it is published', async ({ expect }) => {
    const right = await service.work({ title: 'Grows and is right' });
    expect([right.state, right.branch]).toEqual(['awaitingInput', null]);
    expect(right.runs[0]?.outcome?.proposal).toEqual({
      kind: 'plan',
      steps: ['Do it', 'It was missing.', 'Publish the change of `db/d.sql`'],
    });
    expect(words(right).at(-1)).toMatch(
      /^This is made, but not published: the change touches `db\/d\.sql`, .*Verified on a clean checkout: /,
    );
    await service.app.desk.comment(right.ticket.identifier, 'approve', someone);
    const done = await service.rest(right.ticket.identifier, 2);
    expect([done.state, done.usage.calls]).toEqual(['complete', 3]);
    expect(await service.git('diff', '--name-only', `main...${done.branch}`)).toBe('db/d.sql');
  });

  test('and proposed anew where people want it otherwise; what people themselves push there is theirs', async ({
    expect,
  }) => {
    const { app, rest } = service;
    const { ticket } = await service.work({ title: 'Grows into it' });
    const { identifier } = ticket;
    await app.desk.comment(identifier, 'Not that name', someone);
    const anew = await rest(identifier, 2);
    expect(anew.runs.map(({ outcome }) => outcome?.proposal)).toEqual([
      expect.anything(),
      { kind: 'plan', steps: ['Write db/c.sql'] },
    ]);
    await app.desk.comment(identifier, 'approve', someone);
    const done = await rest(identifier, 3);
    expect(done.state).toBe('complete');
    expect(await service.git('diff', '--name-only', `main...${done.branch}`)).toBe('db/c.sql');

    const clone = join(service.dir, 'pushing');
    await git(service.dir, 'clone', '--quiet', '--branch', done.branch ?? '', service.repository, clone);
    await mkdir(join(clone, 'billing'), { recursive: true });
    await writeFile(join(clone, 'billing/rate.txt'), '21\n');
    await git(clone, 'commit', '--quiet', '-am', 'A new rate');
    await git(clone, 'push', '--quiet', 'origin', done.branch ?? '');
    await app.desk.comment(identifier, 'And a page', someone);
    const more = await rest(identifier, 4);
    expect([more.state, stops(more).at(-1)]).toEqual(['complete', 'finished']);
    expect(await service.git('diff', '--name-only', `main...${done.branch}`)).toBe(
      'billing/rate.txt\ndb/c.sql\npage.txt',
    );
    expect((await checkInvariants(service.database.db, { live: true, days: null })).violations).toEqual([]);
  });
});
