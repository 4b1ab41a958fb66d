import { execFile } from 'node:child_process';
import { writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { promisify } from 'node:util';
import { afterAll, beforeAll, describe, test } from 'vitest';
import type { TicketHint } from '../../src/core/ticket.ts';
import { openSession } from '../../src/store/sessions.ts';
import { someone, startTestService, type TestService } from '../support/service.ts';

const bash = (command: string) => `calls: [{ tool: bash, input: { command: ${JSON.stringify(command)} } }]`;
const finish = (title: string) => `calls: [{ tool: finish, input: { title: ${title}, summary: ${title} is there. } }]`;
const ask = (question: string) => `calls: [{ tool: ask, input: { question: ${JSON.stringify(question)} } }]`;

const script = `
tickets:
  Grows:
    - ${bash('echo a > a.txt')}
    - ${finish('A')}
    - expect: ["More, please"]
      ${bash('test -e a.txt && echo b > b.txt')}
    - expect: ["exit 0"]
      ${finish('A and B')}
  Is merged:
    - ${bash('echo c > c.txt')}
    - ${finish('C')}
    - expect: ["And d"]
      ${bash('echo d > d.txt')}
    - ${ask('Really d?')}
    - expect: ["#2 was merged meanwhile", "Yes, d"]
      ${bash('cat c.txt d.txt later.txt && git diff --stat HEAD && git status --porcelain')}
    - expect: ["exit 0", "?? d.txt"]
      ${finish('D')}
    - expect: ["One more"]
      ${bash('echo e > e.txt')}
    - ${finish('E')}
  Is closed:
    - ${bash('echo f > f.txt')}
    - ${finish('F')}
    - expect: ["closed without being merged", "Try again", "Yes, another"]
      ${finish('F once more')}
  Is pushed to:
    - ${bash('echo h > h.txt; echo one > both.txt')}
    - ${finish('H')}
    - expect: ["People have pushed to your branch", "by Ada", "And i"]
      ${bash('cat h.txt ada.txt advanced.txt && echo i > i.txt')}
    - expect: ["exit 0"]
      ${finish('I')}
    - expect: ["once more", "What is it?"]
      calls: [{ tool: finish, input: { title: It, summary: Told., answer: A letter. } }]
    - expect: ["Two, please"]
      ${bash('echo two > both.txt')}
    - ${ask('Really two?')}
    - expect: ["conflicts with it", "both.txt", "Yes, two"]
      ${bash('grep -q three both.txt && grep "<<<<" both.txt && echo two > both.txt')}
    - expect: ["exit 0"]
      ${finish('Two')}
  Is rewritten:
    - ${bash('echo j > j.txt')}
    - ${finish('J')}
    - expect: ["People have pushed to your branch", "was rewritten", "And k"]
      ${bash('test ! -e j.txt && cat theirs.txt && echo k > k.txt')}
    - expect: ["exit 0"]
      ${finish('K')}
  Is rebased:
    - ${bash('echo ours > shared.txt; echo l > l.txt')}
    - ${finish('L')}
    - expect: ["on the newest commit of the base branch", "shared.txt", "Please rebase"]
      ${bash('grep "<<<<" shared.txt && grep theirs shared.txt && cat l.txt beside.txt && echo both > shared.txt')}
    - expect: ["exit 0"]
      ${finish('L')}
  Hears it at work:
    - ${bash('echo m > m.txt')}
    - ${finish('M')}
    - expect: ["More m"]
      until: moved
      ${bash('echo mm > m.txt')}
    - expect: ["Please rebase"]
      ${finish('MM')}
    - expect: ["on the newest commit of the base branch"]
      ${bash('cat m.txt newest.txt')}
    - expect: ["exit 0"]
      ${finish('MM')}
  Is reopened:
    - ${ask('Which colour?')}
    - expect: ["is open again; nothing else was said"]
      ${ask('Which colour, then?')}
    - expect: ["Red"]
      calls: [{ tool: finish, input: { title: Red, summary: Told., answer: Red it is. } }]
  Is given away:
    - ${bash('echo g > g.txt')}
    - ${bash('sleep 60')}
    - expect: ["yours again"]
      ${bash('cat g.txt')}
    - expect: ["exit 0"]
      ${finish('G')}
`;

describe('a session goes on where it was', () => {
  let service: TestService;
  beforeAll(async () => {
    service = await startTestService({
      script,
      files: { 'one.txt': 'one\n', '.shipmate.yml': 'verify: [test -s one.txt]\n' },
    });
  });
  afterAll(() => service?.stop());

  const query = async (text: string, values: unknown[] = []) => (await service.database.pool.query(text, values)).rows;
  const requestsOf = (name: string) =>
    query(
      "select number, head, state, title, body from local_git_pull_requests where head like '%' || $1 || '-%' order by number",
      [name],
    );
  const git = async (dir: string, ...args: string[]) =>
    promisify(execFile)('git', ['-C', dir, '-c', 'user.name=Ada', '-c', 'user.email=a@example.com', ...args]);

  test('a comment on finished work: the same branch, the same pull request, updated', async ({ expect }) => {
    const first = await service.work({ title: 'Grows' });
    const name = first.ticket.identifier;
    await service.app.desk.comment(name, 'More, please', someone);
    const second = await service.rest(name, 2);
    expect([second.state, second.branch, second.pullRequest]).toEqual(['complete', first.branch, first.pullRequest]);
    expect(await requestsOf(name)).toEqual([
      expect.objectContaining({ head: first.branch, state: 'open', title: `${name}: A and B` }),
    ]);
    expect(await service.git('rev-list', '--count', `main..${second.branch}`)).toBe('2');
    expect(await service.git('rev-parse', `${second.headCommit}^`)).toBe(first.headCommit);
  });

  test('merged meanwhile: from the newest base, what was not published carried over, on another branch that says what it follows', async ({
    expect,
  }) => {
    const first = await service.work({ title: 'Is merged' });
    const name = first.ticket.identifier;
    await service.app.desk.comment(name, 'And d', someone);
    expect((await service.rest(name, 2)).state).toBe('awaitingInput');

    const clone = join(service.dir, 'merging');
    await git(service.dir, 'clone', '--quiet', service.repository, clone);
    await git(clone, 'merge', '--quiet', '--no-ff', '-m', 'Merge', `origin/${first.branch}`);
    await writeFile(join(clone, 'later.txt'), 'later\n');
    await git(clone, 'add', '.');
    await git(clone, 'commit', '--quiet', '-m', 'Later');
    await git(clone, 'push', '--quiet', 'origin', 'main');

    await service.app.desk.comment(name, 'Yes, d', someone);
    const third = await service.rest(name, 3);
    expect(third.runs[2]?.outcome).toMatchObject({ stopReason: 'finished' });
    expect(third.branch).toBe(`${first.branch}-2`);
    const requests = await requestsOf(name);
    expect(requests.map(({ head, state }) => [head, state])).toEqual([
      [first.branch, 'merged'],
      [`${first.branch}-2`, 'open'],
    ]);
    const attached = `select operation ->> 'number' as number from effects e join sessions s on s.id = e.session_id
      where e.operation ->> 'kind' = 'attachPullRequest' and e.operation ->> 'state' = 'merged' and s.id = $1`;
    expect(await query(attached, [first.id])).toEqual([{ number: String(first.pullRequest?.number) }]);
    expect(requests[1]?.body).toContain(`This follows #${first.pullRequest?.number}, which was merged.`);
    expect(await service.git('diff', '--name-status', 'main', third.branch ?? '')).toBe('A\td.txt');
    expect(await service.git('merge-base', 'main', third.branch ?? '')).toBe(await service.git('rev-parse', 'main'));

    await service.app.desk.comment(name, 'One more', someone);
    const fourth = await service.rest(name, 4);
    expect([fourth.branch, fourth.pullRequest]).toEqual([third.branch, third.pullRequest]);
    expect(await requestsOf(name)).toHaveLength(2);
  });

  test('closed unmerged: it asks once, and opens another only when told', async ({ expect }) => {
    const first = await service.work({ title: 'Is closed' });
    const name = first.ticket.identifier;
    await service.git('update-ref', '-d', `refs/heads/${first.branch}`);
    await service.app.desk.comment(name, 'Try again', someone);
    const asked = await service.rest(name, 2);
    expect(asked.state).toBe('awaitingInput');
    expect(asked.activities.at(-1)?.activity).toMatchObject({
      type: 'elicitation',
      body: expect.stringMatching(/^My pull request #\d+ was closed without being merged: file:/),
    });
    expect((await requestsOf(name)).map(({ state }) => state)).toEqual(['closed']);
    // Who opens the ticket again has not answered.
    await service.app.desk.move(name, 'Done', someone);
    await expect.poll(async () => (await service.app.sessions.view(name))?.state).toBe('stopped');
    await service.app.desk.move(name, 'Todo', someone);
    expect((await service.rest(name, 3)).state).toBe('awaitingInput');
    await service.app.desk.comment(name, 'Yes, another', someone);
    const third = await service.rest(name, 4);
    expect(third.activities.map(({ activity }) => activity).filter(({ type }) => type === 'error')).toEqual([]);
    expect([third.state, third.branch]).toEqual(['complete', `${first.branch}-2`]);
    expect((await requestsOf(name)).map(({ state }) => state)).toEqual(['closed', 'open']);
    expect(await service.git('diff', '--name-status', `main...${third.branch}`)).toBe('A\tf.txt');
  });

  test('people push to the branch: the work goes on from their commits, and merges what it had not published', async ({
    expect,
  }) => {
    const first = await service.work({ title: 'Is pushed to' });
    const { branch, pullRequest } = first;
    const name = first.ticket.identifier;
    const clone = join(service.dir, 'pushing');
    const commit = async (file: string, text: string) => {
      await writeFile(join(clone, file), text);
      await git(clone, 'add', '.');
      await git(clone, 'commit', '--quiet', '-m', `Write ${file}`);
      return (await git(clone, 'rev-parse', 'HEAD')).stdout.trim();
    };
    await git(service.dir, 'clone', '--quiet', service.repository, clone);
    await commit('advanced.txt', 'main went on\n');
    await git(clone, 'push', '--quiet', 'origin', 'main');
    await git(clone, 'checkout', '--quiet', branch ?? '');
    await git(clone, 'merge', '--quiet', '--no-edit', 'main');
    const theirs = await commit('ada.txt', 'ada\n');
    await git(clone, 'push', '--quiet', 'origin', branch ?? '');

    await service.app.desk.comment(name, 'And i', someone);
    const second = await service.rest(name, 2);
    expect(second.runs[1]?.outcome).toMatchObject({ stopReason: 'finished', proof: 'proved' });
    expect([second.branch, second.pullRequest]).toEqual([branch, pullRequest]);
    expect(await service.git('rev-parse', `${branch}^`)).toBe(theirs);
    const added = ['A\tada.txt', 'A\tboth.txt', 'A\th.txt', 'A\ti.txt'];
    expect(await service.git('diff', '--name-status', `main...${branch}`)).toBe(added.join('\n'));
    expect(await service.git('diff', '--name-status', `${branch}^`, branch ?? '')).toBe('A\ti.txt');
    const told = second.activities.flatMap(({ activity }) => ('body' in activity ? [activity.body] : []));
    expect(told.filter((body) => body.includes('was given'))).toEqual([
      expect.stringMatching(
        /^Since I left it, `.*` was given .*"Merge branch.*by Ada \("Write ada\.txt"\)\. I go on from there\.$/,
      ),
    ]);

    // What is there is theirs: a question about it publishes nothing.
    await git(clone, 'pull', '--quiet', 'origin', branch ?? '');
    const more = await commit('more.txt', 'once more\n');
    await git(clone, 'push', '--quiet', 'origin', branch ?? '');
    await service.app.desk.comment(name, 'once more: What is it?', someone);
    expect((await service.rest(name, 3)).state).toBe('complete');
    expect(await service.git('rev-parse', branch ?? '')).toBe(more);

    await service.app.desk.comment(name, 'Two, please', someone);
    expect((await service.rest(name, 4)).state).toBe('awaitingInput');
    const three = await commit('both.txt', 'three\n');
    await git(clone, 'push', '--quiet', 'origin', branch ?? '');
    await service.app.desk.comment(name, 'Yes, two', someone);
    const fifth = await service.rest(name, 5);
    expect([fifth.state, fifth.pullRequest]).toEqual(['complete', pullRequest]);
    expect(await service.git('rev-parse', `${branch}^`)).toBe(three);
    expect(await service.git('diff', '--name-status', `${branch}^`, branch ?? '')).toBe('M\tboth.txt');
  });

  test('people rewrite the branch: they are asked before any model is, and what is there now is gone on from', async ({
    expect,
  }) => {
    const first = await service.work({ title: 'Is rewritten' });
    const { branch, pullRequest } = first;
    const name = first.ticket.identifier;
    const clone = join(service.dir, 'rewriting');
    await git(service.dir, 'clone', '--quiet', '--branch', branch ?? '', service.repository, clone);
    await git(clone, 'rm', '--quiet', 'j.txt');
    await writeFile(join(clone, 'theirs.txt'), 'theirs\n');
    await git(clone, 'add', '.');
    await git(clone, 'commit', '--quiet', '--amend', '-m', 'Another way');
    await git(clone, 'push', '--quiet', '--force', 'origin', branch ?? '');
    const theirs = (await git(clone, 'rev-parse', 'HEAD')).stdout.trim();

    await service.app.desk.comment(name, 'And k', someone);
    const asked = await service.rest(name, 2);
    expect(asked.state).toBe('awaitingInput');
    expect(asked.activities.at(-1)?.activity).toMatchObject({
      type: 'elicitation',
      body: expect.stringMatching(
        /was rewritten: it is at .*\nSay "continue", and I go on from the branch as it is now/s,
      ),
    });
    const used = await query(
      'select count(*)::int as steps from steps where run_id in (select id from runs where session_id = $1 and number = 2)',
      [asked.id],
    );
    expect(used).toEqual([{ steps: 0 }]);
    await service.app.desk.comment(name, 'continue', someone);
    const third = await service.rest(name, 3);
    expect([third.state, third.pullRequest]).toEqual(['complete', pullRequest]);
    expect(await service.git('rev-parse', `${branch}^`)).toBe(theirs);
    expect(await service.git('diff', '--name-status', `main...${branch}`)).toBe('A\tk.txt\nA\ttheirs.txt');
  });

  test('wanted on the newest base: what conflicts is resolved, and nothing that was seen is rewritten', async ({
    expect,
  }) => {
    const first = await service.work({ title: 'Is rebased' });
    const name = first.ticket.identifier;
    const clone = join(service.dir, 'rebases');
    await git(service.dir, 'clone', '-q', service.repository, clone);
    for (const file of ['shared.txt', 'beside.txt']) await writeFile(join(clone, file), 'theirs\n');
    await git(clone, 'add', '-A');
    await git(clone, 'commit', '-qm', 'Theirs');
    await git(clone, 'push', '-q', 'origin', 'HEAD');
    const tip = await service.git('rev-parse', 'main');
    await service.app.desk.comment(name, 'Please rebase', someone);
    const second = await service.rest(name, 2);
    expect([second.state, second.branch]).toEqual(['complete', first.branch]);
    expect(await service.git('rev-list', '--parents', '-n1', `${second.headCommit}`)).toBe(
      [second.headCommit, first.headCommit, tip].join(' '),
    );
    expect(await service.git('diff', '--stat', 'main', `${second.headCommit}`)).toMatch(
      /l\.txt[\s\S]*shared\.txt[\s\S]*2 files changed/,
    );
    expect(second.activities.map(({ activity }) => ('body' in activity ? activity.body : ''))).toContainEqual(
      `Put the work on the newest \`main\` (${tip.slice(0, 7)}). Both have changed the same lines, which I resolve first: shared.txt.`,
    );
  });

  test('wanted on the newest base while it is at work: that follows by itself', async ({ expect }) => {
    const first = await service.work({ title: 'Hears it at work' });
    const name = first.ticket.identifier;
    await service.app.desk.comment(name, 'More m', someone);
    const heard = "select from prompts where body = 'More m' and read_at is not null";
    await expect.poll(() => query(heard)).toHaveLength(1);
    const clone = join(service.dir, 'at-work');
    await git(service.dir, 'clone', '-q', service.repository, clone);
    await writeFile(join(clone, 'newest.txt'), 'newest\n');
    await git(clone, 'add', '-A');
    await git(clone, 'commit', '-qm', 'Newest');
    await git(clone, 'push', '-q', 'origin', 'HEAD');
    await service.app.desk.comment(name, 'Please rebase', someone);
    await service.sorted();
    await service.letGo('moved');
    const third = await service.rest(name, 3);
    expect([third.state, third.branch, third.runs.length]).toEqual(['complete', first.branch, 3]);
    const parents = (await service.git('rev-list', '--parents', '-n1', `${third.headCommit}`)).split(' ');
    expect([parents.length, parents[2]]).toEqual([3, await service.git('rev-parse', 'main')]);
  });

  test('closed while people were asked, and opened again: it asks again', async ({ expect }) => {
    const first = await service.work({ title: 'Is reopened' });
    const name = first.ticket.identifier;
    const { desk } = service.app;
    await desk.move(name, 'Done', someone);
    await expect.poll(async () => (await service.app.sessions.view(name))?.state).toBe('stopped');
    await desk.move(name, 'Todo', someone);
    const second = await service.rest(name, 2);
    expect(second.state).toBe('awaitingInput');
    expect(second.activities.at(-1)?.activity).toMatchObject({ body: expect.stringContaining('Which colour, then?') });
    await desk.comment(name, 'Red', someone);
    expect((await service.rest(name, 3)).state).toBe('complete');
  });

  test('given to someone else: one closing activity says where things stand, and nothing leaves after it; given back, it goes on', async ({
    expect,
  }) => {
    const { desk } = service.app;
    const assignee = service.config.trackers.board.agent;
    const { identifier: name } = await desk.createTicket({ title: 'Is given away', assignee }, someone);
    await expect
      .poll(async () => JSON.stringify((await service.app.sessions.view(name))?.activities), { timeout: 30_000 })
      .toContain('sleep 60');
    await desk.assign(name, 'bob', someone);
    const taken = await service.rest(name);
    expect(taken.state).toBe('stopped');
    const shown = (await desk.show(name)).activities;
    expect(shown.filter(({ activity }) => activity.type === 'response')).toHaveLength(1);
    expect(shown.at(-1)?.activity).toMatchObject({
      type: 'response',
      body: expect.stringMatching(
        /^Stopped: the ticket was given to someone else\.\n\nChanged so far, and kept: `g\.txt`\..*\n\nGive the ticket back to me, and I go on from here\. To go on yourself: `shipmate pull /,
      ),
    });
    await desk.comment(name, 'Bob, it is yours', someone);
    await desk.comment(name, 'As of today', someone);
    const told = async () =>
      (await desk.show(name)).activities.filter(
        ({ activity }) => 'body' in activity && activity.body.startsWith('I do not have this ticket any more. Give it'),
      ).length;
    await expect.poll(told).toBe(1);
    await desk.assign(name, assignee, someone);
    await desk.comment(name, 'It is yours again', someone);
    const done = await service.rest(name, 2);
    expect(done.runs.map((run) => run.outcome?.stopReason)).toEqual(['stopped', 'finished']);
    expect(await requestsOf(name)).toHaveLength(1);
    expect(await told()).toBe(1);
  });
});

describe('a stop before anything has begun', () => {
  let service: TestService;
  beforeAll(async () => {
    service = await startTestService({
      script: 'replies: []\n',
      files: { 'one.txt': 'one\n' },
      parts: ['web'],
      change: (config) => ({ ...config, policy: { ...config.policy, people: { speak: ['Ada'] } } }),
    });
  });
  afterAll(() => service?.stop());

  const closings = async (name: string) =>
    (await service.app.desk.show(name)).activities.flatMap(({ activity }) =>
      activity.type === 'response' ? [activity.body.split('\n')[0]] : [],
    );
  const assigned = async () => {
    const assignee = service.config.trackers.board.agent;
    const { identifier } = await service.app.desk.createTicket({ title: 'Waits', assignee }, someone);
    await until(() => service.app.sessions.view(identifier));
    return identifier;
  };
  const until = async (look: () => Promise<unknown>) => {
    while (!(await look())) await new Promise((resolve) => setTimeout(resolve, 20));
  };

  test('from the ticket and from the command line, while no worker is there: closed at once, and said', async ({
    expect,
  }) => {
    const spoken = await assigned();
    await service.app.desk.comment(spoken, 'stop', someone);
    expect((await service.rest(spoken)).state).toBe('stopped');
    expect(await closings(spoken)).toEqual(['Stopped, as you asked.']);

    const typed = await assigned();
    expect(await service.app.operations.stopSession(typed, someone)).toBe('stopped');
    expect((await service.rest(typed)).state).toBe('stopped');
    expect(await closings(typed)).toEqual(['Stopped, as you asked.']);
    expect(await service.app.operations.stopSession(typed, someone)).toBe('nothing');
    await service.rest(typed);
    expect(await closings(typed)).toEqual(['Stopped, as you asked.', 'Nothing is running.']);
  });

  test('from the command line by someone whose words are not followed: refused before anything is taken', async ({
    expect,
  }) => {
    const { operations, sessions } = service.app;
    const name = await assigned();
    const eve = { id: 'eve', name: 'Eve', isBot: false };
    const [repository] = operations.repositories;
    if (!repository) throw new Error('there is no repository');
    const same = await service.git('rev-parse', 'main', 'main^{tree}');
    const [commit = '', tree = ''] = same.split('\n');
    const back = { files: { repository, base: commit, commit, tree, bundle: null }, pulled: null };
    const never = new AbortController().signal;
    await expect(operations.resume(name, { words: null, back }, eve, never)).rejects.toThrow(
      'Orders are taken from Ada only (policy.people.speak), and you are "Eve" here: nothing was done.',
    );
    await expect(operations.stopSession(name, eve)).rejects.toThrow('Orders are taken from Ada only');
    expect((await sessions.view(name))?.state).toBe('active');
    const { rows } = await service.database.pool.query('select id from handovers');
    expect(rows).toEqual([]);
  });

  test('resuming a ticket that waits, with words or without, begins it', async ({ expect }) => {
    const never = new AbortController().signal;
    for (const words of [null, 'It is over, use UTC']) {
      const name = await assigned();
      const view = await service.app.sessions.view(name);
      await service.database.pool.query("update runs set ended_at = now(), outcome = '{}' where session_id = $1", [
        view?.id,
      ]);
      await service.database.pool.query(
        "update sessions set state = 'awaitingInput', waiting = true, answered_at = given_at where id = $1",
        [view?.id],
      );
      await service.app.operations.resume(name, { words, back: null }, someone, never);
      expect((await service.app.sessions.view(name))?.state).toBe('active');
    }
  });

  test('on a ticket that nobody gave to the agent it waits with the ticket: given later, the work begins', async ({
    expect,
  }) => {
    const { desk, operations, sessions } = service.app;
    const { identifier } = await desk.createTicket({ title: 'Not its own' }, someone);
    await desk.comment(identifier, 'stop', someone);
    expect(await operations.stopSession(identifier, someone)).toBe(null);
    await desk.assign(identifier, service.config.trackers.board.agent, someone);
    await expect.poll(async () => (await sessions.view(identifier))?.state).toBe('active');
    expect(await closings(identifier)).toEqual([]);
  });

  test('a word from the command line where the tracker takes none under that name is told on the ticket', async ({
    expect,
  }) => {
    const { operations, sessions } = service.app;
    const hint: TicketHint = {
      ...{ tracker: 'linear', id: 'a-1', identifier: 'ENG-1', title: 'Elsewhere', url: 'https://tracker.example/1' },
      ...{ priority: 'none', team: null, project: null, ref: null },
    };
    const name = hint.identifier;
    const { id } = await service.app.db
      .transaction()
      .execute((tx) => openSession(tx, hint, { at: new Date().toISOString(), given: true, opens: true }));
    expect(await operations.stopSession(name, someone)).toBe('stopped');
    expect((await sessions.view(name))?.state).toBe('stopped');
    const never = new AbortController().signal;
    expect(await operations.resume(name, { words: 'use\nUTC', back: null }, someone, never)).toMatchObject({
      said: true,
    });
    const view = await sessions.view(name);
    expect(view?.state).toBe('active');
    expect(view?.activities.map(({ activity }) => activity)).toContainEqual({
      type: 'thought',
      body: 'Ada, from the command line: use\nUTC',
    });
    const { rows } = await service.database.pool.query(
      'select author, body, signal from prompts where session_id = $1 and signal is null',
      [id],
    );
    expect(rows).toEqual([{ author: someone, body: 'use\nUTC', signal: null }]);
    expect(await operations.resume(name, { words: null, back: null }, someone, never)).toMatchObject({ said: false });
  });
});
