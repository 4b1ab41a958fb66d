import { keepNewest } from '../../../lib/keep-newest.ts';
import { createTurns } from '../../../lib/turns.ts';
import type { LinearClient } from '../client.ts';
import type { IssueNow } from './look.ts';

const most = { results: 5_000, issues: 2_000, projects: 200 };
/**
 * An issue may have been changed by people since it was seen. Webhooks tell of that (`told`), and where they come late, or to
 * another process, the document of a move shows the issue right before it, and what a person had chosen is put back.
 */
const freshMs = { issue: 30_000, project: 5 * 60_000, gone: 10 * 60_000 };

/**
 * What this process knows of what it has written. It spares requests, and makes good what Linear has no ids for: a plan or
 * a move that is sent once more by this process changes nothing. It is lost with the process, and nothing else depends on it.
 */
export interface Memory {
  resultOf(operationId: string): Record<string, unknown> | null;
  keepResult(operationId: string, result: Record<string, unknown>): void;
  /** How an issue was seen last; null when that is too long ago to write by. */
  seen(issueId: string): IssueNow | null;
  /** `asked`: when it was asked for, by `performance.now()`; what is known from later stands. */
  see(issue: IssueNow, asked?: number): void;
  unsee(issueId: string): void;
  /** An event tells how an issue is: where that is not as it was seen, it is looked at before the next move. */
  told(issue: Pick<IssueNow, 'id' | 'stateId' | 'teamId' | 'delegateId'>): void;
  /** Our newest agent session on an issue; null when it is too long ago that anybody looked: people begin others. */
  newestOf(issueId: string): string | null;
  keepNewest(issueId: string, agentSessionId: string): void;
  /** One of ours on an issue, whichever; or the one that a comment is in. */
  sessionOf(issueOrCommentId: string): string | null;
  keepSession(issueOrCommentId: string, agentSessionId: string): void;
  /** Whether Linear had an agent session no more when it was written to. */
  isGone(agentSessionId: string): boolean;
  noteGone(agentSessionId: string): void;
  /** The id of a team's project by its name; null where it was not found of late. */
  projectOf(teamId: string, name: string): string | null;
  keepProject(teamId: string, name: string, projectId: string): void;
  /** All that is known of an issue, and of projects: something was refused for it. */
  forget(issueId: string): void;
  /** One after the other for one key: of two that send the same at once, the second finds the first one's result. */
  inTurn<T>(key: string, signal: AbortSignal, work: () => Promise<T>): Promise<T>;
}

const memories = new WeakMap<LinearClient, Memory>();

export function memoryOf(client: LinearClient): Memory {
  const known = memories.get(client) ?? createMemory();
  memories.set(client, known);
  return known;
}

function createMemory(): Memory {
  const results = new Map<string, Record<string, unknown>>();
  const issues = new Map<string, { issue: IssueNow; at: number; isStale?: true }>();
  const sessions = new Map<string, string>();
  const newest = new Map<string, { id: string; at: number }>();
  const gone = new Map<string, number>();
  const projects = new Map<string, { id: string; at: number }>();

  function unsee(id: string): void {
    const seen = issues.get(id);
    if (seen) keepNewest(issues, id, { issue: seen.issue, at: performance.now(), isStale: true }, most.issues);
  }

  return {
    resultOf: (id) => results.get(id) ?? null,
    keepResult: (id, result) => keepNewest(results, id, result, most.results),
    seen(id) {
      const seen = issues.get(id);
      return seen && !seen.isStale && performance.now() - seen.at < freshMs.issue ? seen.issue : null;
    },
    see(issue, asked = performance.now()) {
      const before = issues.get(issue.id);
      if (before && before.at > asked) return;
      // A session that began with a mention stays one.
      const isMentioned = issue.isMentioned ?? before?.issue.isMentioned ?? null;
      keepNewest(issues, issue.id, { issue: { ...issue, isMentioned }, at: asked }, most.issues);
    },
    unsee,
    told({ id, ...now }) {
      const seen = issues.get(id)?.issue;
      if (seen && (['stateId', 'teamId', 'delegateId'] as const).some((field) => seen[field] !== now[field])) unsee(id);
    },
    forget(id) {
      issues.delete(id);
      sessions.delete(id);
      newest.delete(id);
      projects.clear();
    },
    newestOf(id) {
      const known = newest.get(id);
      return known && performance.now() - known.at < freshMs.issue ? known.id : null;
    },
    keepNewest(id, session) {
      keepNewest(newest, id, { id: session, at: performance.now() }, most.issues);
      keepNewest(sessions, id, session, most.issues);
    },
    isGone: (id) => performance.now() - (gone.get(id) ?? Number.NEGATIVE_INFINITY) < freshMs.gone,
    noteGone: (id) => keepNewest(gone, id, performance.now(), most.issues),
    sessionOf: (id) => sessions.get(id) ?? null,
    keepSession: (id, session) => keepNewest(sessions, id, session, most.issues),

    projectOf(team, name) {
      const known = projects.get(`${team}/${name}`);
      return known && performance.now() - known.at < freshMs.project ? known.id : null;
    },
    keepProject: (team, name, id) =>
      keepNewest(projects, `${team}/${name}`, { id, at: performance.now() }, most.projects),

    inTurn: createTurns(),
  };
}
