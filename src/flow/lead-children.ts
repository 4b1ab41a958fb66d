import { childrenOf, nameTickets, openChildren, readStages, type Stages, writeOverview } from '../core/dependencies.ts';
import type { Operation } from '../core/effect.ts';
import type { Outcome } from '../core/outcome.ts';
import { cleanText } from '../core/outgoing-text.ts';
import { hintOf, isOver, notStarted, type Person, type StateCategory, type TicketHint } from '../core/ticket.ts';
import { deterministicId } from '../lib/ids.ts';
import { type Stage, savePlan } from '../store/activities.ts';
import type { Tx } from '../store/database.ts';
import { addEffects } from '../store/effects.ts';
import { keepReading, readChildren } from '../store/overviews.ts';
import { unreadPrompts } from '../store/prompts.ts';
import type { ClaimedRun } from '../store/runs.ts';
import { sessionIdOf } from '../store/sessions.ts';
import { unawareOf, wasGiven } from '../store/sessions-at-work.ts';
import { hasSteps } from '../store/steps.ts';
import type { Beginning } from './before-work.ts';
import { type Circle, lookAround } from './circles.ts';
import { endOf } from './closing.ts';
import { fileMissing } from './file-parts.ts';
import type { NotPrepared } from './prepare.ts';
import { readIfThere } from './read-if-there.ts';
import type { RunDeps } from './run.ts';
import { applyNow } from './sort.ts';
import { neverEnds, stagesOf } from './wait-for-blockers.ts';

/** Who gives a sub-ticket to the agent: whoever gave it the whole. */
const someone: Person = { id: 'lead', name: 'Shipmate', isBot: false };

/**
 * A ticket with open sub-tickets is not worked on: its session leads them. It takes those that nobody has, shows how all of
 * them stand, and has the last word when they are over. In what order they begin is their own affair: each waits for what
 * blocks it. A circle that leads through the parts is told; nobody else may look for it.
 */
export async function leadChildren(beginning: Beginning): Promise<NotPrepared | null> {
  const { deps, run, session, ticket, facts, signal } = beginning;
  const { db } = deps;
  const open = openChildren(ticket);
  if (session.headCommit !== null || (await hasSteps(db, run.id))) return null;
  const filing = await fileMissing(deps, run);
  if (open.length === 0 && filing.length === 0 && !session.leads) return null;
  const heard = (await unreadPrompts(db, session.id)).map(({ id }) => id);
  // When the last of them is there the session is due, and leads them.
  if (open.length === 0 && filing.length > 0)
    return { outcome: { stopReason: 'finished', message: writeFiling(filing) }, heard };
  for (const child of open) await takeIfNobodys(deps, child, signal);
  const children = await readChildren(db, childrenOf(ticket));
  const overview = writeOverview(children);
  if (open.length > 0) {
    const mode = await stagesOf(db, ticket, facts.stages, deps.fields, deps.policy.stages);
    const theirs = children
      .filter(({ session, category }) => !session && !isOver(category))
      .map((child) => child.ticket);
    const { circle } = await lookAround(deps, ticket, open, signal);
    const outcome: Outcome = {
      stopReason: 'waiting',
      message: writeLeading({ open, theirs, filing }, circle, mode, facts.stages),
      waits: open.map((child) => ({ ticket: child, until: 'over' })),
      leads: { overview, to: notStarted.includes(ticket.state.category) ? 'started' : null },
      ...(circle?.isOwn && { circle: circle.ids }),
    };
    return { outcome, heard };
  }
  const canceled = children.filter(({ category }) => category === 'canceled').map((child) => child.ticket);
  const outcome: Outcome = {
    stopReason: 'finished',
    message: writeLed(children.length, canceled),
    leads: { overview, to: canceled.length > 0 || children.length === 0 ? 'review' : 'done' },
  };
  return { outcome, heard };
}

/**
 * Takes a sub-ticket that nobody has: its session is opened, and the tracker told, in one transaction. One that people have
 * taken from the agent is left to them; one that was only rated was nobody's all the time.
 */
async function takeIfNobodys(deps: RunDeps, child: TicketHint, signal: AbortSignal): Promise<void> {
  const id = sessionIdOf(child);
  const tracker = deps.trackers.get(child.tracker);
  if (!tracker || (await wasGiven(deps.db, id))) return;
  const reading = await readIfThere(tracker, child, signal);
  if (!reading) return;
  await keepReading(deps.db, reading);
  if (reading.assignee !== null || isOver(reading.state.category)) return;
  const told = { at: reading.updatedAt, ticket: hintOf(reading), category: reading.state.category, by: someone };
  // The ticket itself is where its talk is, until a delivery names another place.
  const conversation = { key: `${reading.tracker}:${reading.id}`, ref: reading.ref };
  const key = `${id}/take`;
  const operation: Operation = { kind: 'takeTicket', id: deterministicId(key) };
  await applyNow(
    { ...deps, nudge: async () => deps.wake('run') },
    async (tx) => {
      // It may have been given to the agent between the reading and now.
      const [unaware] = await unawareOf(tx, [reading]);
      if (!unaware || unaware.session?.wasGiven) return [];
      return [{ type: 'sessionCreated', ...told, conversation, said: null }];
    },
    (tx) => addEffects(tx, [{ sessionId: id, runId: null, stepId: null, key, operation }]),
  );
}

/** From where its ticket is moved on; what a person has moved further stays there. */
const before: Record<'started' | 'review' | 'done', StateCategory[]> = {
  started: notStarted,
  review: [...notStarted, 'started'],
  done: [...notStarted, 'started', 'review'],
};

/** The overview of a session that leads, and where its ticket goes. */
export async function showLeading(tx: Tx, run: ClaimedRun, { leads }: Outcome, stage: Stage): Promise<void> {
  if (!leads) return;
  await savePlan(tx, stage, endOf(run), leads.overview);
  if (leads.to === null) return;
  const key = `${stage.sessionId}/run/${run.number}/led`;
  const operation: Operation = {
    kind: 'moveTicket',
    id: deterministicId(key),
    to: leads.to,
    from: before[leads.to],
  };
  await addEffects(tx, [{ sessionId: stage.sessionId, runId: run.id, stepId: null, key, operation }]);
}

function writeLeading(
  { open, theirs, filing }: { open: TicketHint[]; theirs: TicketName[]; filing: string[] },
  circle: Circle | null,
  mode: Stages,
  written: string | null,
): string {
  const parts = [
    `This ticket has ${count(open.length, 'open sub-ticket')}, so I do no work on it itself: I have taken those that nobody had. ` +
      'Each begins when what blocks it is done, and those that may begin at the same time. The plan here shows how they stand.',
    theirs.length === 0 ? '' : `Not mine, and left alone: ${nameTickets(theirs)}.`,
    filing.length === 0 ? '' : `Being filed: ${nameParts(filing)}. I take what nobody has when it is there.`,
    circle === null ? '' : neverEnds(circle),
    mode === 'review-end'
      ? 'Stages: `review-end`. A sub-ticket that needs another begins on its branch as soon as that has a pull request.'
      : '',
    written !== null && readStages(written) === null
      ? `I do not know the stages "${cleanText(written, 60)}"; there are \`review-each\` and \`review-end\`. I go by \`${mode}\`.`
      : '',
    'What concerns one of them, say there. I write here again when all are over.',
  ];
  return parts.filter((part) => part !== '').join('\n\n');
}

function writeFiling(titles: string[]): string {
  return `Not all sub-tickets of this ticket are filed yet; I am at it: ${nameParts(titles)}. I lead them when they are there.`;
}

function nameParts(titles: string[]): string {
  const more = titles.length > 10 ? ` and ${titles.length - 10} more` : '';
  return `${titles
    .slice(0, 10)
    .map((title) => `"${cleanText(title, 100)}"`)
    .join(', ')}${more}`;
}

function writeLed(total: number, canceled: TicketName[]): string {
  if (total === 0) return 'This ticket has no sub-tickets any more. Say "continue", and I work on it itself.';
  if (canceled.length === 0) return `All ${count(total, 'sub-ticket')} of this ticket are done.`;
  const done = total - canceled.length;
  return (
    `All ${count(total, 'sub-ticket')} of this ticket are over: ${done} done, ${canceled.length} canceled (${nameTickets(canceled)}). ` +
    'Please see whether that is enough; say "continue", and I work on what is left on this ticket itself.'
  );
}

type TicketName = Pick<TicketHint, 'identifier' | 'title'>;

function count(number: number, noun: string): string {
  return `${number} ${noun}${number === 1 ? '' : 's'}`;
}
