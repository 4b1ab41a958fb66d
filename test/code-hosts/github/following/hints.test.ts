import { expect, test } from 'vitest';
import { readHints } from '../../../../src/code-hosts/github/following/hints.ts';
import { deploy, tellDeployed } from '../../../stand-ins/github/deployments.ts';
import { reportOne, reportStatus } from '../../../stand-ins/github/report-checks.ts';
import { createWorld } from './world.ts';

const repository = { id: 7, full_name: 'acme/app' };
const ours = { number: 3, base: { repo: { id: 7 } } };
const theirs = { number: 9, base: { repo: { id: 8 } } };

function hintsOf(event: string, body: unknown) {
  const bytes = body instanceof Uint8Array ? body : new TextEncoder().encode(JSON.stringify(body));
  return readHints({ source: 'github', deliveryId: 'x', headers: { 'x-github-event': event }, body: bytes });
}

test.for([
  ['pull_request', { pull_request: { number: 3 } }, [{ number: 3 }]],
  [
    'pull_request',
    { pull_request: { number: 4, merged: true, body: 'Reverts acme/app#3' } },
    [{ number: 4 }, { number: 3 }],
  ],
  ['pull_request', { pull_request: { number: 4, merged: true, body: 'Reverts acme/other#3' } }, [{ number: 4 }]],
  ['pull_request', { pull_request: { number: 4, merged: false, body: 'Reverts #3' } }, [{ number: 4 }]],
  ['pull_request_review', { pull_request: { number: 3 } }, [{ number: 3 }]],
  ['pull_request_review_comment', { pull_request: { number: 3 } }, [{ number: 3 }]],
  ['pull_request_review_thread', { pull_request: { number: 3 } }, [{ number: 3 }]],
  ['issue_comment', { issue: { number: 3, pull_request: {} } }, [{ number: 3 }]],
  ['issue_comment', { issue: { number: 3 } }, []],
  ['check_run', { check_run: { head_sha: 'a1', pull_requests: [ours, theirs] } }, [{ commit: 'a1' }, { number: 3 }]],
  ['check_suite', { check_suite: { head_sha: 'a1', pull_requests: [] } }, [{ commit: 'a1' }]],
  ['workflow_run', { workflow_run: { head_sha: 'a1', pull_requests: null } }, [{ commit: 'a1' }]],
  ['workflow_job', { workflow_job: { head_sha: 'a1' } }, [{ commit: 'a1' }]],
  ['status', { sha: 'a1' }, [{ commit: 'a1' }]],
  ['deployment_status', { deployment: { sha: 'a1', ref: 'main' } }, [{ commit: 'a1' }]],
  ['deployment_status', { deployment: { sha: 'a1', ref: 'refs/pull/3/merge' } }, [{ commit: 'a1' }, { number: 3 }]],
  ['push', { ref: 'refs/heads/a/b' }, [{ branch: 'a/b' }]],
  ['push', { ref: 'refs/tags/v1' }, []],
  ['ping', { zen: 'Keep it logically awesome.' }, []],
  ['constructor', {}, []],
  ['pull_request', {}, []],
  ['pull_request', { pull_request: 'none' }, []],
  ['check_run', { check_run: { head_sha: 5 } }, []],
  ['deployment_status', { deployment: null }, []],
] as const)('%s %j', ([event, body, expected]) => {
  expect(hintsOf(event, { repository, ...body })).toEqual(
    expected.map((place) => ({ location: 'acme/app', ...place })),
  );
});

test('what is no body of GitHub is none', () => {
  const texts = ['', 'null', '[]', '{', '"x"', '{"repository":null,"pull_request":{"number":1}}'];
  for (const text of texts) expect(hintsOf('pull_request', new TextEncoder().encode(text)), text).toEqual([]);
  expect(hintsOf('pull_request', new Uint8Array([0xff, 0xfe]))).toEqual([]);
  expect(readHints({ source: 'github', deliveryId: 'x', headers: {}, body: new Uint8Array() })).toEqual([]);
});

test('what happens on GitHub names the pull request that it is about', async () => {
  const world = await createWorld();
  try {
    const { github, row, ada, reviewing } = world;
    github.outbox.log.length = 0;
    const { issue, branch, head } = await world.open();
    const { review, comments } = await reviewing.review(issue, {
      by: ada.user,
      verdict: 'CHANGES_REQUESTED',
      lines: [{ path: 'a.txt', line: 5, body: 'Why?' }],
    });
    const [first] = comments;
    if (!first) throw new Error('no comment');
    await reviewing.edit(first, 'Why then?');
    await reviewing.resolve(first.thread, ada.user);
    await reviewing.dismiss(review, ada.user);
    ada.comment(issue.number, 'Hm');
    reportOne(github, row, head, { name: 'build' });
    reportStatus(github, row, head, { context: 'old', state: 'success' });
    tellDeployed(github, deploy(github, row, { sha: head, environment: 'preview' }), 'success');
    const seen = github.outbox.log.map(({ event, headers, body, guid }) => ({
      event,
      hints: readHints({ source: 'github', deliveryId: guid, headers, body }).map(({ location, ...place }) => {
        expect(location).toBe('acme/app');
        return place;
      }),
    }));
    const { number } = issue;
    const expected = {
      push: [{ branch }],
      status: [{ commit: head }],
      deployment_status: [{ commit: head }],
      check_run: [{ commit: head }, { number }],
      check_suite: [{ commit: head }, { number }],
    };
    for (const { event, hints } of seen)
      expect(hints, event).toEqual(expected[event as keyof typeof expected] ?? [{ number }]);
    expect(new Set(seen.map(({ event }) => event))).toEqual(
      new Set([
        ...Object.keys(expected),
        'pull_request',
        'pull_request_review',
        'pull_request_review_comment',
        'pull_request_review_thread',
        'issue_comment',
      ]),
    );
  } finally {
    await world.close();
  }
});
