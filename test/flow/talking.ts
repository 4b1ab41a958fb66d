import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { canMove, type SessionState } from '../../src/core/session.ts';
import { hintOf } from '../../src/core/ticket.ts';
import { defaultFieldNames } from '../../src/core/ticket-facts.ts';
import { VendorError } from '../../src/core/vendor-error.ts';
import type { RunDeps } from '../../src/flow/run.ts';
import {
  acceptDelivery,
  askToScope,
  fileApproved,
  heedQuestions,
  heedSilence,
  type PostDeps,
  postEffects,
  reconcile,
  sortDeliveries,
  wakeWaiting,
} from '../../src/flow.ts';
import { createLog } from '../../src/lib/log.ts';
import { createDatabase, createPool, inTransaction } from '../../src/store/database.ts';
import { checkInvariants } from '../../src/store/invariants.ts';
import type { BoardDelivery } from '../../src/trackers/board/delivery.ts';
import { createBoardDesk } from '../../src/trackers/board/desk.ts';
import { createBoardTracker } from '../../src/trackers/board/tracker.ts';
import { oneByOne, sendOne, type Tracker } from '../../src/trackers/tracker.ts';
import { createWorkspaces } from '../../src/workspaces/workspaces.ts';
import { createTestDriver } from '../sandboxes/support.ts';
import { createTestDatabase } from '../support/database.ts';
import { createChecks } from './checked.ts';
import { moveTime } from './move-time.ts';
import { strangersHeard } from './watching.ts';
import { createWorkers } from './working.ts';

export const agent = 'shipmate';
/** Ada may approve, Ben is heard, Eve is a stranger. */
export const people = ['ada', 'ben', 'eve'];
const policy = {
  runsPerHour: 4,
  people: { speak: ['ada', 'ben'] },
  approval: { by: ['ada'], silenceMinutes: 10, plan: 'never', label: 'go', rejectLabel: 'no-go' },
  questions: { remindHours: 24, closeDays: 14 },
  stages: 'review-each',
};

const secret = 'a secret of the board';
const never = new AbortController().signal;

/** Everything of the service but the model and its workspace: what the agent comes to is said by the test. */
export type Stage = Awaited<ReturnType<typeof openStage>>;

export async function openStage() {
  const dir = await mkdtemp(join(tmpdir(), 'shipmate-talk-'));
  const database = await createTestDatabase();
  // Nobody takes the database away here, and there are thousands of commits.
  await database.pool.query(
    `do $$ begin execute format('alter database %I set synchronous_commit = off', current_database()); end $$`,
  );
  const pool = createPool(database.url);
  const db = createDatabase(pool);
  /** The next delivery gets lost; the board files no ticket. */
  const net = { isLost: false, refuses: false };
  const board = createBoardTracker({ pool, agent, secret });
  const tracker: Tracker = {
    ...board,
    send: oneByOne((hint, operation, signal) => {
      if (!net.refuses || operation.kind !== 'createTicket') return sendOne(board, hint, operation, signal);
      return Promise.reject(new VendorError('The board is full.', { code: 'invalid', retryable: false }));
    }),
  };
  const workspaces = createWorkspaces({ dataDir: dir, driver: createTestDriver('none'), pool: { perRepository: 0 } });
  const deps = {
    db,
    trackers: new Map([['board', tracker]]),
    nudge: async () => {},
    wake: () => {},
    failpoint: () => {},
    log: createLog({ level: 'silent', format: 'json', secrets: [] }),
    policy,
    name: agent,
    pageOf: null,
    workspaces,
    repositories: new Map(),
    codeHosts: new Map(),
    fields: defaultFieldNames,
    fileParts: fileApproved,
    knownSecrets: [],
    worker: 'poster',
    inHand: new Set<string>(),
  } as unknown as RunDeps & PostDeps & Parameters<typeof sortDeliveries>[0] & Parameters<typeof heedQuestions>[0];

  const delivered: BoardDelivery[] = [];
  const accept = ({ source, headers, body }: BoardDelivery, tx: Parameters<typeof acceptDelivery>[1]) =>
    acceptDelivery({ sources: deps.trackers, nudge: deps.nudge, failpoint: () => {} }, tx, source, headers, body);
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

  // Every move of a session's state, by whoever makes it.
  await pool.query(`
    create table moves (seq serial, session uuid, at timestamptz default now(), "from" text, "to" text);
    create function note_move() returns trigger language plpgsql as $$ begin
      insert into moves (session, "from", "to") values (new.id, old.state, new.state); return new; end $$;
    create trigger note_move after update on sessions for each row when (old.state <> new.state) execute function note_move()`);
  // Truncating so many tables would take far longer than all that was said. What holds rows by now holds them for ever.
  const { rows: tables } = await pool.query<{ name: string }>(`
    select quote_ident(table_name) as name from information_schema.tables
    where table_schema = 'public' and table_type = 'BASE TABLE' and table_name <> 'moves'`);
  const empties: string[] = [];
  for (const { name } of tables)
    if ((await pool.query(`select from ${name} limit 1`)).rowCount === 0) empties.push(`delete from ${name}`);
  const emptyAll = ['begin; set local session_replication_role = replica', ...empties, 'commit'].join(';\n');
  const count = async (query: string): Promise<number> =>
    (await pool.query(`select count(*)::int as count from ${query}`)).rows[0].count;

  return {
    desk,
    net,
    ...createWorkers(deps, pool),
    /** The checks of all pull requests have ended so. */
    checked: createChecks(deps, pool),
    /** The nth delivery comes once more. */
    async repeat(nth: number) {
      const delivery = delivered[nth % delivered.length];
      if (delivery) await inTransaction(pool, (tx) => accept(delivery, tx));
    },
    sort: () => sortDeliveries(deps, never),
    post: () => postEffects(deps, never),
    reconcile: () => reconcile(deps, never, { againAfterMs: 1 }),
    async askToScope(ticket: string) {
      await askToScope(deps, hintOf((await desk.show(ticket)).ticket), true);
    },
    /** What the service looks at now and then. */
    async sweep() {
      await heedQuestions(deps);
      await heedSilence(deps);
      await wakeWaiting(deps, never);
    },
    /** So many minutes go by; what was delivered was sorted before. */
    async wait(minutes: number) {
      await sortDeliveries(deps, never);
      await moveTime(pool, minutes);
    },
    /** Names of the tickets on the board, oldest first. */
    async tickets(): Promise<string[]> {
      const { rows } = await pool.query<{ number: number }>('select number from board_tickets order by number');
      return rows.map(({ number }) => `BOARD-${number}`);
    },
    /** What people are asked to approve now. */
    async proposed() {
      const { rows } = await pool.query<{ ticket: string; code: string }>(`
        select t.identifier as ticket, p.code from sessions s join tickets t on t.id = s.ticket_id
        join lateral (select * from proposals where session_id = s.id order by number desc limit 1) p on true
        join lateral (select * from runs where session_id = s.id order by number desc limit 1) r on r.outcome -> 'proposal' is not null
        where s.state = 'awaitingInput' and s.given and not s.closed order by t.identifier`);
      return rows;
    },
    unsent: () => count("effects where state = 'pending'"),
    /** Sessions that are to begin, or at work. */
    unrested: () => count("sessions where due or state in ('pending', 'active')"),
    async violations() {
      const { violations } = await checkInvariants(db, { live: false, days: null });
      const told = violations.map(({ check, ticket, explanation }) => `${ticket}: ${check}: ${explanation}`);
      return [...told, ...(await strangersHeard(pool, { speak: [...policy.people.speak, 'checks'] }))];
    },
    /** Moves since this was last asked for, and those that the table in core/session.ts does not have. */
    async moves() {
      const { rows } = await pool.query<{ from: SessionState; to: SessionState }>(
        'delete from moves returning "from", "to"',
      );
      return { all: rows, wrong: rows.filter(({ from, to }) => !canMove(from, to)) };
    },
    /** How runs ended, what became of proposals, and what sessions were told, in words. */
    async ends(): Promise<string[]> {
      const { rows } = await pool.query<{ what: string }>(`
        select purpose || ': ' || (outcome ->> 'stopReason') as what from runs where ended_at is not null
        union select (content ->> 'kind') || ': ' || state || case when state = 'approved' and decided_by is null then ' by silence' else '' end
          from proposals
        union select split_part(key, '/', 2) from effects
          where split_part(key, '/', 2) in ('reminded', 'unanswered', 'capped', 'stranger', 'given', 'edit', 'reopened')
        union select 'began anyway' from overrides`);
      return rows.map(({ what }) => what);
    },
    /** Nothing was ever said. */
    async clear() {
      delivered.length = 0;
      net.isLost = net.refuses = false;
      await pool.query(emptyAll);
    },
    async close() {
      await workspaces.close();
      await pool.end();
      await database.drop();
      await rm(dir, { recursive: true, force: true });
    },
  };
}
