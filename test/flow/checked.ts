import type pg from 'pg';
import type { CheckRun, RequestProgress } from '../../src/core/request-progress.ts';
import { followRequests, type RequestDeps } from '../../src/flow.ts';

const never = new AbortController().signal;

/** As if each session that is complete had a pull request, and its checks had just ended so; once mended, people are asked. */
export function createChecks(deps: object, pool: pg.Pool) {
  return async (state: CheckRun['state']): Promise<void> => {
    const progress: RequestProgress = {
      request: { ...about, state: 'open', draft: false },
      ...{ head: 'c1', mergeCommit: null, mergeable: 'clean', baseChecks: null, mergeChecks: null },
      checks: { commit: 'c1', required: null, runs: [{ name: 'test', state, summary: '', url: null, ref: null }] },
      ...{ deployments: [], remarks: [], closedBy: null, reverted: null },
    };
    const following = { read: async () => progress, readLog: async () => null };
    const repository = { name: 'app', codeHost: 'host', location: 'acme/app', base: null };
    const { policy } = deps as RequestDeps;
    await pool.query(`update sessions set pull_request = '{"number": 7, "url": "https://host/7"}'`);
    await pool.query(`
      insert into followed_requests (session_id, repository, branch, number, phase, head, closing, draft, look_at)
      select id, 'app', 'work', 7, 'checking', 'c1', 'Done: {link}', false, now() from sessions where state = 'complete'
      on conflict (session_id) do nothing`);
    await pool.query('update followed_requests set look_at = now()');
    await followRequests(
      {
        ...(deps as RequestDeps),
        codeHosts: new Map([['host', { following } as never]]),
        repositories: new Map([['app', repository]]),
        policy: {
          ...policy,
          checks: { rounds: 1, settleSeconds: 0, patienceMinutes: 60, environment: null, tell: [] },
        },
        pollSeconds: null,
      },
      never,
    );
    // There is no code host to write to, and no pull request that a run could look at.
    await pool.query(`delete from effects where lane = 'code'`);
    await pool.query('update sessions set pull_request = null');
  };
}

const about = {
  repository: 'app',
  number: 7,
  url: 'https://host/7',
  title: 'Seven',
  body: '',
  base: 'main',
  head: 'work',
};
