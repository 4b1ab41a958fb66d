import { contentOf } from '../core/attachment-content.ts';
import { addUsed, nothingUsed, type Used } from '../core/budget.ts';
import type { Evidence } from '../core/evidence.ts';
import { phaseWords } from '../core/following.ts';
import type { Outcome, Wait } from '../core/outcome.ts';
import type { Plan } from '../core/plan.ts';
import type { SessionState } from '../core/session.ts';
import { type ActivityRow, lastActivities, listActivities, readPlan } from './activities.ts';
import type { Database } from './database.ts';
import { listDecisions } from './decisions.ts';
import { listEvidence, listEvidenceFiles, readEvidenceFile } from './evidence.ts';
import { phaseOf } from './followed-requests.ts';
import type { Pages } from './link-keys.ts';
import { queuePlaces } from './queue-places.ts';
import { findSessionByIdentifier, findSessionNamed, listSessions, type SessionRow } from './sessions.ts';
import { sumUsage, type UsageTotal, usedByRuns } from './usage.ts';
import { listWaits } from './waits.ts';

/** Everything there is to know of a session, for people. */
export interface SessionView {
  id: string;
  ticket: { identifier: string; title: string; url: string };
  /** Where people look at it; null: `http.publicUrl` is not set. */
  page: string | null;
  state: SessionState;
  /** When it was last moved or changed: of a session at rest, since when it rests. */
  updatedAt: Date;
  /** What it waits for that is not an answer. */
  waits: Pick<Wait, 'ticket' | 'until'>[];
  repository: string | null;
  baseBranch: string | null;
  branch: string | null;
  /** What was last pushed there. */
  headCommit: string | null;
  pullRequest: { number: number; url: string } | null;
  /** How far that is, where its code host tells: "its checks run". */
  progress: string | null;
  plan: Plan;
  activities: ActivityRow[];
  /** What was chosen and why, by the agent or by people it asked. */
  decisions: string[];
  evidence: Evidence[];
  usage: UsageTotal;
  /** By all its runs, as its budget counts. */
  used: Used;
  firstModelCallAt: Date | null;
  runs: {
    number: number;
    attempts: number;
    queuedAt: Date;
    startedAt: Date | null;
    endedAt: Date | null;
    /** A worker has it. */
    isHeld: boolean;
    outcome: Outcome | null;
  }[];
  /** What has not left yet, or never will. */
  unsent: { key: string; state: 'pending' | 'failed'; error: string | null }[];
}

/** What its page shows, which is read again and again: of very many activities the newest. */
export interface SessionPage extends SessionView {
  /** Activities that stay on the ticket, and are older than those here. */
  earlier: number;
}

export const shownActivities = 200;

export interface Sessions {
  list(limit: number): Promise<SessionSummary[]>;
  /** null: the ticket has no session. */
  view(identifier: string): Promise<SessionView | null>;
  /** The same for whoever has the key of its page; null: there is no such ticket, or it is not its key. */
  page(identifier: string, key: string): Promise<SessionPage | null>;
  /** How many runs would be taken first, itself counted; null: no run of it waits for a worker. */
  place(sessionId: string): Promise<number | null>;
  /** Activities after `seq`; for following along. */
  activities(sessionId: string, afterSeq: number): Promise<ActivityRow[]>;
  /** An image of its evidence, for whoever has the key of its page; null: it has none at this path. */
  image(identifier: string, key: string, path: string): Promise<{ mediaType: string; content: Uint8Array } | null>;
  /** What commands left in `$SHIPMATE_EVIDENCE`, and images that tool servers returned. */
  files(sessionId: string): Promise<{ path: string; content: Uint8Array }[]>;
}

export interface SessionSummary {
  identifier: string;
  title: string;
  state: SessionState;
  pullRequest: string | null;
  updatedAt: Date;
  /** Where its run waits for a worker: how many would be taken first, itself counted. */
  place: number | null;
}

export function readSessions(db: Database, pages: Pages): Sessions {
  // As of one moment: what it says of the end must fit what it says of the way there.
  const view = async (
    find: (tx: Database) => Promise<SessionRow | null>,
    last: number | null = null,
  ): Promise<SessionPage | null> => {
    const found = await db
      .transaction()
      .setIsolationLevel('repeatable read')
      .execute(async (tx) => {
        const session = await find(tx);
        return session && readView(tx, session, last);
      });
    if (!found || !pages.urlOf) return found;
    return { ...found, page: await pages.urlOf({ id: found.id, identifier: found.ticket.identifier }) };
  };
  return {
    async list(limit) {
      const [rows, places] = await Promise.all([listSessions(db, limit), queuePlaces(db)]);
      return rows.map((row) => ({
        identifier: row.hint.identifier,
        title: row.hint.title,
        state: row.state,
        pullRequest: row.pullRequest?.url ?? null,
        updatedAt: row.updatedAt,
        place: places.get(row.id) ?? null,
      }));
    },
    async view(identifier) {
      const found = await view((tx) => findSessionByIdentifier(tx, identifier));
      if (!found) return null;
      const { earlier: _, ...whole } = found;
      return whole;
    },
    async page(identifier, key) {
      const id = await pages.sessionOf(key);
      return id === null ? null : view((tx) => findSessionNamed(tx, id, identifier), shownActivities);
    },
    async image(identifier, key, path) {
      const id = await pages.sessionOf(key);
      const session = id === null ? null : await findSessionNamed(db, id, identifier);
      const content = session && (await readEvidenceFile(db, session.id, path));
      const found = content && contentOf(content);
      return content && found?.type === 'image' ? { mediaType: found.mediaType, content } : null;
    },
    place: async (sessionId) => (await queuePlaces(db)).get(sessionId) ?? null,
    activities: (sessionId, afterSeq) => listActivities(db, sessionId, afterSeq),
    files: (sessionId) => listEvidenceFiles(db, sessionId),
  };
}

/** `last`: only so many of the activities, and only those that stay; null: all. */
async function readView(db: Database, session: SessionRow, last: number | null): Promise<SessionPage> {
  const { id, hint } = session;
  const plan = await readPlan(db, id);
  const shown =
    last === null ? { activities: await listActivities(db, id), earlier: 0 } : await lastActivities(db, id, last);
  const decisions = await listDecisions(db, id);
  const evidence = await listEvidence(db, id);
  const usage = await sumUsage(db, id);
  const used = (await usedByRuns(db, id)).reduce((sum, run) => addUsed(sum, run.used), nothingUsed);
  const waits = await listWaits(db, id);
  const phase = session.pullRequest ? await phaseOf(db, id) : null;
  const firstCall = await db
    .selectFrom('steps')
    .select('begun_at')
    .where('session_id', '=', id)
    .orderBy('seq')
    .limit(1)
    .executeTakeFirst();
  const runs = await db.selectFrom('runs').selectAll().where('session_id', '=', id).orderBy('number').execute();
  const effects = await db
    .selectFrom('effects')
    .select(['key', 'state', 'error'])
    .where('session_id', '=', id)
    // Not `in`: each of the two has an index of its own, and a million sent ones are not looked at.
    .where((or) => or.or([or('state', '=', 'pending'), or('state', '=', 'failed')]))
    .orderBy('seq')
    .execute();
  return {
    id,
    ticket: { identifier: hint.identifier, title: hint.title, url: hint.url },
    page: null,
    state: session.state,
    updatedAt: session.updatedAt,
    waits: waits.map(({ ticket, until }) => ({ ticket, until })),
    repository: session.repository,
    baseBranch: session.baseBranch,
    branch: session.branch,
    headCommit: session.headCommit,
    pullRequest: session.pullRequest,
    progress: phase && phaseWords[phase],
    plan,
    ...shown,
    decisions,
    evidence,
    usage,
    used,
    firstModelCallAt: firstCall?.begun_at ?? null,
    runs: runs.map((run) => ({
      number: run.number,
      attempts: run.attempt,
      queuedAt: run.queued_at,
      startedAt: run.started_at,
      endedAt: run.ended_at,
      isHeld: run.worker !== null,
      outcome: run.outcome,
    })),
    unsent: effects.map(({ key, state, error }) => ({ key, state: state === 'failed' ? 'failed' : 'pending', error })),
  };
}
