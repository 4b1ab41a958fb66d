import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import type { Outcome } from '../../src/core/outcome.ts';
import { canMove, type SessionState } from '../../src/core/session.ts';
import { defaultFieldNames } from '../../src/core/ticket-facts.ts';
import { openApproval } from '../../src/flow/approval.ts';
import { conclude, type Ending } from '../../src/flow/conclude.ts';
import { hear } from '../../src/flow/hear.ts';
import { createJournal } from '../../src/flow/journal.ts';
import type { RunDeps } from '../../src/flow/run.ts';
import { acceptDelivery, postEffects, reconcile, sortDeliveries } from '../../src/flow.ts';
import { createLog } from '../../src/lib/log.ts';
import { createDatabase, createPool, inTransaction } from '../../src/store/database.ts';
import { checkInvariants } from '../../src/store/invariants.ts';
import { type ClaimedRun, claimRun, releaseRun, silenceRunsOf } from '../../src/store/runs.ts';
import { currentConversation, findSession } from '../../src/store/sessions.ts';
import { listSteps } from '../../src/store/steps.ts';
import type { BoardDelivery } from '../../src/trackers/board/delivery.ts';
import { createBoardDesk } from '../../src/trackers/board/desk.ts';
import { createBoardTracker } from '../../src/trackers/board/tracker.ts';
import { createWorkspaces } from '../../src/workspaces/workspaces.ts';
import { createTestDriver } from '../sandboxes/support.ts';
import { createTestDatabase } from '../support/database.ts';

export const agent = 'shipmate';
const secret = 'a secret of the board';
const never = new AbortController().signal;
const noLimits = { turns: null, tokens: null, usd: null, minutes: null };

/** Everything of the service but the model and its workspace: what the agent comes to is said by the test. */
export type Stage = Awaited<ReturnType<typeof openStage>>;

export async function openStage() {
  const dir = await mkdtemp(join(tmpdir(), 'shipmate-talk-'));
  const database = await createTestDatabase();
  const pool = createPool(database.url);
  const db = createDatabase(pool);
  const tracker = createBoardTracker({ pool, agent, secret });
  const trackers = new Map([['board', tracker]]);
  const log = createLog({ level: 'warn', format: 'json', secrets: [] });
  const workspaces = createWorkspaces({ dataDir: dir, driver: createTestDriver('none'), pool: { perRepository: 0 } });
  const common = { db, trackers, nudge: async () => {}, wake: () => {}, failpoint: () => {}, log };
  const policy = { runsPerHour: 20, people: { speak: [] }, approval: { by: [], silenceMinutes: null } };
  const sorting = { ...common, policy, name: agent };
  const concluding = {
    ...common,
    workspaces,
    repositories: new Map(),
    policy: policy as never,
    name: agent,
    knownSecrets: [],
  };
  const posting = { ...concluding, codeHosts: new Map(), worker: 'poster', inHand: new Set<string>() };
  const accepting = { sources: trackers, nudge: async () => {}, failpoint: () => {} };
  const delivered: BoardDelivery[] = [];
  let workers = 0;
  let turns = 0;

  // Every move of a session's state, by whoever makes it.
  await pool.query(`
    create table moves (seq serial, session_id uuid, "from" text, "to" text);
    create function note_move() returns trigger language plpgsql as $$ begin
      insert into moves (session_id, "from", "to") values (new.id, old.state, new.state); return new; end $$;
    create trigger note_move after update on sessions for each row when (old.state <> new.state) execute function note_move()`);

  const accept = (delivery: BoardDelivery, tx: Parameters<typeof acceptDelivery>[1]) =>
    acceptDelivery(accepting, tx, delivery.source, delivery.headers, delivery.body);
  const net = { isLost: false };
  const desk = createBoardDesk({
    pool,
    agent,
    secret,
    async accept(tx, delivery) {
      if (net.isLost) return;
      delivered.push(delivery);
      await accept(delivery, tx);
    },
  });

  return {
    pool,
    db,
    desk,
    net,
    /** The nth delivery comes once more. */
    async repeat(nth: number) {
      const delivery = delivered[nth % delivered.length];
      if (delivery) await inTransaction(pool, (tx) => accept(delivery, tx));
    },
    sort: () => sortDeliveries(sorting, never),
    post: () => postEffects(posting, never),
    reconcile: () => reconcile(sorting, never, { againAfterMs: 1 }),
    /** A worker takes the next run. */
    claim: () => claimRun(db, `host:${process.pid}:${++workers}`),
    /** Its worker dies, or (`letsGo`) is shut down. */
    async fall(run: ClaimedRun, letsGo: boolean) {
      if (letsGo) await releaseRun(db, run);
      else await silenceRunsOf(db, (worker) => worker === `host:${process.pid}:${workers}` || true);
    },
    /** One turn: it hears what there is to hear. */
    async turn(run: ClaimedRun) {
      const [steps, conversation] = await Promise.all([
        listSteps(db, run.sessionId),
        currentConversation(db, run.sessionId),
      ]);
      const wanted = { plan: async () => false, hasBegun: () => false };
      const approval = await openApproval(db, run.sessionId, { by: [], agent }, async () => null, wanted);
      const session = await findSession(db, run.sessionId);
      if (!session) throw new Error('the run has no session');
      const deps = { ...concluding, fields: defaultFieldNames } as unknown as RunDeps;
      const { prompts, reads: edits = [] } = await hear({
        deps,
        run,
        session,
        approval,
        images: new Map(),
        signal: never,
      });
      const journal = createJournal({
        ...{ db, run, steps, failpoint: () => {}, wakePost: () => {}, modelAsked: () => {}, beforeModel: () => {} },
        conversation: () => conversation,
        beforeWrite: async () => {},
        afterWrite: () => {},
        payers: {
          ticketId: run.sessionId,
          team: '',
          limits: { ...noLimits, ticket: noLimits, team: noLimits, day: noLimits },
        },
        worked: () => 0,
      });
      const reads = [...prompts.map(({ id }) => id), ...edits];
      await journal.step('model', `turn:${++turns}`, { said: null }, async () => ({ reply: 'ok' }), { reads });
    },
    conclude: (run: ClaimedRun, outcome: Outcome, ending: Ending = { work: null }) =>
      conclude(concluding, run, outcome, ending),
    async unsent(): Promise<number> {
      const { rows } = await pool.query("select count(*)::int as count from effects where state = 'pending'");
      return rows[0].count;
    },
    async violations() {
      return (await checkInvariants(db, { live: false, days: null })).violations.map(
        ({ check, ticket, explanation }) => `${ticket}: ${check}: ${explanation}`,
      );
    },
    /** Moves that the table in core/session.ts does not have, and all that were made. */
    async moves() {
      const { rows } = await pool.query<{ from: SessionState; to: SessionState }>('select "from", "to" from moves');
      return { all: rows, wrong: rows.filter(({ from, to }) => !canMove(from, to)) };
    },
    async close() {
      await workspaces.close();
      await pool.end();
      await database.drop();
      await rm(dir, { recursive: true, force: true });
    },
  };
}
