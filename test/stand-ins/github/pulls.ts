import { branchCommit, git, isAncestor, mergedTree } from './git.ts';
import type { GitHub } from './github.ts';
import { closePull, emitPull, refMoved } from './ref-moved.ts';
import { invalid, notFound, Refusal } from './refusal.ts';
import { changedFiles, describeCommit } from './repository-routes.ts';
import { type Routes, repositoryOf, route } from './rest.ts';
import { levelOf } from './rights.ts';
import type { Issue, Label, Pull, Repository, User } from './rows.ts';
import { describeLabel, describePullBriefly, describeUser, numbersOf } from './views.ts';

export interface NewPull {
  title: string;
  body?: string | null;
  head: string;
  base: string;
  draft?: boolean;
}

/** An issue or pull request gets the next number of its repository. */
export function addIssue(
  github: GitHub,
  repository: Repository,
  user: User,
  { title, body = null, pull = null }: { title: string; body?: string | null; pull?: Pull | null },
): Issue {
  const at = github.clock.stamp();
  const issue: Issue = {
    id: github.nextId(),
    number: Math.max(0, ...repository.issues.keys()) + 1,
    title,
    body,
    user,
    state: 'open',
    stateReason: null,
    labels: [],
    assignees: [],
    comments: [],
    createdAt: at,
    updatedAt: at,
    closedAt: null,
    closedBy: null,
    pull,
  };
  repository.issues.set(issue.number, issue);
  return issue;
}

export async function openPull(github: GitHub, repository: Repository, user: User, wanted: NewPull): Promise<Issue> {
  const { title, body, base } = wanted;
  const [owner, head] = wanted.head.includes(':') ? wanted.head.split(':') : [repository.owner.login, wanted.head];
  const wrong = (field: string) => invalid({ resource: 'PullRequest', field, code: 'invalid' });
  const isFork = owner !== repository.owner.login;
  const fork = isFork
    ? github.repositories.find((each) => each.parent === repository && each.owner.login === owner)
    : null;
  if (head === undefined || fork === undefined) throw wrong('head');
  if (fork) await git(repository.dir, ['fetch', '--quiet', fork.dir, head]); // only the commits
  const [headSha, baseSha] = [
    await branchCommit((fork ?? repository).dir, head),
    await branchCommit(repository.dir, base),
  ];
  if (headSha === null) throw wrong('head');
  if (baseSha === null) throw wrong('base');
  if (title.trim() === '') throw invalid({ resource: 'PullRequest', field: 'title', code: 'missing_field' });
  const said = (message: string) => invalid({ resource: 'PullRequest', code: 'custom', message });
  for (const { state, pull } of repository.issues.values())
    if (state === 'open' && pull?.head === head && pull.fork === fork && pull.base === base)
      throw said(`A pull request already exists for ${owner}:${head}.`);
  if (await isAncestor(repository.dir, headSha, baseSha)) throw said(`No commits between ${base} and ${head}`);
  // Whatever was asked of git just now, somebody else may have opened it meanwhile: looked at once more, in one go with the insert.
  for (const { state, pull } of repository.issues.values())
    if (state === 'open' && pull?.head === head && pull.fork === fork && pull.base === base)
      throw said(`A pull request already exists for ${owner}:${head}.`);
  const pull: Pull = {
    id: github.nextId(),
    head,
    fork,
    base,
    headSha,
    baseSha,
    draft: wanted.draft ?? false,
    merged: null,
    reviewers: [],
    teamReviewers: [],
    unknownReads: 0,
  };
  const issue = addIssue(github, repository, user, { title, body: body ?? null, pull });
  await emitPull(github, repository, issue, 'opened', user);
  return issue;
}

/** Of `pull-request`: all that is known of it. */
export async function describePull(
  github: GitHub,
  repository: Repository,
  issue: Issue,
): Promise<Record<string, unknown>> {
  const brief = await describePullBriefly(github, repository, issue);
  const { pull } = issue;
  if (!pull) throw notFound();
  const head = (brief.head as { sha: string }).sha;
  const base = (brief.base as { sha: string }).sha;
  const isUnknown = issue.state === 'closed' || pull.unknownReads-- > 0;
  const tree = isUnknown ? null : await mergedTree(repository.dir, base, head);
  const merges = isUnknown ? null : tree !== null;
  const protection = repository.protections.get(pull.base);
  return {
    ...brief,
    ...(tree !== null && { merge_commit_sha: await trialMerge(repository.dir, base, head, tree) }),
    merged: pull.merged !== null,
    merged_by: pull.merged ? describeUser(github, pull.merged.by) : null,
    mergeable: merges,
    rebaseable: merges,
    mergeable_state:
      merges === null ? 'unknown' : !merges ? 'dirty' : pull.draft ? 'draft' : protection ? 'blocked' : 'clean',
    comments: issue.comments.length,
    review_comments: 0,
    maintainer_can_modify: false,
    ...(await numbersOf(repository, base, head)),
  };
}

/** What it would be, merged now: workflows of a pull request run on it. The same for the same commits. */
function trialMerge(dir: string, base: string, head: string, tree: string): Promise<string> {
  const at = '2026-01-01T00:00:00Z';
  const env = { GIT_AUTHOR_DATE: at, GIT_COMMITTER_DATE: at };
  return git(dir, ['commit-tree', '-m', `Merge ${head} into ${base}`, '-p', base, '-p', head, tree], { env });
}

export function pullOf(call: { repository: Repository | null; path: object }): {
  repository: Repository;
  issue: Issue;
  pull: Pull;
} {
  const repository = repositoryOf(call);
  const issue = repository.issues.get((call.path as { pull_number: number }).pull_number);
  if (!issue?.pull) throw notFound();
  return { repository, issue, pull: issue.pull };
}

/** The label of that name, made where there is none. */
export function labelOf(github: GitHub, repository: Repository, name: string): Label {
  const known = [...repository.labels.values()].find((each) => each.name.toLowerCase() === name.toLowerCase());
  if (known) return known;
  const label: Label = { id: github.nextId(), name, color: 'ededed' };
  repository.labels.set(name, label);
  return label;
}

/** Merges as the button does; answers the commit that is on the base then. */
export async function mergePull(
  github: GitHub,
  repository: Repository,
  issue: Issue,
  by: User,
  method: 'merge' | 'squash' | 'rebase' = 'merge',
): Promise<string> {
  const { pull } = issue;
  if (!pull || issue.state === 'closed' || pull.draft) throw new Refusal(405, 'Pull Request is not mergeable');
  const { dir } = repository;
  const [head, base] = [await branchCommit(dir, pull.head), await branchCommit(dir, pull.base)];
  if (head === null || base === null) throw notFound();
  const tree = await mergedTree(dir, base, head);
  if (tree === null) throw new Refusal(405, 'Pull Request is not mergeable');
  const message = `${issue.title} (#${issue.number})`;
  let commit = base;
  if (method === 'merge')
    commit = await git(dir, ['commit-tree', '-m', `Merge pull request #${issue.number}`, '-p', base, '-p', head, tree]);
  else if (method === 'squash') commit = await git(dir, ['commit-tree', '-m', message, '-p', base, tree]);
  else
    for (const each of (await git(dir, ['rev-list', '--reverse', `${base}..${head}`])).split('\n').filter(Boolean)) {
      const picked = await git(dir, ['merge-tree', '--write-tree', `--merge-base=${each}^`, commit, each]);
      const said = await git(dir, ['show', '-s', '--format=%B', each]);
      commit = await git(dir, ['commit-tree', '-m', said, '-p', commit, picked.split('\n')[0] ?? '']);
    }
  await git(dir, ['update-ref', `refs/heads/${pull.base}`, commit, base]);
  await closePull(github, repository, issue, by, commit);
  await refMoved(github, repository, { branch: pull.base, before: base, after: commit, by });
  return commit;
}

export const pullRoutes: Routes = {
  'pulls/create': route<'pulls/create'>('pull_requests:write', async (call) => {
    const { github, body, actor } = call;
    const repository = repositoryOf(call);
    const issue = await openPull(github, repository, actor, { ...body, title: body.title ?? '' });
    return { status: 201, body: await describePull(github, repository, issue) };
  }),

  'pulls/list': route<'pulls/list'>('pull_requests:read', async (call) => {
    const repository = repositoryOf(call);
    const { state = 'open', head, base, sort = 'created', direction } = call.query;
    const owner = repository.owner.login;
    const found = [...repository.issues.values()].filter(
      (issue) =>
        issue.pull &&
        (state === 'all' || issue.state === state) &&
        (head === undefined || !head.includes(':') || head === `${owner}:${issue.pull.head}`) &&
        (base === undefined || base === issue.pull.base),
    );
    const key = (issue: Issue) => (sort === 'updated' ? issue.updatedAt : issue.createdAt);
    found.sort((a, b) => key(a).localeCompare(key(b)));
    if ((direction ?? (sort === 'created' ? 'desc' : 'asc')) === 'desc') found.reverse();
    return {
      body: await Promise.all(call.page(found).map((issue) => describePullBriefly(call.github, repository, issue))),
    };
  }),

  'pulls/get': route<'pulls/get'>('pull_requests:read', async (call) => {
    const { repository, issue } = pullOf(call);
    return { body: await describePull(call.github, repository, issue) };
  }),

  'pulls/update': route<'pulls/update'>('pull_requests:write', async (call) => {
    const { github, actor } = call;
    const { repository, issue, pull } = pullOf(call);
    const { title, body, state, base } = call.body ?? {};
    if (base !== undefined && base !== pull.base) {
      if (issue.state === 'closed')
        throw invalid({
          resource: 'PullRequest',
          field: 'base',
          code: 'invalid',
          message: 'Cannot change the base branch of a closed pull request.',
        });
      const sha = await branchCommit(repository.dir, base);
      if (sha === null) throw invalid({ resource: 'PullRequest', field: 'base', code: 'invalid' });
      Object.assign(pull, { base, baseSha: sha });
    }
    const changes = {
      ...(title !== undefined && title !== issue.title ? { title: { from: issue.title } } : {}),
      ...(body !== undefined && body !== issue.body ? { body: { from: issue.body ?? '' } } : {}),
    };
    if (title !== undefined) issue.title = title;
    if (body !== undefined) issue.body = body;
    issue.updatedAt = github.clock.stamp();
    if (Object.keys(changes).length > 0) await emitPull(github, repository, issue, 'edited', actor, { changes });
    if (state === 'closed') await closePull(github, repository, issue, actor);
    if (state === 'open') await reopenPull(github, repository, issue, actor);
    return { body: await describePull(github, repository, issue) };
  }),

  'pulls/list-files': route<'pulls/list-files'>('pull_requests:read', async (call) => {
    const { repository, pull } = pullOf(call);
    const head = (await branchCommit(repository.dir, pull.head)) ?? pull.headSha;
    const base = await git(repository.dir, ['merge-base', `refs/heads/${pull.base}`, head]);
    return { body: call.page(await changedFiles(repository, base, head)) };
  }),

  'pulls/list-commits': route<'pulls/list-commits'>('pull_requests:read', async (call) => {
    const { repository, pull } = pullOf(call);
    const head = (await branchCommit(repository.dir, pull.head)) ?? pull.headSha;
    const range = `refs/heads/${pull.base}..${head}`;
    const shas = (await git(repository.dir, ['rev-list', '--reverse', range])).split('\n').filter(Boolean);
    const { apiUrl } = call.github;
    return { body: await Promise.all(call.page(shas).map((sha) => describeCommit(repository, apiUrl, sha))) };
  }),

  'pulls/request-reviewers': route<'pulls/request-reviewers'>('pull_requests:write', async (call) => {
    const { github, actor } = call;
    const { repository, issue, pull } = pullOf(call);
    const { reviewers = [], team_reviewers: teams = [] } = call.body ?? {};
    const refused = (login: string) =>
      new Refusal(
        422,
        `Reviews may only be requested from collaborators. One or more of the users or teams you specified is not a collaborator of the ${repository.owner.login}/${repository.name} repository. (${login})`,
      );
    const users = reviewers.map((login) => {
      const user = github.users.get(login.toLowerCase());
      if (!user || !['admin', 'write'].includes(levelOf(repository, user))) throw refused(login);
      if (user === issue.user) throw new Refusal(422, 'Review cannot be requested from pull request author.');
      return user;
    });
    for (const slug of teams) if (!repository.teams.has(slug)) throw refused(slug);
    for (const user of users) {
      if (pull.reviewers.includes(user)) continue;
      pull.reviewers.push(user);
      const more = { requested_reviewer: describeUser(github, user) };
      await emitPull(github, repository, issue, 'review_requested', actor, more);
    }
    pull.teamReviewers = [...new Set([...pull.teamReviewers, ...teams])];
    return { status: 201, body: await describePullBriefly(github, repository, issue) };
  }),

  'issues/add-labels': route<'issues/add-labels'>('issues:write|pull_requests:write', (call) => {
    const repository = repositoryOf(call);
    const issue = repository.issues.get(call.path.issue_number);
    if (!issue) throw notFound();
    const names = (call.body?.labels ?? []).map((each: string | { name: string }) =>
      typeof each === 'string' ? each : each.name,
    );
    for (const name of names) {
      const label = labelOf(call.github, repository, name);
      if (!issue.labels.includes(label)) issue.labels.push(label);
    }
    return { body: issue.labels.map((label) => describeLabel(call.github, repository, label)) };
  }),
};

/** Throws what the real one answers where that cannot be. */
export async function reopenPull(github: GitHub, repository: Repository, issue: Issue, by: User): Promise<void> {
  if (!issue.pull || issue.state === 'open') return;
  const { head, merged } = issue.pull;
  if (merged)
    throw invalid({
      resource: 'PullRequest',
      code: 'custom',
      field: 'state',
      message: 'state cannot be changed. The pull request was merged.',
    });
  if ((await branchCommit(repository.dir, head)) === null)
    throw invalid({
      resource: 'PullRequest',
      code: 'custom',
      field: 'state',
      message: `state cannot be changed. The ${head} branch has been deleted.`,
    });
  Object.assign(issue, { state: 'open', closedAt: null, closedBy: null, updatedAt: github.clock.stamp() });
  await emitPull(github, repository, issue, 'reopened', by);
}
