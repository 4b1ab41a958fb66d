import { chosenFields, expanded, listed, propertiesOf } from './issue-routes.ts';
import { compileJql } from './jql.ts';
import { bad } from './refusal.ts';
import { type Answer, type Call, type Routes, route } from './rest.ts';
import type { Issue, IssueState } from './rows.ts';
import { describeIssue } from './views.ts';

interface Asked {
  jql?: string | undefined;
  fields?: unknown;
  expand?: unknown;
  properties?: unknown;
  maxResults?: number | undefined;
  nextPageToken?: string | undefined;
  reconcileIssues?: number[] | undefined;
}

const most = { ids: 5_000, fields: 100 };
const tokenForMs = 7 * 86_400_000;
/** A search shows no more comments of an issue than this. */
const mostComments = 20;

/** What the index has of each issue: what was a while ago, but for those that are to be as they are. */
function indexed(
  { site, user }: Pick<Call, 'site' | 'user'>,
  reconciled: number[],
): { issue: Issue; state: IssueState }[] {
  const until = site.clock.now() - site.searchLagMs;
  return [...site.issues.values()].flatMap((issue) => {
    const seen = reconciled.includes(Number(issue.id)) ? issue : issue.indexed.findLast(({ at }) => at <= until)?.state;
    return seen && site.may(user, 'BROWSE_PROJECTS', seen.project) ? [{ issue, state: seen }] : [];
  });
}

function find(call: Pick<Call, 'site' | 'user'>, { jql = '', reconcileIssues = [] }: Asked) {
  if (reconcileIssues.length > 50) throw bad('The maximum number of issues to reconcile is 50.');
  const compiled = compileJql(call.site, jql, call.user);
  if (!compiled.isBounded)
    throw bad('Unbounded JQL queries are not allowed here. Please add a search restriction to your query.');
  const rows = indexed(call, reconcileIssues).filter(({ issue, state }) => compiled.fits(issue, state));
  return { compiled, rows: rows.toSorted(compiled.compare) };
}

function search(call: Call, asked: Asked): Answer {
  const { site, eye } = call;
  const { compiled, rows } = find(call, asked);
  const names = listed(asked.fields);
  // Without `fields` there is nothing but the ids.
  const isBare = names.length === 0 || names.every((name) => ['id', 'key'].includes(name));
  const size = Math.max(1, Math.min(asked.maxResults ?? 50, isBare ? most.ids : most.fields));
  const from = asked.nextPageToken === undefined ? 0 : startOf(asked.nextPageToken);
  const page = rows.slice(from, from + size);
  const fields = isBare ? [] : chosenFields(eye, names, '*navigable');
  const expand = listed(asked.expand);
  const inEach = expand.filter((name) => !['names', 'schema'].includes(name));
  const last = page.at(-1);
  const isLast = from + size >= rows.length;
  return {
    body: {
      issues: page.map(({ issue, state }) =>
        names.length === 0
          ? { id: issue.id }
          : {
              ...describeIssue(eye, issue, { fields, state, comments: mostComments }),
              ...expanded(eye, issue, inEach, fields),
              ...propertiesOf(issue, asked.properties),
            },
      ),
      isLast,
      ...(expand.includes('names') && { names: Object.fromEntries(fields.map(({ id, name }) => [id, name])) }),
      ...(expand.includes('schema') && { schema: Object.fromEntries(fields.map(({ id, schema }) => [id, schema])) }),
      ...(!isLast && last && { nextPageToken: tokenFor(last) }),
    },
  };

  /** Where the page begins: after what stood last on the one before, wherever that would stand now. */
  function startOf(token: string): number {
    const found = readToken(token);
    const issue = found === null ? null : (site.issues.get(found.id) ?? gone(found));
    if (found === null || issue === null || found.jql !== asked.jql || found.at < site.clock.now() - tokenForMs)
      throw bad('The provided next page token is invalid or expired.');
    const state = { ...issue, updated: found.updated };
    const at = rows.findIndex((row) => compiled.compare(row, { issue, state }) > 0);
    return at === -1 ? rows.length : at;
  }

  function tokenFor({ issue, state }: { issue: Issue; state: IssueState }): string {
    const { updated, created } = state;
    const token = { id: issue.id, jql: asked.jql, updated, created, at: site.clock.now() };
    return Buffer.from(JSON.stringify(token)).toString('base64');
  }
}

interface PageToken {
  id: string;
  jql: string;
  updated: string;
  created: string;
  at: number;
}

function readToken(token: string): PageToken | null {
  try {
    return JSON.parse(Buffer.from(token, 'base64').toString('utf8'));
  } catch {
    return null;
  }
}

/** Of an issue that was deleted since only so much is left as its place by time needs. */
function gone({ id, updated, created }: PageToken): Issue {
  return { id, updated, created, statusChanged: updated, key: `X-${id}`, project: { key: 'X', id: '0' } } as Issue;
}

export const searchRoutes: Routes = {
  'issueSearch.searchAndReconsileIssuesUsingJqlPost': route<'issueSearch.searchAndReconsileIssuesUsingJqlPost'>(
    'read',
    (call) => search(call as never, call.given as Asked),
  ),
  'issueSearch.searchAndReconsileIssuesUsingJql': route<'issueSearch.searchAndReconsileIssuesUsingJql'>(
    'read',
    (call) => search(call as never, call.given as Asked),
  ),
  'issueSearch.countIssues': route<'issueSearch.countIssues'>('read', (call) => ({
    body: { count: find(call as never, call.given as Asked).rows.length },
  })),
  'issueSearch.matchIssues': route<'issueSearch.matchIssues'>('read', ({ site, user, given }) => ({
    body: {
      matches: given.jqls.map((jql) => {
        const { fits } = compileJql(site, jql, user);
        const issues = given.issueIds.map((id) => site.issues.get(String(id)));
        return {
          matchedIssues: issues.flatMap((issue) => (issue && fits(issue, issue) ? [Number(issue.id)] : [])),
          errors: [],
        };
      }),
    },
  })),
};
