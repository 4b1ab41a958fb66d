import type { TrackerEvent } from '../../core/delivery.ts';
import type { Tracker } from '../tracker.ts';
import { checkSites } from './check.ts';
import type { Desks as ReadingDesks } from './desks.ts';
import { idOf, refOf } from './hint.ts';
import { createNews } from './news.ts';
import { isOwn } from './people.ts';
import { readAttachment } from './reading/attachments.ts';
import { isOnlyHint, isUrgent, readEvents, touchedIn } from './reading/delivery.ts';
import { isAsked } from './reading/is-asked.ts';
import { listTeams } from './reading/list-teams.ts';
import { listTickets } from './reading/list-tickets.ts';
import { readMarkings } from './reading/markings.ts';
import { createReadAgain } from './reading/read-again.ts';
import { readTicket } from './reading/read-ticket.ts';
import { searchTickets } from './reading/search-tickets.ts';
import { suggestRepositories } from './reading/suggest-repositories.ts';
import { type DeliverySecrets, verifyDelivery } from './reading/verify-delivery.ts';
import { createWholeIssues } from './reading/whole-issues.ts';
import { siteOf } from './sites.ts';
import { fileTicket } from './writing/file-ticket.ts';
import { createMemory } from './writing/memory.ts';
import { gatherMs, sendOperations } from './writing/send.ts';
import { standingIn } from './writing/standing.ts';

const learnWithinMs = 60_000;

/** Jira, with all sites that are connected, as the agent sees it. */
export function createJiraTracker(
  options: Omit<ReadingDesks, 'now'> & {
    /** What deliveries are signed with. */
    secrets: DeliverySecrets;
  },
): Tracker {
  const { secrets, ...places } = options;
  const { sites } = places;
  const reading: ReadingDesks = { ...places, now: Date.now };
  const [memory, news] = [createMemory(), createNews()];
  const wholeIssues = createWholeIssues(reading, memory.now, async ({ site, issue, answer }, asked) => {
    const own = await site.own(AbortSignal.timeout(learnWithinMs));
    const ticketId = idOf(site.host, issue.id);
    memory.seeIssue(ticketId, standingIn(answer, own), (account) => isOwn(account, own), asked);
    news.read(ticketId);
  });
  const readAgain = createReadAgain(reading, wholeIssues.findAhead);
  const writing = { ...places, memory, news };
  let isLearning = false;

  /** Which account is ours is asked in the background: nobody who reads an event can wait. */
  function learn(): void {
    if (isLearning) return;
    isLearning = true;
    const signal = AbortSignal.timeout(learnWithinMs);
    sites
      .all(signal)
      .then((all) => Promise.all(all.map((site) => site.own(signal))))
      .catch(() => {
        isLearning = false;
      });
  }
  learn();

  /** Searches know of it later, and what we knew of the issue may have been changed. What nobody has signed spares no look. */
  function hear(body: Uint8Array, isBodySigned: boolean): void {
    const told = touchedIn(reading, body);
    if (!told) return;
    const { site, issueId, isMoved, moves } = told;
    const ticketId = idOf(site.host, issueId);
    site.touch(issueId);
    if (isMoved) memory.takeStanding(ticketId);
    if (isBodySigned) news.delivered(site.host, ticketId, moves);
  }

  /** What was just given to the agent is about to be read. */
  function expectReading(events: TrackerEvent[]): TrackerEvent[] {
    for (const { ticket } of isUrgent(events) ? events : []) if (!wholeIssues.has(ticket.id)) news.given(ticket.id);
    return events;
  }

  return {
    kind: 'jira',
    source: 'jira',
    gatherMs,

    verifyDelivery(headers, body) {
      const { isBodySigned, ...verified } = verifyDelivery(secrets, headers, body, Date.now());
      learn();
      hear(body, isBodySigned);
      const isHint = isOnlyHint(reading, body, isBodySigned);
      return { ...verified, isUrgent: isUrgent(readEvents(reading, body)), isHint };
    },

    readEvents(delivery) {
      learn();
      hear(delivery.body, false);
      return expectReading(readEvents(reading, delivery.body));
    },

    readAgain: async (delivery, signal) => expectReading(await readAgain(delivery.body, signal)),

    async readTicket(hint, signal, { mayBeOld = false } = {}) {
      const known = wholeIssues.take(hint.id);
      const found = (mayBeOld ? known : undefined) ?? (await wholeIssues.find(hint, signal));
      return readTicket(reading, hint, signal, found);
    },
    readAttachment: (hint, id, signal) => readAttachment(reading, hint, id, signal),

    async send(hint, operations, signal) {
      const sent = await sendOperations(writing, hint, operations, signal);
      const ref = refOf(hint);
      if (ref) siteOf(sites.known(), hint)?.touch(ref.issueId);
      return sent;
    },

    createTicket: (filing, signal) => fileTicket(writing, filing, signal),
    listTickets: (query, cursor, signal, closed) => listTickets(reading, query, cursor, signal, closed),
    searchTickets: (words, limit, signal) => searchTickets(reading, words, limit, signal),
    listTeams: (signal) => listTeams(reading, signal),
    isAsked: (hint, signal) => isAsked(reading, hint, signal),
    readMarkings: (hint, since, signal) => readMarkings(reading, hint, since, signal),
    suggestRepositories: (hint, candidates, signal) => suggestRepositories(reading, hint, candidates, signal),
    check: () => checkSites(reading),
  };
}
