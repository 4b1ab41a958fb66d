import type { components } from '@octokit/openapi-types';

type Schemas = components['schemas'];
export type Issue = Schemas['issue'];
export type Comment = Schemas['issue-comment'];
export type Review = Schemas['pull-request-review'];
export type LineComment = Schemas['pull-request-review-comment'];
export type PullRequest = Schemas['pull-request'];
export type Milestone = Schemas['milestone'];
export type Repository = Pick<Schemas['full-repository'], 'id' | 'full_name' | 'archived' | 'has_issues'>;

/** What the list of an issue's events says of one that is about a label or who has it. */
export interface IssueEvent {
  event: string;
  created_at: string;
  actor: { id: number; login: string; type?: string } | null;
  performed_via_github_app?: { id?: number } | null;
  label?: { name: string };
  assignee?: { login: string } | null;
}

export type FoundIssue = Schemas['issue-search-result-item'];

/**
 * One request to GitHub, as the client sends it: `route` as in "GET /repos/{owner}/{repo}"; `by`: the repository by whose
 * leave, where that does not say.
 */
export type Ask = <T>(
  route: string,
  parameters: Record<string, unknown>,
  signal: AbortSignal,
  by?: string,
) => Promise<{ data: T; headers: Record<string, unknown> }>;

/** An issue by where it is. */
export interface Place {
  /** "owner/name" */
  repository: string;
  number: number;
}

type Parameters = Record<string, string | number | boolean | readonly string[] | undefined>;

const perPage = 100;
const mostPages = 1_000;
const issueRoute = '/repos/{owner}/{repo}/issues/{issue_number}';

/** What the adapter asks of GitHub. Everything throws `VendorError`. */
export type Api = ReturnType<typeof createApi>;

export function createApi(ask: Ask) {
  async function one<T>(route: string, parameters: Parameters, signal: AbortSignal): Promise<T> {
    signal.throwIfAborted();
    return (await ask<T>(route, parameters, signal)).data;
  }

  const all = <T>(route: string, parameters: Parameters, signal: AbortSignal): Promise<T[]> =>
    until<T>(route, parameters, () => true, signal);

  /** Page by page, as long as the last one of a page is wanted, too. */
  async function until<T>(
    route: string,
    parameters: Parameters,
    isWanted: (one: T) => boolean,
    signal: AbortSignal,
  ): Promise<T[]> {
    const found: T[] = [];
    for (let page = 1; page <= mostPages; page++) {
      signal.throwIfAborted();
      const { data, headers } = await ask<T[]>(route, { ...parameters, per_page: perPage, page }, signal);
      found.push(...data.filter(isWanted));
      if (!data.every(isWanted) || !areMore(headers, data.length, perPage)) break;
    }
    return found;
  }

  const on = (place: Place) => ({ ...inside(place.repository), issue_number: place.number });

  const onPull = (place: Place) => ({ ...inside(place.repository), pull_number: place.number });

  return {
    repository: (name: string, signal: AbortSignal) =>
      one<Repository>('GET /repos/{owner}/{repo}', inside(name), signal),
    writers: async (name: string, signal: AbortSignal) => {
      const route = 'GET /repos/{owner}/{repo}/collaborators';
      const people = await all<{ login: string }>(route, { ...inside(name), permission: 'push' }, signal);
      return people.map(({ login }) => login);
    },
    milestones: (name: string, signal: AbortSignal) =>
      all<Milestone>('GET /repos/{owner}/{repo}/milestones', { ...inside(name), state: 'open' }, signal),

    issue: (place: Place, signal: AbortSignal) => one<Issue>(`GET ${issueRoute}`, on(place), signal),
    /** A page of a repository's issues, pull requests among them. */
    async issues(name: string, query: Parameters, signal: AbortSignal): Promise<{ issues: Issue[]; areMore: boolean }> {
      signal.throwIfAborted();
      const route = 'GET /repos/{owner}/{repo}/issues';
      const { data, headers } = await ask<Issue[]>(route, { ...inside(name), ...query }, signal);
      return { issues: data, areMore: areMore(headers, data.length, Number(query.per_page)) };
    },
    allIssues: (name: string, query: Parameters, signal: AbortSignal) =>
      all<Issue>('GET /repos/{owner}/{repo}/issues', { ...inside(name), ...query }, signal),
    /** Of all that may be seen by this repository's leave, what GitHub thinks best first; thirty times in a minute. */
    async search(name: string, query: Parameters, signal: AbortSignal): Promise<FoundIssue[]> {
      signal.throwIfAborted();
      return (await ask<{ items: FoundIssue[] }>('GET /search/issues', query, signal, name)).data.items;
    },
    create: (name: string, issue: Parameters, signal: AbortSignal) =>
      one<Issue>('POST /repos/{owner}/{repo}/issues', { ...inside(name), ...issue }, signal),
    update: (place: Place, change: Parameters, signal: AbortSignal) =>
      one<Issue>(`PATCH ${issueRoute}`, { ...on(place), ...change }, signal),

    /** Oldest first; `since`: those written or changed from then on. */
    comments: (place: Place, since: string | null, signal: AbortSignal) =>
      all<Comment>(`GET ${issueRoute}/comments`, { ...on(place), ...(since !== null && { since }) }, signal),
    /** Those of all issues that were made since, newest first. The question stays the same, so no news costs nothing. */
    newestComments: (name: string, since: string, signal: AbortSignal) =>
      until<Comment>(
        'GET /repos/{owner}/{repo}/issues/comments',
        { ...inside(name), sort: 'created', direction: 'desc' },
        ({ created_at }) => Date.parse(created_at) > Date.parse(since),
        signal,
      ),
    /** Open issues that were changed since, the last one first; in the same way. */
    newestIssues: (name: string, since: string, signal: AbortSignal) =>
      until<Issue>(
        'GET /repos/{owner}/{repo}/issues',
        { ...inside(name), state: 'open', sort: 'updated', direction: 'desc' },
        ({ updated_at }) => Date.parse(updated_at) > Date.parse(since),
        signal,
      ),
    comment: (place: Place, body: string, signal: AbortSignal) =>
      one<Comment>(`POST ${issueRoute}/comments`, { ...on(place), body }, signal),
    editComment: ({ repository }: Place, id: number, body: string, signal: AbortSignal) =>
      one<Comment>(
        'PATCH /repos/{owner}/{repo}/issues/comments/{comment_id}',
        { ...inside(repository), comment_id: id, body },
        signal,
      ),
    deleteComment: ({ repository }: Place, id: number, signal: AbortSignal) =>
      one<unknown>(
        'DELETE /repos/{owner}/{repo}/issues/comments/{comment_id}',
        { ...inside(repository), comment_id: id },
        signal,
      ),

    pull: (place: Place, signal: AbortSignal) =>
      one<PullRequest>('GET /repos/{owner}/{repo}/pulls/{pull_number}', onPull(place), signal),
    reviews: (place: Place, signal: AbortSignal) =>
      all<Review>('GET /repos/{owner}/{repo}/pulls/{pull_number}/reviews', onPull(place), signal),
    lineComments: (place: Place, signal: AbortSignal) =>
      all<LineComment>('GET /repos/{owner}/{repo}/pulls/{pull_number}/comments', onPull(place), signal),

    events: (place: Place, signal: AbortSignal) => all<IssueEvent>(`GET ${issueRoute}/events`, on(place), signal),
    addLabels: (place: Place, labels: readonly string[], signal: AbortSignal) =>
      one<unknown>(`POST ${issueRoute}/labels`, { ...on(place), labels }, signal),
    removeLabel: (place: Place, name: string, signal: AbortSignal) =>
      one<unknown>(`DELETE ${issueRoute}/labels/{name}`, { ...on(place), name }, signal),
    assign: (place: Place, login: string, signal: AbortSignal) =>
      one<Issue>(`POST ${issueRoute}/assignees`, { ...on(place), assignees: [login] }, signal),
    unassign: (place: Place, login: string, signal: AbortSignal) =>
      one<Issue>(`DELETE ${issueRoute}/assignees`, { ...on(place), assignees: [login] }, signal),

    parent: (place: Place, signal: AbortSignal) => one<Issue>(`GET ${issueRoute}/parent`, on(place), signal),
    children: (place: Place, signal: AbortSignal) => all<Issue>(`GET ${issueRoute}/sub_issues`, on(place), signal),
    addChild: (place: Place, issueId: number, signal: AbortSignal) =>
      one<Issue>(`POST ${issueRoute}/sub_issues`, { ...on(place), sub_issue_id: issueId }, signal),
    blockedBy: (place: Place, signal: AbortSignal) =>
      all<Issue>(`GET ${issueRoute}/dependencies/blocked_by`, on(place), signal),
    blocking: (place: Place, signal: AbortSignal) =>
      all<Issue>(`GET ${issueRoute}/dependencies/blocking`, on(place), signal),
    addBlocker: (place: Place, issueId: number, signal: AbortSignal) =>
      one<Issue>(`POST ${issueRoute}/dependencies/blocked_by`, { ...on(place), issue_id: issueId }, signal),
  };
}

function inside(fullName: string): { owner: string; repo: string } {
  const [owner = '', repo = ''] = fullName.split('/');
  return { owner, repo };
}

/** A page that has not changed is kept with the link that it had: where it was the last one then, it may not be by now. */
function areMore(headers: Record<string, unknown>, got: number, size: number): boolean {
  return got >= size || /\brel="next"/.test(String(headers.link ?? ''));
}
