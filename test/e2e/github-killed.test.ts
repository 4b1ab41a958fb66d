import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { setTimeout as delay } from 'node:timers/promises';
import { expect, onTestFinished, test } from 'vitest';
import type { SessionView } from '../../src/app.ts';
import { branchCommit, git } from '../stand-ins/github/git.ts';
import { reporter } from '../stand-ins/github/issue-people.ts';
import { reviewsOf } from '../stand-ins/github/review-rows.ts';
import type { Issue } from '../stand-ins/github/rows.ts';
import { freePort } from '../support/free-port.ts';
import { type GitHubSetup, startGitHubSetup } from '../support/github-service.ts';
import { someone } from '../support/service.ts';

const bash = (command: string) => `calls: [{ tool: bash, input: { command: ${JSON.stringify(command)} } }]`;
const finish = (title: string, more = '') =>
  `calls: [{ tool: finish, input: { title: ${title}, summary: ${title} is there.${more} } }]`;

const script = `
tickets:
  Whole way:
    - ${bash('echo one > one.txt')}
    - ${finish('One')}
    - expect: ["these checks failed", "two.txt is missing"]
      ${bash('echo two > two.txt')}
    - ${finish('One and two')}
    - expect: ["ada writes", "Say uno, please.", "[T1] one.txt:1", "[T2]"]
      ${bash('echo uno > one.txt')}
    - ${finish('Uno and two', ', threads: [{ thread: T1, done: true, reply: "It is uno now." }, { thread: T2, done: false, reply: "Three is not part of the ticket." }]')}
  Half the way:
    - ${bash('echo one > one.txt; echo two > two.txt')}
    - ${finish('Both')}
`;

interface Kill {
  at: string;
  /** What people do while that process is at work. */
  act?: 'endChecks' | 'review' | 'merge';
  /** They do it while nothing is: its webhooks reach nobody. */
  isUnheard?: boolean;
}

/** In the order of the story: at each of these moments a process dies, and the next one goes on. */
const kills = (...all: (string | Kill)[]) => all.map((kill): Kill => (typeof kill === 'string' ? { at: kill } : kill));

/** Each kind of effect, and each thing that becomes of a pull request, falls in both, at another moment. */
const stories = [
  {
    tracker: 'board' as const,
    falls: kills(
      'sort/mid',
      'effect/postActivity/after',
      'effect/moveTicket/after',
      'step/verify/worked',
      'conclude/mid',
      'effect/pushBranch/after',
      'effect/openPullRequest/after',
      'effect/attachPullRequest/after',
      { at: 'follow/red/mid', act: 'endChecks' },
      'effect/showStatus/after',
      'effect/pushBranch/after',
      'follow/green/mid',
      { at: 'follow/remarks/mid', act: 'review' },
      'effect/acknowledgeRemark/after',
      'effect/replyToRemark/after',
      { at: 'follow/merged/mid', act: 'merge' },
      { at: 'follow/landed/mid', act: 'endChecks' },
      'effect/deleteBranch/after',
    ),
  },
  {
    tracker: 'github-issues' as const,
    falls: kills(
      'effect/postActivity/after',
      'effect/moveTicket/after',
      'effect/pushBranch/mid',
      'effect/openPullRequest/mid',
      'effect/attachPullRequest/after',
      'follow/claimed',
      { at: 'follow/red/read', act: 'endChecks' },
      'effect/showStatus/mid',
      'follow/green/after',
      { at: 'follow/remarks/after', act: 'review', isUnheard: true },
      'effect/acknowledgeRemark/mid',
      'effect/replyToRemark/settled',
      { at: 'follow/merged/after', act: 'merge' },
      { at: 'follow/landed/after', act: 'endChecks' },
      'effect/deleteBranch/mid',
    ),
  },
];

test.for(stories)(
  'a ticket ($tracker), its pull request, red checks, mended, a review, answered, merged, done: killed at each step',
  { timeout: 600_000 },
  async ({ tracker, falls }) => {
    const stage = await openStage(tracker);
    const { setup, port, checks } = stage;
    const { app, ada, ci, github, remote, reviewing } = setup;
    const name = await stage.give('Whole way');
    const progress = async () => ((await app.sessions.view(name)) as SessionView | null)?.progress;
    const isGreen = () => expect.poll(progress, { timeout: 60_000 }).toMatch(/green/);
    const request = (): Issue => {
      const [issue, ...others] = setup.requests();
      if (!issue) throw new Error('There is no pull request.');
      expect(others).toEqual([]);
      return issue;
    };
    const base = await branchCommit(remote.dir, 'main');
    let commits = '';
    const acts = {
      endChecks: () => checks.end(),
      async review() {
        await isGreen();
        const lines = [
          { path: 'one.txt', line: 1, body: 'Say uno, please.' },
          { path: 'two.txt', line: 1, body: 'Why not three?' },
        ];
        await reviewing.review(request(), { by: ada.user, verdict: 'CHANGES_REQUESTED', lines });
      },
      async merge() {
        await isGreen();
        commits = await git(remote.dir, ['log', '--reverse', '--format=%s', `${base}..${request().pull?.headSha}`]);
        await checks.hold();
        await ada.merge(request().number, 'squash');
      },
    };

    for (const { at, act, isUnheard } of falls) {
      if (act && isUnheard) await acts[act]();
      const service = setup.start('start', { env: { SHIPMATE_FAILPOINTS: `${at}:kill` } });
      if (act && !isUnheard) {
        await Promise.race([isUp(port), service.ended]);
        await acts[act]();
      }
      expect(await service.ended, `${at}\n${service.output()}`).toBe('SIGKILL');
    }
    const last = setup.start('start');
    await expect.poll(progress, { timeout: 60_000 }).toBe('merged');
    await setup.rest(name);
    await ci.settled();
    await github.outbox.settled();
    await setup.sorted();

    const issue = request();
    const branch = issue.pull?.head ?? '';
    expect(commits.trim().split('\n')).toEqual(['One', 'One and two', 'Uno and two'].map((it) => `${name}: ${it}`));
    // Each commit came to the branch once, then it was deleted.
    expect(pushesOf(setup, branch)).toEqual([false, false, false, true]);
    expect(await branchCommit(remote.dir, branch)).toBeNull();
    expect(setup.saidOn(issue)).toEqual([expect.stringMatching(/^Merged, and the base is fine with it\.\n/)]);
    const { comments, threads, reactions } = reviewsOf(github);
    const [asked, others] = [comments.slice(0, 2), comments.slice(2)];
    const head = issue.pull?.headSha;
    expect(others.map(({ body }) => visible(body))).toEqual([
      `It is uno now.\n\nDone in ${head}.`,
      'Three is not part of the ticket.',
    ]);
    expect(reactions.map(({ comment, content }) => [comment, content])).toEqual(asked.map(({ id }) => [id, 'eyes']));
    expect(threads.map(({ resolvedBy }) => resolvedBy !== null)).toEqual([true, false]);
    await stage.expectTold(name, issue);
    const { pool } = setup.database;
    expect((await pool.query("select key, error from effects where state = 'failed'")).rows).toEqual([]);
    expect((await app.operations.checkInvariants({ live: false, days: null })).violations).toEqual([]);
    github.expectClean();
    last.kill('SIGTERM');
    await last.ended;
  },
);

test('what turns its base red, and is to be taken back: killed at each step', { timeout: 600_000 }, async () => {
  const { setup, port, checks, give } = await openStage('board');
  const { app, ada, ci, github, remote } = setup;
  const name = await give('Half the way');
  const progress = async () => ((await app.sessions.view(name)) as SessionView | null)?.progress;
  const isSeen = (what: RegExp) => expect.poll(progress, { timeout: 60_000 }).toMatch(what);
  const falls: Kill[] = [
    { at: 'follow/green/read', act: 'endChecks' },
    { at: 'follow/mainRed/mid', act: 'merge' },
    { at: 'effect/pushRevert/after' },
    { at: 'effect/openPullRequest/after' },
  ];
  for (const { at, act } of falls) {
    const service = setup.start('start', { env: { SHIPMATE_FAILPOINTS: `${at}:kill` } });
    if (act === 'endChecks') await checks.end();
    if (act === 'merge') {
      await Promise.race([isUp(port), service.ended]);
      await isSeen(/green/);
      await checks.breakBase();
      await ada.merge(1, 'squash');
    }
    expect(await service.ended, `${at}\n${service.output()}`).toBe('SIGKILL');
  }
  const last = setup.start('start');
  const { state } = await setup.rest(name);
  await ci.settled();
  await github.outbox.settled();
  await setup.sorted();

  expect(state).toBe('awaitingInput');
  const [merged, revert, ...others] = setup.requests();
  expect(others).toEqual([]);
  expect(pushesOf(setup, merged?.pull?.head ?? '')).toEqual([false, true]);
  expect(pushesOf(setup, revert?.pull?.head ?? '')).toEqual([false]);
  expect(revert).toMatchObject({ state: 'open', title: `Revert "${name}: Both"`, pull: { draft: true } });
  const tip = await git(remote.dir, ['diff', '--name-status', 'main', revert?.pull?.head ?? '']);
  expect(tip.trim().split('\n')).toEqual(['D\tone.txt', 'D\ttwo.txt']);
  expect(setup.saidOn(merged as Issue)).toEqual([expect.stringMatching(/^The base is red since this was merged/)]);
  const asked = "select activity ->> 'body' as body from board_activities where activity ->> 'type' = 'elicitation'";
  const { pool } = setup.database;
  expect((await pool.query(asked)).rows).toEqual([{ body: expect.stringContaining(`/pull/${revert?.number}`) }]);
  expect((await app.operations.checkInvariants({ live: false, days: null })).violations).toEqual([]);
  github.expectClean();
  last.kill('SIGTERM');
  await last.ended;
});

/** Without the marks by which the agent knows its own words. */
const visible = (body: string) => body.replaceAll(/<!--[\s\S]*?-->/g, '').trim();

/** Of each time that it was moved: whether it was deleted. */
function pushesOf({ github }: GitHubSetup, branch: string): boolean[] {
  const pushes = github.outbox.log.filter(({ event, isRedelivery }) => event === 'push' && !isRedelivery);
  return pushes
    .map(({ body }) => JSON.parse(body.toString()) as { ref: string; deleted: boolean })
    .flatMap(({ ref, deleted }) => (ref === `refs/heads/${branch}` ? [deleted] : []));
}

async function isUp(port: number): Promise<void> {
  const asked = () => fetch(`http://127.0.0.1:${port}/healthz`).catch(() => null);
  while ((await asked()) === null) await delay(50);
}

interface Stage {
  setup: GitHubSetup;
  port: number;
  /** Its CI runs until it is let end. */
  checks: {
    hold(): Promise<unknown>;
    end(): Promise<unknown> /** Of what is run from now on. */;
    breakBase(): Promise<unknown>;
  };
  /** Somebody gives the agent a ticket; answers what it is called. */
  give(title: string): Promise<string>;
  /** What stands on it in the end. */
  expectTold(name: string, request: Issue): Promise<void>;
}

async function openStage(tracker: 'board' | 'github-issues'): Promise<Stage> {
  const dir = await mkdtemp(join(tmpdir(), 'shipmate-checks-'));
  const [ends, breaks] = [join(dir, 'ends'), join(dir, 'breaks')];
  const port = await freePort();
  const setup = await startGitHubSetup({
    parts: [],
    script,
    issues: tracker === 'github-issues',
    code: { 'readme.txt': 'hello\n', '.shipmate.yml': 'verify: [test -s readme.txt]\n' },
    checks: `until test -e ${ends}; do test -d ${dir} || exit 1; sleep 0.1; done
      test ! -e one.txt || test -e two.txt || { echo "Error: two.txt is missing"; exit 1; }
      test ! -e ${breaks}`,
    // Webhooks that come while nothing is at work are asked for soon.
    yaml: { http: { port, publicUrl: 'https://shipmate.example.com' }, reconcile: { minutes: 0.05 } },
  });
  onTestFinished(async () => {
    await rm(dir, { recursive: true, force: true });
    await setup.stop();
  });
  const { app, github, remote, ada } = setup;
  github.apps.app.webhookUrl = `http://127.0.0.1:${port}/webhooks/github`;
  const checks = {
    hold: () => rm(ends),
    end: () => writeFile(ends, ''),
    breakBase: () => writeFile(breaks, ''),
  };
  const stage = { setup, port, checks };

  const closing = (url: string) => [
    expect.stringMatching(`Pull request: ${url} .*proved.*\n\nOne and two is there\\.\n\nIts check is green\\.`),
    expect.stringMatching(`Pull request: ${url} .*proved.*\n\nUno and two is there\\.\n\nIts check is green\\.`),
    expect.stringMatching(`Done: ${url} is merged, and \`main\` is fine with it\\.`),
  ];
  const urlOf = ({ number }: Issue) => `${github.url}/acme/app/pull/${number}`;

  if (tracker === 'github-issues') {
    const people = reporter(github, remote, ada.user);
    const ticket = () => [...remote.issues.values()].find(({ pull }) => !pull) as Issue;
    return {
      ...stage,
      async give(title) {
        const { number } = people.file({ title, body: 'Please.', labels: ['shipmate'] });
        return `acme/app#${number}`;
      },
      async expectTold(name, request) {
        const { comments, state, stateReason, labels } = ticket();
        expect([state, stateReason, labels.map(({ name }) => name)]).toEqual(['closed', 'completed', ['shipmate']]);
        const [status, ...answers] = comments.map(({ body }) => visible(body));
        expect(answers).toEqual(closing(urlOf(request)));
        const lines = status?.split('\n').map((line) => line.replace(/^- \d\d:\d\d /, '').trim()) ?? [];
        expect(lines.filter((line) => line !== '' && !/^(Running|Verifying) /.test(line))).toEqual([
          `${urlOf(request)} was merged. I look after what runs on \`main\` now.`,
          expect.stringMatching(/^_Now:_ See \[my answer\]/),
          `Pull request [#${request.number}: ${name}: Uno and two](${urlOf(request)}), merged`,
          expect.stringMatching(/^\[What I do, step by step\]/),
          expect.stringMatching(/^_Cost so far:_ .* of work$/),
          '<details><summary>Earlier (UTC)</summary>',
          `On it: reading ${name} and the code now.`,
          expect.stringContaining('Its checks run now'),
          '`test` fails on the pull request: I mend that now (round 1 of 2).',
          expect.stringContaining('Its checks run now'),
          `ada reviewed ${urlOf(request)} (2 remarks): I take that up now.`,
          expect.stringContaining('Its checks run now'),
          '</details>',
        ]);
      },
    };
  }
  return {
    ...stage,
    async give(title) {
      return (await app.desk.createTicket({ title, assignee: 'shipmate' }, someone)).identifier;
    },
    async expectTold(_, request) {
      const rows = async (text: string) => (await setup.database.pool.query(text)).rows;
      expect(await rows('select state from board_tickets')).toEqual([{ state: 'Done' }]);
      expect(await rows('select url from board_attachments order by created_at')).toEqual([
        { url: expect.stringMatching(/^https:\/\/shipmate\.example\.com\/sessions\//) },
        { url: urlOf(request) },
      ]);
      const told = await rows('select activity from board_activities order by seq');
      const said = (type: string) => told.flatMap(({ activity }) => (activity.type === type ? [activity.body] : []));
      expect(said('response')).toEqual(closing(urlOf(request)));
      expect(said('thought')).toEqual([
        'On it: reading BOARD-1 and the code now.',
        expect.stringContaining('Its checks run now'),
        '`test` fails on the pull request: I mend that now (round 1 of 2).',
        expect.stringContaining('Its checks run now'),
        `ada reviewed ${urlOf(request)} (2 remarks): I take that up now.`,
        expect.stringContaining('Its checks run now'),
        `${urlOf(request)} was merged. I look after what runs on \`main\` now.`,
      ]);
    },
  };
}
