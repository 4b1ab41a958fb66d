import { afterAll, afterEach, beforeAll, describe, expect, test } from 'vitest';
import { deploy, tellDeployed } from '../../../stand-ins/github/deployments.ts';
import { openSuite, reportCheck, reportOne, reportStatus } from '../../../stand-ins/github/report-checks.ts';
import { createWorld, tenLines, type World } from './world.ts';

const signal = new AbortController().signal;
let world: World;
beforeAll(async () => {
  world = await createWorld();
});
afterEach(() => world.github.faults.clear());
afterAll(() => world?.close());

const netlify = { id: 13473, slug: 'netlify', name: 'Netlify' };

describe('a reading', () => {
  test('what has not changed costs 304s only', async () => {
    const { github, row, ada, reviewing } = world;
    const { issue, head } = await world.open();
    reportOne(github, row, head, { name: 'build' });
    reportOne(github, row, head, { name: 'lint', conclusion: 'failure' });
    reportStatus(github, row, head, { context: 'coverage', state: 'success' });
    tellDeployed(github, deploy(github, row, { sha: head, environment: 'preview' }), 'success', 'https://p.example');
    await reviewing.review(issue, { by: ada.user, lines: [{ path: 'a.txt', line: 5, body: 'Why?' }] });
    for (let each = 0; each < 3; each++) ada.comment(issue.number, `Comment ${each}`);
    const first = await world.read(issue);
    const used = () => [...github.used.values()].reduce((sum, { count }) => sum + count, 0);
    const before = used();
    github.requests.length = 0;
    world.wait(15_000);
    expect(await world.read(issue)).toEqual(first);
    const statuses = github.requests.map(({ status }) => status);
    console.log(`A poll in which nothing has changed: ${statuses.length} requests, all 304.`);
    expect(statuses).toEqual(Array.from({ length: 12 }, () => 304));
    expect(used()).toBe(before);
  });

  test('checks and statuses of the head, by their names', async () => {
    const { github, row } = world;
    const { issue, head } = await world.open();
    const report = (name: string, run: object) => reportOne(github, row, head, { name, ...run });
    report('passed', { conclusion: 'success' });
    report('neutral', { conclusion: 'neutral' });
    report('skipped', { conclusion: 'skipped' });
    const failed = report('failed', {
      conclusion: 'failure',
      output: { title: '2 tests failed', summary: 'a\nb', text: null },
    });
    report('timed out', { conclusion: 'timed_out' });
    report('cancelled', { conclusion: 'cancelled' });
    report('asks people', { conclusion: 'action_required' });
    report('queued', { status: 'queued' });
    report('running', { status: 'in_progress' });
    const other = report('deploy/netlify', {
      conclusion: 'failure',
      app: netlify,
      detailsUrl: 'https://netlify.example/1',
    });
    reportStatus(github, row, head, { context: 'jenkins', state: 'pending' });
    reportStatus(github, row, head, {
      context: 'jenkins',
      state: 'error',
      description: 'Broke',
      targetUrl: 'https://j.example',
    });
    reportStatus(github, row, head, { context: 'slow', state: 'pending' });
    const { checks, baseChecks, head: seen } = await world.read(issue);
    expect(seen).toBe(head);
    expect(checks).toMatchObject({ commit: head, required: null });
    expect(Object.fromEntries(checks.runs.map(({ name, state }) => [name, state]))).toEqual({
      passed: 'passed',
      neutral: 'passed',
      skipped: 'skipped',
      failed: 'failed',
      'timed out': 'failed',
      cancelled: 'failed',
      'asks people': 'pending',
      queued: 'pending',
      running: 'pending',
      'deploy/netlify': 'failed',
      jenkins: 'failed',
      slow: 'pending',
    });
    const named = new Map(checks.runs.map((run) => [run.name, run]));
    expect(named.get('failed')).toMatchObject({
      summary: '2 tests failed\na\nb',
      ref: { kind: 'check-run', id: failed.id, job: failed.id },
    });
    expect(named.get('cancelled')?.summary).toBe('cancelled');
    expect(named.get('deploy/netlify')?.ref).toEqual({ kind: 'check-run', id: other.id });
    expect(named.get('jenkins')).toMatchObject({ summary: 'Broke', url: 'https://j.example', ref: { kind: 'status' } });
    expect(baseChecks).toEqual({ commit: issue.pull?.baseSha, runs: [], required: null });
  });

  test('of one workflow the newest run counts; two of one name may not hide one another', async () => {
    const { github, row } = world;
    const { issue, head } = await world.open();
    const workflow = { id: 1, name: 'CI', runId: 11, event: 'push' as const };
    const ran = (name: string, conclusion: 'success' | 'failure', of: object) =>
      reportCheck(github, openSuite(github, row, head, { workflow: { ...workflow, ...of } }), { name, conclusion });
    ran('again', 'failure', { runId: 11 });
    ran('again', 'success', { runId: 12 });
    ran('twice', 'failure', { runId: 13 });
    ran('twice', 'success', { runId: 14, event: 'pull_request' });
    const both = openSuite(github, row, head, { workflow: { ...workflow, runId: 15 } });
    reportCheck(github, both, { name: 'rerun', conclusion: 'failure' });
    reportCheck(github, both, { name: 'rerun', conclusion: 'success' });
    const { runs } = (await world.read(issue)).checks;
    expect(Object.fromEntries(runs.map(({ name, state }) => [name, state]))).toEqual({
      again: 'passed',
      twice: 'failed',
      rerun: 'passed',
    });
  });

  test('what is required, by protection and by rulesets', async () => {
    const { github, row } = world;
    const { issue } = await world.open();
    row.protections.set('main', { requiredChecks: ['build', 'e2e'], requiredReviews: 1 });
    row.rulesets.push({
      id: 1,
      name: 'r',
      include: ['~DEFAULT_BRANCH'],
      rules: [
        { type: 'deletion' },
        {
          type: 'required_status_checks',
          parameters: {
            strict_required_status_checks_policy: false,
            required_status_checks: [{ context: 'build' }, { context: 'lint', integration_id: 1 }],
          },
        },
      ],
    });
    const required = async () => (await world.read(issue)).checks.required;
    world.wait(600_000);
    expect((await required())?.sort()).toEqual(['build', 'e2e', 'lint']);
    world.wait(600_000);
    github.faults.add({
      operation: 'repos/get-branch-rules',
      action: { type: 'status', status: 403, commit: 'before', body: { message: 'Upgrade to GitHub Pro' } },
    });
    expect(await required()).toEqual(['build', 'e2e']);
    row.protections.clear();
    row.rulesets.length = 0;
    world.wait(600_000);
    github.faults.clear();
    expect(await required()).toBeNull();
  });

  test('the base is looked at where something failed, at the commit that it began from', async () => {
    const { github, row, ada } = world;
    const began = await ada.commit('main', { 'b.txt': '1\n' });
    const { issue, head } = await world.open();
    await ada.commit('main', { 'b.txt': '2\n' });
    reportOne(github, row, began, { name: 'build', conclusion: 'failure' });
    const run = reportOne(github, row, head, { name: 'build' });
    expect((await world.read(issue)).baseChecks).toBeNull();
    reportCheck(github, run.suite, { id: run.id, name: 'build', conclusion: 'failure' });
    expect((await world.read(issue)).baseChecks).toMatchObject({
      commit: began,
      runs: [{ name: 'build', state: 'failed' }],
    });
  });

  test('of what was merged, the base is looked at as it was before', async () => {
    const { github, row, ada } = world;
    const { issue } = await world.open();
    const before = await ada.commit('main', { 'b.txt': '1\n' });
    reportOne(github, row, before, { name: 'build', conclusion: 'failure' });
    const commit = await ada.merge(issue.number, 'squash');
    expect((await world.read(issue)).baseChecks).toBeNull();
    reportOne(github, row, commit, { name: 'build', conclusion: 'failure' });
    expect((await world.read(issue)).baseChecks).toMatchObject({
      commit: before,
      runs: [{ name: 'build', state: 'failed' }],
    });
  });

  test('deployments: the newest of each environment; of the merge commit once merged', async () => {
    const { github, row, ada } = world;
    const { issue, head } = await world.open();
    const at = (environment: string, of: object = {}) => deploy(github, row, { sha: head, environment, ...of });
    tellDeployed(github, at('Preview'), 'failure');
    const preview = at('Preview');
    tellDeployed(github, preview, 'in_progress');
    tellDeployed(github, at('gone'), 'inactive');
    at('production');
    at('review-app', { isTransient: true });
    expect((await world.read(issue)).deployments.sort((a, b) => (a.environment < b.environment ? -1 : 1))).toEqual([
      { environment: 'Preview', isPreview: true, state: 'pending', url: null },
      { environment: 'production', isPreview: false, state: 'pending', url: null },
      { environment: 'review-app', isPreview: true, state: 'pending', url: null },
    ]);
    tellDeployed(github, preview, 'success', 'https://pr-1.example');
    expect((await world.read(issue)).deployments).toContainEqual({
      environment: 'Preview',
      isPreview: true,
      state: 'ready',
      url: 'https://pr-1.example',
    });
    const pull = await world.client
      .on('acme/app')
      .get<{ merge_commit_sha: string }>(
        'GET /repos/{owner}/{repo}/pulls/{pull_number}',
        { pull_number: issue.number },
        signal,
      );
    const trial = { sha: pull.merge_commit_sha, ref: `refs/pull/${issue.number}/merge` };
    tellDeployed(github, at('trial', trial), 'success');
    expect((await world.read(issue)).deployments).toContainEqual({
      environment: 'trial',
      isPreview: true,
      state: 'ready',
      url: null,
    });
    const commit = await ada.merge(issue.number, 'squash');
    reportOne(github, row, commit, { name: 'main', conclusion: 'failure' });
    tellDeployed(github, deploy(github, row, { sha: commit, environment: 'staging' }), 'error');
    await ada.setBranch(issue.pull?.head ?? '', null);
    expect(await world.read(issue)).toMatchObject({
      request: { state: 'merged' },
      head,
      mergeCommit: commit,
      mergeChecks: { commit, runs: [{ name: 'main', state: 'failed' }] },
      deployments: [{ environment: 'staging', isPreview: false, state: 'failed', url: null }],
      closedBy: null,
    });
  });

  test('a pull request that a person closed, moved by force, or brought into conflict', async () => {
    const { github, row, ada } = world;
    const { issue, branch, head } = await world.open();
    expect(await world.read(issue)).toMatchObject({ mergeable: 'clean', closedBy: null, mergeCommit: null });
    if (issue.pull) issue.pull.unknownReads = 1;
    expect((await world.read(issue)).mergeable).toBe('unknown');
    await ada.commit('main', { 'a.txt': tenLines.replace('line 5', 'line V') });
    reportOne(github, row, head, { name: 'build' });
    expect((await world.read(issue)).mergeable).toBe('conflict');
    const theirs = await ada.commit('elsewhere', { 'a.txt': 'theirs\n' });
    await ada.setBranch(branch, theirs);
    expect(await world.read(issue)).toMatchObject({ head: theirs, checks: { commit: theirs, runs: [] } });
    await ada.setBranch(branch, null);
    expect(await world.read(issue)).toMatchObject({
      request: { state: 'closed' },
      head: theirs,
      closedBy: { name: 'ada', isBot: false },
    });
  });

  test('a merge that was taken back', async () => {
    const { ada, bob } = world;
    const { issue } = await world.open();
    await ada.merge(issue.number, 'squash');
    expect((await world.read(issue)).reverted).toBeNull();
    await ada.commit('revert-1', { 'a.txt': tenLines });
    const body = `Reverts acme/app#${issue.number}`;
    const { number } = await ada.open({ title: 'Revert "T"', body, head: 'revert-1', base: 'main' });
    bob.comment(number, `See #${issue.number}`);
    expect((await world.read(issue)).reverted).toBeNull();
    await ada.merge(number);
    expect((await world.read(issue)).reverted).toEqual({
      by: { id: String(ada.user.id), name: 'ada', isBot: false },
      url: expect.stringContaining(`/pull/${number}`),
    });
  });

  test('a merge that was taken back by a commit on the base', async () => {
    const { ada } = world;
    const { issue } = await world.open();
    const commit = await ada.merge(issue.number);
    const revert = await ada.commit('main', { 'a.txt': tenLines }, `Revert "T"\n\nThis reverts commit ${commit}.`);
    expect((await world.read(issue)).reverted).toEqual({ by: null, url: expect.stringContaining(revert) });
  });

  test('a branch of a fork: its commits are here, its branch is not', async () => {
    const { github, row, bob } = world;
    const { issue, head } = await world.open();
    if (issue.pull) issue.pull.head = 'patch-1';
    reportOne(github, row, head, { name: 'build', conclusion: 'failure' });
    bob.comment(issue.number, '@deckhand, please');
    expect(await world.read(issue)).toMatchObject({
      head,
      checks: { commit: head, runs: [{ name: 'build', state: 'failed' }] },
      remarks: [{ mayWrite: false, mentions: true }],
    });
  });

  test('an App that may not see runs and deployments sees the rest; without checks nothing is said to be green', async () => {
    const { github, row } = world;
    const { issue, head } = await world.open();
    for (const conclusion of ['failure', 'success'] as const)
      reportOne(github, row, head, { name: 'build', conclusion });
    deploy(github, row, { sha: head, environment: 'preview' });
    const forbid = (operation: string) =>
      github.faults.add({
        operation,
        action: {
          type: 'status',
          status: 403,
          commit: 'before',
          body: { message: 'Resource not accessible by integration' },
        },
      });
    forbid('actions/list-workflow-runs-for-repo');
    forbid('repos/list-deployments');
    const seen = await world.read(issue);
    expect(seen).toMatchObject({ deployments: [], checks: { runs: [{ name: 'build', state: 'passed' }] } });
    forbid('checks/list-for-ref');
    await expect(world.read(issue)).rejects.toMatchObject({ code: 'unauthorized', retryable: false });
  });

  test('what GitHub refuses is told in our words', async () => {
    const { github, repository, following } = world;
    const { issue } = await world.open();
    for (const number of [0, -1, 1.5, Number.NaN, 999_999])
      await expect(following.read(repository, number, signal)).rejects.toMatchObject({ code: 'not_found' });
    await expect(following.read(repository, issue.number, AbortSignal.abort())).rejects.toThrow('aborted');
    for (const shape of ['primary', 'secondary'] as const) {
      github.faults.add({ operation: 'checks/list-for-ref', action: { type: 'rateLimit', shape, seconds: 60 } });
      await expect(world.read(issue), shape).rejects.toMatchObject({ code: 'rate_limited', retryable: true });
      github.faults.clear();
    }
    github.faults.add({ operation: 'pulls/list-reviews', action: { type: 'status', status: 502, commit: 'before' } });
    await expect(world.read(issue)).rejects.toMatchObject({ code: 'unavailable', retryable: true });
  });
});
