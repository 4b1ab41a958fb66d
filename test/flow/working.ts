import type { Pool } from 'pg';
import type { Outcome } from '../../src/core/outcome.ts';
import { type Journal, RunLost, StopRequested } from '../../src/core/step.ts';
import { readFacts } from '../../src/core/ticket-facts.ts';
import { type Approval, openApproval } from '../../src/flow/approval.ts';
import { approversOf, createCarryOut } from '../../src/flow/await-approval.ts';
import { mayBegin } from '../../src/flow/before-work.ts';
import { conclude, type Ending, stopped } from '../../src/flow/conclude.ts';
import { readTicketNow, tellEdits } from '../../src/flow/edits.ts';
import { hear } from '../../src/flow/hear.ts';
import { createJournal } from '../../src/flow/journal.ts';
import type { RunDeps } from '../../src/flow/run.ts';
import { beat, type ClaimedRun, claimRun, releaseRun, silenceRunsOf } from '../../src/store/runs.ts';
import { currentConversation, findSession, type SessionRow } from '../../src/store/sessions.ts';
import { listSteps } from '../../src/store/steps.ts';
import { watchBeginning, watchTurn } from './watching.ts';

const never = new AbortController().signal;
const noLimits = { turns: null, tokens: null, usd: null, minutes: null };

/** A worker, and the run that it has claimed. It goes on with that although it may be another's by now. */
export interface Worker {
  name: string;
  run: ClaimedRun;
  begun: Begun | null;
  hasTurned: boolean;
}

interface Begun {
  session: SessionRow;
  approval: Approval;
  journal: Journal;
  /** Where it is talked about. */
  at: { conversation: Awaited<ReturnType<typeof currentConversation>> };
}

/** What workers do with their runs, but for the model and the workspace, as flow/run.ts, work.ts and prepare.ts have it. */
export function createWorkers(deps: RunDeps, pool: Pool) {
  const { db } = deps;
  let workers = 0;

  /** Whether the run goes on after `work`: not when it was ended, stopped or taken over. */
  async function goesOn(run: ClaimedRun, work: () => Promise<boolean>): Promise<boolean> {
    try {
      return await work();
    } catch (error) {
      if (error instanceof RunLost) return false;
      if (!(error instanceof StopRequested)) throw error;
      return goesOn(run, async () => !(await conclude(deps, run, stopped, { work: null })));
    }
  }

  /** null: it may not begin, and has ended. */
  async function begin({ run }: Worker): Promise<Begun | null> {
    if (run.stopRequested) throw new StopRequested();
    for (;;) {
      const session = await findSession(db, run.sessionId);
      const tracker = deps.trackers.get('board');
      if (!session || !tracker) throw new Error('the run has no session');
      const ticket = await readTicketNow(deps, run, session, tracker, never);
      const facts = readFacts(ticket, deps.fields);
      const beginning = { deps, run, session, ticket, facts, standsOn: null, signal: never };
      const refused = run.purpose === 'work' ? await mayBegin(beginning) : null;
      if (refused) {
        if (await conclude(deps, run, refused.outcome, { work: null, heard: refused.heard })) return null;
        continue;
      }
      if (run.purpose === 'work') {
        await watchBeginning(pool, deps.policy, run, ticket);
        await tellEdits(deps, run, tracker, ticket, never);
      }
      const carryOut = createCarryOut(deps, { run, session, ticket });
      const wanted = { plan: async () => false, hasBegun: () => false };
      const approval = await openApproval(db, run, approversOf(deps), carryOut, wanted);
      const at = { conversation: await currentConversation(db, session.id) };
      const journal = createJournal({
        ...{ db, run, failpoint: () => {}, wakePost: () => {}, modelAsked: () => {}, beforeModel: () => {} },
        steps: await listSteps(db, session.id),
        conversation: () => at.conversation,
        beforeWrite: async () => {},
        afterWrite: () => {},
        payers: {
          ticketId: session.ticketId,
          team: session.hint.team ?? '',
          limits: { ...noLimits, ticket: noLimits, team: noLimits, day: noLimits },
        },
        worked: () => 0,
        shown: () => {},
      });
      return { session, approval, journal, at };
    }
  }

  /** One turn: it hears what there is to hear, and a model replies. */
  async function takeTurn(worker: Worker): Promise<boolean> {
    const { run } = worker;
    worker.begun ??= await begin(worker);
    if (!worker.begun) return false;
    const { session, approval, journal, at } = worker.begun;
    const reads: string[] = [];
    // What people say while their ticket is only rated is for the work on it.
    if (run.purpose === 'work') {
      const heard = await hear({ deps, run, session, approval, images: new Map(), signal: never });
      if (heard.outcome) return !(await conclude(deps, run, heard.outcome, ending(worker, { leavesEdits: true })));
      await watchTurn(pool, deps.policy, run, approval.permit({ name: 'edit', input: {} }) === null);
      reads.push(...heard.prompts.map(({ id }) => id), ...(heard.reads ?? []));
      if (heard.prompts.length > 0) at.conversation = await currentConversation(db, session.id);
    }
    const key = `turn:${journal.history().length}`;
    await journal.step('model', key, { said: null }, async () => ({ reply: 'ok' }), { reads });
    worker.hasTurned = true;
    return true;
  }

  const ending = ({ begun }: Worker, more: Partial<Ending> = {}): Ending => ({
    // Of the work, only that the journal holds nothing that was handed in is looked at.
    work: begun && ({ journal: begun.journal } as Ending['work']),
    ...more,
  });

  return {
    /** A worker that has nothing to do takes the next run. */
    async claim(): Promise<Worker | null> {
      const name = `host:${process.pid}:${++workers}`;
      const run = await claimRun(db, name);
      return run && { name, run, begun: null, hasTurned: false };
    },
    /** Its worker dies, or (`letsGo`) is shut down. */
    async fall({ name, run }: Worker, letsGo: boolean) {
      if (letsGo) await releaseRun(db, run);
      else await silenceRunsOf(db, (worker) => worker === name);
    },
    /** These say that they live. */
    live: (held: Worker[]) =>
      beat(
        db,
        held.map(({ run }) => run),
      ),
    /** Answers whether it is still at work. */
    turn: (worker: Worker) => goesOn(worker.run, () => takeTurn(worker)),
    /** The run comes to this after its first turn, if it may; answers whether it goes on. */
    end: (worker: Worker, outcome: Outcome) =>
      goesOn(worker.run, async () => {
        const { run } = worker;
        for (let tries = 0; !worker.hasTurned; tries++) {
          if (tries === 10) throw new Error(`${run.ticket}, run ${run.number}, neither takes a turn nor ends`);
          if (!(await takeTurn(worker))) return false;
        }
        const isFailure = outcome.stopReason === 'failed';
        const isOnlyRated = run.purpose === 'scope' && !isFailure;
        const mayFinish = worker.begun?.approval.permit({ name: 'finish', input: {} }) === null;
        const reached: Outcome =
          isOnlyRated || (outcome.stopReason === 'finished' && mayFinish)
            ? { stopReason: 'finished', message: 'Done.' }
            : outcome.stopReason === 'finished'
              ? { stopReason: 'needsInput', message: 'May I?' }
              : outcome;
        return !(await conclude(deps, run, reached, isFailure ? { work: null } : ending(worker)));
      }),
  };
}
