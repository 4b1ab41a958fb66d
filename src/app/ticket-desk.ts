import { readFile } from 'node:fs/promises';
import { type TicketDesk, type TicketStatus, Unreachable } from '../../mcp-servers/tickets/desk.ts';
import type { Config } from '../config.ts';
import { nameThem } from '../core/people.ts';
import { readSignal } from '../core/prompt-signal.ts';
import { Refusal } from '../core/refusal.ts';
import { hintOf, isOver, type Person, type Ticket, type TicketHint } from '../core/ticket.ts';
import { builtInForm, FormError, readForm } from '../core/ticket-form.ts';
import { writeTicketText } from '../core/ticket-text.ts';
import { describeStanding, openQuestion, type WorkStanding } from '../core/work-standing.ts';
import { findTicket, trackerOf } from '../flow/find-ticket.ts';
import { createHiding } from '../flow/hide-in-capture.ts';
import { openTaken } from '../flow/open-taken.ts';
import { readIfThere } from '../flow/read-if-there.ts';
import { sayOnTicket } from '../flow/say-on-ticket.ts';
import { mayGiveOrders, speakers } from '../flow/strangers.ts';
import { takeTicket } from '../flow/take-ticket.ts';
import { type AlertDeps, type CaptureDeps, fileNamed, makeTicket, type SortDeps } from '../flow.ts';
import { orAborted } from '../lib/abort.ts';
import { isDatabaseUnavailable } from '../lib/database-error.ts';
import { deterministicId } from '../lib/ids.ts';
import { readAttention } from '../store/attention.ts';
import { capturesOf, type StoredCapture } from '../store/captures.ts';
import type { Sessions } from '../store/session-view.ts';
import { findSession, sessionIdOf } from '../store/sessions.ts';
import { byPreference } from '../trackers/definition.ts';
import { mustBeFollowed, quiet } from './say.ts';

export type { TicketDesk };
export type TicketDeskDeps = SortDeps & Pick<AlertDeps, 'until' | 'alerts'> & { config: Config; sessions: Sessions };

/** What `ticketStatus` tells of nothing in particular. */
const recent = { days: 7, limit: 10 };
/** A tracker that is slower than that is left out of what is told. */
const stateMs = 1_500;

/** What one person can do with tickets from where they work. */
export function createTicketDesk({ config, sessions, ...sorting }: TicketDeskDeps, by: Person): TicketDesk {
  const deps: AlertDeps = { ...sorting, ...quiet, ...captureSettings(sorting, config) };
  const { db, trackers, tracker: preferred } = deps;
  const find = (identifier: string, signal: AbortSignal) => findTicket(trackers, preferred, identifier, signal);

  return whileAway({
    makeTicket: (capture, signal) =>
      capture.from ? fileNamed(deps, capture, by, signal) : makeTicket(deps, capture, by, signal),

    async searchTickets(words, limit, signal) {
      const found = await trackerOf(trackers, preferred).searchTickets(words, Math.min(limit, 50), signal);
      return found.map(({ hint, state }) => ({ ...named(hint), state: state.name }));
    },

    async getTicket(identifier, signal) {
      const ticket = await find(identifier, signal);
      return { ...named(ticket), state: ticket.state.name, text: writeTicketText(ticket) };
    },

    async assignTicket(identifier, signal) {
      mustBeFollowed(deps, by);
      const ticket = await find(identifier, signal);
      const name = ticket.identifier;
      if (isOver(ticket.state.category))
        return `${name} is over (${ticket.state.name}), so it was not given to the agent. Reopen it first.`;
      if (ticket.assignee?.isBot && (await isGiven(deps, ticket)))
        return `${name} is the agent's already: ${(await statusOf(ticket, ticket)).work}.`;
      // Another id for each time that it is to be taken: it may have been given back meanwhile.
      const id = deterministicId('desk/take', ticket.tracker, ticket.id, ticket.updatedAt);
      const taken = await takeTicket(deps, hintOf(ticket), id, signal);
      if ('skipped' in taken) return `${name} was not given to the agent: ${taken.skipped}`;
      deps.failpoint('desk/taken');
      await openTaken(deps, hintOf(ticket), taken.at, { by, isOurs: async () => true, settle: async () => {} });
      return `${name} is the agent's now; it begins at once. ${ticket.url}`;
    },

    async commentOnTicket({ id, identifier, text }, signal) {
      if (text.trim() === '') throw new Refusal('The comment is empty. Say something.');
      const ticket = await find(identifier, signal);
      const hiding = createHiding(config.secrets);
      const body = await hiding.hide(text, 'the comment');
      const said = {
        ...{ key: `desk/${by.id}/${id}`, by, body, signal: readSignal(body, deps.name) },
        shown: `${by.name}, from an editor: ${body}`,
      };
      const { isHeard } = await sayOnTicket(deps, hintOf(ticket), said, signal);
      const what = isHeard ? 'Said on' : 'Written on';
      return [
        `${what} ${ticket.identifier}${isHeard ? '; the agent hears it' : ''}. ${ticket.url}`,
        ...(mayGiveOrders(deps.policy, by)
          ? []
          : [`The agent does not go by it: orders are taken from ${nameThem(speakers(deps.policy), 'and')} only.`]),
        ...hiding.notes(),
      ].join(' ');
    },

    async ticketStatus(identifier, signal) {
      if (identifier !== null) {
        const ticket = await find(identifier, signal);
        return [await statusOf(ticket, ticket)];
      }
      const looking = AbortSignal.any([signal, AbortSignal.timeout(stateMs)]);
      const captures = await capturesOf(db, by.id, recent);
      return Promise.all(captures.map((capture) => statusOfCapture(capture, looking)));
    },
  });

  async function statusOfCapture(capture: StoredCapture, signal: AbortSignal): Promise<TicketStatus> {
    const { hint, state, reason, draft, addition } = capture;
    if (hint && state === 'filed') {
      const tracker = trackers.get(hint.tracker);
      const reading = tracker ? orAborted(readIfThere(tracker, hint, signal), signal) : Promise.resolve(undefined);
      return statusOf(hint, await reading.catch(() => undefined));
    }
    const because = reason === null ? '' : `: ${reason}`;
    return {
      identifier: hint?.identifier ?? addition?.to ?? 'no ticket yet',
      title: draft.title,
      url: hint?.url ?? '',
      state: state === 'refused' ? 'refused' : 'being filed',
      work: state === 'refused' ? `it was refused${because}` : `kept, and filed as soon as it can be${because}`,
      ...{ question: null, pullRequest: null, page: null },
    };
  }

  /** `now`: null where the ticket is gone, undefined where it cannot be read. */
  async function statusOf(hint: TicketHint, now: Ticket | null | undefined): Promise<TicketStatus> {
    const view = await sessions.view(hint.identifier);
    const work = view && (await isGiven(deps, hint)) ? view : null;
    const standing: WorkStanding | null = work && {
      ...work,
      place: await sessions.place(work.id),
      outcome: work.runs.at(-1)?.outcome ?? null,
    };
    return {
      ...named(now ?? hint),
      state: now ? now.state.name : now === null ? 'gone' : 'not known now',
      work: describeStanding(standing, now?.assignee ?? null, now ? isOver(now.state.category) : now === null),
      question: openQuestion(standing),
      pullRequest: work?.pullRequest?.url ?? null,
      page: work?.page ?? null,
    };
  }
}

/** While the database is away nothing has arrived: whoever asks may keep it and send it again. */
function whileAway(desk: TicketDesk): TicketDesk {
  const explained = (error: unknown): never => {
    if (isDatabaseUnavailable(error)) throw new Unreachable('The database is away. Try again in a moment.');
    throw error;
  };
  return {
    makeTicket: (capture, signal) => desk.makeTicket(capture, signal).catch(explained),
    searchTickets: (words, limit, signal) => desk.searchTickets(words, limit, signal).catch(explained),
    getTicket: (identifier, signal) => desk.getTicket(identifier, signal).catch(explained),
    assignTicket: (identifier, signal) => desk.assignTicket(identifier, signal).catch(explained),
    commentOnTicket: (comment, signal) => desk.commentOnTicket(comment, signal).catch(explained),
    ticketStatus: (identifier, signal) => desk.ticketStatus(identifier, signal).catch(explained),
  };
}

/** Whether it was given to the agent, and not taken away since. */
async function isGiven({ db }: Pick<SortDeps, 'db'>, hint: TicketHint): Promise<boolean> {
  const session = await findSession(db, sessionIdOf(hint));
  return session !== null && (await readAttention(db, session.id)).registers.given;
}

function named({ identifier, title, url }: TicketHint) {
  return { identifier, title, url };
}

/** What the configuration says of what people bring. */
export function captureSettings(
  { trackers }: Pick<SortDeps, 'trackers'>,
  { makeTicket, fields, routes, secrets }: Config,
): Omit<CaptureDeps, keyof SortDeps | 'until'> {
  return {
    tracker: makeTicket.tracker ?? byPreference([...trackers.keys()])[0] ?? 'board',
    assign: makeTicket.assign,
    form: () => readTeamsForm(makeTicket.template),
    fields,
    routes,
    secrets,
  };
}

/** A form that cannot be used keeps nobody from filing a ticket. */
async function readTeamsForm(path: string | null): Promise<Awaited<ReturnType<CaptureDeps['form']>>> {
  if (path === null) return { form: readForm(builtInForm), notes: [] };
  try {
    return { form: readForm(await readFile(path, 'utf8')), notes: [] };
  } catch (error) {
    const isUnread = error instanceof Error && 'code' in error;
    if (!isUnread && !(error instanceof FormError)) throw error;
    const note = `makeTicket.template cannot be used, so the built-in form was: ${error.message}`;
    return { form: readForm(builtInForm), notes: [note] };
  }
}
