import { describe, expect, test } from 'vitest';
import { judgeChecks } from '../../src/core/judge-checks.ts';
import { newPreviews, type Preview, readAddress, withPreviewRuns } from '../../src/core/previews.ts';
import type { CheckRun, Deployment, RequestProgress } from '../../src/core/request-progress.ts';

const at = (environment: string, state: Deployment['state'], url: string | null, isPreview = true): Deployment => ({
  ...{ environment, state, url, isPreview },
});
const progress = (deployments: Deployment[], required: string[] | null = null): RequestProgress => {
  const runs = [{ name: 'test', state: 'passed', summary: '', url: null, ref: null } satisfies CheckRun];
  return { deployments, checks: { commit: 'c', runs, required } } as unknown as RequestProgress;
};
const ran = (url: string, exitCode: number | null, environment = 'web'): Preview => ({
  ...{ environment, url, commands: ['e2e'] },
  outcome: { runs: [{ command: 'e2e', exitCode, stopped: null, durationMs: 1, log: 'its log' }] },
});
const plan = { commands: ['e2e'], environment: null };
const web = 'https://web.example/';

describe('a pull request with commands for its preview', () => {
  const waits = (url: string): Preview => ({ ...ran(url, 0), outcome: null });
  test.each<[string, Deployment[], Preview[], boolean, string, string[]]>([
    ['waits for a deployment', [], [], false, 'pending', ['preview deployment']],
    ['waits for one that is under way', [at('web', 'pending', null)], [], false, 'pending', ['preview deployment']],
    ['does not wait for ever', [at('web', 'pending', null)], [], true, 'red', ['preview deployment']],
    ['sees that it failed', [at('web', 'failed', web)], [], false, 'red', ['preview deployment']],
    [
      'waits where another may come',
      [at('web', 'failed', web), at('b', 'pending', null)],
      [],
      false,
      'pending',
      ['preview deployment'],
    ],
    ['waits for its run', [at('web', 'ready', web)], [waits(web)], true, 'pending', ['preview: e2e']],
    ['waits for what nobody has told yet', [at('web', 'ready', web)], [], false, 'pending', ['preview: e2e']],
    ['passes', [at('web', 'ready', web)], [ran(web, 0)], true, 'green', []],
    ['fails', [at('web', 'ready', web)], [ran(web, 1)], true, 'red', ['preview: e2e']],
    ['fails by what was stopped', [at('web', 'ready', web)], [ran(web, null)], true, 'red', ['preview: e2e']],
    [
      'is run anew where it is deployed anew',
      [at('web', 'ready', 'https://other')],
      [ran(web, 1)],
      true,
      'pending',
      ['preview: e2e'],
    ],
    [
      'stays with its environment',
      [at('docs', 'ready', 'https://docs'), at('web', 'ready', web)],
      [ran(web, 0)],
      true,
      'green',
      [],
    ],
    [
      'is not looked at elsewhere',
      [at('staging', 'ready', 'https://staging', false)],
      [],
      false,
      'pending',
      ['preview deployment'],
    ],
  ])('%s', (_, deployments, known, isLate, state, names) => {
    for (const required of [null, ['test']]) {
      const verdict = judgeChecks(withPreviewRuns(progress(deployments, required), plan, known, isLate).checks);
      expect([verdict.state, [...verdict.pending, ...verdict.failed.map(({ name }) => name)]]).toEqual([state, names]);
    }
  });

  test('goes by the environment that is named, whatever its host makes of it', () => {
    const named = { commands: ['e2e'], environment: 'Review App' };
    const both = progress([at('web', 'ready', web), at('review app', 'ready', 'https://review', false)]);
    expect(newPreviews(both, named, [])).toEqual([
      { environment: 'web', url: web, commands: null, outcome: null },
      { environment: 'review app', url: 'https://review/', commands: ['e2e'], outcome: null },
    ]);
    expect(newPreviews(both, { ...named, commands: [] }, []).map(({ commands }) => commands)).toEqual([null, null]);
    expect(withPreviewRuns(both, { ...named, commands: [] }, [], true)).toBe(both);
  });
});

test('an address is a web page that can be written and reached', () => {
  expect(readAddress('https://A.example:8443/x?y=z')).toEqual({
    url: 'https://a.example:8443/x?y=z',
    host: 'a.example:8443',
  });
  const wrong = [
    '',
    'a.example',
    'ftp://a',
    'https://u:p@a',
    'javascript:alert(1)',
    'https://a/)[x](http://b)',
    `https://a/${'x'.repeat(2_000)}`,
  ];
  expect(wrong.filter((url) => readAddress(url) !== null)).toEqual([]);
});
