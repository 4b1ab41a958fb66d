import {
  awaitedBy,
  findCircle,
  nameTickets,
  openBlockers,
  openChildren,
  readStages,
  type Stages,
  writeCircle,
} from '../core/dependencies.ts';
import type { Outcome, Wait } from '../core/outcome.ts';
import type { Ticket, TicketHint } from '../core/ticket.ts';
import { type FieldNames, readFacts } from '../core/ticket-facts.ts';
import { VendorError } from '../core/vendor-error.ts';
import type { Database } from '../store/database.ts';
import { readReading } from '../store/overviews.ts';
import { unreadPrompts } from '../store/prompts.ts';
import { sessionIdOf, ticketIdOf } from '../store/sessions.ts';
import { addOverrides, hasBegun, lastOutcome, listOverridden, listReady } from '../store/waits.ts';
import type { Tracker } from '../trackers/tracker.ts';
import type { Beginning } from './before-work.ts';
import type { NotPrepared } from './prepare.ts';

/** Of what blocks a ticket, and what blocks that, so many are read to find circles, so deep. */
const mostReads = 50;
const mostDeep = 10;

/**
 * A ticket that others block waits until they are over, and says for whom. Those that wait for each other in a circle would
 * do so for ever: people are asked.
 */
export async function waitForBlockers(beginning: Beginning): Promise<NotPrepared | null> {
  const { deps, run, session, ticket, facts } = beginning;
  const { db } = deps;
  if (openBlockers(ticket).length === 0) return null;
  // What is published already, or being worked on, is held up no more.
  if (session.headCommit !== null || (await hasBegun(db, run.id))) return null;
  const blockers = await notOverridden(db, ticket);
  if (blockers.length === 0) return null;
  const prompts = await unreadPrompts(db, session.id);
  const heard = prompts.map(({ id }) => id);
  const { names, readings, circle } = await lookAround(beginning, blockers);
  if (circle && circle.at(-1) === circle[0]) {
    const inCircle = blockers.filter((blocker) => ticketIdOf(blocker) === circle[1]);
    const asked = await lastOutcome(db, session.id);
    const wasTold = asked?.stopReason === 'needsInput' && inCircle.some((blocker) => isAmong(blocker, asked.waits));
    if (!wasTold || !prompts.some(({ signal }) => signal === 'continue'))
      return {
        outcome: askOfCircle(
          circle.map((id) => names.get(id) ?? id),
          inCircle,
        ),
        heard,
      };
    await addOverrides(db, session.id, inCircle);
    return waitForBlockers(beginning);
  }
  const mode = await stagesOf(db, ticket, facts.stages, deps.fields, deps.policy.stages);
  const waits = await whatFor(beginning, blockers, readings, mode);
  if (waits.length === 0) return null;
  const around = circle ? writeCircle(circle.map((id) => names.get(id) ?? id)) : null;
  return {
    outcome: { stopReason: 'waiting', message: writeWaiting(waits, around), options: ['continue'], waits },
    heard,
  };
}

/** The sessions of tickets that people have said shall begin anyway wait for nothing. */
async function notOverridden(db: Database, ticket: Ticket, from = openBlockers(ticket)): Promise<TicketHint[]> {
  const overridden = await listOverridden(db, sessionIdOf(ticket));
  return from.filter((blocker) => !overridden.has(ticketIdOf(blocker)));
}

interface Around {
  names: Map<string, string>;
  /** Of tickets that were read, by their ids. */
  readings: Map<string, Ticket>;
  circle: string[] | null;
}

/** What the blockers wait for themselves, read from the tracker, the nearest first. */
async function lookAround({ deps, ticket, signal }: Beginning, blockers: TicketHint[]): Promise<Around> {
  const start = ticketIdOf(ticket);
  const first = [...blockers, ...openChildren(ticket)];
  const names = new Map([ticket, ...first].map((each) => [ticketIdOf(each), each.identifier]));
  const readings = new Map<string, Ticket>();
  const awaited = new Map([[start, first.map(ticketIdOf)]]);
  let next = first;
  for (let depth = 0; depth < mostDeep && next.length > 0; depth++) {
    const further: TicketHint[] = [];
    for (const hint of next) {
      const id = ticketIdOf(hint);
      if (awaited.has(id) || readings.size >= mostReads) continue;
      const tracker = deps.trackers.get(hint.tracker);
      const reading = tracker && (await readIfThere(tracker, hint, signal));
      awaited.set(id, []);
      if (!reading) continue;
      readings.set(id, reading);
      const theirs = await notOverridden(deps.db, reading, awaitedBy(reading));
      awaited.set(id, theirs.map(ticketIdOf));
      for (const each of theirs) names.set(ticketIdOf(each), each.identifier);
      further.push(...theirs);
    }
    next = further;
  }
  return { names, readings, circle: findCircle(start, awaited) };
}

/** null: it is gone, or nothing that we may see. */
export async function readIfThere(tracker: Tracker, hint: TicketHint, signal: AbortSignal): Promise<Ticket | null> {
  return tracker.readTicket(hint, signal).catch((error: unknown) => {
    if (error instanceof VendorError && !error.retryable) return null;
    throw error;
  });
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

function askOfCircle(names: string[], inCircle: TicketHint[]): Outcome {
  const message =
    `I cannot begin: ${writeCircle(names)}. Each would wait for ever. Remove one of these relations and say "continue"; ` +
    'or just say "continue", and I begin here without waiting.';
  const waits = inCircle.map((ticket): Wait => ({ ticket, until: 'over' }));
  return { stopReason: 'needsInput', message, options: ['continue'], waits };
}

function writeWaiting(waits: Wait[], circle: string | null): string {
  const over = waits.filter(({ until }) => until === 'over').map(({ ticket }) => ticket);
  const ready = waits.filter(({ until }) => until === 'ready').map(({ ticket }) => ticket);
  const until = [
    over.length === 0 ? '' : `until ${nameTickets(over)} ${over.length === 1 ? 'is' : 'are'} done`,
    ready.length === 0 ? '' : `until ${nameTickets(ready)} has a pull request`,
  ].filter((part) => part !== '');
  const never = circle === null ? '' : ` But ${circle}: that does not end by itself, one of these relations must go.`;
  return `I wait ${until.join(', and ')}; then I begin by myself.${never} Say "continue" to have me begin anyway.`;
}
