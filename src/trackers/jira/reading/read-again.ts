import { isSpoken, type Spoken, type TrackerEvent } from '../../../core/delivery.ts';
import { isOver } from '../../../core/ticket.ts';
import type { Desks } from '../desks.ts';
import { JiraError } from '../errors.ts';
import { personOf } from '../people.ts';
import type { Site } from '../sites.ts';
import { categoryOf } from '../states.ts';
import { isTaking } from './change.ts';
import { isOfKnownSite, readCommentNode, readEvents, type SaidComment, touchedIn } from './delivery.ts';
import { type Found, findIssue, type IssueName } from './find-issue.ts';
import { isAsked } from './is-asked.ts';
import { readMarkings } from './markings.ts';

type Changed = TrackerEvent & { type: 'ticketChanged' };
type Taken = TrackerEvent & { type: 'unassigned' };

/** Jira tells of one comment twice, within moments: it is asked for once. */
const knownForMs = 10_000;
/** What is not there so soon after it was told may yet come. */
const comesWithinMs = 5_000;

/**
 * What deliveries mean by what stands in Jira now, in one request where they tell of what a person wrote: whom a comment is
 * from, what it says and so whether it calls the agent; else whether the issue is the agent's, or calls it, and who marked it how.
 * What is gone, or is for some people only, means nothing. Throws `VendorError`.
 */
export function createReadAgain(
  desks: Desks,
  findWhole: (hint: IssueName, signal: AbortSignal) => Promise<Found>,
): (bytes: Uint8Array, signal: AbortSignal) => Promise<TrackerEvent[]> {
  const known = new Map<string, { at: number; comment: Promise<SaidComment | null> }>();

  function readComment(site: Site, issueId: string, spoken: Spoken, signal: AbortSignal): Promise<SaidComment | null> {
    const id = spoken.said.key;
    for (const [key, { at }] of known) if (desks.now() - at > knownForMs) known.delete(key);
    const key = `${site.host}/${issueId}/${id}`;
    const comment = known.get(key)?.comment ?? askFor(site, issueId, spoken, signal);
    if (!known.has(key)) {
      known.set(key, { at: desks.now(), comment });
      const forget = () => known.delete(key);
      comment.then((found) => found ?? forget(), forget);
    }
    return comment;
  }

  /** Of one that calls the agent all of the issue is asked for: whoever works on it reads that next. null: there is none, or not for us. */
  async function askFor(site: Site, issueId: string, spoken: Spoken, signal: AbortSignal): Promise<SaidComment | null> {
    const id = spoken.said.key;
    if (spoken.type === 'sessionCreated') {
      const found = await unlessGone(findWhole(spoken.ticket, signal));
      const there = found?.issue.fields.comment?.comments.find((each) => each.id === id);
      if (there) return there;
    }
    const asked = { issueIdOrKey: issueId, id };
    return readCommentNode(await unlessGone(site.client.on(signal).issueComments.getComment(asked)));
  }

  return async (bytes, signal) => {
    const touched = isOfKnownSite(desks, bytes) ? touchedIn(desks, bytes) : await findTouched(desks, bytes, signal);
    if (!touched) return [];
    const { site, issueId, at, history } = touched;
    await site.own(signal);
    const told = readEvents(desks, bytes);
    const spoken = told.find(isSpoken);
    if (spoken) {
      const comment = await readComment(site, issueId, spoken, signal);
      if (comment) return readEvents(desks, bytes, comment);
      if (Math.abs(desks.now() - at) < comesWithinMs) throw notYet(site);
      return [];
    }
    const confirmed: TrackerEvent[] = [];
    for (const event of told) {
      if (event.type === 'ticketChanged') {
        const standing = isOver(event.category) ? await withTrueState(desks, event, signal) : event;
        confirmed.push(await withTrueMarking(desks, standing, signal));
      } else if (event.type === 'unassigned') confirmed.push(...(await asTaken(desks, event, history, signal)));
      else if (event.type !== 'sessionCreated' || (await isTrue(desks, event, signal))) confirmed.push(event);
    }
    return confirmed;
  };
}

/** On a site that let us in just now, or could not be reached before. Throws where it may be one that cannot be reached. */
async function findTouched(desks: Desks, bytes: Uint8Array, signal: AbortSignal) {
  await desks.sites.all(signal);
  const touched = touchedIn(desks, bytes);
  const [away] = touched ? [] : ((await desks.sites.lost?.()) ?? []);
  if (away) throw away;
  return touched;
}

/** Whether an issue is the agent's, as somebody's event says. */
async function isTrue(
  desks: Desks,
  { ticket, by }: TrackerEvent & { type: 'sessionCreated' },
  signal: AbortSignal,
): Promise<boolean> {
  if (by.isBot) return true; // it gives no work
  return (await unlessGone(isAsked(desks, ticket, signal))) ?? false;
}

/** Where it is told to be over: one that is gone is. */
async function withTrueState(desks: Desks, event: Changed, signal: AbortSignal): Promise<Changed> {
  const wanted = { fields: ['status', 'resolution'] };
  const found = await unlessGone(findIssue(desks.sites, event.ticket, wanted, signal));
  if (!found) return event;
  const { status, resolution } = found.issue.fields;
  return { ...event, category: categoryOf(status, desks.states, resolution) };
}

/** Who took an issue from the agent, and when, by that entry of its history; `[]`: nobody did. */
async function asTaken(desks: Desks, event: Taken, history: string, signal: AbortSignal): Promise<Taken[]> {
  const wanted = { fields: ['summary'], expand: ['changelog'] };
  const found = await unlessGone(findIssue(desks.sites, event.ticket, wanted, signal));
  if (!found) return [event];
  const { site, issue } = found;
  const own = await site.own(signal);
  const entry = issue.changelog?.histories.find(
    ({ id, items }) => id === history && items.some((item) => isTaking(item, own, desks.label)),
  );
  return entry ? [{ ...event, at: entry.created, by: personOf(entry.author, own) }] : [];
}

/** Who marked an issue, and how, as its history has it. */
async function withTrueMarking(
  desks: Desks,
  { marking: told, ...event }: Changed,
  signal: AbortSignal,
): Promise<Changed> {
  if (!told || event.by.isBot) return event;
  const all = await unlessGone(readMarkings(desks, event.ticket, new Date(0).toISOString(), signal));
  const found = all?.find(({ key }) => key === told.key);
  if (!found) return event;
  const { at, by, ...marking } = found;
  return { ...event, at, by, marking };
}

/** null: it is gone, or not for us. */
async function unlessGone<T>(asked: Promise<T>): Promise<T | null> {
  return asked.catch((error: unknown) => {
    if (error instanceof JiraError && (error.code === 'not_found' || error.status === 403)) return null;
    throw error;
  });
}

function notYet({ host }: Site): JiraError {
  return new JiraError(`Jira (${host}) does not show yet what it has just told of.`, {
    ...{ code: 'unavailable', retryable: true, status: 404 },
  });
}
