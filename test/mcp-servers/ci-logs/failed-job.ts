import { branchCommit } from '../../stand-ins/github/git.ts';
import { type GitHub, startGitHub } from '../../stand-ins/github/server.ts';
import { reportRun } from '../../stand-ins/github/workflow-runs.ts';

/** A line of the log of `job`. */
export const cause = 'a.c:4:10: fatal error: missing.h: No such file or directory';

/** A GitHub with a repository "acme/app", in which a job has failed, and a token that reads its log. */
export async function startWithFailedJob(): Promise<{ github: GitHub; token: string; job: number }> {
  const github = await startGitHub();
  const repository = await github.addRepository('acme/app');
  const permissions = { actions: 'read', checks: 'read', contents: 'read', statuses: 'read' };
  const token = github.apps.mint(github.apps.install(repository.owner), { permissions }, [repository]).value;
  const steps = [{ name: 'Run make', conclusion: 'failure' as const }];
  const log = Buffer.from(`cc -c a.c\n${cause}\n`);
  const commit = (await branchCommit(repository.dir, 'main')) ?? '';
  const { jobs } = reportRun(github, repository, commit, { jobs: [{ name: 'build', log, steps }] });
  return { github, token, job: jobs[0]?.id ?? 0 };
}
