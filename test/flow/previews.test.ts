import { once } from 'node:events';
import { createServer, type Server } from 'node:http';
import { afterAll, beforeAll, beforeEach, describe, expect, test } from 'vitest';
import type { CodeHost } from '../../src/code-hosts/code-host.ts';
import type { PreviewPlan } from '../../src/core/previews.ts';
import type { CheckRun, Deployment, RequestProgress } from '../../src/core/request-progress.ts';
import { followRequests, runPreviews } from '../../src/flow.ts';
import { beginFollowing, followOpened } from '../../src/store/followed-requests.ts';
import { describeRepository } from '../../src/workspaces/repository-facts.ts';
import type { Workspaces } from '../../src/workspaces/workspaces.ts';
import { whyNoBubblewrap } from '../sandboxes/support.ts';
import { createFixture, type Fixture, type Upstream } from '../workspaces/fixture.ts';
import { db, deps, endRuns, file, never, query, sort, useBoard } from './reconciling.ts';

useBoard();

let fixture: Fixture;
let upstream: Upstream;
let workspaces: Workspaces;
let host: CodeHost;
let now: RequestProgress;
let base: string;
/** What the preview says, how often it was asked, and what happens when it is. */
let site: { says: string; asked: number; onAsked: () => void };
let preview: Server;
let other: Server;

const urlOf = (server: Server) => `http://127.0.0.1:${(server.address() as { port: number }).port}`;
const check = (name: string, state: CheckRun['state']): CheckRun => ({
  name,
  state,
  summary: '',
  url: null,
  ref: null,
});
const deployed = (change: Partial<Deployment> = {}): Deployment => ({
  ...{ environment: 'Preview', isPreview: true, state: 'ready', url: 'https://pr-7.preview.example/' },
  ...change,
});

beforeAll(async () => {
  site = { says: 'well', asked: 0, onAsked: () => {} };
  preview = createServer((_, response) => {
    site.asked++;
    site.onAsked();
    response.end(site.says);
  });
  other = createServer((_, response) => response.end('other'));
  for (const server of [preview, other]) await once(server.listen(0, '127.0.0.1'), 'listening');
  fixture = await createFixture((await whyNoBubblewrap()) === null ? 'bubblewrap' : 'none');
  workspaces = fixture.open();
  upstream = await fixture.upstream();
  // Says what the preview says, and what another host does; the file is the change's own.
  const script = `const ask = (url) => fetch(url).then((answer) => answer.text(), () => 'no answer');
console.log(await import('node:fs').then(({ readFileSync }) => readFileSync('change', 'utf8')), await ask(process.env.PREVIEW_URL), await ask('${urlOf(other)}'));
process.exitCode = (await ask(process.env.PREVIEW_URL)) === 'well' ? 0 : 3;`;
  await upstream.write('check.mjs', script);
  await upstream.write('.shipmate.yml', 'setup: []\nverify: [node check.mjs]\npreview: [node check.mjs]\n');
  base = upstream.commit('base');
  host = {
    kind: 'somewhere',
    locate: async () => ({ ...upstream.location, defaultBranch: 'main' }),
    following: { read: async () => now, readLog: async () => 'of somebody else' },
  } as unknown as CodeHost;
});

afterAll(async () => {
  await fixture.remove();
  for (const server of [preview, other]) server.close();
});

const rooms = () => ({
  codeHosts: new Map([['somewhere', host]]),
  repositories: new Map([['app', { ...upstream.repository, codeHost: 'somewhere' }]]),
  workspaces,
});
const follow = () => {
  const checks = { rounds: 2, settleSeconds: 0, patienceMinutes: 30, environment: null, tell: [] };
  return followRequests({ ...deps, ...rooms(), policy: { ...deps.policy, checks }, pollSeconds: 0 } as never, never);
};
const run = (signal = never, atAddresses = true) => {
  return runPreviews({ ...deps, ...rooms(), describeRepository: describeIt, atAddresses }, signal);
};

/** A change on its branch, published. */
async function push(change: string): Promise<string> {
  upstream.git('checkout', '--quiet', '-B', 'work', now.head === '' ? 'main' : 'work');
  await upstream.write('change', change);
  now.head = upstream.commit(change);
  now.checks = { commit: now.head, runs: [check('test', 'passed')], required: ['test'] };
  return now.head;
}

beforeEach(async () => {
  await query('truncate followed_requests, remarks, previews, evidence');
  Object.assign(site, { says: 'well', asked: 0, onAsked: () => {} });
  now = {
    request: {
      ...{ repository: 'app', number: 7, url: 'https://host/7', title: 'Seven', body: '', base: 'main' },
      ...{ head: 'work', state: 'open', draft: false },
    },
    ...{ head: '', mergeCommit: null, mergeable: 'clean', baseChecks: null, mergeChecks: null, reverted: null },
    ...{ checks: { commit: '', runs: [], required: null }, deployments: [], remarks: [], closedBy: null },
  };
});

async function published(plan: PreviewPlan | null): Promise<void> {
  await file(1);
  await sort();
  await endRuns('complete');
  await push('first');
  await query(
    `update sessions set repository = 'app', branch = 'work', base_commit = $1, head_commit = $2,
    pull_request = '{"number": 7, "url": "https://host/7"}'`,
    [base, now.head],
  );
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
    };
    await beginFollowing(tx, id, { ...about, preview: plan, isWanted: true });
    await followOpened(tx, id, 7);
  });
}

async function written(): Promise<string[]> {
  const { rows } = await query(
    'with gone as (delete from effects returning seq, operation) select * from gone order by seq',
  );
  return rows.map(({ operation: { kind, body, activity } }) =>
    activity ? `${activity.type}: ${activity.body}` : body ? `${kind}: ${body}` : kind,
  );
}
const state = async () => (await query('select state from sessions')).rows[0].state;
const commands = { commands: ['node check.mjs'], environment: null };

describe('a preview deployment', () => {
  test('is told once for each commit, where the pull request is talked about', async () => {
    await published(null);
    now.checks.runs = [check('test', 'pending')];
    now.deployments = [deployed({ state: 'pending', url: null })];
    await follow();
    expect(await written()).toEqual([]);
    const strange = deployed({ environment: 'odd', url: 'javascript:alert(1)' });
    const staging = deployed({ environment: 'staging', isPreview: false, url: 'https://staging.example' });
    now.deployments = [deployed(), strange, staging];
    for (const _ of [1, 2]) await follow();
    const link = 'https://pr-7.preview.example/';
    expect(await written()).toEqual([
      `thought: Preview of the pull request: ${link}`,
      `showStatus: Its checks run.\n\nPreview: ${link} (Preview)`,
    ]);
    now.checks.runs = [check('test', 'passed')];
    await follow();
    expect((await written())[0]).toBe(
      `showStatus: Ready for review: the checks that count are green.\n\nPreview: ${link} (Preview)`,
    );
    await push('second');
    await follow();
    expect((await written())[0]).toBe(`thought: Preview of the pull request: ${link}`);
  });

  test('that fails, does not come or is at no name is for people, and is waited for no longer', async () => {
    await published(commands);
    now.deployments = [deployed({ state: 'failed', url: null })];
    await follow();
    expect((await written())[1]).toMatch(
      /^elicitation: `preview deployment` fails[\s\S]*The preview deployment failed\./,
    );
    expect(await state()).toBe('awaitingInput');

    await push('second');
    now.deployments = [];
    await follow();
    expect([await written(), await state()]).toEqual([[], 'awaitingInput']);
    await query("update followed_requests set head_at = now() - interval '31 minutes', look_at = now()");
    await follow();
    expect((await written())[1]).toMatch(/^elicitation: [\s\S]*No preview deployment has come/);

    await push('third');
    now.deployments = [deployed({ url: 'http://169.254.169.254/latest' })];
    await follow();
    await run(never, false);
    await follow();
    expect((await written()).at(-1)).toMatch(/^elicitation: [\s\S]*A preview must be at a host that has a name/);
    expect((await query('select from prompts')).rowCount, 'the agent is left alone').toBe(0);
  });
});

describe('what a repository wants run against its previews', () => {
  test('is run against that host alone, and is one more of the checks', async () => {
    const { preview: plan } = await describeIt();
    expect(plan).toEqual(commands);
    await published(plan);
    now.deployments = [deployed({ state: 'pending', url: null })];
    await follow();
    expect(await written(), 'not green yet').toEqual([]);
    now.deployments = [deployed({ url: urlOf(preview) })];
    await follow();
    await follow();
    expect((await written())[0]).toContain("The repository's own commands run against it now.");
    // As many workers as like: one does it.
    await Promise.all([run(), run()]);
    expect(site.asked).toBe(2);
    const { rows } = await query('select evidence from evidence');
    expect(rows.map((row) => row.evidence)).toMatchObject([
      { name: 'node check.mjs (preview)', where: 'head', exitCode: 0, log: expect.stringContaining('first well') },
    ]);
    expect((await query('select look_at <= now() as due from followed_requests')).rows[0].due).toBe(true);
    await follow();
    expect(await written()).toContainEqual(
      'response: Pull request: https://host/7 (proved)\n\nAll 2 of its required checks are green.',
    );

    site.says = 'broken';
    await push('second');
    await follow();
    await run();
    await follow();
    const red = (await query('select body from prompts')).rows.map((row) => row.body);
    expect(red).toEqual([expect.stringMatching(/these checks failed for \w+: `preview: node check\.mjs`/)]);
    expect(red[0]).toContain('exit code 3');
    expect(red[0]).toMatch(/second broken (no answer|This sandbox does not reach 127\.0\.0\.1)/);
    expect(red[0]).not.toContain('of somebody else');
    expect(await state()).toBe('active');
    expect((await written()).join('\n')).toContain('I mend that now (round 1 of 2)');
  });

  test('is run again where a worker fell or was stopped, and given up after three', async () => {
    await published(commands);
    now.deployments = [deployed({ url: urlOf(preview) })];
    await follow();
    const row = async () => (await query('select tries, run_at <= now() as due, outcome from previews')).rows[0];
    const stopping = new AbortController();
    site.onAsked = () => stopping.abort(new Error('the service is stopping'));
    await run(stopping.signal);
    expect(await row()).toEqual({ tries: 0, due: true, outcome: null });
    site.onAsked = () => {};
    // As if one had fallen: nobody holds it any more.
    await query("update previews set tries = 1, run_at = now() + interval '1 minute'");
    await run();
    expect(await row()).toMatchObject({ tries: 1, outcome: null });
    await query('update previews set run_at = now()');
    await run();
    expect(await row()).toMatchObject({ tries: 2, outcome: { runs: [{ exitCode: 0 }] } });
    await query('update previews set tries = 3, outcome = null, run_at = now()');
    await run();
    expect(await row()).toMatchObject({ outcome: { error: expect.stringContaining('came to no end') } });
    // Of a commit that is not the newest nothing is run.
    await query("update previews set tries = 0, outcome = null, run_at = now(), head = 'another'");
    await run();
    expect(await row()).toMatchObject({ tries: 0, outcome: null });
  });
});

async function describeIt() {
  const repository = { ...upstream.repository, codeHost: 'somewhere' };
  await workspaces.refresh(repository, upstream.location, never);
  return describeRepository(workspaces, repository, base);
}
