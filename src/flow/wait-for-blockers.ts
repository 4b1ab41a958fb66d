import { nameTickets, openBlockers, openChildren, readStages, type Stages } from '../core/dependencies.ts';
import type { Outcome, Wait } from '../core/outcome.ts';
import type { Ticket, TicketHint } from '../core/ticket.ts';
import { type FieldNames, readFacts } from '../core/ticket-facts.ts';
import type { Database } from '../store/database.ts';
import { readReading } from '../store/overviews.ts';
import { unreadPrompts } from '../store/prompts.ts';
import { ticketIdOf } from '../store/sessions.ts';
import { hasSteps } from '../store/steps.ts';
import { addOverrides, lastOutcome, listReady } from '../store/waits.ts';
import type { Beginning } from './before-work.ts';
import { type Circle, lookAround, notOverridden } from './circles.ts';
import type { NotPrepared } from './prepare.ts';

/**
 * A ticket that others block waits until they are over, and says for whom. Those that wait for each other in a circle would
 * do so for ever: people are asked.
 */
export async function waitForBlockers(beginning: Beginning): Promise<NotPrepared | null> {
  const { deps, run, session, ticket, facts, signal } = beginning;
  const { db } = deps;
  if (openBlockers(ticket).length === 0) return null;
  // What is published already, or being worked on, is held up no more.
  if (session.headCommit !== null || (await hasSteps(db, run.id))) return null;
  const blockers = await notOverridden(db, ticket, openBlockers(ticket));
  if (blockers.length === 0) return null;
  const prompts = await unreadPrompts(db, session.id);
  const heard = prompts.map(({ id }) => id);
  const { readings, circle } = await lookAround(deps, ticket, [...blockers, ...openChildren(ticket)], signal);
  const inCircle = blockers.filter((blocker) => circle?.isOwn && ticketIdOf(blocker) === circle.ids[1]);
  if (circle && inCircle.length > 0) {
    const asked = await lastOutcome(db, session.id);
    const wasTold = asked?.stopReason === 'needsInput' && inCircle.some((blocker) => isAmong(blocker, asked.waits));
    if (!wasTold || !prompts.some(({ signal }) => signal === 'continue'))
      return { outcome: askOfCircle(circle, inCircle), heard };
    await addOverrides(db, session.id, inCircle);
    return waitForBlockers(beginning);
  }
  const mode = await stagesOf(db, ticket, facts.stages, deps.fields, deps.policy.stages);
  const waits = await whatFor(beginning, blockers, readings, mode);
  if (waits.length === 0) return null;
  const told = circle?.isOwn ? { circle: circle.ids } : {};
  return {
    outcome: { stopReason: 'waiting', message: writeWaiting(waits, circle), options: ['continue'], waits, ...told },
    heard,
  };
}

/**
 * `review-end`: a part of the same ticket is waited for only until it has a pull request, and the work is then done on its
 * branch. A change has one base, so of several such parts the last-named is meant, and the others must be over.
 */
async function whatFor(
  beginning: Beginning,
  blockers: TicketHint[],
  readings: Map<string, Ticket>,
  mode: Stages,
): Promise<Wait[]> {
  const parents = new Set(parentsOf(beginning.ticket));
  const isSibling = (blocker: TicketHint) => {
    const reading = readings.get(ticketIdOf(blocker));
    return reading !== undefined && parentsOf(reading).some((parent) => parents.has(parent));
  };
  const base = mode === 'review-end' ? blockers.findLast(isSibling) : undefined;
  const others = blockers.filter((blocker) => blocker !== base);
  const waits: Wait[] = others.map((ticket) => ({ ticket, until: 'over' }));
  if (base) {
    const ready = (await listReady(beginning.deps.db, [ticketIdOf(base)])).get(ticketIdOf(base));
    if (ready) beginning.standsOn = ready;
    else waits.push({ ticket: base, until: 'ready' });
  }
  return waits;
}

function parentsOf({ relations }: Ticket): string[] {
  return relations.filter(({ type }) => type === 'parent').map(({ ticket }) => ticket.id);
}

/** What the ticket says, else the ticket that it is a part of, else the configuration. */
export async function stagesOf(
  db: Database,
  ticket: Ticket,
  own: string | null,
  fields: FieldNames,
  configured: Stages,
): Promise<Stages> {
  const said = readStages(own);
  if (said) return said;
  for (const { type, ticket: parent } of ticket.relations) {
    const reading = type === 'parent' ? await readReading(db, ticketIdOf(parent)) : null;
    const theirs = reading && readStages(readFacts(reading, fields).stages);
    if (theirs) return theirs;
  }
  return configured;
}

function isAmong(blocker: TicketHint, waits: Wait[] = []): boolean {
  return waits.some(({ ticket }) => ticketIdOf(ticket) === ticketIdOf(blocker));
}

function askOfCircle({ ids, words }: Circle, inCircle: TicketHint[]): Outcome {
  const message =
    `I cannot begin: ${words}. Each would wait for ever. Remove one of these relations and say "continue"; ` +
    'or just say "continue", and I begin here without waiting.';
  const waits = inCircle.map((ticket): Wait => ({ ticket, until: 'over' }));
  return { stopReason: 'needsInput', message, options: ['continue'], waits, circle: ids };
}

function writeWaiting(waits: Wait[], circle: Circle | null): string {
  const over = waits.filter(({ until }) => until === 'over').map(({ ticket }) => ticket);
  const ready = waits.filter(({ until }) => until === 'ready').map(({ ticket }) => ticket);
  const until = [
    over.length === 0 ? '' : `until ${nameTickets(over)} ${over.length === 1 ? 'is' : 'are'} done`,
    ready.length === 0 ? '' : `until ${nameTickets(ready)} has a pull request`,
  ].filter((part) => part !== '');
  const never = circle === null ? '' : `${neverEnds(circle)} `;
  return `I wait ${until.join(', and ')}; then I begin by myself. ${never}Say "continue" to have me begin anyway.`;
}

export function neverEnds({ words }: Circle): string {
  return `But ${words}: that does not end by itself, one of these relations must go.`;
}
