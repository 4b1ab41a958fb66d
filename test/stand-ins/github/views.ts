import type { Installation } from './apps.ts';
import { branchCommit, saysOf } from './git.ts';
import type { GitHub } from './github.ts';
import { type Comment, fullName, type Issue, type Label, type Protection, type Repository, type User } from './rows.ts';

/** What is answered of rows, and told of them: what matters; the rest is filled in by the vendor's description. */

export function describeUser(github: GitHub, user: User): Record<string, unknown> {
  return {
    login: user.login,
    id: user.id,
    node_id: nodeId('U', user.id),
    type: user.type,
    url: `${github.apiUrl}/users/${user.login}`,
    html_url: `${github.url}/${user.login}`,
    avatar_url: `${github.url}/${user.login}.png`,
    gravatar_id: '',
    site_admin: false,
  };
}

export const nodeId = (kind: string, id: number): string => `${kind}_${id}`;

export function describeRepository(github: GitHub, repository: Repository): Record<string, unknown> {
  const name = fullName(repository);
  return {
    id: repository.id,
    node_id: nodeId('R', repository.id),
    name: repository.name,
    full_name: name,
    owner: describeUser(github, repository.owner),
    private: repository.isPrivate,
    visibility: repository.isPrivate ? 'private' : 'public',
    archived: repository.isArchived,
    disabled: false,
    fork: repository.parent !== null,
    has_issues: repository.hasIssues,
    default_branch: repository.defaultBranch,
    url: `${github.apiUrl}/repos/${name}`,
    html_url: `${github.url}/${name}`,
    clone_url: `${github.url}/${name}.git`,
    git_url: `git://127.0.0.1/${name}.git`,
    ssh_url: `git@127.0.0.1:${name}.git`,
    created_at: repository.createdAt,
    updated_at: repository.createdAt,
    pushed_at: repository.createdAt,
    topics: [],
  };
}

export function describeLabel(github: GitHub, repository: Repository, label: Label): Record<string, unknown> {
  return {
    id: label.id,
    node_id: nodeId('LA', label.id),
    name: label.name,
    color: label.color,
    default: false,
    description: '',
    url: `${github.apiUrl}/repos/${fullName(repository)}/labels/${encodeURIComponent(label.name)}`,
  };
}

export function describeComment(
  github: GitHub,
  repository: Repository,
  issue: Issue,
  comment: Comment,
): Record<string, unknown> {
  const name = fullName(repository);
  const page = issue.pull ? 'pull' : 'issues';
  return {
    id: comment.id,
    node_id: nodeId('IC', comment.id),
    body: comment.body,
    user: describeUser(github, comment.user),
    author_association: associationOf(repository, comment.user),
    created_at: comment.createdAt,
    updated_at: comment.updatedAt,
    url: `${github.apiUrl}/repos/${name}/issues/comments/${comment.id}`,
    html_url: `${github.url}/${name}/${page}/${issue.number}#issuecomment-${comment.id}`,
    issue_url: `${github.apiUrl}/repos/${name}/issues/${issue.number}`,
    performed_via_github_app: null,
  };
}

export function associationOf(repository: Repository, user: User): string {
  if (repository.owner === user) return 'OWNER';
  const level = repository.levels.get(user.login);
  return level === 'admin' || level === 'write' ? 'COLLABORATOR' : 'NONE';
}

/** Of `pull-request-simple`; `describePull` has more. */
export async function describePullBriefly(
  github: GitHub,
  repository: Repository,
  issue: Issue,
): Promise<Record<string, unknown>> {
  const { pull } = issue;
  if (!pull) throw new Error(`#${issue.number} is no pull request`);
  const name = fullName(repository);
  const url = `${github.apiUrl}/repos/${name}/pulls/${issue.number}`;
  const html = `${github.url}/${name}/pull/${issue.number}`;
  const side = (ref: string, sha: string, home = repository) => ({
    ref,
    sha,
    label: `${home.owner.login}:${ref}`,
    user: describeUser(github, home.owner),
    repo: describeRepository(github, home),
  });
  const tip = issue.state === 'open' && !pull.fork ? await branchCommit(repository.dir, pull.head) : null;
  const headSha = tip ?? pull.headSha;
  return {
    id: pull.id,
    node_id: nodeId('PR', pull.id),
    number: issue.number,
    title: issue.title,
    body: issue.body,
    state: issue.state,
    draft: pull.draft,
    locked: false,
    user: describeUser(github, issue.user),
    labels: issue.labels.map((label) => describeLabel(github, repository, label)),
    assignees: issue.assignees.map((user) => describeUser(github, user)),
    requested_reviewers: pull.reviewers.map((user) => describeUser(github, user)),
    requested_teams: pull.teamReviewers.map((slug) => describeTeam(github, repository, slug)),
    author_association: associationOf(repository, issue.user),
    created_at: issue.createdAt,
    updated_at: issue.updatedAt,
    closed_at: issue.closedAt,
    merged_at: pull.merged?.at ?? null,
    merge_commit_sha: pull.merged?.commit ?? null,
    head: side(pull.head, headSha, pull.fork ?? repository),
    base: side(pull.base, (await branchCommit(repository.dir, pull.base)) ?? pull.baseSha),
    url,
    html_url: html,
    diff_url: `${html}.diff`,
    patch_url: `${html}.patch`,
    issue_url: `${github.apiUrl}/repos/${name}/issues/${issue.number}`,
    comments_url: `${github.apiUrl}/repos/${name}/issues/${issue.number}/comments`,
    _links: { self: { href: url }, html: { href: html } },
  };
}

function describeTeam(github: GitHub, repository: Repository, slug: string): Record<string, unknown> {
  return {
    id: 1,
    node_id: nodeId('T', 1),
    name: slug,
    slug,
    url: `${github.apiUrl}/orgs/${repository.owner.login}/teams/${slug}`,
    html_url: `${github.url}/orgs/${repository.owner.login}/teams/${slug}`,
  };
}

export async function numbersOf(repository: Repository, base: string, head: string): Promise<Record<string, number>> {
  const stat = await saysOf(repository.dir, 'diff', '--numstat', `${base}...${head}`);
  const count = await saysOf(repository.dir, 'rev-list', '--count', `${base}..${head}`);
  const lines = stat.split('\n').filter(Boolean);
  const sum = (index: number) => lines.reduce((all, line) => all + (Number(line.split('\t')[index]) || 0), 0);
  return {
    commits: Number(count) || 0,
    additions: sum(0),
    deletions: sum(1),
    changed_files: lines.length,
  };
}

export function describeInstallation(github: GitHub, installation: Installation): Record<string, unknown> {
  const { app } = github.apps;
  return {
    id: installation.id,
    account: describeUser(github, installation.account),
    app_id: app.id,
    app_slug: app.slug,
    target_id: installation.account.id,
    target_type: installation.account.type,
    permissions: installation.permissions,
    events: app.events.filter((event) => event !== '*'),
    repository_selection: installation.selected ? 'selected' : 'all',
    suspended_at: installation.suspendedAt,
    suspended_by: null,
    single_file_name: null,
    created_at: installation.createdAt,
    updated_at: installation.createdAt,
    access_tokens_url: `${github.apiUrl}/app/installations/${installation.id}/access_tokens`,
    repositories_url: `${github.apiUrl}/installation/repositories`,
    html_url: `${github.url}/settings/installations/${installation.id}`,
  };
}

export function describeProtection({ requiredChecks, requiredReviews }: Protection): Record<string, unknown> {
  return {
    enabled: true,
    required_status_checks: {
      enforcement_level: 'non_admins',
      contexts: requiredChecks,
      checks: requiredChecks.map((context) => ({ context, app_id: null })),
    },
    ...(requiredReviews > 0
      ? {
          required_pull_request_reviews: {
            dismiss_stale_reviews: false,
            require_code_owner_reviews: false,
            required_approving_review_count: requiredReviews,
          },
        }
      : {}),
  };
}
