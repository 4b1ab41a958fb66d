import { expect, test } from 'vitest';
import { readPullRequest } from '../../../mcp-servers/git/pull-request.ts';

test.each([
  [
    'Merge pull request #7 from grace/fix/jitter',
    'Wait longer',
    { number: 7, title: 'Wait longer', branch: 'fix/jitter' },
  ],
  ['Merge pull request #7 from grace/jitter', '', { number: 7, title: 'jitter', branch: 'jitter' }],
  ['Call it retry (#12)', 'Some body', { number: 12, title: 'Call it retry', branch: null }],
  ['Revert "Call it retry (#12)" (#34)', '', { number: 34, title: 'Revert "Call it retry (#12)"', branch: null }],
  ['Squashed at GitLab (!5)', '', { number: 5, title: 'Squashed at GitLab', branch: null }],
  [
    "Merge branch 'docs' into 'main'",
    'Translate the page\n\nSee merge request team/sample!31\n',
    { number: 31, title: 'Translate the page', branch: 'docs' },
  ],
  [
    'Merged in jitter (pull request #9)',
    'Wait longer\n\nApproved-by: Ada',
    { number: 9, title: 'Wait longer', branch: 'jitter' },
  ],
  ['Merged PR 81: Wait longer', '', { number: 81, title: 'Wait longer', branch: null }],
  ["Merge branch 'shipmate/eng-3'", '', { number: null, title: 'shipmate/eng-3', branch: 'shipmate/eng-3' }],
  ["Merge remote-tracking branch 'origin/eng-3'", '', { number: null, title: 'origin/eng-3', branch: 'origin/eng-3' }],
  ["Merge branch 'main' into jitter", '', null],
  ["Merge branch 'jitter' of github.com:grace/sample", '', null],
  ['Fix #12', '', null],
  ['Begin', 'closes (#3)', null],
])('%s', (subject, body, expected) => {
  expect(readPullRequest(subject, body)).toEqual(expected);
});
