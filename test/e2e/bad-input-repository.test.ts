import { afterAll, beforeAll, describe, type ExpectStatic, test } from 'vitest';
import type { Activity } from '../../src/core/activity.ts';
import type { SessionView } from '../../src/store/session-view.ts';
import { someone, startTestService, type TestService } from '../support/service.ts';

// A check that costs nothing: what it is has no part in these tests.
const sound = { 'one.txt': 'one\n', '.shipmate.yml': 'verify: [test -s one.txt]\n' };

const repositories = {
  sound,
  other: sound,
  empty: {},
  untested: { 'README.md': 'No tests here.\n' },
  'unknown-keys': { ...sound, '.shipmate.yml': 'setup: npm ci\nverfy: [npm test]\n' },
  'bad-setup': { ...sound, '.shipmate.yml': 'setup: [echo the registry is away; exit 3]\n' },
  newline: { ...sound, 'a name\nof two lines': 'x\n' },
};

/** Tickets say in their titles what the model does. */
const script = `
tickets:
  Write a note: &write
    - &note
      calls:
        - { tool: write, input: { path: NOTE.md, content: "A note.\\n" } }
        - { tool: finish, input: { title: Add a note, summary: A note was wanted. } }
    - *note
  Name with a newline:
    - calls: [{ tool: bash, input: { command: "touch $'two\\nlines'" } }]
    - &hand-in
      calls: [{ tool: finish, input: { title: A change, summary: A change was wanted. } }]
    - *hand-in
    - *hand-in
  Link out of the tree:
    - calls: [{ tool: bash, input: { command: ln -s ../../etc/passwd users } }]
    - *hand-in
    - *hand-in
    - *hand-in
replies: *write
`;

describe('what is wrong with a repository or with naming it', () => {
  let service: TestService;
  beforeAll(async () => {
    service = await startTestService({ script, repositories });
  });
  afterAll(() => service?.stop());

  const on = (repository: string) => ({ fields: { repository } });

  /** The last word on the ticket, which is the record's last word too. */
  async function lastWord(expect: ExpectStatic, view: SessionView): Promise<Activity | undefined> {
    const shown = await service.app.desk.show(view.ticket.identifier);
    expect(view.activities.at(-1)?.activity).toEqual(shown.activities.at(-1)?.activity);
    return view.activities.at(-1)?.activity;
  }

  async function nothingHalfDone(expect: ExpectStatic, view: SessionView, state = 'In Progress'): Promise<void> {
    expect(view.runs.every((run) => run.endedAt !== null)).toBe(true);
    expect(view.unsent).toEqual([]);
    expect([view.branch, view.pullRequest]).toEqual([null, null]);
    const shown = await service.app.desk.show(view.ticket.identifier);
    expect(shown.attachments).toEqual([]);
    expect(shown.ticket.state.name).toBe(state);
    const name = view.repository ?? 'sound';
    expect(await service.gitIn(name, 'for-each-ref', '--format=%(refname)', 'refs/heads/shipmate')).toBe('');
  }

  test('no repository is named where there are several: asked, and the answer counts', async ({ expect }) => {
    const view = await service.work({ title: 'Write a note' });
    expect(view.state).toBe('awaitingInput');
    expect(await lastWord(expect, view)).toEqual({
      type: 'elicitation',
      body: `Which repository is this ticket about? Answer with its name: ${Object.keys(repositories).join(', ')}.`,
      options: Object.keys(repositories),
    });
    await nothingHalfDone(expect, view, 'Todo');

    const { identifier } = view.ticket;
    await service.app.desk.comment(identifier, 'shop', someone);
    const again = await service.rest(identifier, 2);
    expect([again.state, again.runs.length]).toEqual(['awaitingInput', 2]);
    const word = await lastWord(expect, again);
    expect(word).toMatchObject({
      body: expect.stringMatching(/^There is no repository "shop" here\. Which repository/),
    });
    await nothingHalfDone(expect, again, 'Todo');

    await service.app.desk.comment(identifier, '`Other`.', someone);
    const done = await service.rest(identifier, 3);
    expect([done.state, done.repository, done.runs.at(-1)?.outcome?.proof]).toEqual(['complete', 'other', 'proved']);
  });

  test('an unknown repository', async ({ expect }) => {
    const view = await service.work({ title: 'Write a note', ...on('shop') });
    expect(view.state).toBe('error');
    expect(await lastWord(expect, view)).toEqual({
      type: 'error',
      body:
        `There is no repository "shop" here; there are: ${Object.keys(repositories).join(', ')}.\n\n**Asked:** Write a note\n\n**What now?**\n` +
        '- Answer with one of these names.\n' +
        '- Correct the ticket\'s "repository" field or shipmate.yaml, and say "continue".',
    });
    await nothingHalfDone(expect, view, 'Todo');
  });

  test('a repository without a commit; with one, "continue" works', async ({ expect }) => {
    const view = await service.work({ title: 'Write a note', ...on('empty') });
    expect(view.state).toBe('error');
    expect(await lastWord(expect, view)).toEqual({
      type: 'error',
      body: 'empty has no branch "main", or no commit on it.\n\n**Asked:** Write a note\n\nPush a first commit, or name another base branch, and say "continue".',
    });
    await nothingHalfDone(expect, view);
    await service.gitIn('empty', 'fetch', '--quiet', service.repository, 'main:main');
    await service.app.desk.comment(view.ticket.identifier, 'continue', someone);
    const done = await service.rest(view.ticket.identifier, 2);
    expect([done.state, done.runs.at(-1)?.outcome?.proof]).toEqual(['complete', 'proved']);
  });

  test('a repository without tests: a draft that says it is not proved', async ({ expect }) => {
    const view = await service.work({ title: 'Write a note', ...on('untested') });
    expect(view.state).toBe('complete');
    expect(view.runs[0]?.outcome?.proof).toBe('unproved');
    const word = await lastWord(expect, view);
    expect(word).toMatchObject({ type: 'response' });
    expect(word?.type === 'response' && word.body).toContain(
      `Pull request: ${view.pullRequest?.url} (draft, **not proved**: There is no command to verify with. Name one under verify: in .shipmate.yml on the base branch.)`,
    );
    const host = service.app.codeHosts.get('local-git');
    const repository = service.config.repositories.find(({ name }) => name === 'untested');
    if (!host || !repository) throw new Error('there is no such repository');
    const pullRequest = await host.readPullRequest(repository, 1, AbortSignal.timeout(5000));
    expect(pullRequest.draft).toBe(true);
    expect(pullRequest.body).toMatch(/^> \[!WARNING\]\n> \*\*DRAFT: not proved\.\*\*/);
  });

  test('unknown keys and wrong types in .shipmate.yml; mended on the base branch, "continue" works', async ({
    expect,
  }) => {
    const view = await service.work({ title: 'Write a note', ...on('unknown-keys') });
    expect(view.state).toBe('error');
    expect(await lastWord(expect, view)).toEqual({
      type: 'error',
      body:
        '.shipmate.yml on the base branch cannot be used:\n' +
        '- setup: expected a list of commands, got "npm ci"\n' +
        '- verfy: there is no such key; there are setup, verify, fix, scan and preview\n\n**Asked:** Write a note\n\n' +
        'Say "continue" when that is mended.',
    });
    await nothingHalfDone(expect, view);
    await service.gitIn('unknown-keys', 'fetch', '--quiet', service.repository, '+main:main');
    await service.app.desk.comment(view.ticket.identifier, 'continue', someone);
    const done = await service.rest(view.ticket.identifier, 2);
    expect([done.state, done.runs.at(-1)?.outcome?.proof]).toEqual(['complete', 'proved']);
  });

  test('a set-up that fails; mended on the base branch, "continue" works', async ({ expect }) => {
    const view = await service.work({ title: 'Write a note', ...on('bad-setup') });
    expect(view.state).toBe('error');
    expect(await lastWord(expect, view)).toEqual({
      type: 'error',
      body: expect.stringContaining(
        'The set-up command `echo the registry is away; exit 3` failed with exit code 3. Mend it in .shipmate.yml (setup:) on the base ' +
          'branch, or in what it runs. It said:\nthe registry is away\n\n**Asked:** Write a note\n\nSay "continue" when that is mended.',
      ),
    });
    await nothingHalfDone(expect, view);
    await service.gitIn('bad-setup', 'fetch', '--quiet', service.repository, '+main:main');
    await service.app.desk.comment(view.ticket.identifier, 'continue', someone);
    const done = await service.rest(view.ticket.identifier, 2);
    expect([done.state, done.runs.at(-1)?.outcome?.proof]).toEqual(['complete', 'proved']);
  });

  test("somebody else's branch of the same name is never overwritten", async ({ expect }) => {
    const draft = { title: 'Write a note', ...on('sound') };
    const { identifier } = await service.app.desk.createTicket({ ...draft, title: 'Write a note' }, someone);
    const branch = `shipmate/${identifier}-add-a-note`;
    await service.git('branch', branch, 'main');
    await service.app.desk.assign(identifier, service.config.trackers.board.agent, someone);
    const view = await service.rest(identifier);

    expect(view.state).toBe('error');
    expect(await lastWord(expect, view)).toEqual({
      type: 'error',
      body:
        `I could not finish this: pushing ${branch} to sound failed for good. Branch "${branch}" of ${service.repository} exists ` +
        `already, and is not ours. Nothing was pushed.\n\n**Asked:** Write a note\n\nRename or delete the branch ${branch}, then say "continue".`,
    });
    expect(await service.git('rev-parse', branch)).toBe(await service.git('rev-parse', 'main'));
    expect([view.branch, view.pullRequest]).toEqual([null, null]);
    expect(view.unsent.map(({ state }) => state)).not.toContain('pending');
    const shown = await service.app.desk.show(identifier);
    expect([shown.ticket.state.name, shown.attachments]).toEqual(['In Progress', []]);

    await service.git('branch', '-m', branch, 'theirs');
    await service.app.desk.comment(identifier, 'continue', someone);
    const done = await service.rest(identifier, 2);
    expect([done.state, done.branch, done.pullRequest?.number]).toEqual(['complete', branch, 1]);
  });

  test('a file name with a newline: in the repository it is no matter', async ({ expect }) => {
    const view = await service.work({ title: 'Write a note', ...on('newline') });
    expect([view.state, view.runs[0]?.outcome?.proof]).toEqual(['complete', 'proved']);
    expect(await service.gitIn('newline', 'diff', '--name-only', `main...${view.branch}`)).toBe('NOTE.md');
  });

  test.for([
    ['Name with a newline', '`two\\u{a}lines` has a name that must not be published: it has control characters'],
    ['Link out of the tree', '`users` is a link that may lead out of the repository.'],
  ] as const)('held at the gate, and told: %s', async ([title, reason], { expect }) => {
    const view = await service.work({ title, ...on('sound') });
    expect(view.state).toBe('awaitingInput');
    const told = view.activities.flatMap(({ activity }) => (activity.type === 'thought' ? [activity.body] : []));
    expect(told.some((body) => body.startsWith('**Not published.**') && body.includes(reason))).toBe(true);
    const word = await lastWord(expect, view);
    expect(word?.type === 'elicitation' && word.body).toContain(
      '**I need your help.** My change was refused three times by the checks that every change must pass.',
    );
    expect(word?.type === 'elicitation' && word.body).toContain(reason);
    const { branch, pullRequest, unsent } = view;
    expect({ branch, pullRequest, unsent }).toEqual({ branch: null, pullRequest: null, unsent: [] });
  });
});
