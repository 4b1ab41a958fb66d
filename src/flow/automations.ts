import {
  type Automation,
  draftOf,
  endOfRun,
  failsAgain,
  failuresToPause,
  leastListed,
  listsTickets,
  mostListed,
  type OpenTickets,
  type RunEnd,
} from '../core/automation-templates.ts';
import { isOver, type TicketHint } from '../core/ticket.ts';
import { VendorError } from '../core/vendor-error.ts';
import { lastDue } from '../lib/cron.ts';
import { isDatabaseUnavailable } from '../lib/database-error.ts';
import { deterministicId } from '../lib/ids.ts';
import {
  type AutomationRun,
  addAutomationRun,
  listAutomationRuns,
  lockUnfiled,
  noteFiled,
  pause,
  type Recurring,
  readRecurring,
  settleRun,
  unfiledRuns,
  withoutOwn,
} from '../store/automation-runs.ts';
import { sendOne, type TicketPage, type Tracker } from '../trackers/tracker.ts';
import { openTaken } from './open-taken.ts';
import { limitWrites } from './rate-limits.ts';
import type { SortDeps } from './sort.ts';
import { writeOnTicket } from './write-on-ticket.ts';

export interface AutomationDeps extends SortDeps {
  automations: readonly Automation[];
  now(): Date;
}

/** Under which an automation is known among all that comes round. */
export const nameOf = (automation: Pick<Automation, 'name'>) => `automation/${automation.name}`;

/**
 * Automations: files the ticket of each that is due. What was missed while nobody was there is made up for once. A row per
 * automation and moment says what was filed; it is there before anything is, and the ticket is filed under its id, so
 * that one comes of it whatever is interrupted, and however many processes are told by the clock.
 */
export async function fileAutomations(deps: AutomationDeps, signal: AbortSignal): Promise<void> {
  const failures: unknown[] = [];
  // One tracker that is away must not keep the others from being looked at.
  const tryEach = (work: Promise<unknown>) =>
    work.catch((error: unknown) => {
      signal.throwIfAborted();
      if (isDatabaseUnavailable(error)) throw error;
      failures.push(error);
    });
  for (const automation of deps.automations) await tryEach(lookAt(deps, automation, signal));
  for (const run of await unfiledRuns(deps.db)) await tryEach(file(deps, run, signal));
  if (failures.length > 0) throw failures[0];
}

/** Files what was noted of one automation, whatever is due of others. */
export async function fileNoted(deps: AutomationDeps, { name }: Automation, signal: AbortSignal): Promise<void> {
  for (const run of await unfiledRuns(deps.db)) if (run.automation === name) await file(deps, run, signal);
}

async function lookAt(deps: AutomationDeps, automation: Automation, signal: AbortSignal): Promise<void> {
  const now = deps.now();
  const recurring = await readRecurring(deps.db, nameOf(automation), now);
  if (automation.paused || recurring.paused) return;
  if (await pauseIfFailing(deps, automation, recurring, signal)) return;
  const [last] = await listAutomationRuns(deps.db, { automation: automation.name, limit: 1 });
  const since = last && last.dueAt > recurring.since ? last.dueAt : recurring.since;
  const dueAt = lastDue(automation.cron, automation.timezone, since, now);
  if (dueAt) await beginAutomation(deps, automation, dueAt, signal);
}

/** An automation is due: it is noted, to be filed or to be skipped. What it came to, in words. */
export async function beginAutomation(
  deps: AutomationDeps,
  automation: Automation,
  dueAt: Date,
  signal: AbortSignal,
): Promise<{ skipped: string | null }> {
  const { db, log } = deps;
  const { name } = automation;
  for (;;) {
    const [last = null] = await listAutomationRuns(db, { automation: name, tried: true, limit: 1 });
    const isOpen = last !== null && (await holdsUp(deps, last, signal));
    const draft = draftOf(automation, dueAt, isOpen ? null : await listOpen(deps, automation, signal));
    const skipped = isOpen ? `${last.hint?.identifier ?? 'its last ticket'} is not over yet` : null;
    const noted = { automation: name, dueAt, draft, skipped, after: last?.id ?? null };
    const added = await addAutomationRun(db, nameOf(automation), noted);
    if (added === 'late') continue; // somebody began one while the last ticket was looked at
    if (isOpen && last.hint && added === 'new') {
      log.warn(
        { automation: name, ticket: last.hint.identifier },
        'an automation was skipped: its last ticket is not over',
      );
      const body = `The automation "${name}" was due again and filed nothing, because this ticket is not over yet. It goes on when this one is done or canceled.`;
      await tell(deps, last.hint, { id: deterministicId('overlap', last.id), body }, signal);
    }
    return { skipped };
  }
}

/**
 * What was filed holds an automation up until its ticket is over, whatever became of the work; so does what is about to be.
 * One that was answered without a change leaves nothing that the next could get in the way of.
 */
async function holdsUp(deps: AutomationDeps, run: AutomationRun, signal: AbortSignal): Promise<boolean> {
  const { state, session, hint } = run;
  if (state === 'filing') return true;
  if (session?.state === 'complete' && !session.publishes) return false;
  return hint !== null && !(await isTicketOver(deps, hint, signal));
}

async function isTicketOver(deps: AutomationDeps, hint: TicketHint, signal: AbortSignal): Promise<boolean> {
  try {
    return isOver((await trackerOf(deps, hint.tracker).readTicket(hint, signal)).state.category);
  } catch (error) {
    if (error instanceof VendorError && error.code === 'not_found') return true;
    throw error;
  }
}

/** Once on a ticket, by its id; that it could not be told stops nothing. */
async function tell(
  deps: AutomationDeps,
  hint: TicketHint,
  { id, body }: { id: string; body: string },
  signal: AbortSignal,
): Promise<void> {
  try {
    await writeOnTicket(deps, hint, { id, body }, signal);
  } catch (error) {
    signal.throwIfAborted();
    deps.log.warn(
      { err: error, ticket: hint.identifier },
      'what an automation came to could not be told on its ticket',
    );
  }
}

async function pauseIfFailing(
  deps: AutomationDeps,
  automation: Automation,
  { since }: Recurring,
  signal: AbortSignal,
): Promise<boolean> {
  const runs = await listAutomationRuns(deps.db, { automation: automation.name, since, tried: true, limit: 20 });
  const ends: RunEnd[] = [];
  for (const { state, session, hint } of runs) {
    // Only of one that waits for people its ticket must be asked.
    const isOver = session?.state === 'awaitingInput' && hint !== null && (await isTicketOver(deps, hint, signal));
    ends.push(endOfRun(state, session?.state ?? null, isOver));
    if (ends.at(-1) === 'done' || failsAgain(ends)) break;
  }
  if (!failsAgain(ends)) return false;
  const why = `${failuresToPause} of its runs have failed, one after the other`;
  const resumes = `shipmate automations resume ${automation.name}`;
  const told = runs.find(({ hint }, index) => hint !== null && ends[index] === 'failed');
  if (told?.hint) {
    const body = `The automation "${automation.name}" is paused: ${why}, this one the last. When that is mended: \`${resumes}\``;
    await tell(deps, told.hint, { id: deterministicId('paused', told.id), body }, signal);
  }
  if (await pause(deps.db, nameOf(automation), why, deps.now()))
    deps.log.error({ automation: automation.name }, `an automation is paused: ${why}. When that is mended: ${resumes}`);
  return true;
}

/** Tickets that are looked at, and earlier runs: as many as have room for all of these. */
const bounds = { looked: 2_000, runs: 2_000 / mostListed };

/** For a ticket that asks to sort them: tickets that nobody has, those first that the automation has not listed yet. */
async function listOpen(
  deps: AutomationDeps,
  automation: Automation,
  signal: AbortSignal,
): Promise<OpenTickets | null> {
  if (!listsTickets(automation)) return null;
  const { name, team, project } = automation;
  const tracker = trackerOf(deps, automation.tracker);
  const query = {
    assignee: 'nobody' as const,
    categories: ['backlog' as const, 'unstarted' as const],
    ...(team !== null && { team }),
    ...(project !== null && { project }),
  };
  const found: TicketHint[] = [];
  let next: string | null = null;
  do {
    const page: TicketPage = await tracker.listTickets(query, next, signal);
    found.push(...page.tickets);
    next = page.next;
  } while (next !== null && found.length < bounds.looked);
  const runs = await listAutomationRuns(deps.db, { automation: name, tried: true, limit: bounds.runs });
  const earlier = runs.filter(({ state }) => state === 'filed').map(({ draft }) => draft.description);
  const open = leastListed(await withoutOwn(deps.db, found), earlier);
  const tickets = await readDescriptions(tracker, open.slice(0, mostListed), signal);
  return { tickets, left: open.length - tickets.length, more: next !== null };
}

/** With what each says; null where that cannot be read. A tracker that is away is asked no further. */
async function readDescriptions(tracker: Tracker, hints: TicketHint[], signal: AbortSignal) {
  const read: (TicketHint & { description: string | null })[] = [];
  let isAway = false;
  for (const hint of hints) {
    let description: string | null = null;
    try {
      if (!isAway) description = (await tracker.readTicket(hint, signal)).description;
    } catch (error) {
      signal.throwIfAborted();
      if (!(error instanceof VendorError)) throw error;
      isAway = error.retryable;
    }
    read.push({ ...hint, description });
  }
  return read;
}

/** Files the ticket of a run and has the agent take it. Throws when it is to be tried again. */
async function file(deps: AutomationDeps, run: AutomationRun, signal: AbortSignal): Promise<void> {
  const { db, log } = deps;
  const automation = deps.automations.find(({ name }) => name === run.automation);
  if (!automation)
    return settleRun(db, run.id, { state: 'failed', reason: 'the automation is not configured any more' });
  const tracker = trackerOf(deps, automation.tracker);
  try {
    const hint = run.hint ?? (await tracker.createTicket({ id: run.id, draft: run.draft }, signal));
    if (!run.hint) await noteFiled(db, run.id, hint);
    if (!automation.assign) return await settleRun(db, run.id, { state: 'filed', sessionId: null });
    const id = deterministicId('automation/take', run.id);
    const write = limitWrites(deps, hint);
    const taken = await write(() => sendOne(tracker, hint, { kind: 'takeTicket', id }, signal));
    // Somebody was quicker, and has it now.
    if (typeof taken.at !== 'string') return await settleRun(db, run.id, { state: 'filed', sessionId: null });
    await openTaken(deps, hint, taken.at, {
      isOurs: (tx) => lockUnfiled(tx, run.id),
      settle: (tx, sessionId) => settleRun(tx, run.id, { state: 'filed', sessionId }),
    });
    log.info({ automation: run.automation, ticket: hint.identifier }, 'an automation filed a ticket');
  } catch (error) {
    if (!(error instanceof VendorError) || error.retryable) throw error;
    log.error({ err: error, automation: run.automation }, 'an automation could not file its ticket');
    await settleRun(db, run.id, { state: 'failed', reason: error.message });
  }
}

function trackerOf({ trackers }: AutomationDeps, kind: string): Tracker {
  const tracker = trackers.get(kind);
  if (!tracker)
    throw new VendorError(`The tracker "${kind}" is not configured any more; add it to shipmate.yaml.`, {
      code: 'invalid',
      retryable: false,
    });
  return tracker;
}
