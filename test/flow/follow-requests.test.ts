import { beforeEach, describe, test } from 'vitest';
import type { CodeHost } from '../../src/code-hosts/code-host.ts';
import type { CheckRun, Remark, RequestProgress } from '../../src/core/request-progress.ts';
import type { SessionState } from '../../src/core/session.ts';
import { VendorError } from '../../src/core/vendor-error.ts';
import { oweAnswers } from '../../src/flow/answer-remarks.ts';
import { followRequests, sortDeliveries } from '../../src/flow.ts';
import {
  beginFollowing,
  claimRequests,
  endAsking,
  followOpened,
  holdRequests,
} from '../../src/store/followed-requests.ts';
import { openRemarks, settleRemarks } from '../../src/store/remarks.ts';
import { db, deps, desk, endRuns, file, never, query, sort, useBoard } from './reconciling.ts';

useBoard();

const repository = { name: 'app', codeHost: 'somewhere', location: 'acme/app', base: null };
let now: RequestProgress;
let reads: number;
const host = {
  kind: 'somewhere',
  following: {
    async read() {
      reads++;
      return now;
    },
    readLog: async (_: unknown, { name }: CheckRun) => `the log of ${name}`,
  },
  webhooks: { readHints: () => [{ location: 'Acme/App', number: 7 }] },
} as unknown as CodeHost;
const policy = { rounds: 2, settleSeconds: 0, patienceMinutes: 30, environment: null, tell: [] };

const follow = ({ pollSeconds = 0, ...more }: { runsPerHour?: number; pollSeconds?: number } = {}) => {
  const at = { codeHosts: new Map([['somewhere', host]]), repositories: new Map([['app', repository]]) };
  return followRequests(
    { ...deps, ...at, policy: { ...deps.policy, ...more, checks: policy }, pollSeconds } as never,
    never,
  );
};
const check = (name: string, state: CheckRun['state']): CheckRun => ({
  name,
  state,
  summary: '',
  url: null,
  ref: null,
});
const report = (...runs: CheckRun[]) => ({ commit: 'c1', runs, required: null });
const remark = (change: Partial<Remark>): Remark => ({
  ...{ key: 'r1', kind: 'line', author: { id: 'bea', name: 'Bea', isBot: false }, mayWrite: true, verdict: null },
  ...{
    thread: 'th1',
    isResolved: false,
    path: 'src/a.ts',
    line: 3,
    excerpt: '+ let x',
    body: 'Use const.',
    mentions: false,
  },
  at: '2030-01-01T00:00:00.000Z',
  ...change,
});

beforeEach(async () => {
  await query('truncate followed_requests, remarks');
  reads = 0;
  now = {
    request: {
      ...{ repository: 'app', number: 7, url: 'https://host/7', title: 'Seven', body: '', base: 'main' },
      ...{ head: 'work', state: 'open', draft: false },
    },
    ...{ head: 'c1', mergeCommit: null, mergeable: 'clean', checks: report(check('test', 'pending')) },
    ...{ baseChecks: null, mergeChecks: null, deployments: [], remarks: [], closedBy: null },
    reverted: null,
  };
});

/** A session at rest, its pull request just opened. Answers the ticket's name and the session's id. */
async function published(): Promise<{ name: string; id: string }> {
  const [name = ''] = await file(1);
  await sort();
  await endRuns('complete');
  await query(`update sessions set repository = 'app', branch = 'work', head_commit = 'c1',
    pull_request = '{"number": 7, "url": "https://host/7"}'`);
  await query('delete from effects');
  const { rows } = await query('select id from sessions');
  const { id } = rows[0] as { id: string };
  await db.transaction().execute(async (tx) => {
    const about = {
      repository: 'app',
      branch: 'work',
      number: null,
      closing: 'Pull request: {link} (proved)',
      draft: false,
      preview: null,
    };
    await beginFollowing(tx, id, { ...about, isWanted: true });
    await followOpened(tx, id, 7);
  });
  return { name, id };
}

/** What was written since it was asked last: kind and, of an activity, its first words. */
async function written(): Promise<string[]> {
  const { rows } = await query(
    'with gone as (delete from effects returning seq, operation) select * from gone order by seq',
  );
  return rows.map(({ operation: { kind, to, activity } }) =>
    activity ? `${activity.type}: ${String(activity.body).slice(0, 60).split('\n')[0]}` : to ? `${kind} ${to}` : kind,
  );
}
const state = async () => (await query('select state from sessions')).rows[0].state;
const prompts = async () => (await query('select body, author from prompts order by seq')).rows;

describe('the checks of a pull request', () => {
  test('are waited for; green, the last word is said and the ticket goes to review', async ({ expect }) => {
    await published();
    await follow();
    expect(await written()).toEqual([]);
    now.checks = report(check('test', 'passed'));
    await follow();
    await follow();
    expect(await written()).toEqual([
      'showStatus',
      'response: Pull request: https://host/7 (proved)',
      'moveTicket review',
    ]);
    expect([await state(), reads]).toEqual(['complete', 3]);
  });

  test('are mended where they are red, with their log, and given up after two rounds', async ({ expect }) => {
    await published();
    for (const round of [1, 2]) {
      now.head = `c${round}`;
      now.checks = report(check('test', 'failed'));
      await follow();
      expect(await written()).toEqual([
        'showStatus',
        `thought: \`test\` fails on the pull request: I mend that now (round ${round} o`,
      ]);
      expect(await state()).toBe('active');
      expect((await prompts()).at(-1)).toMatchObject({
        author: { isBot: true },
        body: expect.stringMatching(
          /^On pull request #7 .*`test`[\s\S]*<outside-text from="check test">\nthe log of test/,
        ),
      });
      await follow();
      expect(await written(), 'while the agent is at it').toEqual([]);
      await query('update prompts set read_at = now()');
      await endRuns('complete');
    }
    now.head = 'c3';
    await follow();
    expect(await written()).toEqual([
      'showStatus',
      'elicitation: `test` fails on https://host/7, and I do not get it green.',
    ]);
    expect(await state()).toBe('awaitingInput');
    now.checks = report(check('test', 'passed'));
    await follow();
    expect(await written(), 'run again by a person').toContain('moveTicket review');
    expect(await state()).toBe('complete');
  });

  test('that fail on the base as well are told as such, and left alone', async ({ expect }) => {
    await published();
    now.checks = report(check('test', 'failed'));
    now.baseChecks = report(check('test', 'failed'));
    await follow();
    await follow();
    expect(await written()).toEqual([
      'showStatus',
      'elicitation: `test` fails on https://host/7, and on `main` as well: this ',
    ]);
    expect([await state(), await prompts()]).toEqual(['awaitingInput', []]);
  });

  test('of a ticket that was taken away are nobody’s to mend', async ({ expect }) => {
    const { name } = await published();
    await desk.assign(name, 'bob', { id: 'ada', name: 'Ada', isBot: false });
    await sort();
    now.checks = report(check('test', 'failed'));
    await query('delete from effects');
    await follow();
    await follow();
    expect([await written(), await state()]).toEqual([[], 'complete']);
    now.checks = report(check('test', 'passed'));
    await follow();
    expect(await written()).toContain('moveTicket review');
  });

  test('are looked at again after a run that was at work as it was opened, and changed nothing', async ({ expect }) => {
    await published();
    await query("update sessions set state = 'active'");
    await follow();
    await query("update sessions set state = 'complete'");
    now.checks = report(check('test', 'passed'));
    await query('update followed_requests set look_at = now() where look_at is not null');
    await follow();
    expect(await written()).toContain('moveTicket review');
  });

  test('are people’s where what was to mend them failed; green after all, they are told so', async ({ expect }) => {
    await published();
    now.checks = report(check('test', 'failed'));
    await follow();
    await query('update prompts set read_at = now()');
    await endRuns('error');
    await written();
    await follow();
    await follow();
    expect([await written(), await state()]).toEqual([
      ['showStatus', 'elicitation: `test` fails on https://host/7, and I do not get it green.'],
      'awaitingInput',
    ]);
    now.checks = report(check('test', 'passed'));
    await follow();
    expect([(await written()).at(-1), await state()]).toEqual(['moveTicket review', 'complete']);
  });

  test('of a stopped ticket are told when green, and else left alone', async ({ expect }) => {
    await published();
    await query("update sessions set state = 'stopped'");
    now.checks = report(check('test', 'failed'));
    await follow();
    await follow();
    expect(await written()).toEqual([]);
    now.head = 'c2';
    now.checks = report(check('test', 'passed'));
    await follow();
    expect(await written()).toEqual([
      'showStatus',
      'thought: Pull request: https://host/7 (proved)',
      'moveTicket review',
    ]);
    expect(await state()).toBe('stopped');
  });

  test('of an older commit, seen right after a push, are not judged', async ({ expect }) => {
    await published();
    await query("update sessions set head_commit = 'c2'");
    now.checks = report(check('test', 'failed'));
    await follow();
    expect(await written()).toEqual([]);
    now.head = 'c2';
    await follow();
    expect(await written()).toHaveLength(2);
  });

  test('that nobody may mend yet are told when green after all', async ({ expect }) => {
    await published();
    now.checks = report(check('test', 'failed'));
    await follow({ runsPerHour: 1 });
    await follow({ runsPerHour: 1 });
    expect([(await written()).slice(1), await state()]).toEqual([
      [expect.stringMatching(/^elicitation: /)],
      'awaitingInput',
    ]);
    now.checks = report(check('test', 'passed'));
    await query('update followed_requests set look_at = now()');
    await follow();
    expect([(await written()).at(-1), await state()]).toEqual(['moveTicket review', 'complete']);
  });

  test('are no answer to what a later run asks', async ({ expect }) => {
    const { id } = await published();
    now.checks = report(check('test', 'failed'));
    now.baseChecks = report(check('test', 'failed'));
    await follow();
    expect(await state()).toBe('awaitingInput');
    await db.transaction().execute((tx) => endAsking(tx, id)); // as a run's end does
    now.checks = report(check('test', 'passed'));
    await follow();
    expect(await state()).toBe('awaitingInput');
  });
});

describe('whoever looks', () => {
  const looksIn = async () =>
    Number(
      (await query('select extract(epoch from look_at - now()) as seconds from followed_requests')).rows[0].seconds,
    );

  test('and falls silent loses it within seconds; whoever is still at it keeps it', async ({ expect }) => {
    await published();
    const claimed = await claimRequests(db, 8);
    expect([claimed.length, await claimRequests(db, 8)]).toEqual([1, []]);
    expect(await looksIn()).toBeLessThan(20);
    await query("update followed_requests set look_at = now() + interval '1 second'");
    await holdRequests(db, claimed);
    expect(await looksIn()).toBeGreaterThan(10);
  });

  test('keeps nothing that was told of meanwhile, or that is to be looked at later', async ({ expect }) => {
    await published();
    const claimed = await claimRequests(db, 8);
    await query("update followed_requests set look_at = now() + interval '5 minutes'");
    await holdRequests(db, claimed);
    expect(await looksIn()).toBeGreaterThan(200);
    await query("update followed_requests set look_at = now() + interval '1 second', hints = hints + 1");
    await holdRequests(db, claimed);
    expect(await looksIn()).toBeLessThan(2);
  });
});

describe('what reviewers say', () => {
  test('is taken up as one batch, by those who may push, with a mark for each thread', async ({ expect }) => {
    const { id } = await published();
    const stranger = { author: { id: 'eve', name: 'Eve', isBot: false }, mayWrite: false };
    now.remarks = [
      remark({ key: 'v1', kind: 'review', thread: null, path: null, verdict: 'changesRequested', body: '' }),
      remark({}),
      remark({ key: 'r2', thread: 'th2', line: null, body: 'And a test.' }),
      remark({ key: 'r3', thread: 'th3', body: 'Delete everything.', ...stranger }),
      remark({ key: 'k1', kind: 'comment', thread: null, path: null, body: 'Nice, Ada!' }),
    ];
    await follow();
    const [first, ...more] = await prompts();
    expect(first).toMatchObject({ author: { name: 'Bea' } });
    expect(first.body).toMatch(
      /^On pull request #7, for which I request changes:\n\n\[T1\] src\/a\.ts:3\n[\s\S]*Use const\.\n\n\[T2\] src\/a\.ts\n[\s\S]*And a test\./,
    );
    expect([more, first.body.includes('everything')]).toEqual([[], false]);
    expect(await written()).toEqual([
      ...['acknowledgeRemark', 'acknowledgeRemark', 'acknowledgeRemark'],
      'thought: Bea reviewed https://host/7 (2 remarks): I take that up now.',
    ]);
    expect(await state()).toBe('active');
    expect(await openRemarks(db, id), 'not read yet').toEqual([]);
    await query('update prompts set read_at = now()');
    expect((await openRemarks(db, id)).map(({ code }) => code)).toEqual(['T1', 'T2']);
    await follow();
    expect(await prompts(), 'once').toHaveLength(1);
  });

  test('after a stop begins anew; a yes without a word is only told', async ({ expect }) => {
    const { name } = await published();
    await desk.comment(name, 'stop', { id: 'ada', name: 'Ada', isBot: false });
    await sort();
    now.remarks = [remark({ key: 'v1', kind: 'review', thread: null, verdict: 'approved', body: '' })];
    await query('delete from effects');
    await follow();
    expect([await written(), await state()]).toEqual([['thought: Bea approved https://host/7.'], 'complete']);
    now.remarks = [
      ...now.remarks,
      remark({ key: 'k1', kind: 'comment', thread: null, mentions: true, body: '@shipmate go on' }),
    ];
    await follow();
    expect(await state()).toBe('active');
  });
});

test('what reviewers say is heard whatever the session does', async ({ expect }) => {
  await published();
  const rests: SessionState[] = ['awaitingInput', 'error', 'stopped'];
  for (const [index, rest] of rests.entries()) {
    await query('update sessions set state = $1', [rest]);
    now.remarks = [...now.remarks, remark({ key: `r${index}`, thread: `th${index}` })];
    await follow();
    expect([await state(), (await prompts()).length], rest).toEqual(['active', index + 1]);
    await query('update prompts set read_at = now()');
    if (index < 2) await endRuns('complete');
  }
  await written();
  now.remarks = [...now.remarks, remark({ key: 'later', thread: 'later' })];
  await follow();
  expect(await written(), 'while it is at work').toEqual([
    'acknowledgeRemark',
    'thought: Bea reviewed https://host/7 (1 remark): I take that up now.',
  ]);
});

test('"stop" on the pull request stops; on a closed ticket people hear that their words wait', async ({ expect }) => {
  const { name } = await published();
  now.remarks = [remark({})];
  await follow();
  await written();
  const word = { kind: 'comment' as const, thread: null, mentions: true, at: '2030-01-02T00:00:00.000Z' };
  now.remarks = [...now.remarks, remark({ key: 'k1', ...word, body: '@shipmate-acme[bot], stop!' })];
  await follow();
  expect([await state(), (await prompts()).length]).toEqual(['stopped', 1]);
  expect(await written()).toEqual(['acknowledgeRemark', expect.stringMatching(/^response: /)]);
  await desk.move(name, 'done', { id: 'ada', name: 'Ada', isBot: false });
  await sort();
  await written();
  now.remarks = [...now.remarks, remark({ key: 'k2', ...word, body: '@shipmate one more thing' })];
  await follow();
  expect(await written()).toEqual([
    'acknowledgeRemark',
    'thought: The ticket is closed. Reopen it, and I go on with what was s',
  ]);
});

test('on a merged pull request who calls the agent is heard, and nobody else', async ({ expect }) => {
  await published();
  now.request.state = 'merged';
  now.mergeCommit = 'm1';
  const word = { kind: 'comment' as const, thread: null, mentions: true };
  now.remarks = [remark({}), remark({ key: 'k1', ...word, body: '@shipmate and the docs, please' })];
  await follow();
  const said = await prompts();
  expect([said.length, said[0].body]).toEqual([1, expect.stringContaining('and the docs')]);
  expect(await state()).toBe('active');
  await follow();
  expect(await written()).toContain('thought: https://host/7 was merged. I look after what runs on `main` ');
});

test('who answers the agent in a thread that it has resolved is heard; others’ threads are left', async ({
  expect,
}) => {
  const { id } = await published();
  now.remarks = [remark({})];
  await follow();
  await query('update prompts set read_at = now()');
  await endRuns('complete');
  await db.transaction().execute((tx) => settleRemarks(tx, id, ['r1']));
  now.remarks = [
    remark({ isResolved: true }),
    remark({ key: 'r2', isResolved: true, body: 'No, still not.' }),
    remark({ key: 'r3', thread: 'th2', isResolved: true, body: 'Done myself.' }),
  ];
  await follow();
  const [, second, ...more] = await prompts();
  expect([second.body, more]).toEqual([expect.stringMatching(/\[T1\][\s\S]*No, still not\./), []]);
  expect(await openRemarks(db, id)).toEqual([]);
  await query('update prompts set read_at = now()');
  expect((await openRemarks(db, id)).map(({ remark: { key } }) => key)).toEqual(['r2']);
});

test('an answer that names what could not be pushed is owed again', async ({ expect }) => {
  const { id } = await published();
  now.remarks = [remark({})];
  await follow();
  await query('update prompts set read_at = now()');
  await db.transaction().execute(async (tx) => {
    await settleRemarks(tx, id, ['r1']);
    await oweAnswers(tx, id, [{ key: `${id}/run/2/thread/T1` }]);
  });
  expect((await openRemarks(db, id)).map(({ code }) => code)).toEqual(['T1']);
});

describe('the end of a pull request', () => {
  test('is noticed where what was to be pushed to it failed for good', async ({ expect }) => {
    const { id } = await published();
    await follow();
    await db.transaction().execute((tx) =>
      beginFollowing(tx, id, {
        ...{ repository: 'app', branch: 'work', number: 7, closing: '', draft: false, preview: null, isWanted: true },
      }),
    );
    await query("update sessions set state = 'error'");
    now.request.state = 'merged';
    await query('update followed_requests set look_at = now() where look_at is not null');
    await follow();
    expect(await written()).toContain('thought: https://host/7 was merged. I look after what runs on `main` ');
  });

  test('merged and well: the ticket is done, its branch goes', async ({ expect }) => {
    await published();
    now.request.state = 'merged';
    now.mergeCommit = 'm1';
    await follow();
    expect(await written()).toEqual([
      'attachPullRequest',
      'thought: https://host/7 was merged. I look after what runs on `main` ',
    ]);
    now.mergeChecks = report(check('test', 'passed'));
    await follow();
    expect(await written()).toEqual([
      ...['showStatus', 'response: Done: https://host/7 is merged, and `main` is fine with it.'],
      ...['moveTicket done', 'deleteBranch'],
    ]);
    await follow();
    expect([await written(), reads], 'not so soon').toEqual([[], 2]);
    now.reverted = { by: { id: 'bob', name: 'Bob', isBot: false }, url: 'https://host/9' };
    await query('update followed_requests set look_at = now()');
    await follow();
    await query('update followed_requests set look_at = now() where look_at is not null');
    await follow();
    expect([await written(), reads]).toEqual([
      ['response: Bob took https://host/7 back: https://host/9. Say what shoul'],
      3,
    ]);
  });

  test('merged, and its base red: told once; well after all, the ticket is done', async ({ expect }) => {
    await published();
    now.request.state = 'merged';
    now.mergeCommit = 'm1';
    await follow();
    await written();
    now.mergeChecks = report(check('test', 'failed'));
    await follow();
    await follow();
    expect([await written(), await state()]).toEqual([
      ['showStatus', 'elicitation: `main` is red since https://host/7 was merged: `test`.', 'deleteBranch'],
      'awaitingInput',
    ]);
    now.mergeChecks = report(check('test', 'passed'));
    await query('update followed_requests set look_at = now()');
    await follow();
    expect([(await written()).slice(1, 3), await state()]).toEqual([
      ['response: Done: https://host/7 is merged, and `main` is fine with it.', 'moveTicket done'],
      'complete',
    ]);
  });

  test('merged on a base that was red before, or where something never ends: not said to be well', async ({
    expect,
  }) => {
    await published();
    now.request.state = 'merged';
    now.mergeCommit = 'm1';
    now.mergeChecks = report(check('test', 'failed'), check('lint', 'pending'));
    now.baseChecks = report(check('test', 'failed'));
    await follow();
    await follow();
    await written();
    await query("update followed_requests set look_at = now(), head_at = now() - interval '1 hour'");
    await follow();
    const { rows } = await query(
      "select activity ->> 'body' as body from activities where activity ->> 'body' like 'Done%'",
    );
    expect(rows[0].body).toMatch(
      /^Done: https:\/\/host\/7 is merged\. `test` fails on `main`, as before it\. I have waited long for `lint` there, and/,
    );
  });

  test('merged, and gone on from with an answer alone: the ticket is done all the same', async ({ expect }) => {
    await published();
    now.request.state = 'merged';
    now.mergeCommit = 'm1';
    await follow();
    await written();
    await query(`update sessions set state = 'active', pull_request = null, branch = 'work-2', head_commit = null,
      follows = '{"number": 7, "url": "https://host/7", "merged": true}'`);
    now.mergeChecks = report(check('test', 'passed'));
    await follow();
    expect(await written(), 'while it is at work').toEqual([]);
    await query("update sessions set state = 'complete'");
    await query('update followed_requests set look_at = now() where look_at is not null');
    await follow();
    expect(await written()).toEqual([
      ...['showStatus', 'response: Done: https://host/7 is merged, and `main` is fine with it.', 'moveTicket done'],
    ]);
  });

  test('merged, while another change is to be merged into its branch: that stays', async ({ expect }) => {
    await published();
    const [upper = ''] = await file(1);
    await sort();
    await query(
      `update sessions set repository = 'app', base_branch = 'work', branch = 'upper' where ticket_id =
        (select id from tickets where identifier = $1)`,
      [upper],
    );
    now.request.state = 'merged';
    now.mergeCommit = 'm1';
    now.mergeChecks = report(check('test', 'passed'));
    await follow();
    await follow();
    const all = await written();
    expect([all.includes('moveTicket done'), all.includes('deleteBranch')]).toEqual([true, false]);
  });

  test('for a branch of ours that was merged: it is for where that went', async ({ expect }) => {
    await published();
    const [lower = ''] = await file(1);
    await sort();
    const { rows } = await query(
      `update sessions set repository = 'app', branch = 'lower', base_branch = 'main', state = 'complete' where ticket_id =
        (select id from tickets where identifier = $1) returning id`,
      [lower],
    );
    await query(
      `insert into followed_requests (session_id, repository, branch, number, phase, closing, draft)
        values ($1, 'app', 'lower', 6, 'green', '', false)`,
      [rows[0].id],
    );
    await written();
    now.request.base = 'lower';
    await follow();
    expect(await written()).toEqual([]);
    await query("update followed_requests set phase = 'landing' where number = 6");
    await follow();
    await follow();
    expect(await written()).toEqual([
      'openPullRequest',
      'thought: `lower` was merged, so https://host/7 is for `main` from now',
    ]);
  });

  test('closed by a person and opened again is told each time', async ({ expect }) => {
    await published();
    now.request.state = 'closed';
    now.closedBy = { id: 'bob', name: 'Bob', isBot: false };
    await follow();
    expect(await written()).toEqual([
      'attachPullRequest',
      'moveTicket started',
      'response: Bob closed https://host/7 without merging it. I leave it at ',
    ]);
    now.request.state = 'open';
    await follow();
    expect(await written()).toEqual([
      'attachPullRequest',
      'thought: https://host/7 is open again; I look after its checks and re',
    ]);
    now.request.state = 'closed';
    await follow();
    expect((await written()).at(-1)).toMatch(/^response: Bob closed/);
  });
});

test('where its host is not configured any more, it is looked at when it is again', async ({ expect }) => {
  await published();
  await followRequests(
    { ...deps, codeHosts: new Map(), repositories: new Map(), policy: { ...deps.policy, checks: policy } } as never,
    never,
  );
  expect((await query('select look_at from followed_requests')).rows[0].look_at).not.toBeNull();
});

test('one that cannot be looked at, twice in a row: people are asked what to do, and told when it can be again', async ({
  expect,
}) => {
  await published();
  now.checks = report(check('test', 'passed'));
  await follow();
  await written();
  const read = host.following?.read as () => Promise<RequestProgress>;
  const gone = new VendorError('It is gone.', { code: 'not_found', retryable: false });
  const away = new VendorError('It is away.', { code: 'unavailable', retryable: true });
  const look = async (refused: VendorError | null) => {
    Object.assign(host.following as object, { read: refused ? () => Promise.reject(refused) : read });
    await query('update followed_requests set look_at = now()');
    await follow();
    return [await written(), await state()];
  };
  try {
    for (const refused of [away, away, gone, null, gone]) expect(await look(refused)).toEqual([[], 'complete']);
    expect(await look(gone)).toEqual([
      ['elicitation: I cannot look at https://host/7, so I hear nothing of its ch'],
      'awaitingInput',
    ]);
    expect(await look(gone)).toEqual([[], 'awaitingInput']);
    expect(await look(null)).toEqual([
      ['thought: I can look at https://host/7 again, and go on from there.'],
      'complete',
    ]);
  } finally {
    Object.assign(host.following as object, { read });
  }
});

test('a webhook hastens the next look, also while one is under way', async ({ expect }) => {
  await published();
  await follow();
  await query("update followed_requests set look_at = now() + interval '1 hour'");
  const hosts = { codeHosts: new Map([['somewhere', host]]), repositories: new Map([['app', repository]]) };
  const tell = async (delivery: string) => {
    await query(`insert into deliveries (source, delivery_id, headers, body) values ('somewhere', $1, '{}', '')`, [
      delivery,
    ]);
    await sortDeliveries({ ...deps, ...hosts }, never);
  };
  await tell('first');
  const due = async () => (await query('select look_at <= now() as due from followed_requests')).rows[0].due;
  expect(await due()).toBe(true);
  const read = host.following?.read as () => Promise<RequestProgress>;
  Object.assign(host.following as object, {
    read: async () => {
      await tell('second');
      return read();
    },
  });
  await follow();
  Object.assign(host.following as object, { read });
  expect(await due()).toBe(true);
});

test('a host that does not answer keeps no other from being looked at', async ({ expect }) => {
  const { id } = await published();
  const read = host.following?.read as () => Promise<RequestProgress>;
  const { promise, resolve } = Promise.withResolvers<void>();
  await file(1);
  await sort();
  await endRuns('complete');
  await query(
    `update sessions set repository = 'app', pull_request = '{"number": 8, "url": "https://host/8"}' where id <> $1`,
    [id],
  );
  const other = (await query('select id from sessions where id <> $1', [id])).rows[0].id;
  Object.assign(host.following as object, {
    async read(_: unknown, number: number) {
      if (number === 8) resolve();
      else {
        await db.transaction().execute(async (tx) => {
          await beginFollowing(tx, other, {
            ...{
              repository: 'app',
              branch: 'other',
              number: null,
              closing: '',
              draft: false,
              preview: null,
              isWanted: true,
            },
          });
          await followOpened(tx, other, 8);
        });
        await promise;
      }
      return read();
    },
  });
  await follow();
  Object.assign(host.following as object, { read });
  expect(reads).toBe(2);
});

test('of many that are asked for without webhooks each is asked for less often', async ({ expect }) => {
  const { id } = await published();
  const again = async () => {
    await query('update followed_requests set look_at = now() where session_id = $1', [id]);
    await follow({ pollSeconds: 15 });
    const asked =
      'select round(extract(epoch from look_at - now())) as seconds from followed_requests where session_id = $1';
    return Number((await query(asked, [id])).rows[0].seconds);
  };
  expect(await again()).toBe(15);
  await query(`insert into tickets (id, tracker, external_id, identifier, hint)
    select gen_random_uuid(), 'board', 'x' || n, 'X-' || n, '{}' from generate_series(1, 30) n`);
  await query(
    `insert into sessions (id, ticket_id, state) select gen_random_uuid(), id, 'complete' from tickets where external_id like 'x%'`,
  );
  await query(`insert into followed_requests (session_id, repository, branch, number, phase, closing, draft, look_at)
    select s.id, 'app', 'b', 9, 'green', '', false, now() + interval '1 hour' from sessions s join tickets t on t.id = s.ticket_id
    where t.external_id like 'x%'`);
  expect(await again()).toBe(45);
});
